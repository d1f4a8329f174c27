// An administrator has made both registrations, the function's and the approval page's; the template leaves Entra ID alone.
// Other settings differ.

using '../main.bicep'

param environmentName = 'prod'
param existingClientId = '55555555-5555-4555-8555-555555555555'
param approvalPage = true
param existingApprovalClientId = '77777777-7777-4777-8777-777777777777'
param otherSettings = {
  PARTNER_CENTER_PROFILE_PATH: '/v1/profiles/support'
  PARTNER_CENTER_VALIDATE_MFA: 'true'
  REQUEST_BUDGET_SECONDS: '8'
}
