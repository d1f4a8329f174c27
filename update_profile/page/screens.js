// What the person sees, one function for each screen. What went wrong is in troubles.js.

import { button, element, foreign, leaving, paragraph, setLive } from "./elements.js";
import { TEXT } from "./language.js";
import { FIELDS, remarks } from "./proposal.js";
import { unsureLink } from "./sign_in.js";

const SETTLE_MILLISECONDS = 1000; // a click that was meant for another page must not approve
const main = document.getElementById("main");
let screen = new AbortController(); // ends what the present screen listens to

// onEarlier: opens an earlier proposal that may have been written; null where there is none but this one.
export function signedOut(proposal, onSignIn, onEarlier) {
  const fields = FIELDS.filter((field) => field in proposal.values);
  const rows = fields.map((field) => [field, proposal.values[field], notes(field, undefined, proposal.values[field])]);
  const again = onEarlier && button(TEXT.openEarlier, onEarlier, "link");
  show(TEXT.signedOut, [
    unsureLink() && element("p", { className: "remark" }, TEXT.earlierUnknown, again ? [" ", again] : []),
    paragraph(TEXT.signedOutText),
    list(rows),
    sender(proposal),
    actions(leaving(TEXT.signIn, onSignIn, "primary")),
  ]);
}

// current, proposed: the stored profile and the one to approve. on: { approve, drop, another }.
export function review(person, proposal, current, proposed, on) {
  const rows = FIELDS.map((field) => row(field, current[field], proposed[field]));
  const heads = Object.values(TEXT.columns).map((text) => cell("th", "columnheader", { scope: "col" }, text));
  const approve = button(TEXT.approve, on.approve, "primary");
  show(TEXT.review, [
    signedInAs(person, on.another),
    element(
      "table",
      { attributes: { role: "table" } },
      element("thead", { attributes: { role: "rowgroup" } }, line(heads)),
      element("tbody", { attributes: { role: "rowgroup" } }, rows),
    ),
    sender(proposal),
    actions(approve, button(TEXT.drop, on.drop)),
  ]);
  settle(approve);
}

export function nothingToChange(person, proposed, onAnother) {
  const rows = FIELDS.map((field) => [field, proposed[field]]);
  show(TEXT.nothingToChange, [paragraph(TEXT.nothingToChangeText), list(rows), signedInAs(person, onAnother)]);
}

// isShown: Partner Center's answer shows these values. isRead: they were read back.
export function done(approved, isShown, isRead, reference) {
  show(TEXT.done, [
    list(FIELDS.map((field) => [field, approved[field]])),
    isRead ? paragraph(TEXT.doneByReading) : null,
    paragraph(isShown ? TEXT.doneText : TEXT.doneUnseen),
    referenceLine(reference),
  ]);
}

// The answer to a write shows another profile than was approved, or a part of one.
export function differs(approved, stored, onCheck, reference) {
  const rows = FIELDS.filter((field) => typeof stored[field] === "string").map((field) => {
    const isOther = stored[field] !== approved[field];
    const remark = element("p", { className: "remark" }, TEXT.approved(foreign(approved[field])));
    return [field, stored[field], isOther ? [remark] : []];
  });
  show(TEXT.differs, [
    paragraph(TEXT.differsText),
    list(rows),
    actions(button(TEXT.check, onCheck, "primary")),
    referenceLine(reference),
  ]);
}

export function working(text) {
  show(text, [element("div", { className: "working", attributes: { "aria-hidden": "true" } })]);
}

export function dropped(isUnsure) {
  show(isUnsure ? TEXT.droppedUnsure : TEXT.dropped, [
    isUnsure ? paragraph(TEXT.stillUnknown) : null,
    paragraph(TEXT.droppedText),
  ]);
}

export const nothing = () => show(TEXT.nothing, [paragraph(TEXT.nothingText)]);
export const badLink = ({ problem, part }) =>
  show(TEXT.badLink, [paragraph(TEXT.links[problem](part)), outcome(), paragraph(TEXT.badLinkText)]);

// What is known of the profile where this page did not update it.
export const outcome = () => paragraph(unsureLink() === null ? TEXT.unchanged : TEXT.stillUnknown);

// Replaces the screen. The heading gets the focus, so that a screen reader reads on from there.
export function show(heading, children) {
  screen.abort();
  screen = new AbortController();
  const title = element("h1", { tabIndex: -1 }, heading);
  main.replaceChildren(title, ...children.filter(Boolean));
  document.title = `${heading} · ${TEXT.page}`;
  title.focus();
}

export const actions = (...buttons) => element("div", { className: "actions" }, buttons);

export function referenceLine(id) {
  return id ? element("p", { className: "reference" }, TEXT.reference, element("code", {}, id)) : null;
}

// Live when the person has had a second to see it, and a second after they come back from elsewhere.
function settle(control) {
  let timer = 0;
  const wait = () => {
    clearTimeout(timer);
    setLive(control, false);
    if (document.visibilityState !== "visible" || !document.hasFocus()) return;
    timer = setTimeout(() => setLive(control, true), SETTLE_MILLISECONDS);
  };
  for (const kind of ["focus", "blur"]) window.addEventListener(kind, wait, { signal: screen.signal });
  document.addEventListener("visibilitychange", wait, { signal: screen.signal });
  wait();
}

// Roles are spelled out, because a table that is laid out as blocks (360 px) loses its own.
function row(field, current, proposed) {
  const head = cell("th", "rowheader", { scope: "row" }, TEXT.fields[field]);
  const before = current === undefined ? element("span", { className: "quiet" }, TEXT.notSet) : foreign(current);
  if (current === proposed) {
    const stays = element("span", { className: "quiet" }, TEXT.same);
    return line([head, cell("td", "cell", {}, caption(TEXT.columns.now), before), cell("td", "cell", {}, stays)]);
  }
  const next = [caption(TEXT.columns.next), element("ins", {}, foreign(proposed)), notes(field, current, proposed)];
  return line([
    head,
    cell("td", "cell", {}, caption(TEXT.columns.now), element("del", {}, before)),
    cell("td", "cell", {}, next),
  ]);
}

function notes(field, current, proposed) {
  const note = (one) => element("p", { className: "remark" }, TEXT[one.remark](one));
  return remarks(field, current, proposed).map(note);
}

const line = (cells) => element("tr", { attributes: { role: "row" } }, cells);
const cell = (name, role, more, ...children) => element(name, { attributes: { role, ...more } }, ...children);
const caption = (text) => element("span", { className: "caption" }, `${text}: `);

function signedInAs(person, onAnother) {
  const name = person.name ? element("strong", {}, foreign(person.name)) : TEXT.unnamed;
  return paragraph(TEXT.signedInAs(name), " ", leaving(TEXT.anotherAccount, onAnother, "link"));
}

// In a block of its own, so that no label can pass for a sentence of this page.
function sender(proposal) {
  if (!proposal.from) return paragraph(TEXT.noSender);
  const told = element("blockquote", {}, foreign(proposal.from));
  return element("div", { className: "sender" }, paragraph(TEXT.sender), told, paragraph(TEXT.senderDoubt));
}

// rows: [field, value, elements below the value].
function list(rows) {
  const entry = ([field, value, below = []]) => [
    element("dt", {}, TEXT.fields[field]),
    element("dd", {}, foreign(value), below),
  ];
  return element("dl", {}, rows.map(entry));
}
