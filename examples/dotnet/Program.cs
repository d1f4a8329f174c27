// Update the Partner Center support profile of your organization as the user who signs in.
//
//     dotnet run -- help@contoso.com "+1 425 555 0100" www.contoso.com [--dry-run]
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
// The function answers within its budget, which is 110 seconds at most (REQUEST_BUDGET_SECONDS).
using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(120) };

var functionUrl = Setting("FUNCTION_URL");
string[] scopes = [Setting("SCOPE")];
var client = PublicClientApplicationBuilder.Create(Setting("CLIENT_ID"))
    .WithAuthority(Setting("AUTHORITY"))
    .WithRedirectUri("http://localhost")
    .Build();
IAccount? account = null;

var values = args.Where(argument => argument != "--dry-run").ToArray();
if (values.Length != 3)
{
    Console.Error.WriteLine("usage: dotnet run -- EMAIL TELEPHONE WEBSITE [--dry-run]");
    return 2;
}
var body = JsonSerializer.Serialize(new { Email = values[0], Telephone = values[1], Website = values[2] });

try
{
    var preview = JsonNode.Parse(await Send(body, "?validate_only=true"))!;
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
    Console.WriteLine($"Written: {await Send(body, "")}");
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
        result = await client.AcquireTokenInteractive(scopes).WithClaims(claims).ExecuteAsync();
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
// end is open. A claims challenge is met once, under a new key. Throws Refused where the function refused the call.
async Task<string> Send(string json, string query)
{
    var deliveryId = Guid.NewGuid().ToString();
    string? claims = null;
    for (var attempt = 1; ; attempt++)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, functionUrl + query);
        request.Headers.Authorization = new("Bearer", await Token(claims));
        request.Headers.Add("Idempotency-Key", deliveryId);
        // StringContent has a Content-Length. PostAsJsonAsync and JsonContent may send chunks, which the Functions host
        // does not deliver: the body would arrive empty.
        request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        HttpResponseMessage answer;
        try
        {
            answer = await http.SendAsync(request);
        }
        catch (Exception error) when (attempt < Attempts && (error is HttpRequestException or TaskCanceledException))
        {
            Console.WriteLine("No answer. Repeating under the same delivery id.");
            await Task.Delay(pause);
            continue;
        }
        using (answer)
        {
            var text = await answer.Content.ReadAsStringAsync();
            if (answer.IsSuccessStatusCode) return text;
            var problem = ProblemOf(text);
            var asked = ClaimsOf(answer);
            if (asked is not null && claims is null)
            {
                Console.WriteLine($"{(int)answer.StatusCode}: the sign-in must also satisfy {asked}");
                claims = asked;
                deliveryId = Guid.NewGuid().ToString();
            }
            else if (problem?["retryable"]?.GetValue<bool>() == true && attempt < Attempts)
            {
                // Retry-After is in whole seconds.
                var wait = answer.Headers.RetryAfter?.Delta ?? pause;
                Console.WriteLine($"{(int)answer.StatusCode} {problem["code"]}: waiting {wait.TotalSeconds} s");
                await Task.Delay(wait);
            }
            else
            {
                throw new Refused($"{(int)answer.StatusCode} {problem?["code"]}. {problem?["detail"]}");
            }
        }
    }
}

static JsonNode? ProblemOf(string text)
{
    try
    {
        return JsonNode.Parse(text);
    }
    catch (JsonException)
    {
        return null; // a gateway answered
    }
}

class Refused(string message) : Exception(message);
