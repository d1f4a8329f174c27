// App Service authentication before the function; one caller, who deploys may upload, somebody is told.

using '../main.bicep'

param environmentName = 'prod'
param callerClientIds = ['33333333-3333-4333-8333-333333333333']
param appServiceAuthentication = true
param deployerPrincipalId = '44444444-4444-4444-8444-444444444444'
param deployerPrincipalType = 'ServicePrincipal'
param alertEmailAddress = 'operator@contoso.example'
