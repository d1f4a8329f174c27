// 21Vianet: Elastic Premium, a registration made by an administrator, private network and all.

using '../main.bicep'

param environmentName = 'prod'
param cloud = 'china'
param hostingPlan = 'ElasticPremium'
param existingClientId = '55555555-5555-4555-8555-555555555555'
param privateNetwork = true
param credential = {
  kind: 'secret'
  reference: '@Microsoft.KeyVault(VaultName=kv-update-profile;SecretName=client-secret)'
}
