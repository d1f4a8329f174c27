// Calls of this function's API, and what an answer asks of the person. docs/api.md is the contract.

import { bytes } from "./sign_in.js";

const API = "/api/update_profile";
const DEFAULT_WAIT_SECONDS = 5;
const LONGEST_WAIT_SECONDS = 3600;
// More than the platform's own 230 seconds (learn.microsoft.com/azure/azure-functions/functions-scale).
const TIMEOUT_MILLISECONDS = 240_000;
const CORRELATION_ID = crypto.randomUUID(); // one for all calls of this visit

// What the profile would become: { current, proposed, changes } as `body`.
export function dryRun(token, values, isComplete) {
  return call(token, isComplete ? "POST" : "PATCH", `${API}?validate_only=true`, values, {});
}

// Writes a full profile. One key makes every attempt of one approval one request to Partner Center.
export function write(token, profile, key) {
  return call(token, "POST", API, profile, { "Idempotency-Key": key });
}

// { ok, status, body, header(name) }. Status 0: no answer came. The body of an answer that is not the function's is {}.
// The function returns the id of each call (docs/api.md, response headers), which a gateway or a proxy does not.
async function call(token, method, url, content, more) {
  const headers = {
    Authorization: `Bearer ${token}`,
    "Content-Type": "application/json",
    "MS-CorrelationId": CORRELATION_ID,
    ...more,
  };
  const options = { method, headers, body: JSON.stringify(content), credentials: "omit", redirect: "error" };
  try {
    const response = await fetch(url, { ...options, signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) });
    const text = await response.text();
    const isOurs = response.headers.get("MS-CorrelationId") === CORRELATION_ID;
    const body = isOurs ? object(text || "{}") : null;
    const ok = response.ok && body !== null;
    return { ok, status: response.status, body: body ?? {}, header: (name) => response.headers.get(name) ?? "" };
  } catch {
    return { ok: false, status: 0, body: {}, header: () => "" };
  }
}

function object(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

// Whether a write may have happened although no answer shows it. A 5xx of Partner Center's does not prove that it did
// not.
export function isUnknown(answer) {
  const { code, outcome } = answer.body;
  const isForeign = !code && (answer.status < 400 || answer.status >= 500);
  return outcome === "unknown" || code === "partner_center_failed" || isForeign;
}

// The code of a failure; "unreachable" where no answer came, "unreadable" where it is none of the function's.
export const codeOf = (answer) => answer.body.code ?? (answer.status ? "unreadable" : "unreachable");

// Whether the same request can succeed later.
export function canPass(answer) {
  return answer.body.retryable ?? (answer.status === 0 || answer.status === 429 || answer.status >= 500);
}

// Seconds to wait before the next attempt.
export function waitSeconds(answer) {
  const told = Number.parseInt(answer.header("Retry-After"), 10);
  return Number.isNaN(told) ? DEFAULT_WAIT_SECONDS : Math.min(Math.max(told, 0), LONGEST_WAIT_SECONDS);
}

// learn.microsoft.com/entra/identity-platform/claims-challenge: the claims as JSON text, which come in base64.
export function challengedClaims(answer) {
  const header = answer.header("WWW-Authenticate");
  const found = /\berror="insufficient_claims"/.test(header) && /\bclaims="([A-Za-z0-9+/_=-]+)"/.exec(header);
  try {
    return found ? new TextDecoder().decode(bytes(found[1])) : undefined;
  } catch {
    return undefined;
  }
}
