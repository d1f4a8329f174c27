// What the person sees, one function for each screen. What went wrong is in troubles.js.

import { button, element, foreign, leaving, paragraph, setLive } from "./elements.js";
import { TEXT } from "./language.js";
import { FIELDS, remarks } from "./proposal.js";

const SETTLE_MILLISECONDS = 1000; // a click that was meant for another page must not approve
const main = document.getElementById("main");
let screen = new AbortController(); // ends what the present screen listens to

export function signedOut(proposal, onSignIn) {
  const rows = FIELDS.filter((field) => field in proposal.values).map((field) => [field, proposal.values[field]]);
  show(TEXT.signedOut, [
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

// stored: the profile in Partner Center's answer, null where it shows none. isRead: it was read back.
export function done(approved, stored, isRead, reference) {
  const values = stored ?? approved;
  const differing = FIELDS.filter((field) => values[field] !== approved[field]);
  const rows = FIELDS.map((field) => [field, values[field] ?? "", differing.includes(field) && approved[field]]);
  const names = differing.map((field) => TEXT.fields[field]);
  show(TEXT.done, [
    differing.length ? element("p", { className: "remark" }, TEXT.doneDiffers(names)) : null,
    list(rows),
    isRead ? paragraph(TEXT.doneByReading) : null,
    paragraph(stored ? TEXT.doneText : TEXT.doneUnseen),
    referenceLine(reference),
  ]);
}

export function working(text) {
  show(text, [element("div", { className: "working", attributes: { "aria-hidden": "true" } })]);
}

export const dropped = () => show(TEXT.dropped, [paragraph(TEXT.droppedText)]);
export const nothing = () => show(TEXT.nothing, [paragraph(TEXT.nothingText)]);
export const badLink = ({ problem, part }) =>
  show(TEXT.badLink, [paragraph(TEXT.links[problem](part)), paragraph(TEXT.badLinkText)]);

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
  const notes = remarks(field, current, proposed).map((one) =>
    element("p", { className: "remark" }, TEXT[one.remark](one)),
  );
  return line([
    head,
    cell("td", "cell", {}, caption(TEXT.columns.now), element("del", {}, before)),
    cell("td", "cell", {}, caption(TEXT.columns.next), element("ins", {}, foreign(proposed)), notes),
  ]);
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

function list(rows) {
  const entries = rows.map(([field, value, approved]) => {
    const remark = approved ? element("p", { className: "remark" }, TEXT.approved(foreign(approved))) : null;
    return [element("dt", {}, TEXT.fields[field]), element("dd", {}, foreign(value), remark)];
  });
  return element("dl", {}, entries);
}
