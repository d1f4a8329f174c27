// The default: Flex Consumption, a registration of its own, the managed identity as the credential.

using '../main.bicep'

param environmentName = 'prod'
