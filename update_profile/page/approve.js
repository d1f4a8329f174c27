// The story of one approval: read the link, sign the person in, show what would change, write it as them.

import { canPass, challengedClaims, codeOf, dryRun, isUnknown, write } from "./api.js";
import { TEXT } from "./language.js";
import { FIELDS, isAsProposed, mangled, readProposal } from "./proposal.js";
import * as screens from "./screens.js";
import { SignInFailed, finishSignIn, isAnswer, startSignIn } from "./sign_in.js";
import * as troubles from "./troubles.js";

const PAGE = "/api/approve";
const STORED = "approve:link"; // outlives the sign-in and a reload, in this tab alone
const NEEDS_ANOTHER_ACCOUNT = ["tenant_not_allowed", "access_blocked"];

async function run() {
  const lost = mangled(location.pathname);
  if (lost !== null) return location.replace(`${PAGE}#${lost}`);
  const fragment = location.hash.slice(1);
  history.replaceState(null, "", PAGE); // the proposal, or a code, leaves the address bar
  if (isAnswer(fragment)) return arrive(fragment);
  if (fragment) sessionStorage.removeItem(STORED);
  return open(fragment || sessionStorage.getItem(STORED)); // without a fragment: reloaded, or opened bare
}

// Back from Entra ID.
async function arrive(fragment) {
  screens.working(TEXT.signingIn);
  try {
    const person = await finishSignIn(fragment);
    if (person === null) return open(sessionStorage.getItem(STORED));
    sessionStorage.setItem(STORED, person.link);
    return await review({ person, proposal: readProposal(person.link), link: person.link, isUnsure: false });
  } catch (error) {
    if (!(error instanceof SignInFailed)) throw error;
    return troubles.signInFailed(error, () => signIn({ link: error.link, prompt: "select_account" }));
  }
}

function open(link) {
  if (!link) return screens.nothing();
  const proposal = readProposal(link);
  if (proposal.problem) return screens.badLink(proposal);
  sessionStorage.setItem(STORED, link);
  return screens.signedOut(proposal, () => signIn({ link }));
}

// visit: { person, proposal, link, isUnsure }.
async function review(visit) {
  const { person, proposal, link } = visit;
  screens.working(TEXT.reading);
  const isComplete = FIELDS.every((field) => field in proposal.values);
  const answer = await dryRun(person.token, proposal.values, isComplete);
  if (!answer.ok) return handle(visit, answer, () => review(visit));
  const { current, proposed } = answer.body;
  if (!isAsProposed(proposal.values, proposed)) throw new Error("the dry run shows another profile than was proposed");
  const another = () => signIn({ link, prompt: "select_account" });
  if (FIELDS.every((field) => current[field] === proposed[field])) {
    forget();
    return screens.nothingToChange(person, proposed, another);
  }
  const approval = { profile: pick(proposed), key: crypto.randomUUID() };
  const drop = () => (forget(), screens.dropped());
  const on = { approve: () => approve(visit, approval), drop, another };
  return screens.review(person, proposal, current, proposed, on);
}

// What is written is what was shown, whole. approval: { profile, key }, one key for all attempts.
function approve(visit, approval) {
  screens.working(TEXT.writing);
  return guard(finish(visit, approval));
}

async function finish(visit, approval) {
  const answer = await write(visit.person.token, approval.profile, approval.key);
  const again = () => approve(visit, approval);
  if (!answer.ok && isUnknown(answer)) {
    visit.isUnsure = true;
    return troubles.unknown(visit, answer, () => guard(review(visit)), again);
  }
  if (!answer.ok) return handle(visit, answer, again);
  forget();
  const stored = pick(answer.body);
  const isShown = FIELDS.every((field) => typeof stored[field] === "string");
  const isRead = answer.header("Update-Outcome") === "confirmed-by-read";
  return screens.done(approval.profile, isShown ? stored : null, isRead, answer.header("MS-CorrelationId"));
}

// What the person can do about a failure.
function handle(visit, answer, again) {
  const code = codeOf(answer);
  const { actor, upstream } = answer.body;
  const { person, link } = visit;
  if (actor === "user" || code === "invalid_token") {
    const claims = challengedClaims(answer);
    const options = { link, because: code, claims, prompt: claims ? undefined : "login", hint: person.hint };
    const isRepeated = person.because === code && code !== "invalid_token";
    return troubles.signInNeeded(visit, answer, isRepeated, () => signIn(options));
  }
  if (NEEDS_ANOTHER_ACCOUNT.includes(code) || (code === "partner_center_rejected" && answer.status === 403)) {
    return troubles.anotherAccount(visit, answer, () => signIn({ link, prompt: "select_account" }));
  }
  if (upstream?.code === "2055") return troubles.changedMeanwhile(visit, answer, () => guard(review(visit)));
  return canPass(answer) ? troubles.passing(visit, answer, () => guard(again())) : troubles.final(visit, answer);
}

const signIn = (options) => guard(startSignIn(options));
const forget = () => sessionStorage.removeItem(STORED);

// The three values of a profile, whatever the case of their names.
function pick(profile) {
  const named = Object.entries(profile).map(([name, value]) => [name.toLowerCase(), value]);
  return Object.fromEntries(named.filter(([name]) => FIELDS.includes(name)));
}

// Nothing fails in silence.
function guard(work) {
  return Promise.resolve(work).catch(troubles.broken);
}

// Another link that is opened in this tab changes the fragment alone; a page that comes back by the back button would
// show an old profile, and a token that was left behind.
window.addEventListener("hashchange", () => location.reload());
window.addEventListener("pageshow", (event) => event.persisted && location.reload());
guard(run());
