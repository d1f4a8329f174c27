// What an operator must know, from the function's own log and the host's: docs/operations.md says what each means and who acts.

import { Common } from 'shared.bicep'

@description('Where it is made, under which names and tags.')
param common Common

@description('Id of Application Insights.')
param componentId string

@description('Id of the workspace, which counts what it takes a day.')
param workspaceId string

@description('Client id of the approval page; empty where there is none.')
param approvalClientId string

@description('Whether there is an approval page.')
param approvalPage bool

@description('Who is told; empty for nobody, then the alerts are only to be seen in the portal.')
param emailAddress string

// Only the rules that concern what is deployed are made: there is no approval without an approval page.
//
// Each rule runs every 5 minutes over the last 15: a record that reaches the log late is not missed. It may be counted in
// three windows. Most read the audit record. A call without a tenant_id has no valid signature and counts for no alert on
// failures: strangers cannot raise one. What lasts until somebody corrects it never resolves by itself, as calls, and so
// records, may be rare: it is told again every six hours while they come, and closed by hand.
var lasting = ['misconfigured', 'credential', 'quota']
var completed = 'traces | where message startswith "update_profile.completed" | extend event = parse_json(substring(message, 25))'
var ofAUser = '${completed} | where isnotempty(tostring(event.tenant_id))'
var rules = [
  {
    name: 'misconfigured'
    description: 'Every call is refused: a setting or the registration is wrong. The operator acts.'
    severity: 1
    threshold: 0
    query: '${completed} | where tostring(event.code) == "misconfigured" and tostring(event.reason) != "credential"'
  }
  {
    name: 'credential'
    description: 'Entra ID refuses the credential (7000222: the secret has expired), a new certificate cannot be used, or the identity endpoint fails. The operator acts.'
    severity: 1
    threshold: 0
    query: 'union (${completed} | where tostring(event.reason) in ("credential", "identity_endpoint")), (traces | where message startswith "update_profile.bad_certificate")'
  }
  {
    name: 'tenant'
    description: 'An allowed tenant lacks the application: its administrator consents, or the client id is wrong.'
    severity: 2
    threshold: 0
    query: '${ofAUser} | where tostring(event.reason) == "application_missing"'
  }
  {
    name: 'unexpected'
    description: 'A fault of the function itself. The operator reports it.'
    severity: 2
    threshold: 0
    query: 'traces | where message startswith "update_profile.unexpected"'
  }
  {
    name: 'host'
    description: 'The host itself met an exception: the worker died, hung or did not start. The function raises none. The operator acts.'
    severity: 2
    threshold: 0
    // Anybody can send a body that is too large or too slow for the host: that is no alert.
    query: 'exceptions | where innermostType !endswith "BadHttpRequestException"'
  }
  {
    // A cold process cannot verify any token then, so no call has a tenant_id and failures stays silent. Strangers cannot raise
    // it: their tokens cause a fetch, but Entra ID alone makes it fail.
    name: 'keys'
    description: 'Entra ID does not give its signing keys. A process that holds none refuses every call; held keys serve for a day more. operations.md says how to tell.'
    severity: 2
    threshold: 2
    query: 'traces | where message startswith "update_profile.keys_not_renewed" and message !has "misconfigured"'
  }
  {
    name: 'failures'
    description: 'A burst of failures of Entra ID or Partner Center. Usually nobody can act; operations.md says how to tell.'
    severity: 2
    threshold: 10
    query: '${ofAUser} | where toint(event.status) >= 500 and tostring(event.code) !in ("misconfigured", "unexpected", "entra_throttled")'
  }
  {
    name: 'throttled'
    description: 'Entra ID or Partner Center asks to wait, again and again: somebody calls too often.'
    severity: 3
    threshold: 10
    query: '${ofAUser} | where tostring(event.code) in ("entra_throttled", "partner_center_throttled")'
  }
  {
    // Not a fault: whoever runs the function sees each profile that was written by the page, or may have been.
    name: 'approval'
    description: 'A support profile was changed on the approval page, or may have been. The operator compares it with the ticket.'
    severity: 3
    threshold: 0
    query: '${ofAUser} | where tostring(event.client_id) == "<ENTRA_APPROVAL_CLIENT_ID>" and tostring(event.operation) in ("post", "put", "patch") and tostring(event.validate_only) != "true" and tostring(event.code) in ("ok", "partner_center_timeout")'
  }
  {
    name: 'quota'
    description: 'The daily cap of the log is reached: until the next day no call is recorded. The operator raises it, and finds out who calls so much.'
    severity: 1
    threshold: 0
    query: '_LogOperation | where Category =~ "Ingestion" | where Detail contains "OverQuota"'
  }
]

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(emailAddress)) {
  name: 'ag-${common.suffix}'
  location: 'global'
  tags: common.tags
  properties: {
    groupShortName: 'updprofile'
    enabled: true
    emailReceivers: [
      { name: 'operator', emailAddress: emailAddress, useCommonAlertSchema: true }
    ]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in filter(rules, one => approvalPage || one.name != 'approval'): {
    name: 'alert-${rule.name}-${common.suffix}'
    location: common.location
    tags: common.tags
    kind: 'LogAlert'
    properties: {
      displayName: 'update-profile: ${rule.name}'
      description: rule.description
      severity: rule.severity
      enabled: true
      scopes: [rule.name == 'quota' ? workspaceId : componentId]
      skipQueryValidation: true // the tables come with the first record, after the rule
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      autoMitigate: !contains(lasting, rule.name)
      ...(contains(lasting, rule.name) ? { muteActionsDuration: 'PT6H' } : {})
      criteria: {
        allOf: [
          {
            query: rule.name == 'approval' ? replace(rule.query, '<ENTRA_APPROVAL_CLIENT_ID>', approvalClientId) : rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: rule.threshold
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: empty(emailAddress) ? [] : [group.id] }
    }
  }
]
