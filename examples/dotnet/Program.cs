// Update the Partner Center support profile of your organization as the user who signs in.
//
//     dotnet run -- help@contoso.com "+1 425 555 0100" www.contoso.com [--dry-run] [--delivery-id=ID]
//
// NOT RUN by this repository's tests: there is no .NET in them.
// The environment names the function and the registration of this program (docs/api.md, "Get a token"):
// FUNCTION_URL, AUTHORITY, CLIENT_ID and SCOPE. The registration is a public client with the address http://localhost.

using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Identity.Client;

const int Attempts = 5;
// Where no answer says how long to wait.
var pause = TimeSpan.FromSeconds(5);
// Nobody sits before a longer wait.
var longestWait = TimeSpan.FromMinutes(5);
// The function answers within its budget, which is 110 seconds at most (REQUEST_BUDGET_SECONDS).
using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(120) };

var functionUrl = Setting("FUNCTION_URL");
string[] scopes = [Setting("SCOPE")];
var client = PublicClientApplicationBuilder.Create(Setting("CLIENT_ID"))
    .WithAuthority(Setting("AUTHORITY"))
    .WithRedirectUri("http://localhost")
    // The authority is configured, so MSAL need not ask Microsoft whether it knows the host.
    .WithInstanceDiscovery(false)
    .Build();
IAccount? account = null;

const string Repeat = "--delivery-id=";
// Repeats the write of an earlier run that had no final answer.
var earlier = args.FirstOrDefault(argument => argument.StartsWith(Repeat))?[Repeat.Length..];
var values = args.Where(argument => argument != "--dry-run" && !argument.StartsWith(Repeat)).ToArray();
if (values.Length != 3)
{
    Console.Error.WriteLine("usage: dotnet run -- EMAIL TELEPHONE WEBSITE [--dry-run] [--delivery-id=ID]");
    return 2;
}
var body = JsonSerializer.Serialize(new { Email = values[0], Telephone = values[1], Website = values[2] });

try
{
    var preview = JsonNode.Parse((await Send(body, "?validate_only=true", null)).Text)!;
    var changes = preview["changes"]!.AsArray();
    foreach (var change in changes)
    {
        Console.WriteLine($"Dry run: {change!["field"]}: {change["current"]} -> {change["proposed"]}");
    }
    if (args.Contains("--dry-run") || changes.Count == 0)
    {
        Console.WriteLine("Nothing was written.");
        return 0;
    }
    var (written, outcome) = await Send(body, "", earlier);
    Console.WriteLine($"{outcome}: {written}");
    return 0;
}
catch (Refused refused)
{
    Console.Error.WriteLine(refused.Message);
    return 1;
}

static string Setting(string name) =>
    Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException($"{name} is not set");

// Return an access token. MSAL gives the one that it holds, or renews it. It asks the person only where it must.
async Task<string> Token(string? claims)
{
    AuthenticationResult result;
    try
    {
        if (account is null) throw new MsalUiRequiredException("no_account", "Nobody has signed in yet.");
        result = await client.AcquireTokenSilent(scopes, account).WithClaims(claims).ExecuteAsync();
    }
    catch (MsalUiRequiredException)
    {
        var ask = client.AcquireTokenInteractive(scopes).WithClaims(claims);
        result = await (account is null ? ask : ask.WithLoginHint(account.Username)).ExecuteAsync();
    }
    // Another person must not write what the first one saw in the dry run.
    if (account is not null && result.Account.HomeAccountId.Identifier != account.HomeAccountId.Identifier)
    {
        throw new Refused($"{result.Account.Username} signed in, not {account.Username}. Nothing more is sent.");
    }
    account = result.Account;
    return result.AccessToken;
}

// Return the claims in a WWW-Authenticate header, which are base64. null: it asks for no claims.
static string? ClaimsOf(HttpResponseMessage answer)
{
    var challenge = string.Join(", ", answer.Headers.WwwAuthenticate.Select(value => value.ToString()));
    var found = Regex.Match(challenge, "claims=\"([A-Za-z0-9+/=]+)\"");
    return challenge.Contains("error=\"insufficient_claims\"") && found.Success
        ? Encoding.UTF8.GetString(Convert.FromBase64String(found.Groups[1].Value))
        : null;
}

