// Where the function's log goes, a workspace and Application Insights, both without keys.

import { Common, roleId } from 'shared.bicep'

@description('Where it is made, under which names and tags.')
param common Common

@description('Object id of the identity that writes to the log.')
param principalId string

@description('How long the log is kept.')
@minValue(30)
@maxValue(730)
param retentionInDays int

@description('How much log a day is taken at most, in GB; -1 for any.')
@minValue(-1)
param dailyCapGB int

var monitoringMetricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: 'log-${common.suffix}'
  location: common.location
  tags: common.tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionInDays
    workspaceCapping: { dailyQuotaGb: dailyCapGB }
    features: { disableLocalAuth: true }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${common.suffix}'
  location: common.location
  tags: common.tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    IngestionMode: 'LogAnalytics'
    DisableLocalAuth: true
  }
}

resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(component.id, principalId, monitoringMetricsPublisher)
  scope: component
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleId(monitoringMetricsPublisher)
  }
}

@description('Id of the workspace.')
output workspaceId string = workspace.id

@description('Id of Application Insights.')
output componentId string = component.id

@description('Name of Application Insights.')
output componentName string = component.name
