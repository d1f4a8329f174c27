// Update the Partner Center support profile of your organization as the user who signs in.
//
//     npm ci
//     node update-support-profile.mjs --email help@contoso.com --telephone "+1 425 555 0100" --website www.contoso.com
//
// The environment names the function and the registration of this program (docs/api.md, "Get a token"):
//
//     FUNCTION_URL  https://<host name of the function>/api/update_profile
//     AUTHORITY     https://login.microsoftonline.com/<tenant id>
//     CLIENT_ID     application id of this program's own registration, a public client with the address http://localhost
//     SCOPE         <application id of the function>/user_impersonation

import { PublicClientApplication } from "@azure/msal-node";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { request } from "undici";

// The function answers within its budget, which is 110 seconds at most (REQUEST_BUDGET_SECONDS).
const TIMEOUT_MILLISECONDS = 120_000;
const ATTEMPTS = 5;
// Where no answer says how long to wait.
const PAUSE_SECONDS = 5;
// Nobody sits before a longer wait.
const LONGEST_WAIT_SECONDS = 300;

/** The function refused the call for good. `problem` is its answer: code, detail, and actor, who must act. */
class Refused extends Error {
  constructor(status, problem) {
    const fields = (problem.errors ?? []).map(({ field, message }) => `\n  ${field}: ${message}`);
    super(
      `${status} ${problem.code}. To act: ${problem.actor ?? "unknown"}. ${problem.detail ?? ""} ` +
        `(correlation id ${problem.correlationId})${fields.join("")}`,
    );
  }
}

/** The write may succeed later, or may have succeeded: the message says how to repeat the same delivery. */
class Unfinished extends Error {}

/** The person at this machine, and the tokens that MSAL holds for them in memory. */
class User {
  constructor({ deviceCode }) {
    const authority = process.env.AUTHORITY;
    // The authority is configured, so MSAL need not ask Microsoft whether it knows the host.
    const auth = { clientId: process.env.CLIENT_ID, authority, knownAuthorities: [new URL(authority).host] };
    this.client = new PublicClientApplication({ auth });
    this.scopes = [process.env.SCOPE];
    this.deviceCode = deviceCode;
  }

  /** Return an access token. `claims` is what a challenge asks for. MSAL asks the person only where it must. */
  async token(claims) {
    const result = (await this.#silently(claims)) ?? (await this.#ask(claims));
    // Another person must not write what the first one saw in the dry run.
    if (this.account && result.account.homeAccountId !== this.account.homeAccountId) {
      throw new Error(`${result.account.username} signed in, not ${this.account.username}. Nothing more is sent.`);
    }
    this.account = result.account;
    return result.accessToken;
  }

  async #silently(claims) {
    if (!this.account) return null;
    try {
      return await this.client.acquireTokenSilent({ scopes: this.scopes, account: this.account, claims });
    } catch {
      return null; // InteractionRequiredAuthError, or no refresh token: the person signs in
    }
  }

  async #ask(claims) {
    if (this.deviceCode) {
      const deviceCodeCallback = ({ message }) => console.log(message);
      return this.client.acquireTokenByDeviceCode({ scopes: this.scopes, claims, deviceCodeCallback });
    }
    return this.client.acquireTokenInteractive({
      scopes: this.scopes,
      claims,
      loginHint: this.account?.username,
      openBrowser,
    });
  }
}

/** Open the sign-in page. $BROWSER is a command with %s for the address, as elsewhere. */
async function openBrowser(url) {
  const usual = { darwin: "open %s", win32: "explorer %s" }[process.platform] ?? "xdg-open %s";
  const [command, ...options] = (process.env.BROWSER ?? usual).replace(/\s*&\s*$/, "").split(/\s+/);
  const child = spawn(command, options.map((option) => option.replace("%s", url)), { stdio: "ignore" });
  child.on("error", () => console.log(`Open this page to sign in: ${url}`));
}

/** Return the claims in a WWW-Authenticate header, which are base64. null: it asks for no claims. */
function claimsOf(challenge) {
  if (!challenge.includes('error="insufficient_claims"')) return null;
  const found = /claims="([A-Za-z0-9+/=]+)"/.exec(challenge);
  return found && Buffer.from(found[1], "base64").toString("utf8");
}

/**
 * Send the profile until there is a final answer, and return it.
 *
 * The same bytes go out under the same Idempotency-Key as long as the end is open: after a failure that a retry can
 * heal, an unknown outcome, or no answer. `deliveryId` repeats an earlier run. A claims challenge is met once, under a
 * new key, and does not count as an attempt.
 */
