// An administrator has made the registration; the template leaves Entra ID alone. Other settings differ.

using '../main.bicep'

param environmentName = 'prod'
param existingClientId = '55555555-5555-4555-8555-555555555555'
param otherSettings = {
  PARTNER_CENTER_PROFILE_PATH: '/v1/profiles/support'
  PARTNER_CENTER_VALIDATE_MFA: 'true'
  REQUEST_BUDGET_SECONDS: '8'
}
