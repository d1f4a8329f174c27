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

@description('Whether there is an approval page.')
param approvalPage bool

@description('Where people are sent back to after they have signed in on the approval page.')
param approvalAddresses string[]

@description('Whether only those who are assigned may sign in on the approval page.')
param approvalAssignmentRequired bool

@description('Client id of a registration of the approval page that an administrator has made; empty to make it here.')
param existingApprovalClientId string

@description('Application id of Partner Center.')
param partnerCenterAppId string

@description('Id of its delegated permission user_impersonation.')
param partnerCenterPermissionId string

@description('Whether to make the service principal of Partner Center, which some tenants lack.')
param createPartnerCenterPrincipal bool

var scopes = concat([{ value: scope, state: 'preAuthorized' }], otherScopes)
var makesPage = approvalPage && empty(existingApprovalClientId)
var preAuthorized = filter(scopes, one => one.state == 'preAuthorized')
var preAuthorizedIds = map(preAuthorized, one => guid(uniqueName, one.value))
// Graph refuses an application that stands there twice. A page that is made here has an id that nobody could give before.
var others = filter(callerClientIds, one => !approvalPage || toLower(one) != toLower(existingApprovalClientId))
var callers = map(others, one => { appId: one, delegatedPermissionIds: preAuthorizedIds })
var identifierUri = 'api://${tenant().tenantId}/${uniqueName}'

// A registration of its own, without any credential: it can get a token for the required scope of this function and for
// nothing else. As an address of the function's own registration, a script on the page could ask for Partner Center's.
resource page 'Microsoft.Graph/applications@v1.0' = if (makesPage) {
  uniqueName: '${uniqueName}-approval'
  displayName: '${displayName}: approval page'
  signInAudience: isMultiTenant ? 'AzureADMultipleOrgs' : 'AzureADMyOrg'
  spa: { redirectUris: approvalAddresses }
  web: { implicitGrantSettings: { enableAccessTokenIssuance: false, enableIdTokenIssuance: false } }
}

resource pagePrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = if (makesPage) {
  appId: page!.appId
  appRoleAssignmentRequired: approvalAssignmentRequired
}

resource application 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  signInAudience: isMultiTenant ? 'AzureADMultipleOrgs' : 'AzureADMyOrg'
  identifierUris: union([identifierUri], applicationIdUris)
  optionalClaims: { accessToken: approvalPage ? [{ name: 'upn' }] : [] } // the page shows who has signed in
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
    preAuthorizedApplications: approvalPage
      ? concat(callers, [{ appId: makesPage ? page!.appId : existingApprovalClientId, delegatedPermissionIds: [guid(uniqueName, scope)] }])
      : callers
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

@description('Client id of the approval page that was made here; empty where none was.')
output approvalClientId string = makesPage ? page!.appId : ''