async function send(user, profile, { validateOnly, deliveryId }) {
  const url = new URL(process.env.FUNCTION_URL);
  if (validateOnly) url.searchParams.set("validate_only", "true");
  const body = JSON.stringify(profile);
  let key = deliveryId ?? randomUUID();
  let claims;
  for (let attempt = 1; ; attempt++) {
    const token = await user.token(claims);
    let seconds = PAUSE_SECONDS;
    let what;
    try {
      const answer = await put(url, token, key, body);
      if (answer.statusCode < 300) return answer;
      const problem = problemOf(answer);
      const asked = claimsOf(String(answer.headers["www-authenticate"] ?? ""));
      if (asked && !claims) {
        console.log(`${answer.statusCode} ${problem.code}: the sign-in must also satisfy ${asked}`);
        key = randomUUID();
        claims = asked;
        attempt--;
        continue;
      }
      if (!problem.retryable) throw new Refused(answer.statusCode, problem);
      seconds = pauseOf(answer);
      what = `${answer.statusCode} ${problem.code}${problem.outcome === "unknown" ? ", outcome unknown" : ""}`;
    } catch (error) {
      if (error instanceof Refused) throw error;
      what = `No answer (${error.code ?? error.name})`;
    }
    if (attempt === ATTEMPTS || seconds > LONGEST_WAIT_SECONDS) {
      const option = validateOnly ? "" : ` with --delivery-id ${key}`;
      throw new Unfinished(`${what}. Run this again after ${seconds} s${option}.`);
    }
    console.log(`${what}: waiting ${seconds} s, then the same delivery id again`);
    await sleep(seconds * 1000);
  }
}

/** Send the body once. */
async function put(url, token, key, body) {
  // undici sends a string with a Content-Length. The Functions host delivers no chunked bodies, which a stream, or
  // write() on an http.request, would be.
  const answer = await request(url, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", "idempotency-key": key },
    body,
    headersTimeout: TIMEOUT_MILLISECONDS,
    bodyTimeout: TIMEOUT_MILLISECONDS,
  });
  answer.text = await answer.body.text();
  return answer;
}

/** Return how many seconds to wait. The function sends whole seconds; a gateway may send a date. */
function pauseOf({ headers }) {
  const asked = String(headers["retry-after"] ?? "");
  if (/^\d+$/.test(asked)) return Number(asked);
  const date = Date.parse(asked);
  return Number.isNaN(date) ? PAUSE_SECONDS : Math.max(0, Math.round((date - Date.now()) / 1000));
}

/** Return the problem document. Something between here and the function may have answered without one. */
function problemOf({ statusCode, text }) {
  try {
    const problem = JSON.parse(text);
    if (problem?.code) return problem;
  } catch {
    // not JSON: see below
  }
  const retryable = [408, 429, 502, 503, 504].includes(statusCode);
  return { code: "not_from_the_function", detail: "A gateway answered.", retryable };
}

async function main() {
  const text = { type: "string" };
  const flag = { type: "boolean", default: false };
  const options = {
    email: text,
    telephone: text,
    website: text,
    "dry-run": flag,
    "device-code": flag,
    "delivery-id": text, // repeats the write of an earlier run that had no final answer
  };
  const { values } = parseArgs({ options });
  for (const name of ["email", "telephone", "website"]) {
    if (values[name] === undefined) throw new Error(`--${name} is missing`);
  }
  const missing = ["FUNCTION_URL", "AUTHORITY", "CLIENT_ID", "SCOPE"].filter((name) => !process.env[name]);
  if (missing.length > 0) {
    throw new Error(`The environment lacks ${missing.join(", ")}. The top of this file says what they are.`);
  }
  const profile = { Email: values.email, Telephone: values.telephone, Website: values.website };
  const user = new User({ deviceCode: values["device-code"] });
  await user.token();
  console.log(`Signed in as ${user.account.username}.`);
  const { changes } = JSON.parse((await send(user, profile, { validateOnly: true })).text);
  for (const { field, current, proposed } of changes) console.log(`Dry run: ${field}: ${current} -> ${proposed}`);
  if (values["dry-run"] || changes.length === 0) {
    console.log("Nothing was written.");
    return;
  }
  const answer = await send(user, profile, { validateOnly: false, deliveryId: values["delivery-id"] });
  console.log(`${answer.statusCode} ${answer.headers["update-outcome"] ?? "written"}: ${answer.text}`);
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
