// Signing in at Entra ID: authorization code with PKCE (RFC 7636), by redirect; no pop-up, no frame, no cookie of ours.
// learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow. Only the open page holds the access token.
// No OpenID scope is asked for: so no refresh token and no ID token come, and nobody is asked to consent to anything.

const setting = (name) => document.querySelector(`meta[name="approve:${name}"]`).content;
const ENDPOINT = `${setting("authority")}/oauth2/v2.0`;
const CLIENT_ID = setting("client-id");
const SCOPE = setting("scope");
const REDIRECT_URI = `${location.origin}/api/approve`;
const PENDING = "approve:sign-in";
const LINK = "approve:link"; // the proposal; outlives the sign-in and a reload, in this tab alone
const UNSURE = "approve:unsure"; // the proposal of a write whose end is not known
const TIMEOUT_MILLISECONDS = 30_000;
const LONGEST_SIGN_IN_MILLISECONDS = 30 * 60_000;
const LONGEST_MESSAGE = 500; // characters of Entra's sentence

// code: Entra's error code, such as "access_denied", or one of ours: "state", "unreachable". message: Entra's own
// sentence for a person, or "". link: the proposal that the sign-in was for.
export class SignInFailed extends Error {
  constructor(code, message, link) {
    super(String(message ?? "").slice(0, LONGEST_MESSAGE));
    this.code = code;
    this.link = link;
  }
}

// What this tab keeps. A text, or null.
export const keptLink = () => sessionStorage.getItem(LINK);
export const unsureLink = () => sessionStorage.getItem(UNSURE);
export const keepLink = (link) => keep(LINK, link);
export const keepUnsure = (link) => keep(UNSURE, link);
const keep = (name, text) => (text === null ? sessionStorage.removeItem(name) : sessionStorage.setItem(name, text));

// Forgets the proposal, a write of it and a sign-in that was not finished.
export const forget = () => [LINK, UNSURE, PENDING].forEach((name) => sessionStorage.removeItem(name));

// Forgets a sign-in that nobody finished: at once where it is old, else when it gets old.
export function forgetOldSignIn() {
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  if (!pending) return;
  const left = pending.begun + LONGEST_SIGN_IN_MILLISECONDS - Date.now();
  if (left > 0) setTimeout(forgetOldSignIn, left);
  else sessionStorage.removeItem(PENDING);
}

// Leaves the page. link: the proposal to come back with; because: the error code that asks for this sign-in;
// claims: what it must prove, as JSON text; prompt and hint: see Entra's authorize endpoint.
export async function startSignIn({ link, because, claims, prompt, hint }) {
  const pending = { verifier: random(), state: random(), link, because, begun: Date.now() };
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier));
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const asked = {
    client_id: CLIENT_ID,
    response_type: "code",
    response_mode: "fragment",
    redirect_uri: REDIRECT_URI,
    scope: SCOPE,
    state: pending.state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
    ...(claims && { claims }),
    ...(prompt && { prompt }),
    ...(hint && { login_hint: hint }),
  };
  location.assign(`${ENDPOINT}/authorize?${new URLSearchParams(asked)}`);
}

// Whether a fragment is an answer of Entra's, and no proposal.
export function isAnswer(fragment) {
  const answer = new URLSearchParams(fragment);
  return answer.has("state") && (answer.has("code") || answer.has("error"));
}

// The person who comes back from Entra ID: { token, name, hint, because, link, since }, where `since` is the time of
// performance.now(). null: this tab waits for no sign-in,
// so the answer is an old one (the back button) or a forged one. Raises SignInFailed.
export async function finishSignIn(fragment) {
  const answer = new URLSearchParams(fragment);
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  sessionStorage.removeItem(PENDING);
  if (!pending) return null;
  const { link, because } = pending;
  if (answer.get("state") !== pending.state) throw new SignInFailed("state", "", link);
  if (!answer.has("code")) throw new SignInFailed(answer.get("error"), answer.get("error_description"), link);
  const token = await redeem(answer.get("code"), pending);
  const claims = claimsOf(token);
  const hint = claims.preferred_username ?? claims.upn;
  return { token, name: String(hint ?? claims.name ?? ""), hint, because, link, since: performance.now() };
}

async function redeem(code, { verifier, link }) {
  const form = {
    grant_type: "authorization_code",
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    scope: SCOPE,
    code,
    code_verifier: verifier,
  };
  let answer;
  try {
    const response = await fetch(`${ENDPOINT}/token`, {
      method: "POST",
      body: new URLSearchParams(form),
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
    });
    answer = await response.json();
  } catch {
    throw new SignInFailed("unreachable", "", link);
  }
  if (typeof answer?.access_token === "string") return answer.access_token;
  throw new SignInFailed(answer?.error ?? "unreachable", answer?.error_description, link);
}

// To show who has signed in, and for nothing else: the function validates the token.
function claimsOf(token) {
  try {
    return JSON.parse(new TextDecoder().decode(bytes(token.split(".")[1])));
  } catch {
    return {};
  }
}

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const base64url = (data) =>
  btoa(String.fromCharCode(...data)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// The bytes of a text in base64 or base64url.
export function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}
