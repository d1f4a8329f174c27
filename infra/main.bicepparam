// From the environment, for azd and for `az deployment group create --parameters infra/main.bicepparam` alike.
// What differs for good (hostingPlan, allowedTenants …) is written here.

using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'dev')
param deployerPrincipalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param deployerPrincipalType = readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'User')
param existingClientId = readEnvironmentVariable('ENTRA_CLIENT_ID_EXISTING', '')
param alertEmailAddress = readEnvironmentVariable('ALERT_EMAIL_ADDRESS', '')
