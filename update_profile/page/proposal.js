// The proposal that a link carries in its fragment. It is read and never trusted, and nothing of it is sent before the
// person has signed in. Nothing here touches the document, so a test can call every function.

export const FIELDS = ["email", "telephone", "website"];
export const LONGEST_LINK = 4096; // characters of the fragment
export const LONGEST_LABEL = 100; // characters of `from`
const LONGEST_NAME = 40; // characters of a part's name, where a text quotes it
const MOST_LETTERS = 8; // of a value, that a remark names

const ENCODED = /%[0-9A-Fa-f]{2}/; // left after decoding: encoded twice, or a part of an address

// What has no look of its own, or changes the look of other text: control and format characters, what a reader may
// ignore, line and paragraph separators, and blanks other than the plain one.
const HIDDEN = /[\p{Cc}\p{Cf}\p{DI}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

// { values: { email, telephone, website }, from }, with one to three values; `from` is "" where the link has none. A
// blank value counts as left out: a template writes one for a field that the ticket does not fill.
// Or { problem, part }: the name of a text in strings.<language>.js, and the part of the link that it is about.
export function readProposal(fragment) {
  if (fragment.length > LONGEST_LINK) return { problem: "tooLong", part: "" };
  const values = {};
  const seen = new Set();
  let from = "";
  let blank = null;
  for (const part of fragment.split("&").filter(Boolean)) {
    const [, written, rest] = /^([^=]*)(=?.*)$/s.exec(part);
    const name = decoded(written);
    const value = decoded(rest.slice(1));
    const told = label(name ?? written).slice(0, LONGEST_NAME);
    if (name === null || value === null) return { problem: "notEncoded", part: told };
    const known = name.toLowerCase();
    if (!FIELDS.includes(known) && known !== "from") return { problem: "unknownPart", part: told };
    if (!rest) return { problem: "noValue", part: told };
    if (seen.has(known)) return { problem: "repeated", part: told };
    seen.add(known);
    if (known === "from") from = label(value);
    else if (!value.trim()) blank ??= told;
    else if (known !== "website" && ENCODED.test(value)) return { problem: "notEncoded", part: told };
    else values[known] = value;
  }
  if (Object.keys(values).length) return { values, from };
  return blank === null ? { problem: "empty", part: "" } : { problem: "noValue", part: blank };
}

// Decodes application/x-www-form-urlencoded strictly; null for what is not well-formed. Encoders write a blank as "+".
// Senders without an encoder write "+1 425" as it is, and no value begins with a blank: so there it is a plus.
function decoded(text) {
  try {
    return decodeURIComponent(text.replace(/^\+/, "%2B").replaceAll("+", " "));
  } catch {
    return null;
  }
}

// What the sender calls itself, without what could change the look of the text around it.
function label(text) {
  const plain = text.replace(/[\t\n\r]+/g, " ").replace(HIDDEN, "").replace(/(\p{M}{2})\p{M}+/gu, "$1");
  return [...plain.trim()].slice(0, LONGEST_LABEL).join("");
}

// A mail gateway that encodes the "#" (once or twice, alone or with all behind it) leaves the proposal in the path.
// Returns that part, or null. A "?" or "#" in a value begins what the browser takes for the query or the fragment: they
// belong to the proposal too.
export function mangled({ pathname, search = "", hash = "" }) {
  const mark = /%(?:25)*23/i.exec(pathname);
  if (!mark) return null;
  let rest = (pathname + search + hash).slice(mark.index + mark[0].length);
  try {
    while (!rest.includes("=") && rest.includes("%")) rest = decodeURIComponent(rest);
  } catch {
    // It is refused by name when it is read as a link.
  }
  return rest;
}

// Whether the profile that a dry run proposes is whole and has every value of the link.
export function isAsProposed(values, profile) {
  const isRight = (field) => typeof profile[field] === "string" && (values[field] ?? profile[field]) === profile[field];
  return FIELDS.every(isRight);
}

// A value in pieces, so that nothing in it is invisible: { text }, or { hidden: "U+200B" }.
export function pieces(value) {
  const found = [];
  let end = 0;
  for (const match of value.matchAll(HIDDEN)) {
    if (match.index > end) found.push({ text: value.slice(end, match.index) });
    found.push({ hidden: codePoint(match[0]) });
    end = match.index + match[0].length;
  }
  if (end < value.length) found.push({ text: value.slice(end) });
  return found;
}

// What a person should look at twice: { remark, ... }, where `remark` is the name of a text. current: undefined where
// the field is not set, or not known yet.
export function remarks(field, current, proposed) {
  const found = [];
  const odd = [...new Set(proposed)].filter((character) => character > "~");
  if (odd.length) {
    const letters = odd.slice(0, MOST_LETTERS).map((one) => ({ character: shown(one), code: codePoint(one) }));
    found.push({ remark: "letters", letters, more: odd.length - letters.length });
  }
  if (field === "telephone") return found;
  const [encoded] = ENCODED.exec(proposed) ?? [];
  if (encoded) found.push({ remark: "encoded", encoded });
  const [before, after] = [domain(field, current ?? ""), domain(field, proposed)];
  if (!after) found.push({ remark: "noDomain" });
  else if (before && after !== before && !after.endsWith(`.${before}`)) found.push({ remark: "domain", before, after });
  else if (odd.length && after.includes("xn--")) found.push({ remark: "spelled", after });
  else if (!before) found.push({ remark: "itsDomain", after });
  return found;
}

const shown = (character) => (character.search(HIDDEN) < 0 ? character : "");
const codePoint = (character) => `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;

// The host as a browser reads it, so letters that imitate others come out as "xn--…"; "" where there is none.
function domain(field, value) {
  const address = field === "email" ? value.slice(value.lastIndexOf("@") + 1) : value;
  try {
    return new URL(/^https?:/i.test(address) ? address : `https://${address}`).hostname.replace(/^www\./, "");
  } catch {
    return "";
  }
}
