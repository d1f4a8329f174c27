"""What a failure of Azure CLI means for a deployment. Pure: text in, verdict out.

Azure CLI reports a failed upload as text on standard error, and has no structured form for it. It does name an HTTP
status or an error code, in a few fixed forms. Only those forms count: a number anywhere else in the text says nothing.

Sources, each read in the named place:
- azure-cli 2.91.0, command_modules/appservice/custom.py: enable_zip_deploy_flex, check_flex_app_after_deployment,
  _check_zip_deployment_status_flex
- azure-cli 2.91.0, command_modules/storage/__init__.py: get_handler_suppress_some_400, which puts words of its own in
  place of two codes of the storage service
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
    UNKNOWN = "unknown"
    """The package was sent, and what became of it did not come back."""


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

# Refusals that do not pass with time, in the order in which they are looked for.
_FINAL = (
    (r"web app is stopped", "The function app is stopped. Start it: az functionapp start."),
    (
        r"Ip Forbidden|has blocked your access|networking features enabled which are blocking access",
        "A network rule of the function app refuses this address. Deploy from inside, or change the rule.",
    ),
    (
        # A missing role is AuthorizationPermissionMismatch. The words are those that Azure CLI puts in its place.
        r"\bAuthorizationFailure\b|may be blocked by network rules of storage account",
        "A network rule of the storage account refuses this address. Upload from inside its network.",
    ),
    (
        r"ProxyError|Tunnel connection failed|<title>\s*403\b",
        "A proxy between here and Azure refuses it. Deploy from another network, or have the proxy let it through.",
    ),
    (r"AADSTS\d+", "Entra ID refused the sign-in. Sign in again, or ask an administrator about the number."),
    (r"InvalidAuthenticationToken\w*", "Azure refused the sign-in. Sign in again, to the tenant of the subscription."),
    (
        r"RequestDisallowedBy\w+|disallowed by policy",
        "A policy of the subscription refuses it. Ask whoever administers the policy that is named.",
    ),
    (r"ScopeLocked", "A lock protects the resource. Remove the lock, or deploy elsewhere."),
    (r"ReadOnlyDisabledSubscription", "The subscription is disabled."),
    (
        r"\b(?:Linked)?AuthorizationFailed\b|Caller does not have permission",
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
)
_UNKNOWN = (
    r"Timeout reached by the command|Failed to retrieve deployment status|Deployment was partially successful"
    r"|Connection aborted|RemoteDisconnected|Connection ?reset|Read timed out"
)
_SAFE = "Running this again is safe."
_ELSE = "The failure is not a role that takes time, so it is not tried again."

# What the storage service and Azure CLI say of a storage that refuses a role.
_STORAGE_WORDS = (
    r"\b(?:AuthorizationPermissionMismatch|InsufficientAccountPermissions)\b"
    r"|You do not have the required permissions needed to perform this operation"
    r"|This request is not authorized to perform this operation"
)
# The host's own words, with the status of the storage after them. The host also meets a private endpoint that is still
# being made, which heals as well.
_HOSTS_STORAGE = re.compile(
    r"""
      InaccessibleStorageException: .*? (?:does\ not\ indicate\ success:\ | BlobUploadFailedException:\ ) (\d{3})\b
    | Azure\ Storage\ responded\ with\ (Forbidden)
    """,
    re.VERBOSE,
)
_YOUNG = "the role assignment is not in force yet."

# An error of Azure Resource Manager opens with its code. Any but Forbidden says what is wrong, and is no young role.
_RESOURCE_MANAGER_CODE = re.compile(r"\A\s*(?:ERROR:\s*)?\((?!Forbidden\))[A-Za-z]\w*\)")

# The forms in which Azure CLI and the services behind it name an HTTP status. The first one in the text counts: what
# follows it is detail. Elsewhere a number is an id, a duration, or the word of a proxy.
_STATUS = re.compile(
    r"""
      status\ code:?\ (?P<a>[1-5]\d\d)\b                            # An error occured during deployment. …
    | does\ not\ indicate\ success:\ (?P<b>[1-5]\d\d)\b            # the host's log of its own upload
    | invalid\ status(?:\ code)?\ '(?:(?P<c>[1-5]\d\d)|Forbidden)  # Operation returned an invalid status 'Forbidden'
    | ^(?:ERROR:\ )?(?:HTTP\ )?(?P<d>[1-5]\d\d)\ [A-Z]             # 403 Client Error
    | ^(?:ERROR:\ )?\((?P<e>[1-5]\d\d)\)\s                         # (403) Forbidden
    | \bError\ (?P<f>[1-5]\d\d)\ -\                               # Error 403 - Forbidden
    | ^(?:ERROR:\ )?\(?Forbidden\b
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def find(errors: str) -> Finding:
    """Return what a failed command's standard error means."""
    errors = _COLOUR.sub("", errors)
    for phrase in _IN_PLACE:
        if words := _line_with(phrase, errors):
            return Finding(Verdict.IN_PLACE, words, "The package is in place. The health route decides.")
    for phrase, advice in _FINAL:
        if words := _line_with(phrase, errors):
            return Finding(Verdict.STOP, words, advice)
    if words := _storage_refused(errors):
        return Finding(Verdict.WAIT, words, _YOUNG)
    if words := _line_with(_UNKNOWN, errors):
        return Finding(Verdict.UNKNOWN, words, _SAFE)
    if http_status(errors) == 403 and not _RESOURCE_MANAGER_CODE.match(errors):
        return Finding(Verdict.WAIT, _first_line(errors), _YOUNG)
    return Finding(Verdict.STOP, _first_line(errors), _ELSE)


def http_status(errors: str) -> int | None:
    """Return the HTTP status that the text names first; None if it names none in a form that is known."""
    found = _STATUS.search(f"{errors}\n")
    if found is None:
        return None
    number = next((value for value in found.groups() if value), None)
    return int(number) if number else 403  # the word Forbidden alone


def _storage_refused(errors: str) -> str:
    if words := _line_with(_STORAGE_WORDS, errors):
        return words
    refused = _HOSTS_STORAGE.search(errors)
    if refused and (refused[1] == "403" or refused[2]):
        return _line_with(re.escape(refused[0]), errors)
    return ""


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
    lines = (line.strip() for line in errors.splitlines())
    first = next((line for line in lines if line not in ("", "ERROR:")), "")
    return _line_with(r"\S.*", first) or "Azure CLI said nothing."
