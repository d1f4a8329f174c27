# Update the Partner Center support profile of your organization as the user who signs in on another device.
#
#     ./Update-SupportProfile.ps1 -Email help@contoso.com -Telephone '+1 425 555 0100' -Website www.contoso.com
#
# Needs PowerShell 7.4 or later and no module. NOT RUN by this repository's tests: there is no PowerShell in them.
# The environment names the function and the registration of this script (docs/api.md, "Get a token"):
# FUNCTION_URL, AUTHORITY, CLIENT_ID and SCOPE. The registration allows public client flows.

#Requires -Version 7.4
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Email,
    [Parameter(Mandatory)] [string] $Telephone,
    [Parameter(Mandatory)] [string] $Website,
    [switch] $DryRun
)
$ErrorActionPreference = 'Stop'
foreach ($name in 'FUNCTION_URL', 'AUTHORITY', 'CLIENT_ID', 'SCOPE') {
    if (-not [Environment]::GetEnvironmentVariable($name)) { throw "The environment lacks $name." }
}

# The function answers within its budget, which is 110 seconds at most (REQUEST_BUDGET_SECONDS).
$timeoutSeconds = 120
$attempts = 5
# Where no answer says how long to wait.
$pauseSeconds = 5

# Return an access token. $Claims is what a challenge asks for; empty: nothing more than a sign-in.
function Get-Token([string] $Claims) {
    $oauth = "$env:AUTHORITY/oauth2/v2.0"
    $form = @{ client_id = $env:CLIENT_ID; scope = "$env:SCOPE openid profile" }
    if ($Claims) { $form.claims = $Claims }
    $device = Invoke-RestMethod -Method Post -Uri "$oauth/devicecode" -Body $form
    Write-Host $device.message
    $poll = @{
        client_id   = $env:CLIENT_ID
        grant_type  = 'urn:ietf:params:oauth:grant-type:device_code'
        device_code = $device.device_code
    }
    if ($Claims) { $poll.claims = $Claims }
    $interval = [int] $device.interval
    while ($true) {
        Start-Sleep -Seconds $interval
        $answer = Invoke-RestMethod -Method Post -Uri "$oauth/token" -Body $poll -SkipHttpErrorCheck
        if ($answer.access_token) { return $answer.access_token }
        if ($answer.error -eq 'slow_down') { $interval += 5 }
        elseif ($answer.error -ne 'authorization_pending') { throw "Nobody is signed in: $($answer.error_description)" }
    }
}

# Return the claims in a WWW-Authenticate header, which are base64. $null: it asks for no claims.
function Get-Claims([string] $Challenge) {
    if ($Challenge -notmatch 'error="insufficient_claims"') { return $null }
    if ($Challenge -notmatch 'claims="([A-Za-z0-9+/=]+)"') { return $null }
    [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($Matches[1]))
}

# Send the profile until there is a final answer, and return it. The same bytes go out under the same Idempotency-Key as
# long as the end is open. A claims challenge is met once, under a new key.
function Send-Profile([byte[]] $Body, [string] $Query) {
    $deliveryId = [guid]::NewGuid().ToString()
    $claims = $null
    for ($attempt = 1; $attempt -le $attempts; $attempt++) {
        $headers = @{ Authorization = "Bearer $script:token"; 'Idempotency-Key' = $deliveryId }
        try {
            # A byte array goes out with a Content-Length. The Functions host delivers no chunked bodies.
            $answer = Invoke-WebRequest -Method Put -Uri "$env:FUNCTION_URL$Query" -Headers $headers -Body $Body `
                -ContentType 'application/json' -TimeoutSec $timeoutSeconds -SkipHttpErrorCheck
        }
        catch [System.Net.Http.HttpRequestException], [System.Threading.Tasks.TaskCanceledException] {
            if ($attempt -eq $attempts) { throw }
            Write-Host 'No answer. Repeating under the same delivery id.'
            Start-Sleep -Seconds $pauseSeconds
            continue
        }
        if ($answer.StatusCode -lt 300) { return $answer }
        $problem = try { $answer.Content | ConvertFrom-Json } catch { $null }
        $asked = Get-Claims ($answer.Headers['WWW-Authenticate'] -join ', ')
        if ($asked -and -not $claims) {
            Write-Host "$($answer.StatusCode) $($problem.code): the sign-in must also satisfy $asked"
            $claims = $asked
            $deliveryId = [guid]::NewGuid().ToString()
            $script:token = Get-Token $claims
        }
        elseif ($problem.retryable -and $attempt -lt $attempts) {
            # The function sends whole seconds. A gateway may send a date.
            $asks = "$($answer.Headers['Retry-After'])"
            $seconds = if ($asks -match '^\d+$') { [int] $asks } else { $pauseSeconds }
            Write-Host "$($answer.StatusCode) $($problem.code): waiting $seconds s, then the same delivery id again"
            Start-Sleep -Seconds $seconds
        }
        else { throw "$($answer.StatusCode) $($problem.code). To act: $($problem.actor). $($problem.detail)" }
    }
}

$profileJson = @{ Email = $Email; Telephone = $Telephone; Website = $Website } | ConvertTo-Json -Compress
$body = [Text.Encoding]::UTF8.GetBytes($profileJson)
$script:token = Get-Token ''
$changes = ((Send-Profile $body '?validate_only=true').Content | ConvertFrom-Json).changes
foreach ($change in $changes) { Write-Host "Dry run: $($change.field): $($change.current) -> $($change.proposed)" }
if ($DryRun -or -not $changes) { Write-Host 'Nothing was written.'; return }
$answer = Send-Profile $body ''
Write-Host "$($answer.StatusCode) written: $($answer.Content)"
