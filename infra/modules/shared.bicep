// What several modules need: the table of clouds, types of parameters, two functions.

// The same table as update_profile/clouds.py; a test compares them.
@export()
@description('What each cloud of Partner Center is called in Azure, and what a managed identity is trusted for there.')
var clouds = {
  global: { azure: 'AzureCloud', federatedAudience: 'api://AzureADTokenExchange' }
  usgov: { azure: 'AzureUSGovernment', federatedAudience: 'api://AzureADTokenExchangeUSGov' }
  china: { azure: 'AzureChinaCloud', federatedAudience: 'api://AzureADTokenExchangeChina' }
}

@export()
@description('Where things are made, what ends their names, and what tags they bear.')
@sealed()
type Common = {
  suffix: string
  location: string
  tags: { *: string }
}

@export()
@description('How many instances, how large, and how many calls each takes at once. Memory 512, 2048 or 4096 MB: 0.25, 1 or 2 cores.')
@sealed()
type Scale = {
  instanceMemoryMB: 512 | 2048 | 4096

  @minValue(40)
  @maxValue(1000)
  maximumInstanceCount: int

  @description('Instances that are always warm; 0 for none. They end the cold start and have a price of their own.')
  @minValue(0)
  alwaysReadyHttp: int

  @description('Calls that one instance takes at once. Without it Python gets one, and an instance for each call.')
  @minValue(1)
  @maxValue(1000)
  perInstanceConcurrency: int
}

@export()
@description('The managed identity as a federated credential: no secret at all.')
@sealed()
type ManagedIdentityCredential = {
  kind: 'managedIdentity'
}

@export()
@description('A certificate file. The password is a Key Vault reference, never the password itself.')
@sealed()
type CertificateCredential = {
  kind: 'certificate'
  path: string

  @description('Of a certificate that was uploaded to the app, which App Service then puts into a file (Elastic Premium alone).')
  thumbprint: string?

  @secure()
  passwordReference: string?
}

@export()
@description('A client secret, as a Key Vault reference (@Microsoft.KeyVault(…)), never the secret itself: the last resort.')
@sealed()
type SecretCredential = {
  kind: 'secret'

  @secure()
  reference: string
}

@export()
@discriminator('kind')
type Credential = ManagedIdentityCredential | CertificateCredential | SecretCredential

@export()
@description('A scope beside the required one. Graph refuses to make a scope and to pre-authorise callers for it in one change, and to remove one that is enabled: so it goes from new to preAuthorized, and at its end to disabled, a deployment each.')
@sealed()
type OtherScope = {
  @minLength(1)
  value: string

  state: 'new' | 'preAuthorized' | 'disabled'
}

@export()
@description('Settings of the function that have a default of their own; each only where it is to differ. README.md has the table.')
@sealed()
type OtherSettings = {
  ENTRA_REQUIRED_SCOPE: string?
  ENTRA_AUTHORITY_HOST: string?
  PARTNER_CENTER_BASE_URL: string?
  PARTNER_CENTER_SCOPE: string?
  PARTNER_CENTER_PROFILE_PATH: string?
  PARTNER_CENTER_READ_PATH: string?
  PARTNER_CENTER_VALIDATE_MFA: string?
  REQUEST_BUDGET_SECONDS: string?
  MAX_BODY_BYTES: string?
  SSL_CERT_FILE: string?
}

@export()
@description('The id of a built-in role.')
func roleId(role string) string => subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)

@export()
@description('The login address with one slash at its end: clouds differ in that.')
func withSlash(address string) string => endsWith(address, '/') ? address : '${address}/'
