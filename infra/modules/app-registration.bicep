// The app registration through Microsoft Graph: its own scope, Partner Center's permission, and trust in the managed
// identity. There is no secret, and nobody consents here: that is an administrator's act (docs/operations.md).

extension microsoftGraphV1

import { OtherScope, withSlash } from 'shared.bicep'

@description('The stable key of the registration in its tenant.')
param uniqueName string

@description('What administrators see.')
param displayName string

@description('Whether users of other tenants may be signed in.')
param isMultiTenant bool

@description('Object id of the managed identity whose tokens stand in for a secret.')
param principalId string

@description('What such a token must be made for; it goes by cloud, and the code asks for the same.')
param federatedAudience string

@description('Scope that callers ask for.')
param scope string

@description('Scopes that it bears beside that one.')
param otherScopes OtherScope[]

@description('Application ID URIs that it bears beside its own.')
param applicationIdUris string[]

@description('Host name of the function app.')
param hostName string

@description('Client ids of the applications that may call without asking the user for consent.')
param callerClientIds string[]

@description('Application id of Partner Center.')
param partnerCenterAppId string

@description('Id of its delegated permission user_impersonation.')
param partnerCenterPermissionId string

@description('Whether to make the service principal of Partner Center, which some tenants lack.')
param createPartnerCenterPrincipal bool

var scopes = concat([{ value: scope, state: 'preAuthorized' }], otherScopes)
var preAuthorized = filter(scopes, one => one.state == 'preAuthorized')
var identifierUri = 'api://${tenant().tenantId}/${uniqueName}'

resource application 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  signInAudience: isMultiTenant ? 'AzureADMultipleOrgs' : 'AzureADMyOrg'
  identifierUris: union([identifierUri], applicationIdUris)
  web: {
    // After an administrator has consented, Entra ID sends the browser there; without any it shows AADSTS500113.
    redirectUris: ['https://${hostName}/api/health']
    implicitGrantSettings: { enableAccessTokenIssuance: false, enableIdTokenIssuance: false }
  }
  api: {
    requestedAccessTokenVersion: 2
    oauth2PermissionScopes: [
      for one in scopes: {
        id: guid(uniqueName, one.value)
        value: one.value
        type: 'User'
        isEnabled: one.state != 'disabled'
        adminConsentDisplayName: 'Update the support profile as the user'
        adminConsentDescription: 'Lets an application update the Partner Center support profile as the signed-in user.'
        userConsentDisplayName: 'Update the support profile as you'
        userConsentDescription: 'Lets an application update the Partner Center support profile as you.'
      }
    ]
    preAuthorizedApplications: [
      for clientId in callerClientIds: {
        appId: clientId
        delegatedPermissionIds: map(preAuthorized, one => guid(uniqueName, one.value))
      }
    ]
  }
  requiredResourceAccess: [
    {
      resourceAppId: partnerCenterAppId
      resourceAccess: [{ id: partnerCenterPermissionId, type: 'Scope' }]
    }
  ]

  resource managedIdentity 'federatedIdentityCredentials@v1.0' = {
    name: '${application.uniqueName}/managed-identity'
    issuer: '${withSlash(environment().authentication.loginEndpoint)}${tenant().tenantId}/v2.0'
    subject: principalId
    audiences: [federatedAudience]
    description: 'The managed identity of the function stands in for a secret.'
  }
}

resource principal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: application.appId
}

resource partnerCenter 'Microsoft.Graph/servicePrincipals@v1.0' = if (createPartnerCenterPrincipal) {
  appId: partnerCenterAppId
}

@description('Client id of the function.')
output clientId string = application.appId

@description('Application ID URI, which some tokens name as their audience.')
output identifierUri string = identifierUri
