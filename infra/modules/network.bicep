// The network option: a subnet for the function, and the storage account's private endpoint with its name in DNS (without
// the zone group nobody would find it). The function waits for all of it, as it starts from that storage.

import { Common } from 'shared.bicep'

@description('Where it is made, under which names and tags.')
param common Common

@description('Who the subnet of the function is delegated to: it goes by hosting plan.')
param delegation 'Microsoft.App/environments' | 'Microsoft.Web/serverFarms'

@description('Id of the storage account.')
param accountId string

var zoneName = 'privatelink.blob.${environment().suffixes.storage}'

// Subnets are resources of their own: a network deployed again without naming any keeps those that it has (API 2023-11-01 and later),
// and so what somebody has added.
resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: 'vnet-${common.suffix}'
  location: common.location
  tags: common.tags
  properties: {
    addressSpace: { addressPrefixes: ['10.10.0.0/23'] }
  }

  resource outbound 'subnets' = {
    name: 'snet-function'
    properties: {
      addressPrefix: '10.10.0.0/24'
      delegations: [{ name: 'function', properties: { serviceName: delegation } }]
    }
  }

  resource endpoints 'subnets' = {
    name: 'snet-endpoints'
    dependsOn: [outbound] // two subnets at once are refused
    properties: { addressPrefix: '10.10.1.0/24' }
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: zoneName
  location: 'global'
  tags: common.tags

  resource link 'virtualNetworkLinks' = {
    name: 'to-network'
    location: 'global'
    tags: common.tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: network.id }
    }
  }
}

resource endpoint 'Microsoft.Network/privateEndpoints@2024-07-01' = {
  name: 'pep-blob-${common.suffix}'
  location: common.location
  tags: common.tags
  properties: {
    subnet: { id: network::endpoints.id }
    privateLinkServiceConnections: [
      {
        name: 'blob'
        properties: {
          privateLinkServiceId: accountId
          groupIds: ['blob']
        }
      }
    ]
  }

  resource registered 'privateDnsZoneGroups' = {
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [{ name: 'blob', properties: { privateDnsZoneId: zone.id } }]
    }
  }
}

@description('Id of the subnet that the function sends from.')
output functionSubnetId string = network::outbound.id
