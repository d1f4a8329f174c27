// Where Flex Consumption is not offered.

using '../main.bicep'

param environmentName = 'prod'
param hostingPlan = 'ElasticPremium'
