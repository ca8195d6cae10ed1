// The function app on its Flex Consumption plan, with its settings and with App Service authentication.

param name string
param planName string
param location string
param tags object

@description('Name of the service in azure.yaml.')
param serviceName string

param identityId string
param identityClientId string
param vaultName string
param insightsName string

@description('Where the deployment package lies: a blob container of the host storage.')
param packageContainerUrl string

@description('Settings of the app that do not follow from what is made here.')
param settings object

@description('Names of settings NOTIFICATION_* that stand in the vault, comma-separated.')
param vaultSettings string

@description('Origin under which callers reach the app; that of the function app where it is empty.')
param publicUrl string

@description('Who says who is calling: function-key, app-service or static-web-apps.')
param authMode string

@description('Client id of the app registration that callers get tokens for, with app-service.')
param portalClientId string

@description('Id of the tenant whose people sign in, with app-service.')
param portalTenant string

param instanceMemoryMB int
param maximumInstanceCount int

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource site 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': serviceName })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    publicNetworkAccess: 'Enabled'
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        // Orchestrations with their activities, and HTTP functions, run on instances of their own. The timer has none
        // that is kept ready: it may start some seconds late.
        // Learn: "Azure Functions Flex Consumption plan hosting", per-function scaling.
        alwaysReady: [
          {
            name: 'durable'
            instanceCount: 1
          }
          {
            name: 'http'
            instanceCount: 1
          }
        ]
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
      }
    }
  }
}

// Deployments come with a Microsoft Entra token; nobody gets in with a publishing password. (This plan has no FTP.)
resource scmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: site
  name: 'scm'
  properties: {
    allow: false
  }
}

var vaultNames = map(split(vaultSettings, ','), entry => trim(entry))
var notificationNames = filter(vaultNames, entry => startsWith(entry, 'NOTIFICATION_'))

// Names in a vault have no underscore.
var notificationReferences = toObject(
  notificationNames,
  entry => entry,
  entry => '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=${replace(entry, '_', '-')})'
)

resource appSettings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: site
  name: 'appsettings'
  properties: union(settings, notificationReferences, {
    APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    PUBLIC_URL: empty(publicUrl) ? 'https://${site.properties.defaultHostName}' : publicUrl
  })
}

// With static-web-apps it is the link of the Static Web App that writes these settings: a deployment that wrote them,
// too, would cut the link. Until the link is made the app refuses to start in that mode.
// Tokens are checked, nobody is sent to a sign-in page: so no client secret is needed.
resource authentication 'Microsoft.Web/sites/config@2024-11-01' = if (authMode != 'static-web-apps') {
  parent: site
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: authMode == 'app-service'
    }
    globalValidation: {
      requireAuthentication: authMode == 'app-service'
      unauthenticatedClientAction: authMode == 'app-service' ? 'Return401' : 'AllowAnonymous'
      excludedPaths: [
        '/api/health'
      ]
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: authMode == 'app-service'
        registration: {
          clientId: portalClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${portalTenant}/v2.0'
        }
        validation: {
          allowedAudiences: [
            portalClientId
            'api://${portalClientId}'
          ]
        }
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
  dependsOn: [
    appSettings
  ]
}

output name string = site.name
output url string = 'https://${site.properties.defaultHostName}'
