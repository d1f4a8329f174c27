// The storage account's private endpoint, and its name in DNS: without the zone group nobody would find it.

@description('Ends every name.')
param suffix string

@description('Where it is made.')
param location string

@description('Put on everything.')
param tags object

@description('Id of the storage account.')
param accountId string

@description('Id of the subnet it stands in.')
param subnetId string

@description('Id of the private DNS zone.')
param zoneId string

resource endpoint 'Microsoft.Network/privateEndpoints@2024-07-01' = {
  name: 'pep-blob-${suffix}'
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
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
      privateDnsZoneConfigs: [{ name: 'blob', properties: { privateDnsZoneId: zoneId } }]
    }
  }
}
