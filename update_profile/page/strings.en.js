// Every text of the page, in English. A translation is a copy of this file under the name strings.<language>.js.
// A text with arguments is a function that returns a string, or a list of strings and of the elements it was given.

const FIRST_ISOLATE = "\u2068"; // what stands between the two has no effect on the direction of the text around it
const POP_ISOLATE = "\u2069";
const isolated = (text) => `${FIRST_ISOLATE}${text}${POP_ISOLATE}`;
const quoted = (text) => `“${isolated(text)}”`;

const letter = ({ character, code }) => (character ? `${isolated(character)} (${code})` : code);

function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

export const TEXT = {
  page: "Partner Center support profile",
  fields: { email: "Email", telephone: "Telephone", website: "Website" },
  columns: { field: "Field", now: "Now", next: "New" },
  notSet: "not set",
  same: "stays as it is",

  // What the screens say.
  signedOut: "Somebody proposes a new support profile",
  signedOutText: "Your customers see this profile in Partner Center. Sign in to see what would change. Nothing is "
    + "written until you approve it.",
  earlierUnknown: "A change was sent from this tab, and it is not known whether the profile was updated. The review "
    + "shows what is stored.",
  sender: "The link says that it comes from:",
  senderDoubt: "Anybody can write that. Check it where you got the link.",
  noSender: "The link does not say where it comes from.",
  signingIn: "Signing you in…",
  reading: "Reading the profile that is stored…",
  writing: "Updating the profile…",
  review: "Approve this change?",
  signedInAs: (name) => ["Signed in as ", name, "."],
  unnamed: "the account that you chose",
  nothingToChange: "Nothing to change",
  nothingToChangeText: "The profile that is stored has the proposed values already.",
  done: "The support profile is updated",
  doneText: "Partner Center stores these values now. You can close this page.",
  doneUnseen: "Partner Center accepted these values and did not show what it stores. You can close this page.",
  doneByReading: "The answer to the change did not show this. Reading the profile again showed these values.",
  differs: "Partner Center shows other values",
  differsText: "The change was sent, and the answer shows another profile than you approved. Partner Center may store "
    + "another form of a value, or it may not have made the change. Check what is stored.",
  approved: (value) => ["You approved: ", value],
  dropped: "Nothing was changed",
  droppedUnsure: "No other change was sent",
  droppedText: "You can close this page. The link still works.",
  nothing: "There is nothing to approve",
  nothingText: "Open this page with the whole link from your ticket. Some mail programs cut a link at the # sign. "
    + "If yours did, copy the link as text.",
  badLink: "This link cannot be used",
  badLinkText: "Tell whoever made the link.",
  reference: "Reference for support: ",

  // Buttons.
  signIn: "Sign in to review",
  signInAgain: "Sign in again",
  anotherAccount: "Sign in with another account",
  approve: "Update the support profile",
  drop: "Do nothing",
  tryAgain: "Try again",
  check: "Check what is stored",
  openEarlier: "Open that change",
  reviewAgain: "Review again",
  wait: (seconds) => ` in ${duration(seconds)}`,
  wholeWait: (seconds) => `You can try again in ${duration(seconds)}.`,
  waitOver: "You can try again now.",

  // What a person should look at twice.
  letters: ({ letters, more }) => "These characters can look like plain letters: "
    + `${letters.map(letter).join(", ")}${more ? ` and ${more} more` : ""}.`,
  domain: ({ before, after }) => `Another domain: ${before} becomes ${after}.`,
  spelled: ({ after }) => `A browser reads its domain as ${after}.`,
  itsDomain: ({ after }) => `Its domain is: ${after}.`,
  encoded: ({ encoded }) => `It looks URL-encoded: it has ${encoded}. Check that the address is right.`,
  noDomain: () => "No domain can be read in this value.",

  // Why a link cannot be used.
  links: {
    tooLong: () => "It is longer than 4,096 characters.",
    notEncoded: (part) => `The part ${quoted(part)} is not URL-encoded as it should be.`,
    unknownPart: (part) => `It has a part that this page does not know: ${quoted(part)}. A value before it may not `
      + "be URL-encoded.",
    noValue: (part) => `The part ${quoted(part)} has no value.`,
    repeated: (part) => `It gives ${quoted(part)} twice.`,
    empty: () => "It proposes nothing: it needs an email, a telephone or a website.",
  },

  // Why there was no sign-in.
  cancelled: ["You did not sign in", ""],
  forged: ["The sign-in failed", "The answer that came belongs to another sign-in. Sign in again."],
  entraUnreachable: ["The sign-in failed", "Entra ID cannot be reached. Check your connection, then sign in again."],
  entraSays: (message) => ["The sign-in failed", message ? `Entra ID says: ${isolated(message)}` : "Sign in again."],

  // Failures by their code (docs/api.md): a heading, and what to do. Others are shown as the function puts them.
  failures: {
    interaction_required: [
      "One more step to sign in",
      "Your organization asks for more proof of who you are, such as a second factor.",
    ],
    partner_center_mfa_required: [
      "Partner Center asks for a second factor",
      "Sign in again with multi-factor authentication.",
    ],
    invalid_token: ["Your sign-in has ended", "Sign in again to go on. The proposal is kept."],
    invalid_profile: ["The proposal cannot be used", "Whoever made the link must correct it."],
    tenant_not_allowed: [
      "This account cannot be used here",
      "Its organization is not one that this page serves. Sign in with an account of the right one.",
    ],
    access_blocked: [
      "This account may not do this",
      "A policy of your organization, a missing assignment or a disabled account keeps it out. "
        + "An administrator can tell which.",
    ],
    consent_required: [
      "An administrator must agree first",
      "Nobody has allowed this function to act in Partner Center for your organization yet.",
    ],
    partner_center_throttled: ["Partner Center is busy", "It asks to wait a moment."],
    unreachable: ["This page cannot reach its function", "Check your connection, then try again."],
    unreadable: [
      "Something is in the way",
      "An answer came, but not from the function. A gateway or a proxy may have sent it.",
    ],
  },
  notAccepted: "Your sign-in is not accepted",
  notAllowed: [
    "This account may not change the profile",
    "It lacks a role in Partner Center, such as Admin agent. An administrator can assign it.",
  ],
  notAlone: [
    "The change cannot be made as it is",
    "A value that is stored, and not in the link, is missing or wrong. Whoever made the link must give all three.",
  ],
  changedMeanwhile: ["The profile was changed at the same time", "Review it again before you approve the change."],
  unknown: [
    "It is not known whether the profile was updated",
    "The change was sent, and no answer shows what became of it. Check what is stored. If it is not updated, you can "
      + "approve the change again. To try again is safe too: it is the same request.",
  ],
  failed: "Something went wrong",
  failedText: "Reload the page to start again: it shows what is stored. It needs a current browser that keeps data of "
    + "this site while the page is open.",
  unchanged: "Nothing was changed.",
  stillUnknown: "It is still not known whether the profile was updated.",
  stillNotEnough: "You have just signed in again, and it was not enough. An administrator must require a second factor "
    + "for this sign-in.",
  consentAddress: "Address for the administrator: ",
  actors: {
    caller: "Whoever made the link must act.",
    user: "Sign in again.",
    administrator: "An administrator of your organization must act.",
    operator: "Whoever runs this page must act.",
    nobody: "",
  },
};
