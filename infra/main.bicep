// Everything that runs the offboarding backend in one Azure subscription. `azd up` deploys it: docs/deploy.md.
// Parameters come from main.parameters.json, which takes them from the azd environment.

targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the azd environment; part of the resource group\'s name.')
param environmentName string

@minLength(1)
@description('Where everything runs; a region that offers Flex Consumption.')
param location string

// Microsoft 365: whom the app works for, and how it signs in.

@description('Client id of the multi-tenant app registration that is used in every tenant.')
param m365ClientId string

@description('Comma-separated ids of the tenants that the app may work in.')
param m365Tenants string = ''

@description('Id of a partner\'s tenant, whose GDAP customers the app may work in, too.')
param m365PartnerTenant string = ''

@allowed(['certificate', 'managed-identity'])
@description('How the app signs in. SharePoint wants the certificate.')
param m365Credential string = 'certificate'

@description('Name of the certificate in the vault.')
param m365CertificateName string = 'microsoft365'

// Access: who may call the app, and what they may do.

@allowed(['function-key', 'app-service', 'static-web-apps'])
@description('Who says who is calling.')
param authMode string = 'function-key'

@description('With app-service: client id of the app registration that callers get tokens for.')
param portalClientId string = ''

@description('With app-service: id of the tenant whose people sign in; that of the subscription where it is empty.')
param portalTenant string = ''

@description('Origin under which callers reach the app; that of the function app where it is empty.')
param publicUrl string = ''

@allowed(['reader', 'operator', 'admin'])
param functionKeyRole string = 'operator'
param accessRoles string = 'reader=reader,operator=operator,admin=admin,readonly=reader,editor=operator,superadmin=admin'
param accessTenants string = '*=all'
param deleteUserAllowedTo string = 'admin,key'
param bulkAllowedTo string = 'admin,key'
param bulkLimit int = 20
param protectedUsers string = ''

// Limits.

param giveUpAfterMinutes int = 30
param maxUsersPerRequest int = 100
param maxRunsPerTenant int = 3
param maxPerTenantAndHour int = 100
param retentionDays int = 365

@description('How long after an offboarding it is looked whether the person still has access: 0h,24h,7d; empty: never.')
param accessCheckAfter string = '0h,24h,7d'

@description('What licenses are worth to the reports of tenants, by part number: SPE_E3=35.70,MCOEV=7.50.')
param licencePrices string = ''

// Notifications.

@description('Names of settings that stand in the vault, comma-separated: NOTIFICATION_KEY, NOTIFICATION_SECRET_...')
param vaultSettings string = ''
param notificationLink string = ''
param mailTenant string = ''
param mailSender string = ''

// Running it.

@description('Name of the Durable task hub; a new one starts without the history of the old.')
param taskHub string = 'Offboarding'
param tickSchedule string = '0 * * * * *'
param retentionSchedule string = '0 30 3 * * *'

@minValue(1)
@description('Activities that one instance works on at the same time.')
param activitiesAtOnce int = 16

@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
@description('Redundancy of the offboardings\' own data.')
param dataStorageSku string = 'Standard_ZRS'

@minValue(30)
@maxValue(730)
param logRetentionDays int = 90

@description('Who gets an e-mail when an alert fires.')
param alertEmail string = ''

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}
// Azure's Python worker runs activities, orchestrator turns and requests in one pool: with no more threads than activities,
// busy activities keep every turn waiting.
var workerThreads = 2 * activitiesAtOnce
var packageContainer = 'deployments'

// Libraries that would be traced by themselves: addresses of webhooks hold secrets, and their receivers need not know
// our trace ids. The app makes its own spans.
var disabledInstrumentations = 'azure_sdk,django,fastapi,flask,httpx,httpx2,psycopg2,requests,urllib,urllib3'

var certificateReference = '@Microsoft.KeyVault(VaultName=${vault.outputs.name};SecretName=${m365CertificateName})'

