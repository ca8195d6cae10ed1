// What somebody should be told about, asked of Log Analytics. docs/operations.md says what to do then.
//
// The metrics are the app's own (docs/telemetry.md). Every query returns a row where something is wrong, and a rule
// fires when there is one.

param location string
param tags object
param workspaceId string

@description('Who gets an e-mail; nobody where it is empty, the alerts are then seen in the portal only.')
param email string

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-offboarding'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'offboarding'
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

// An orchestration that fails, not an offboarding that ends as Failed: a fault of this app or of the platform.
// Seen in any of three: the Durable extension's own error line, its span (distributed tracing V2), and an offboarding
// that was given up after six runs.
var failedOrchestrations = '''
union isfuzzy=true
    (AppTraces | where Message contains "(Orchestrator)' failed with an error"),
    (AppRequests | where Name startswith "orchestration:" and Success == false),
    (AppMetrics | where Name == "offboarding.ended" and tostring(Properties.reason) == "abandoned")
'''

// An hour is longer than a hundred people of one tenant wait for their turn. No data at all for fifteen minutes means
// that the timer does not run, or that the app does not start.
var oldestDue = '''
AppMetrics
| where Name == "offboarding.queue.oldest_due"
| summarize Ticks = count(), OldestSeconds = max(Sum)
| where Ticks == 0 or OldestSeconds > 3600
'''

// Lost runs are carried on by themselves, but something kills them: a worker out of memory, a crash in a library, a function
// over its time limit, or a new version that cannot replay them.
var lostRuns = '''
AppMetrics
| where Name == "offboarding.recovered"
| summarize Runs = sum(Sum) by Loss = tostring(Properties.loss)
| where Runs > 0
'''

var deadLetters = '''
AppMetrics
| where Name == "notification.deliveries" and tostring(Properties.result) == "dead"
| summarize Messages = sum(Sum) by Channel = tostring(Properties.channel)
| where Messages > 0
'''

// Some throttling is normal and waited for; this much makes steps give up (GIVE_UP_AFTER_MINUTES).
var throttling = '''
AppMetrics
| where Name == "microsoft365.throttled"
| summarize Requests = sum(Sum) by Service = tostring(Properties.service)
| where Requests > 100
'''

// A request is refused before anything is stored: this log line is all that tells of it.
var protectedPeople = '''
AppTraces
| extend line = parse_json(Message)
| where isnotempty(tostring(line.protection))
| summarize Attempts = count()
    by Operator = tostring(line.operator),
    Tenant = tostring(line.tenant),
    Person = tostring(line.person),
    Protection = tostring(line.protection)
'''

// Severity: 1 error, 2 warning, 3 informational.
var rules = [
  {
    name: 'failed-orchestrations'
    displayName: 'Offboarding: an orchestration failed'
    severity: 1
    query: failedOrchestrations
  }
  {
    name: 'oldest-due'
    displayName: 'Offboarding: due offboardings do not begin'
    severity: 1
    query: oldestDue
  }
  {
    name: 'lost-runs'
    displayName: 'Offboarding: runs were lost and carried on'
    severity: 2
    query: lostRuns
  }
  {
    name: 'dead-letters'
    displayName: 'Offboarding: a notification was given up'
    severity: 2
    query: deadLetters
  }
  {
    name: 'throttling'
    displayName: 'Offboarding: Microsoft 365 throttles much'
    severity: 3
    query: throttling
  }
  {
    name: 'protected-people'
    displayName: 'Offboarding: somebody tried to offboard a protected person'
    severity: 2
    query: protectedPeople
  }
]

resource alert 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = [
  for rule in rules: {
    name: rule.name
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.displayName
      enabled: true
      severity: rule.severity
      scopes: [
        workspaceId
      ]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      autoMitigate: true
      // The tables of a new workspace are empty, and may be unknown yet.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: empty(email) ? [] : [actionGroup.id]
      }
    }
  }
]
