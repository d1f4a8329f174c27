// The plan and the function app: nobody's keys, nobody's passwords, no FTP. settings.bicep gives it its settings.

import { Common, Scale } from 'shared.bicep'

@description('Where it is made, under which names and tags.')
param common Common

@description('Flex Consumption, or Elastic Premium where that is not offered.')
param hostingPlan 'FlexConsumption' | 'ElasticPremium'

@description('How many instances, how large (Flex Consumption alone).')
param scale Scale

@description('Whether it runs in several zones (Flex Consumption alone).')
param zoneRedundant bool

@description('Id of the user-assigned identity.')
param identityId string

@description('The container that the package is deployed to.')
param containerUrl string

@description('Id of the workspace.')
param workspaceId string

@description('The subnet to send from; empty for none.')
param functionSubnetId string

var isFlex = hostingPlan == 'FlexConsumption'
var pythonVersion = '3.13' // the package is built with the same
// Several zones take two instances at least.
var alwaysReadyHttp = max(scale.alwaysReadyHttp, zoneRedundant ? 2 : 0)
var alwaysReady = alwaysReadyHttp > 0 ? [{ name: 'http', instanceCount: alwaysReadyHttp }] : []

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${common.suffix}'
  location: common.location
  tags: common.tags
  kind: isFlex ? 'functionapp' : 'elastic'
  sku: isFlex ? { name: 'FC1', tier: 'FlexConsumption' } : { name: 'EP1', tier: 'ElasticPremium' }
  properties: isFlex ? { reserved: true, zoneRedundant: zoneRedundant } : { reserved: true, maximumElasticWorkerCount: 20 }
}

resource site 'Microsoft.Web/sites@2024-11-01' = {
  name: 'func-${common.suffix}'
  location: common.location
  tags: union(common.tags, { 'azd-service-name': 'update-profile' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId // by default that of the system, which this app has not
    clientAffinityEnabled: false
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(functionSubnetId) ? null : functionSubnetId
    // Flex Consumption refuses most of siteConfig (error 51021): nothing more belongs here.
    siteConfig: isFlex
      ? { minTlsVersion: '1.2' }
      : { minTlsVersion: '1.2', scmMinTlsVersion: '1.2', ftpsState: 'Disabled', linuxFxVersion: 'Python|${pythonVersion}' }
    functionAppConfig: isFlex
      ? {
          deployment: {
            storage: {
              type: 'blobContainer'
              value: containerUrl
              authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
            }
          }
          runtime: { name: 'python', version: pythonVersion }
          scaleAndConcurrency: {
            instanceMemoryMB: scale.instanceMemoryMB
            maximumInstanceCount: scale.maximumInstanceCount
            alwaysReady: alwaysReady
            triggers: { http: { perInstanceConcurrency: scale.perInstanceConcurrency } }
          }
        }
      : null
  }

  resource publishingByFtp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource publishingByScm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }
}

// No logs: the category FunctionAppLogs would put every record, and so the audit trail, into the workspace a second time.
resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: site
  properties: {
    workspaceId: workspaceId
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

@description('Name of the function app.')
output name string = site.name

@description('Host name of the function app.')
output hostName string = site.properties.defaultHostName
