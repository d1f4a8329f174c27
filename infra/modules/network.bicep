// The network option: a subnet for the function, and a private endpoint for its storage.

@description('Ends every name.')
param suffix string

@description('Where it is made.')
param location string

@description('Put on everything.')
param tags object

@description('Who the subnet of the function is delegated to: it goes by hosting plan.')
param delegation 'Microsoft.App/environments' | 'Microsoft.Web/serverFarms'

var zoneName = 'privatelink.blob.${environment().suffixes.storage}'

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: 'vnet-${suffix}'
  location: location
  tags: tags
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
  tags: tags

  resource link 'virtualNetworkLinks' = {
    name: 'to-network'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: network.id }
    }
  }
}

@description('Id of the subnet that the function sends from.')
output functionSubnetId string = network::outbound.id

@description('Id of the subnet of private endpoints.')
output endpointSubnetId string = network::endpoints.id

@description('Id of the zone in which the private endpoint is registered.')
output zoneId string = zone.id