// Every setting that the app reads (shared/app/settings.py); app.bicep adds those that only the function app knows.
var settings = {
  AzureWebJobsStorage__accountName: hostStorage.outputs.name
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.outputs.clientId
  AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions: string(activitiesAtOnce)
  PYTHON_THREADPOOL_THREAD_COUNT: string(workerThreads)
  PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
  OTEL_PYTHON_DISABLED_INSTRUMENTATIONS: disabledInstrumentations
  OTEL_TRACES_SAMPLER: 'always_on'
  AzureWebJobsDisableHomepage: 'true'
  TASK_HUB: taskHub
  TICK_SCHEDULE: tickSchedule
  RETENTION_SCHEDULE: retentionSchedule
  OFFBOARDING_STORAGE__tableServiceUri: dataStorage.outputs.tableEndpoint
  OFFBOARDING_STORAGE__clientId: identity.outputs.clientId
  AUTH_MODE: authMode
  FUNCTION_KEY_ROLE: functionKeyRole
  ACCESS_ROLES: accessRoles
  ACCESS_TENANTS: accessTenants
  DELETE_USER_ALLOWED_TO: deleteUserAllowedTo
  BULK_ALLOWED_TO: bulkAllowedTo
  BULK_LIMIT: string(bulkLimit)
  PROTECTED_USERS: protectedUsers
  M365_TENANTS: m365Tenants
  M365_PARTNER_TENANT: m365PartnerTenant
  M365_CLIENT_ID: m365ClientId
  M365_CERTIFICATE: m365Credential == 'certificate' ? certificateReference : ''
  M365_MANAGED_IDENTITY_CLIENT_ID: m365Credential == 'managed-identity' ? identity.outputs.clientId : ''
  GIVE_UP_AFTER_MINUTES: string(giveUpAfterMinutes)
  MAX_USERS_PER_REQUEST: string(maxUsersPerRequest)
  MAX_RUNS_PER_TENANT: string(maxRunsPerTenant)
  MAX_PER_TENANT_AND_HOUR: string(maxPerTenantAndHour)
  RETENTION_DAYS: string(retentionDays)
  ACCESS_CHECK_AFTER: accessCheckAfter
  LICENCE_PRICES: licencePrices
  NOTIFICATION_KEY: ''
  NOTIFICATION_LINK: notificationLink
  MAIL_TENANT: mailTenant
  MAIL_SENDER: mailSender
}

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-offboarding-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: 'log-offboarding-${token}'
    insightsName: 'appi-offboarding-${token}'
    location: location
    tags: tags
    retentionInDays: logRetentionDays
  }
}

// The host's keys and leases, the deployment package, the Durable task hub: all of it can be made again.
module hostStorage 'modules/storage.bicep' = {
  name: 'host-storage'
  scope: group
  params: {
    name: 'sthost${token}'
    location: location
    tags: tags
    sku: 'Standard_LRS'
    containers: [packageContainer]
  }
}

// The offboardings, their outcomes and audit records: what must not be lost.
module dataStorage 'modules/storage.bicep' = {
  name: 'data-storage'
  scope: group
  params: {
    name: 'stdata${token}'
    location: location
    tags: tags
    sku: dataStorageSku
    workspaceId: monitoring.outputs.workspaceId
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    principalId: identity.outputs.principalId
    hostStorageName: hostStorage.outputs.name
    dataStorageName: dataStorage.outputs.name
    vaultName: vault.outputs.name
    insightsName: monitoring.outputs.insightsName
  }
}

module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  params: {
    name: 'func-offboarding-${token}'
    planName: 'plan-offboarding-${token}'
    location: location
    tags: tags
    serviceName: 'offboarding'
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    vaultName: vault.outputs.name
    insightsName: monitoring.outputs.insightsName
    packageContainerUrl: '${hostStorage.outputs.blobEndpoint}${packageContainer}'
    settings: settings
    vaultSettings: vaultSettings
    publicUrl: publicUrl
    authMode: authMode
    portalClientId: portalClientId
    portalTenant: empty(portalTenant) ? tenant().tenantId : portalTenant
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
  }
  // The app cannot start before its identity may read the storage and the vault.
  dependsOn: [
    roles
  ]
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    email: alertEmail
  }
}

// azd keeps these in the environment: `azd env get-values`. API_URL is the origin that callers use; PUBLIC_URL, the
// variable, may be empty.
output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output FUNCTION_APP_NAME string = app.outputs.name
output FUNCTION_APP_URL string = app.outputs.url
output API_URL string = empty(publicUrl) ? app.outputs.url : publicUrl
output KEY_VAULT_NAME string = vault.outputs.name
output CERTIFICATE_NAME string = m365CertificateName
output IDENTITY_CLIENT_ID string = identity.outputs.clientId
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output HOST_STORAGE_NAME string = hostStorage.outputs.name
output DATA_STORAGE_NAME string = dataStorage.outputs.name
output LOG_WORKSPACE_NAME string = monitoring.outputs.workspaceName
