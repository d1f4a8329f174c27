// The app settings, given whole: a deployment replaces what was there. The README's table tells the function's own.

import { Credential, OtherSettings } from 'shared.bicep'

@description('Name of the function app.')
param siteName string

@description('Flex Consumption, or Elastic Premium where that is not offered.')
param hostingPlan 'FlexConsumption' | 'ElasticPremium'

@description('Id of the user-assigned identity.')
param identityId string

@description('Client id of that identity.')
param identityClientId string

@description('Where the blobs of the storage account are; ends with a slash.')
param blobEndpoint string

@description('The container that the package is deployed to.')
param containerUrl string

@description('Name of Application Insights.')
param componentName string

@description('Client id of the function.')
param clientId string

@description('The audiences that tokens may name.')
param audiences string[]

@description('The tenants whose users may call.')
param allowedTenants string[]

@description('Client ids of the applications that may call; empty for any.')
param callerClientIds string[]

@description('Scope that callers ask for.')
param requiredScope string

@description('Client id of the approval page; empty where there is none.')
param approvalClientId string

@description('The national cloud.')
param cloud string

@description('What proves to Entra ID that it is this function.')
param credential Credential

@description('Settings that are to differ from their defaults.')
param otherSettings OtherSettings

var isFlex = hostingPlan == 'FlexConsumption'
var keyVaultReference = '@Microsoft.KeyVault('
// A blank setting counts as absent: the function then takes its own default.
var ownSettings = {
  ENTRA_CLIENT_ID: clientId
  ENTRA_ALLOWED_AUDIENCES: join(audiences, ',')
  ENTRA_ALLOWED_TENANTS: join(allowedTenants, ',')
  ...(empty(callerClientIds) ? {} : { ENTRA_ALLOWED_CLIENTS: join(callerClientIds, ',') })
  ENTRA_REQUIRED_SCOPE: requiredScope
  ENTRA_AUTHORITY_HOST: otherSettings.?ENTRA_AUTHORITY_HOST ?? ''
  ENTRA_APPROVAL_CLIENT_ID: approvalClientId
  PARTNER_CENTER_CLOUD: cloud
  PARTNER_CENTER_BASE_URL: otherSettings.?PARTNER_CENTER_BASE_URL ?? ''
  PARTNER_CENTER_SCOPE: otherSettings.?PARTNER_CENTER_SCOPE ?? ''
  PARTNER_CENTER_PROFILE_PATH: otherSettings.?PARTNER_CENTER_PROFILE_PATH ?? ''
  PARTNER_CENTER_READ_PATH: otherSettings.?PARTNER_CENTER_READ_PATH ?? ''
  PARTNER_CENTER_VALIDATE_MFA: otherSettings.?PARTNER_CENTER_VALIDATE_MFA ?? 'false'
  REQUEST_BUDGET_SECONDS: otherSettings.?REQUEST_BUDGET_SECONDS ?? '20'
  MAX_BODY_BYTES: otherSettings.?MAX_BODY_BYTES ?? '65536'
  ...(empty(otherSettings.?SSL_CERT_FILE) ? {} : { SSL_CERT_FILE: otherSettings.SSL_CERT_FILE! })
}
var identitySettings = credential.kind == 'managedIdentity' ? { ENTRA_MANAGED_IDENTITY_CLIENT_ID: identityClientId } : {}
var noReference = 'A secret is given as a Key Vault reference, never itself: @Microsoft.KeyVault(VaultName=…;SecretName=…).'
var secretSettings = credential.kind == 'secret'
  ? { ENTRA_CLIENT_SECRET: startsWith(credential.reference, keyVaultReference) ? credential.reference : fail(noReference) }
  : {}
var noUpload = 'Flex Consumption loads no uploaded certificate: leave credential.thumbprint out, or take ElasticPremium.'
var certificateSettings = credential.kind == 'certificate'
  ? {
      ENTRA_CLIENT_CERTIFICATE_PATH: credential.path
      ...(empty(credential.?passwordReference)
        ? {}
        : {
            ENTRA_CLIENT_CERTIFICATE_PASSWORD: startsWith(credential.passwordReference!, keyVaultReference)
              ? credential.passwordReference!
              : fail(noReference)
          })
      ...(empty(credential.?thumbprint) ? {} : { WEBSITE_LOAD_CERTIFICATES: isFlex ? fail(noUpload) : credential.thumbprint! })
    }
  : {}
var storageSettings = {
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__blobServiceUri: blobEndpoint
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
      WEBSITE_RUN_FROM_PACKAGE: '${containerUrl}/update-profile.zip'
      WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID: identityId
    }

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: siteName
}

resource settings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: site
  name: 'appsettings'
  properties: {
    ...ownSettings
    ...identitySettings
    ...certificateSettings
    ...secretSettings
    ...storageSettings
    ...logSettings
    ...planSettings
    AzureWebJobsDisableHomepage: 'true'
    // In bytes, 64 KiB above the largest MAX_BODY_BYTES. The default is 100 MiB, which host and worker hold in memory, several
    // times over, before the function can refuse.
    FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '1114112'
  }
}

@description('Name of the function app, once it has its settings.')
output siteName string = site.name
