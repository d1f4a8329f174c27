// Makes elements. Every text goes in as text and never as markup: the page's policy (Trusted Types) refuses markup.

import { pieces } from "./proposal.js";

const LEAVING_MILLISECONDS = 5000;

// An element with these properties; `attributes` is a property for what has none of its own.
export function element(name, { attributes = {}, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  for (const [attribute, text] of Object.entries(attributes)) made.setAttribute(attribute, text);
  made.append(...children.flat(3).filter((child) => child !== null));
  return made;
}

export const paragraph = (...children) => element("p", {}, ...children);

// A value that somebody else wrote. What would be invisible in it is shown by its code point.
export function foreign(value, name = "bdi") {
  const parts = pieces(value).map(({ text, hidden }) => text ?? element("span", { className: "hidden" }, hidden));
  return element(name, { className: "value", attributes: { dir: "auto" } }, parts);
}

// A button that can rest without losing the focus; a click on a resting one does nothing.
export function button(text, onClick, className = "") {
  const made = element("button", { type: "button", className }, text);
  made.addEventListener("click", () => isLive(made) && onClick());
  return made;
}

export const isLive = (control) => control.getAttribute("aria-disabled") !== "true";
export const setLive = (control, live) => control.setAttribute("aria-disabled", String(!live));

// A button that leaves the page: the second click of a double click does nothing. It is live again after a while,
// because a person can stop the navigation.
export function leaving(text, onClick, className = "") {
  const leave = () => {
    setLive(made, false);
    setTimeout(() => setLive(made, true), LEAVING_MILLISECONDS);
    onClick();
  };
  const made = button(text, leave, className);
  return made;
}
