// The plan and the function app: nobody's keys, nobody's passwords, no FTP; its settings are given whole.

import { Scale } from 'shared.bicep'

@description('Ends every name.')
param suffix string

@description('Where it is made.')
param location string

@description('Put on everything.')
param tags object

@description('Flex Consumption, or Elastic Premium where that is not offered.')
param hostingPlan 'FlexConsumption' | 'ElasticPremium'

@description('The Python that runs; the package is built with the same.')
param pythonVersion string

@description('How many instances, how large (Flex Consumption alone).')
param scale Scale

@description('Id of the user-assigned identity.')
param identityId string

@description('Client id of that identity.')
param identityClientId string

@description('Name of the storage account.')
param storageAccountName string

@description('Name of the container that the package is deployed to.')
param containerName string

@description('Name of Application Insights.')
param componentName string

@description('Id of the workspace.')
param workspaceId string

@description('The subnet to send from; empty for none.')
param functionSubnetId string

@description('The settings of the function itself.')
param functionSettings { *: string }

var isFlex = hostingPlan == 'FlexConsumption'
var storageSettings = {
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__blobServiceUri: account.properties.primaryEndpoints.blob
}
var logSettings = {
  APPLICATIONINSIGHTS_CONNECTION_STRING: component.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
}
// Flex Consumption has these elsewhere, and ignores or refuses them here. Elastic Premium would keep its content in a
// file share, which needs a key: it runs the package from the container instead, fetched by the identity.
var planSettings = isFlex
  ? {}
  : {
      FUNCTIONS_EXTENSION_VERSION: '~4'
      FUNCTIONS_WORKER_RUNTIME: 'python'
      WEBSITE_RUN_FROM_PACKAGE: '${account.properties.primaryEndpoints.blob}${containerName}/update-profile.zip'
      WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID: identityId
    }
var alwaysReady = scale.alwaysReadyHttp > 0 ? [{ name: 'http', instanceCount: scale.alwaysReadyHttp }] : []

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageAccountName
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${suffix}'
  location: location
  tags: tags
  kind: isFlex ? 'functionapp' : 'elastic'
  sku: isFlex ? { name: 'FC1', tier: 'FlexConsumption' } : { name: 'EP1', tier: 'ElasticPremium' }
  properties: { reserved: true }
}

resource site 'Microsoft.Web/sites@2024-11-01' = {
  name: 'func-${suffix}'
  location: location
  tags: union(tags, { 'azd-service-name': 'update-profile' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
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
              value: '${account.properties.primaryEndpoints.blob}${containerName}'
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

  resource settings 'config' = {
    name: 'appsettings'
    properties: {
      ...functionSettings
      ...storageSettings
      ...logSettings
      ...planSettings
      AzureWebJobsDisableHomepage: 'true'
    }
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

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: site
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

@description('Name of the function app.')
output name string = site.name

@description('Host name of the function app.')
output hostName string = site.properties.defaultHostName
