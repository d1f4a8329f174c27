// What the person sees when something went wrong, and what they can do about it.
//
// Each function takes the visit (approve.js) and the answer (api.js).

import { codeOf, waitSeconds } from "./api.js";
import { button, element, foreign, isLive, leaving, paragraph, setLive } from "./elements.js";
import { TEXT } from "./language.js";
import { actions, outcome, referenceLine, show } from "./screens.js";

const TICK_MILLISECONDS = 250;

export function signInFailed(error, onSignIn) {
  const known = { access_denied: TEXT.cancelled, state: TEXT.forged, unreachable: TEXT.entraUnreachable };
  const [heading, text] = known[error.code] ?? TEXT.entraSays(error.message);
  const choices = actions(leaving(TEXT.signInAgain, onSignIn, "primary"));
  show(heading, [text ? paragraph(text) : null, outcome(), choices]);
}

// isRepeated: the last sign-in was for the same reason.
export function signInNeeded(visit, answer, isRepeated, onSignIn) {
  const facts = isRepeated ? [paragraph(TEXT.stillNotEnough)] : [];
  failure(visit, answer, { facts, choice: leaving(TEXT.signInAgain, onSignIn, "primary") });
}

// Whatever else is wrong with a token than that it has expired. onSignIn: null where a new sign-in does not help.
export function notAccepted(visit, answer, onSignIn) {
  const actor = TEXT.actors[onSignIn ? "user" : "operator"];
  const choice = onSignIn && leaving(TEXT.signInAgain, onSignIn, "primary");
  const saying = [TEXT.notAccepted, [answer.body.detail, actor].filter(Boolean).join(" ")];
  failure(visit, answer, { saying, choice });
}

// isRole: the account lacks a role in Partner Center.
export function anotherAccount(visit, answer, isRole, onSignIn) {
  const saying = isRole ? TEXT.notAllowed : sayings(answer);
  failure(visit, answer, { saying, choice: leaving(TEXT.anotherAccount, onSignIn, "primary") });
}

// A write whose end nothing shows.
export function unknown(visit, answer, onCheck, onAgain) {
  const again = button(TEXT.tryAgain, onAgain);
  const [heading, text] = TEXT.unknown;
  const choices = actions(button(TEXT.check, onCheck, "primary"), again);
  show(heading, [paragraph(text), choices, referenceLine(answer.header("MS-CorrelationId"))]);
  countDown(again, waitSeconds(answer));
}

// What heals by itself.
export function passing(visit, answer, onAgain) {
  const again = button(TEXT.tryAgain, onAgain, "primary");
  failure(visit, answer, { choice: again });
  countDown(again, waitSeconds(answer));
}

export function changedMeanwhile(visit, answer, onReview) {
  const choice = button(TEXT.reviewAgain, onReview, "primary");
  failure(visit, answer, { choice, saying: TEXT.changedMeanwhile });
}

// Only an administrator or whoever runs the function can correct this.
export function final(visit, answer) {
  const { errors = [], consentUri } = answer.body;
  const faults = errors.map((fault) => element("li", {}, foreign(`${fault.field} ${fault.message}`)));
  const facts = [
    faults.length ? element("ul", {}, faults) : null,
    consentUri ? paragraph(TEXT.consentAddress, element("code", {}, consentUri)) : null,
  ];
  const isOfLink = errors.every((fault) => fault.field.toLowerCase() in visit.proposal.values);
  const saying = codeOf(answer) === "invalid_profile" && !isOfLink ? TEXT.notAlone : sayings(answer);
  failure(visit, answer, { facts, saying });
}

// A fault of this page itself, or of the browser.
export const broken = () => show(TEXT.failed, [paragraph(TEXT.failedText)]);

// saying: [heading, text]; facts: elements below the text; choice: a button, or null.
function failure(visit, answer, { saying = sayings(answer), facts = [], choice = null }) {
  const [heading, text] = saying;
  show(heading, [
    text ? paragraph(text) : null,
    ...facts,
    outcome(),
    choice && actions(choice),
    referenceLine(answer.header("MS-CorrelationId")),
  ]);
}

function sayings(answer) {
  const { actor, title, detail } = answer.body;
  const told = [title ?? TEXT.failed, [detail, TEXT.actors[actor]].filter(Boolean).join(" ")];
  return TEXT.failures[codeOf(answer)] ?? told;
}

// A screen reader is told the whole wait once, with the button; what ticks is for the eye alone.
// The clock is read at each tick, because a browser slows the timers of a page that nobody sees.
function countDown(control, seconds) {
  const end = performance.now() + seconds * 1000;
  const rest = element("span", { attributes: { "aria-hidden": "true" } });
  const over = element("p", { attributes: { role: "status" } });
  const whole = element("p", { id: "wait", className: "spoken" }, seconds > 0 ? TEXT.wholeWait(seconds) : "");
  control.append(rest);
  control.setAttribute("aria-describedby", whole.id);
  control.parentElement.after(whole, over);
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    setLive(control, left <= 0);
    rest.textContent = left > 0 ? TEXT.wait(left) : "";
    if (isLive(control)) {
      whole.textContent = "";
      over.textContent = seconds > 0 ? TEXT.waitOver : "";
    } else if (control.isConnected) setTimeout(tick, TICK_MILLISECONDS);
  };
  tick();
}
