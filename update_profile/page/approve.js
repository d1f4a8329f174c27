// The story of one approval: read the link, sign the person in, show what would change, write it as them.

import { canPass, challengedClaims, codeOf, dryRun, isUnknown, write } from "./api.js";
import { TEXT } from "./language.js";
import { FIELDS, isAsProposed, mangled, readProposal } from "./proposal.js";
import * as screens from "./screens.js";
import { SignInFailed, finishSignIn, forget, forgetOldSignIn, isAnswer, startSignIn } from "./sign_in.js";
import { keepLink, keepUnsure, keptLink, unsureLink } from "./sign_in.js";
import * as troubles from "./troubles.js";

const PAGE = "/api/approve";
const NEEDS_ANOTHER_ACCOUNT = ["tenant_not_allowed", "access_blocked"];
const NEEDS_A_ROLE = ["2032", "900150", "900308"]; // docs/api.md, upstream codes
const FRESH_MILLISECONDS = 60_000; // a token of this age was not spoiled by waiting

async function run() {
  const lost = mangled(location);
  if (lost !== null) return location.replace(`${PAGE}#${lost}`);
  const fragment = location.hash.slice(1);
  history.replaceState(null, "", PAGE); // the proposal, or a code, leaves the address bar
  forgetOldSignIn();
  if (isAnswer(fragment)) return arrive(fragment);
  if (fragment) keepLink(null);
  return open(fragment || keptLink()); // without a fragment: reloaded, or opened bare
}

// Back from Entra ID.
async function arrive(fragment) {
  screens.working(TEXT.signingIn);
  try {
    const person = await finishSignIn(fragment);
    if (person === null) return open(keptLink());
    keepLink(person.link);
    return await review({ person, proposal: readProposal(person.link), link: person.link });
  } catch (error) {
    if (!(error instanceof SignInFailed)) throw error;
    return troubles.signInFailed(error, () => signIn({ link: error.link, prompt: "select_account" }));
  }
}

function open(link) {
  if (!link) return screens.nothing();
  const proposal = readProposal(link);
  if (proposal.problem) return screens.badLink(proposal);
  keepLink(link);
  const earlier = unsureLink();
  const onEarlier = earlier !== null && earlier !== link ? () => open(earlier) : null;
  return screens.signedOut(proposal, () => signIn({ link }), onEarlier);
}

// visit: { person, proposal, link }.
async function review(visit) {
  const { person, proposal, link } = visit;
  screens.working(TEXT.reading);
  const answer = await read(visit);
  if (!answer.ok) return handle(visit, answer, () => review(visit));
  const { current, proposed } = answer.body;
  if (!isAsProposed(proposal.values, proposed)) throw new Error("the dry run shows another profile than was proposed");
  if (isSame(current, proposed)) return alreadySo(visit, answer);
  const approval = { current: pick(current), profile: pick(proposed), key: crypto.randomUUID() };
  const on = { approve: () => approve(visit, approval), drop, another: () => anotherAccount(link) };
  return screens.review(person, proposal, current, proposed, on);
}

// The dry run: { current, proposed } as the body of an answer. Where it succeeds, the sign-in was enough.
async function read({ person, proposal }) {
  const isComplete = FIELDS.every((field) => field in proposal.values);
  const answer = await dryRun(person.token, proposal.values, isComplete);
  if (answer.ok) person.because = undefined;
  return answer;
}

// The profile that is stored is the proposed one: by a write of this proposal whose end was not known, or before it.
function alreadySo({ person, link }, answer) {
  const isWritten = unsureLink() === link;
  const profile = pick(answer.body.proposed);
  forget();
  if (isWritten) return screens.done(profile, true, true, answer.header("MS-CorrelationId"));
  return screens.nothingToChange(person, profile, () => anotherAccount(link));
}

function drop() {
  const isUnsure = unsureLink() !== null;
  forget();
  screens.dropped(isUnsure);
}

// What is written is what was shown, whole. approval: { current, profile, key }: what was shown as stored and as new,
// and one key for all attempts.
function approve(visit, approval) {
  screens.working(TEXT.writing);
  return guard(finish(visit, approval));
}

async function finish(visit, approval) {
  const again = () => approve(visit, approval);
  const check = () => guard(review(visit));
  const now = await read(visit);
  if (!now.ok) return handle(visit, now, again);
  const { current, proposed } = now.body;
  if (isSame(current, approval.profile)) return alreadySo(visit, now);
  // A full profile would undo what somebody else has changed since the review.
  if (!isSame(current, approval.current) || !isSame(proposed, approval.profile)) {
    return troubles.changedMeanwhile(visit, now, check);
  }
  const unsureBefore = unsureLink();
  keepUnsure(visit.link); // before the write: a reload ends the page, and not the request
  const answer = await write(visit.person.token, approval.profile, approval.key);
  if (!answer.ok && isUnknown(answer)) return troubles.unknown(visit, answer, check, again);
  if (!answer.ok) {
    keepUnsure(unsureBefore);
    return handle(visit, answer, again);
  }
  return finished(answer, approval.profile, check);
}

function finished(answer, approved, check) {
  const stored = pick(answer.body);
  const reference = answer.header("MS-CorrelationId");
  const outcome = answer.header("Update-Outcome");
  const isOther = FIELDS.some((field) => typeof stored[field] === "string" && stored[field] !== approved[field]);
  if (outcome === "differs" || isOther) return screens.differs(approved, stored, check, reference);
  forget();
  return screens.done(approved, isSame(stored, approved), outcome === "confirmed-by-read", reference);
}

// What the person can do about a failure.
function handle(visit, answer, again) {
  const code = codeOf(answer);
  const { actor, upstream } = answer.body;
  const { person, link } = visit;
  if (code === "invalid_token") return refusedToken(visit, answer);
  if (actor === "user") {
    const claims = challengedClaims(answer);
    const options = { link, because: code, claims, prompt: claims ? undefined : "login", hint: person.hint };
    return troubles.signInNeeded(visit, answer, person.because === code, () => signIn(options));
  }
  const isRole = answer.status === 403 && NEEDS_A_ROLE.includes(upstream?.code);
  if (isRole || NEEDS_ANOTHER_ACCOUNT.includes(code)) {
    return troubles.anotherAccount(visit, answer, isRole, () => anotherAccount(link));
  }
  if (upstream?.code === "2055") return troubles.changedMeanwhile(visit, answer, () => guard(review(visit)));
  return canPass(answer) ? troubles.passing(visit, answer, () => guard(again())) : troubles.final(visit, answer);
}

// Another sign-in helps where the token has expired, or may have been spoiled meanwhile. It does not help twice.
function refusedToken(visit, answer) {
  const { person, link } = visit;
  const because = codeOf(answer);
  const isExpired = answer.body.reason === "expired";
  const options = { link, because, hint: person.hint, prompt: isExpired ? undefined : "login" };
  const isRepeated = person.because === because;
  if (isExpired && !isRepeated) return troubles.signInNeeded(visit, answer, false, () => signIn(options));
  const isFresh = performance.now() - person.since < FRESH_MILLISECONDS;
  return troubles.notAccepted(visit, answer, isFresh || isRepeated ? null : () => signIn(options));
}

const signIn = (options) => guard(startSignIn(options));
const anotherAccount = (link) => signIn({ link, prompt: "select_account" });
const isSame = (one, other) => FIELDS.every((field) => one[field] === other[field]);

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
