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
    [switch] $DryRun,
    # Repeats the write of an earlier run that had no final answer.
    [string] $DeliveryId
)
$ErrorActionPreference = 'Stop'
foreach ($name in 'FUNCTION_URL', 'AUTHORITY', 'CLIENT_ID', 'SCOPE') {
    if (-not [Environment]::GetEnvironmentVariable($name)) { throw "The environment lacks $name." }
}

# The function answers within its budget, which is 110 seconds at most (REQUEST_BUDGET_SECONDS).
$timeoutSeconds = 120
$maximumAttempts = 5
# Where no answer says how long to wait.
$pauseSeconds = 5
# Nobody sits before a longer wait.
$longestWaitSeconds = 300
# Who signed in first. Another person must not write what the first one saw in the dry run.
$script:person = ''

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
        if ($answer.access_token) {
            $person = Get-Person $answer.id_token
            if ($script:person -and $person -ne $script:person) {
                throw 'Another person signed in. Nothing more is sent.'
            }
            $script:person = $person
            return $answer.access_token
        }
        if ($answer.error -eq 'slow_down') { $interval += 5 }
        elseif ($answer.error -ne 'authorization_pending') { throw "Nobody is signed in: $($answer.error_description)" }
    }
}

# Return the user of an id token, as the ids of tenant and user. It came from Entra ID itself, so it is not verified.
function Get-Person([string] $IdToken) {
    $part = $IdToken.Split('.')[1].Replace('-', '+').Replace('_', '/')
    $part = $part.PadRight([int] [Math]::Ceiling($part.Length / 4) * 4, '=')
    $claims = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($part)) | ConvertFrom-Json
    "$($claims.tid)/$($claims.oid)"
}

# Return the claims in a WWW-Authenticate header, which are base64. $null: it asks for no claims.
function Get-Claims([string] $Challenge) {
    if ($Challenge -notmatch 'error="insufficient_claims"') { return $null }
    if ($Challenge -notmatch 'claims="([A-Za-z0-9+/=]+)"') { return $null }
    [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($Matches[1]))
}

# Return the text of an answer. Its Content is text for application/json, but bytes for application/problem+json.
function Get-Text($Answer) { [Text.Encoding]::UTF8.GetString($Answer.RawContentStream.ToArray()) }

# Return the problem document. Something between here and the function may have answered without one.
function Get-Problem($Answer) {
    $problem = try { Get-Text $Answer | ConvertFrom-Json -NoEnumerate } catch { $null }
    if ($problem -is [pscustomobject] -and $problem.code) { return $problem }
    $retryable = $Answer.StatusCode -in 408, 429, 502, 503, 504
    [pscustomobject] @{ code = 'not_from_the_function'; detail = 'A gateway answered.'; retryable = $retryable }
}

# Return how many seconds to wait. The function sends whole seconds; a gateway may send a date.
function Get-Pause($Answer) {
    $asked = "$($Answer.Headers['Retry-After'])"
    if ($asked -match '^\d+$') { return [long] $asked }
    $date = [DateTimeOffset]::MinValue
    if (-not [DateTimeOffset]::TryParse($asked, [cultureinfo]::InvariantCulture, 'AssumeUniversal', [ref] $date)) {
        return $pauseSeconds
    }
    [Math]::Max(0, [Math]::Round(($date - [DateTimeOffset]::UtcNow).TotalSeconds))
}

# Send the profile until there is a final answer, and return it. The same bytes go out under the same Idempotency-Key as
# long as the end is open. A claims challenge is met once, under a new key, and does not count as an attempt.
function Send-Profile([byte[]] $Body, [string] $Query, [string] $Key) {
    if (-not $Key) { $Key = [guid]::NewGuid().ToString() }
    $claims = $null
    $attempt = 1
    while ($true) {
        $headers = @{ Authorization = "Bearer $script:token"; 'Idempotency-Key' = $Key }
        $answer = $null
        try {
            # A byte array goes out with a Content-Length. The Functions host delivers no chunked bodies.
            $answer = Invoke-WebRequest -Method Put -Uri "$env:FUNCTION_URL$Query" -Headers $headers -Body $Body `
                -ContentType 'application/json' -TimeoutSec $timeoutSeconds -SkipHttpErrorCheck
        }
        catch [System.Net.Http.HttpRequestException], [System.OperationCanceledException], [System.IO.IOException] {
            $seconds = $pauseSeconds
            $what = 'No answer'
        }
        if ($answer) {
            if ($answer.StatusCode -lt 300) { return $answer }
            $problem = Get-Problem $answer
            $what = "$($answer.StatusCode) $($problem.code)"
            $asked = Get-Claims ($answer.Headers['WWW-Authenticate'] -join ', ')
            if ($asked -and -not $claims) {
                Write-Host "${what}: the sign-in must also satisfy $asked"
                $claims = $asked
                $Key = [guid]::NewGuid().ToString()
                $script:token = Get-Token $claims
                continue
            }
            if (-not $problem.retryable) { throw "$what. To act: $($problem.actor). $($problem.detail)" }
            if ($problem.outcome -eq 'unknown') { $what += ', outcome unknown' }
            $seconds = Get-Pause $answer
        }
        if ($attempt -eq $maximumAttempts -or $seconds -gt $longestWaitSeconds) {
            $option = if ($Query) { '' } else { " with -DeliveryId $Key" }
            throw "$what. Run this again after $seconds s$option."
        }
        Write-Host "${what}: waiting $seconds s, then the same delivery id again"
        Start-Sleep -Seconds $seconds
        $attempt++
    }
}

$profileJson = [ordered] @{ Email = $Email; Telephone = $Telephone; Website = $Website } | ConvertTo-Json -Compress
$body = [Text.Encoding]::UTF8.GetBytes($profileJson)
$script:token = Get-Token ''
$changes = (Get-Text (Send-Profile $body '?validate_only=true') | ConvertFrom-Json).changes
foreach ($change in $changes) { Write-Host "Dry run: $($change.field): $($change.current) -> $($change.proposed)" }
if ($DryRun -or -not $changes) { Write-Host 'Nothing was written.'; return }
$answer = Send-Profile $body '' $DeliveryId
$outcome = "$($answer.Headers['Update-Outcome'])"
Write-Host "$($answer.StatusCode) $($outcome ? $outcome : 'written'): $(Get-Text $answer)"
