// The endpoint that updates a Partner Center support profile on behalf of the user who asks: the function, its
// identity without a secret, its app registration, its log and its alerts. infra/README.md tells the choices.

targetScope = 'resourceGroup'

import { clouds, Credential, OtherScope, OtherSettings, Scale } from 'modules/shared.bicep'

@description('Name of this deployment: dev, prod. A part of every name.')
@minLength(2)
@maxLength(64)
param environmentName string

@description('Where everything is made.')
@metadata({ azd: { type: 'location' } })
param location string = resourceGroup().location

@description('The national cloud of Partner Center and Entra ID. Microsoft Cloud Germany closed on 2021-10-29.')
param cloud 'global' | 'usgov' | 'china' = 'global'

@description('Flex Consumption, or Elastic Premium where that is not offered: Azure Government, 21Vianet.')
param hostingPlan 'FlexConsumption' | 'ElasticPremium' = 'FlexConsumption'

@description('How many instances, how large (Flex Consumption alone).')
param scale Scale = {
  instanceMemoryMB: 2048
  maximumInstanceCount: 40
  alwaysReadyHttp: 0
  perInstanceConcurrency: 32
}

@description('Whether the function runs in several zones of the region (Flex Consumption alone): at least two instances are then always ready, and storage is spread over the zones too. Choose it at the first deployment.')
param zoneRedundant bool = false

@description('The tenants whose users may call.')
@minLength(1)
param allowedTenants string[] = [tenant().tenantId]

@description('Client ids of the applications that may call. Empty: any application of an allowed tenant.')
param callerClientIds string[] = []

@description('Application ID URIs of your own, such as api://contoso.com/update-profile: audiences that tokens may name, beside the client id. A registration that is made here bears them too.')
param applicationIdUris string[] = []

@description('Scopes that the registration bears beside the required one, while callers move from one to another (docs/operations.md has the steps).')
param otherScopes OtherScope[] = []

@description('Client id of an app registration made by an administrator; empty to make one here, through Microsoft Graph.')
param existingClientId string = ''

@description('Whether the app registration also makes the service principal of Partner Center, which some tenants lack.')
param createPartnerCenterPrincipal bool = false

@description('Application id of Partner Center. That of other clouds is not confirmed.')
param partnerCenterAppId string = 'fa3d9a0c-3fb0-42cc-9193-47c7ecd2edbd'

@description('Id of the delegated permission user_impersonation. That of other clouds is not confirmed.')
param partnerCenterPermissionId string = '1cebfa2a-fb4d-419e-b5f9-839b4383e05a'

@description('What proves to Entra ID that it is this function. Only the managed identity needs no secret.')
param credential Credential = { kind: 'managedIdentity' }

@description('Settings of the function that are to differ from their defaults.')
param otherSettings OtherSettings = {}

@description('Whether App Service authentication stands before the function. It needs callerClientIds, and knows one tenant.')
param appServiceAuthentication bool = false

@description('Whether the function serves the approval page, on which a person signs in and approves what a sender without a user proposes.')
param approvalPage bool = false

@description('Host names beside the function\'s own, such as custom domains, that the approval page is opened under.')
param approvalHostNames string[] = []

@description('Whether only users and groups that are assigned to the approval page may sign in there. Assigning them is an administrator\'s act.')
param approvalAssignmentRequired bool = false

@description('Client id of an app registration of the approval page made by an administrator; empty to make one here. With existingClientId the page needs it.')
param existingApprovalClientId string = ''

@description('Whether storage is reached through a private endpoint alone.')
param privateNetwork bool = false

@description('Object id of who uploads the package into the container (Elastic Premium alone: on Flex Consumption the identity of the function does); empty where that role is given otherwise.')
param deployerPrincipalId string = ''

@description('What kind of principal that is.')
param deployerPrincipalType 'User' | 'ServicePrincipal' = 'User'

@description('Who is told of alerts; empty for nobody.')
param alertEmailAddress string = ''

@description('How long the log is kept, and with it the audit trail.')
@minValue(30)
@maxValue(730)
param logRetentionInDays int = 365

@description('How much log a day is taken at most, in GB; -1 for any. Beyond it nothing is kept until the next day, audit records neither, and the alert quota says so.')
@minValue(-1)
param logDailyCapGB int = 5

@description('Put on everything.')
param tags { *: string } = {}

var token = toLower(uniqueString(subscription().id, resourceGroup().id, environmentName))
var plainName = take(replace(replace(toLower(environmentName), '_', '-'), '.', '-'), 20)
var common = { suffix: '${plainName}-${token}', location: location, tags: { 'azd-env-name': environmentName, ...tags } }
var requiredScope = otherSettings.?ENTRA_REQUIRED_SCOPE ?? 'user_impersonation'
var makesRegistration = empty(existingClientId) ? (cloud == 'global' ? true : fail('Graph in Bicep is not offered in this cloud: give existingClientId (infra/README.md says how to make one).')) : false
var authenticates = appServiceAuthentication ? (empty(callerClientIds) || length(allowedTenants) > 1 ? fail('appServiceAuthentication needs callerClientIds, or any application would pass, and knows one tenant alone.') : true) : false
var azureCloud = environment().name == clouds[cloud].azure ? cloud : fail('cloud must be the one that is deployed to: a managed identity is trusted in its own cloud alone.')
var makesApprovalRegistration = approvalPage && empty(existingApprovalClientId) ? (makesRegistration ? true : fail('approvalPage with existingClientId needs existingApprovalClientId: the page has a registration of its own (infra/README.md says how to make it).')) : false
var approvalClientId = approvalPage ? (makesApprovalRegistration ? registration!.outputs.approvalClientId : existingApprovalClientId) : ''
var approvalAddresses = map(concat([function.outputs.hostName], approvalHostNames), host => 'https://${host}/api/approve')
var clientId = makesRegistration ? registration!.outputs.clientId : existingClientId
var audiences = union([clientId, 'api://${clientId}'], makesRegistration ? [registration!.outputs.identifierUri] : [], applicationIdUris)
var spansZones = zoneRedundant ? (hostingPlan == 'FlexConsumption' ? true : fail('zoneRedundant is of Flex Consumption alone here.')) : false

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${common.suffix}'
  location: location
  tags: common.tags
}

