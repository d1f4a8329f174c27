"""What a failure of Azure CLI means for a deployment. Pure: text in, verdict out.

Azure CLI reports a failed upload as text on standard error, and has no structured form for it. It does name an HTTP
status or an error code, in a few fixed forms. Only those forms count: a number anywhere else in the text says nothing.

Sources, each read in the named place:
- azure-cli 2.91.0, command_modules/appservice/custom.py: enable_zip_deploy_flex, check_flex_app_after_deployment,
  _check_zip_deployment_status_flex
- learn.microsoft.com/rest/api/storageservices/blob-service-error-codes: AuthorizationPermissionMismatch,
  AuthorizationFailure
- learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors: AuthorizationFailed,
  RequestDisallowedByPolicy
- github.com/microsoft/vscode-azureappservice/issues/1853, github.com/Azure/azure-functions-core-tools/issues/4346
"""

import re
from dataclasses import dataclass
from enum import Enum

MAX_SHOWN_CHARACTERS = 300


class Verdict(Enum):
    """What to do after a failed command."""

    WAIT = "wait"
    """A role may not be in force yet: the same command can succeed in some minutes."""
    STOP = "stop"
    """The same command would fail again."""
    IN_PLACE = "in place"
    """The package is deployed. Azure CLI then failed to find out how the app is."""


@dataclass(frozen=True)
class Finding:
    """A verdict, the words of Azure that led to it, and a sentence for the operator."""

    verdict: Verdict
    words: str
    advice: str


# Phrases of Azure CLI that follow an accepted package: check_flex_app_after_deployment alone raises them. A failed
# connection to the status page names its path.
_IN_PLACE = (
    r"Deployment was successful but the app appears to be unhealthy",
    r"Failed to fetch host key to check for function app status",
    r"Failed to fetch host url for function app",
    r"/admin/host/status",
)

# Refusals that waiting does not mend, in the order in which they are looked for.
_FINAL = (
    (r"web app is stopped", "The function app is stopped. Start it: az functionapp start."),
    (
        r"Ip Forbidden|has blocked your access|networking features enabled which are blocking access",
        "A network rule of the function app refuses this address. Deploy from inside, or change the rule.",
    ),
    (
        r"\bAuthorizationFailure\b",  # a missing role is AuthorizationPermissionMismatch
        "A network rule of the storage account refuses this address. Upload from inside its network.",
    ),
    (r"AADSTS\d+", "Entra ID refused the sign-in. Sign in again, or ask an administrator about the number."),
    (
        r"RequestDisallowedByPolicy|disallowed by policy",
        "A policy of the subscription refuses it. Ask whoever administers the policy that is named.",
    ),
    (r"ScopeLocked", "A lock protects the resource. Remove the lock, or deploy elsewhere."),
    (r"ReadOnlyDisabledSubscription", "The subscription is disabled."),
    (
        r"\bAuthorizationFailed\b",
        "Whoever is signed in lacks a role on the named scope. docs/operations.md says which roles a deployment needs.",
    ),
    (
        r"Key based authentication is not permitted|KeyBasedAuthenticationNotPermitted",
        "Something uses a key of the storage account, and the account refuses keys. Deploy infra/ again.",
    ),
    (
        r"There may be an ongoing deployment|another deployment is in progress",
        "Another deployment is running. Wait for its end, then run this again.",
    ),
    (
        r"Timeout reached by the command|Failed to retrieve deployment status",
        "Whether the package is in place is not known. Running this again is safe.",
    ),
)
_ELSE = "The failure is not a role that takes time, so it is not tried again."

# What the storage service and the host say of a storage that refuses a role. The host also meets a private endpoint
# that is still being made, which heals as well.
_STORAGE_CODES = r"\b(?:AuthorizationPermissionMismatch|InsufficientAccountPermissions)\b"
_STORAGE_WORDS = r"InaccessibleStorageException|Azure Storage responded with Forbidden"
_NO_PERMISSION = r"This request is not authorized to perform this operation"
_YOUNG = "the role assignment is not in force yet."

# The forms in which Azure CLI and the services behind it name an HTTP status. The first one in the text counts: what
# follows it is detail. `\b` alone would find 403 in an id.
_STATUS = re.compile(
    r"""
      status\ code:?\ (?P<a>[1-5]\d\d)\b                            # An error occured during deployment. …
    | does\ not\ indicate\ success:\ (?P<b>[1-5]\d\d)\b            # the host's log of its own upload
    | invalid\ status(?:\ code)?\ '(?:(?P<c>[1-5]\d\d)|Forbidden)  # Operation returned an invalid status 'Forbidden'
    | ^(?:ERROR:\ )?(?:HTTP\ )?(?P<d>[1-5]\d\d)\ [A-Z]             # 403 Client Error
    | \b(?P<e>[1-5]\d\d)\ Forbidden\b
    | \((?P<f>[1-5]\d\d)\)\s                                      # (403) Ip Forbidden
    | \bError\ (?P<g>[1-5]\d\d)\ -\                               # Error 403 - Forbidden
    | ^(?:ERROR:\ )?\(?Forbidden\b
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)


def find(errors: str) -> Finding:
    """Return what a failed command's standard error means."""
    for phrase in _IN_PLACE:
        if words := _line_with(phrase, errors):
            return Finding(Verdict.IN_PLACE, words, "The package is in place. The health route decides.")
    for phrase, advice in _FINAL:
        if words := _line_with(phrase, errors):
            return Finding(Verdict.STOP, words, advice)
    words = _storage_refused(errors) or (_first_line(errors) if http_status(errors) == 403 else "")
    if words:
        return Finding(Verdict.WAIT, words, _YOUNG)
    return Finding(Verdict.STOP, _first_line(errors), _ELSE)


def http_status(errors: str) -> int | None:
    """Return the HTTP status that the text names first; None if it names none in a form that is known."""
    found = _STATUS.search(f"{errors}\n")
    if found is None:
        return None
    number = next((value for value in found.groups() if value), None)
    return int(number) if number else 403  # the word Forbidden alone


def _storage_refused(errors: str) -> str:
    if words := _line_with(_STORAGE_CODES, errors):
        return words
    if _line_with(_STORAGE_WORDS, errors) and re.search(r"\b403\b|Forbidden", errors):
        return _line_with(_STORAGE_WORDS, errors)
    return _line_with(_NO_PERMISSION, errors)


def _line_with(phrase: str, text: str) -> str:
    """Return the line of the text that has the phrase, shortened around it; empty if none has."""
    found = re.search(phrase, text, re.IGNORECASE)
    if found is None:
        return ""
    begin = text.rfind("\n", 0, found.start()) + 1
    end = text.find("\n", found.end())
    line = text[begin : end if end >= 0 else None].strip()
    if len(line) <= MAX_SHOWN_CHARACTERS:
        return line
    start = max(0, min(found.start() - begin - 100, len(line) - MAX_SHOWN_CHARACTERS))
    return f"{'… ' if start else ''}{line[start : start + MAX_SHOWN_CHARACTERS].strip()} …"


def _first_line(errors: str) -> str:
    return _line_with(r"^(?:ERROR: )?\S.*", errors.strip()) or "Azure CLI said nothing."
