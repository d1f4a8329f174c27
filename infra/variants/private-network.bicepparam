// Storage behind a private endpoint; several zones of the region; users of two tenants.

using '../main.bicep'

param environmentName = 'prod'
param privateNetwork = true
param allowedTenants = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']
param createPartnerCenterPrincipal = true
param zoneRedundant = true
param scale = {
  instanceMemoryMB: 512
  maximumInstanceCount: 40
  alwaysReadyHttp: 0
  perInstanceConcurrency: 16
}
