// Azure Government: Elastic Premium, a registration made by an administrator, and a certificate for a credential, which was
// uploaded to the app: App Service puts it into a file named for its thumbprint.

using '../main.bicep'

param environmentName = 'prod'
param cloud = 'usgov'
param hostingPlan = 'ElasticPremium'
param existingClientId = '55555555-5555-4555-8555-555555555555'
param credential = {
  kind: 'certificate'
  thumbprint: '0123456789ABCDEF0123456789ABCDEF01234567'
  path: '/var/ssl/private/0123456789ABCDEF0123456789ABCDEF01234567.p12'
}
param logDailyCapGB = -1
