// The storage account of the Functions host and of the deployed package: no keys, nothing public.

import { Common, roleId } from 'shared.bicep'

@description('Name of the account: 3 to 24 small letters and digits.')
@minLength(3)
@maxLength(24)
param name string

@description('Where it is made, under which names and tags.')
param common Common

@description('Object id of the identity that the function runs as.')
param principalId string

@description('Object id of who uploads the package into the container; empty for nobody but the identity.')
param uploaderPrincipalId string

@description('What kind of principal that is.')
param uploaderPrincipalType 'User' | 'ServicePrincipal'

@description('Whether what is stored is spread over the zones of the region.')
param zoneRedundant bool

@description('Where what is done to blobs is logged.')
param workspaceId string

@description('Whether the account is reached through its private endpoint alone.')
param isPrivate bool

var storageBlobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var storageBlobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: common.location
  tags: common.tags
  kind: 'StorageV2'
  sku: { name: zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS' }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      defaultAction: isPrivate ? 'Deny' : 'Allow'
      bypass: 'AzureServices'
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      deleteRetentionPolicy: { enabled: true, days: 7 }
      containerDeleteRetentionPolicy: { enabled: true, days: 7 }
    }

    resource container 'containers' = {
      name: 'deployments'
      properties: { publicAccess: 'None' }
    }
  }
}

// The host keeps its locks and keys there, and fetches the package.
resource owner 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, principalId, storageBlobDataOwner)
  scope: account
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleId(storageBlobDataOwner)
  }
}

// A new assignment takes minutes to be in force: scripts/deploy-package waits for it.
resource uploader 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(uploaderPrincipalId)) {
  name: guid(account::blobs::container.id, uploaderPrincipalId, storageBlobDataContributor)
  scope: account::blobs::container
  properties: {
    principalId: uploaderPrincipalId
    principalType: uploaderPrincipalType == 'ServicePrincipal' ? 'ServicePrincipal' : 'User'
    roleDefinitionId: roleId(storageBlobDataContributor)
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: account::blobs
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

@description('Id of the account.')
output accountId string = account.id

@description('Name of the account.')
output accountName string = account.name

@description('Where its blobs are; ends with a slash.')
output blobEndpoint string = account.properties.primaryEndpoints.blob

@description('The container that the package is deployed to.')
output containerUrl string = '${account.properties.primaryEndpoints.blob}${account::blobs::container.name}'
