// The option of App Service authentication: it lets none but bearer tokens for this function in. The function validates
// each token itself whatever this does (docs/adr/0003-who-validates-the-token.md).

import { withSlash } from 'shared.bicep'

@description('Name of the function app.')
param siteName string

@description('The tenant whose users may call.')
param tenantId string

@description('Client id of the function.')
param clientId string

@description('The audiences that tokens may name.')
param audiences string[]

@description('Client ids of the applications that may call.')
param callerClientIds string[]

@description('Whether there is an approval page.')
param approvalPage bool

@description('Client id of the approval page; empty where there is none.')
param approvalClientId string

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: siteName
}

resource authentication 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: site
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: true, runtimeVersion: '~1' }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'Return401' // a redirect to a sign-in page is nothing for a webhook
      // The page and what it loads, as who opens it has no token yet. Single paths: a wildcard would open whatever comes below.
      excludedPaths: approvalPage
        ? [
            '/api/health'
            '/api/openapi.json'
            '/api/approve'
            '/api/approve/api.js'
            '/api/approve/approve.css'
            '/api/approve/approve.js'
            '/api/approve/elements.js'
            '/api/approve/language.js'
            '/api/approve/proposal.js'
            '/api/approve/screens.js'
            '/api/approve/sign_in.js'
            '/api/approve/strings.en.js'
            '/api/approve/troubles.js'
          ]
        : ['/api/health', '/api/openapi.json']
    }
    httpSettings: { requireHttps: true }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: clientId
          openIdIssuer: '${withSlash(environment().authentication.loginEndpoint)}${tenantId}/v2.0'
        }
        validation: {
          allowedAudiences: audiences
          defaultAuthorizationPolicy: { allowedApplications: union([clientId], callerClientIds, approvalPage ? [approvalClientId] : []) }
        }
      }
    }
    login: { tokenStore: { enabled: false } }
  }
}
