// Where Flex Consumption is not offered. Who deploys uploads the package into the container.

using '../main.bicep'

param environmentName = 'prod'
param hostingPlan = 'ElasticPremium'
param deployerPrincipalId = '44444444-4444-4444-8444-444444444444'
param deployerPrincipalType = 'ServicePrincipal'
