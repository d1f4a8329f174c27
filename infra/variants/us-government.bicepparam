// Azure Government: Elastic Premium, a registration made by an administrator, and a certificate for a credential.

using '../main.bicep'

param environmentName = 'prod'
param cloud = 'usgov'
param hostingPlan = 'ElasticPremium'
param existingClientId = '55555555-5555-4555-8555-555555555555'
param credential = {
  kind: 'certificate'
  path: '/var/ssl/private/update-profile.pem'
  passwordReference: '@Microsoft.KeyVault(VaultName=kv-update-profile;SecretName=certificate-password)'
}