// Send the profile until there is a final answer. The same bytes go out under the same Idempotency-Key as long as the
// end is open. A claims challenge is met once, under a new key, and does not count as an attempt. Throws Refused where
// the function refused the call, and where no attempt brought a final answer.
async Task<(string Text, string Outcome)> Send(string json, string query, string? deliveryId)
{
    var key = deliveryId ?? Guid.NewGuid().ToString();
    string? claims = null;
    for (var attempt = 1; ; attempt++)
    {
        var wait = pause;
        string what;
        var token = await Token(claims);
        try
        {
            using var answer = await Put(token, key, json, query);
            var text = await answer.Content.ReadAsStringAsync();
            if (answer.IsSuccessStatusCode) return (text, OutcomeOf(answer));
            var problem = ProblemOf(answer, text);
            what = $"{(int)answer.StatusCode} {problem["code"]}";
            var asked = ClaimsOf(answer);
            if (asked is not null && claims is null)
            {
                Console.WriteLine($"{what}: the sign-in must also satisfy {asked}");
                claims = asked;
                key = Guid.NewGuid().ToString();
                attempt--;
                continue;
            }
            if (problem["retryable"]?.ToString() != "true")
            {
                throw new Refused($"{what}. To act: {problem["actor"]}. {problem["detail"]}");
            }
            if (problem["outcome"]?.ToString() == "unknown") what += ", outcome unknown";
            wait = WaitOf(answer) ?? pause;
        }
        catch (Exception error) when (error is HttpRequestException or IOException or TaskCanceledException)
        {
            what = "No answer";
        }
        if (attempt == Attempts || wait > longestWait)
        {
            var option = query == "" ? $" with {Repeat}{key}" : "";
            throw new Refused($"{what}. Run this again after {wait.TotalSeconds:F0} s{option}.");
        }
        Console.WriteLine($"{what}: waiting {wait.TotalSeconds:F0} s, then the same delivery id again");
        await Task.Delay(wait);
    }
}

// Send the body once.
async Task<HttpResponseMessage> Put(string token, string key, string json, string query)
{
    using var request = new HttpRequestMessage(HttpMethod.Put, functionUrl + query);
    request.Headers.Authorization = new("Bearer", token);
    request.Headers.Add("Idempotency-Key", key);
    // StringContent has a Content-Length. PostAsJsonAsync and JsonContent may send chunks, which the Functions host
    // does not deliver: the body would arrive empty.
    request.Content = new StringContent(json, Encoding.UTF8, "application/json");
    return await http.SendAsync(request);
}

// Return what became of a write. "confirmed-by-read": its answer was lost, and a read showed the values.
static string OutcomeOf(HttpResponseMessage answer) =>
    answer.Headers.TryGetValues("Update-Outcome", out var values) ? string.Join(", ", values) : "written";

// Return how long to wait. Retry-After is whole seconds, or a date from a gateway. null: it is absent.
static TimeSpan? WaitOf(HttpResponseMessage answer)
{
    var asked = answer.Headers.RetryAfter;
    if (asked?.Date is not { } date) return asked?.Delta;
    var wait = date - DateTimeOffset.UtcNow;
    return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
}

// Return the problem document. Something between here and the function may have answered without one.
static JsonObject ProblemOf(HttpResponseMessage answer, string text)
{
    try
    {
        if (JsonNode.Parse(text) is JsonObject problem && problem.ContainsKey("code")) return problem;
    }
    catch (JsonException)
    {
        // not JSON: see below
    }
    var retryable = (int)answer.StatusCode is 408 or 429 or 502 or 503 or 504;
    return new JsonObject
    {
        ["code"] = "not_from_the_function", ["detail"] = "A gateway answered.", ["retryable"] = retryable,
    };
}

class Refused(string message) : Exception(message);