module registration 'modules/app-registration.bicep' = if (makesRegistration) {
  params: {
    uniqueName: 'update-profile-${common.suffix}'
    displayName: 'Update support profile (${environmentName})'
    isMultiTenant: length(allowedTenants) > 1
    principalId: identity.properties.principalId
    federatedAudience: clouds[cloud].federatedAudience
    scope: requiredScope
    otherScopes: otherScopes
    applicationIdUris: applicationIdUris
    callerClientIds: callerClientIds
    hostName: function.outputs.hostName
    approvalPage: approvalPage
    approvalAddresses: approvalAddresses
    approvalAssignmentRequired: approvalAssignmentRequired
    existingApprovalClientId: existingApprovalClientId
    partnerCenterAppId: partnerCenterAppId
    partnerCenterPermissionId: partnerCenterPermissionId
    createPartnerCenterPrincipal: createPartnerCenterPrincipal
  }
}

module monitoring 'modules/monitoring.bicep' = {
  params: {
    common: common
    principalId: identity.properties.principalId
    retentionInDays: logRetentionInDays
    dailyCapGB: logDailyCapGB
  }
}

module alerts 'modules/alerts.bicep' = {
  params: {
    common: common
    componentId: monitoring.outputs.componentId
    workspaceId: monitoring.outputs.workspaceId
    approvalPage: approvalPage
    approvalClientId: approvalClientId
    emailAddress: alertEmailAddress
  }
}

module storage 'modules/storage.bicep' = {
  params: {
    common: common
    name: 'st${take(replace(plainName, '-', ''), 8)}${token}'
    principalId: identity.properties.principalId
    uploaderPrincipalType: deployerPrincipalType
    uploaderPrincipalId: hostingPlan == 'ElasticPremium' ? deployerPrincipalId : ''
    zoneRedundant: spansZones
    workspaceId: monitoring.outputs.workspaceId
    isPrivate: privateNetwork
  }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  params: {
    common: common
    accountId: storage.outputs.accountId
    delegation: hostingPlan == 'FlexConsumption' ? 'Microsoft.App/environments' : 'Microsoft.Web/serverFarms'
  }
}

module function 'modules/function.bicep' = {
  params: {
    common: common
    hostingPlan: hostingPlan
    scale: scale
    zoneRedundant: spansZones
    identityId: identity.id
    containerUrl: storage.outputs.containerUrl
    workspaceId: monitoring.outputs.workspaceId
    functionSubnetId: privateNetwork ? network!.outputs.functionSubnetId : ''
  }
}

module settings 'modules/settings.bicep' = {
  params: {
    siteName: function.outputs.name
    hostingPlan: hostingPlan
    identityId: identity.id
    identityClientId: identity.properties.clientId
    blobEndpoint: storage.outputs.blobEndpoint
    containerUrl: storage.outputs.containerUrl
    componentName: monitoring.outputs.componentName
    clientId: clientId
    audiences: audiences
    allowedTenants: allowedTenants
    callerClientIds: callerClientIds
    requiredScope: requiredScope
    approvalClientId: approvalClientId
    cloud: azureCloud
    credential: credential
    otherSettings: otherSettings
  }
}

module authentication 'modules/authentication.bicep' = if (authenticates) {
  params: {
    siteName: settings.outputs.siteName
    tenantId: allowedTenants[0]
    clientId: clientId
    audiences: audiences
    callerClientIds: callerClientIds
    approvalPage: approvalPage
    approvalClientId: approvalClientId
  }
}

@description('Name of the function app.')
output AZURE_FUNCTION_NAME string = function.outputs.name
@description('Where callers send.')
output UPDATE_PROFILE_URL string = 'https://${function.outputs.hostName}/api/update_profile'
@description('Where a person approves a proposal: #email=…&telephone=…&website=… goes behind it. Empty: there is no page.')
output APPROVAL_URL string = approvalPage ? 'https://${function.outputs.hostName}/api/approve' : ''
@description('Client id that callers ask a token for.')
output ENTRA_CLIENT_ID string = clientId
@description('Scope that callers ask for.')
output ENTRA_SCOPE string = '${audiences[0]}/${requiredScope}'
@description('Object id of the managed identity: the subject of the federated credential.')
output IDENTITY_PRINCIPAL_ID string = identity.properties.principalId
@description('Flex Consumption takes the package itself, Elastic Premium from the container: scripts/deploy-package does either.')
output HOSTING_PLAN string = hostingPlan
@description('Name of the storage account that the package is uploaded to.')
output STORAGE_ACCOUNT_NAME string = storage.outputs.accountName
