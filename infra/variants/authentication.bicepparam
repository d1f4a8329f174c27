// App Service authentication before the function; one caller, a scope that it is to move to, an Application ID URI of one's
// own; the approval page, for assigned people alone; somebody is told. Who deploys to Flex Consumption needs no role on storage.

using '../main.bicep'

param environmentName = 'prod'
param callerClientIds = ['33333333-3333-4333-8333-333333333333']
param appServiceAuthentication = true
param deployerPrincipalId = '44444444-4444-4444-8444-444444444444'
param deployerPrincipalType = 'ServicePrincipal'
param approvalPage = true
param approvalHostNames = ['support-profile.contoso.example']
param approvalAssignmentRequired = true
param applicationIdUris = ['api://contoso.example/update-profile']
param otherScopes = [{ value: 'SupportProfile.ReadWrite', state: 'new' }]
param alertEmailAddress = 'operator@contoso.example'
