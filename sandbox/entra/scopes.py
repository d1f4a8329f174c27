"""What a `scope` parameter asks for: which API, which permission, and which parts of OpenID Connect.

Source: learn.microsoft.com/entra/identity-platform/scopes-oidc. A request names one API only.
"""

from dataclasses import dataclass

from ..script import Answer
from .applications import Application
from .configuration import Registration
from .errors import refusal

OPENID_SCOPES = ("openid", "profile", "offline_access", "email")
GRAPH = "https://graph.microsoft.com"
DEFAULT = ".default"


@dataclass(frozen=True)
class Wanted:
    """What is asked for. `resource` is the API as the scope writes it, `permission` what comes behind it.

    Both are for Microsoft Graph if only OpenID scopes are asked for, as in the real service.
    """

    resource: str
    permission: str
    openid: frozenset[str]

    @property
    def scope(self) -> str:
        """The scope of the API in full."""
        return f"{self.resource}/{self.permission}"

    @property
    def application(self) -> str:
        """The API in its form without `api://`."""
        return self.resource.removeprefix("api://").lower()


def read(scope: str, registration: Registration) -> tuple[Wanted, Answer | None]:
    """Return what is asked for and None, or a refusal as the second value."""
    names = scope.split()
    openid = frozenset(name for name in names if name in OPENID_SCOPES)
    asked = [name for name in names if name not in OPENID_SCOPES]
    split = {_split(name) for name in asked} or {(GRAPH, "User.Read")}
    resources = {resource for resource, _ in split}
    resource, permission = sorted(split)[0]
    wanted = Wanted(resource, permission, openid)
    if len(resources) > 1:
        return wanted, refusal(400, "invalid_scope", (28000,))
    if not names:
        return wanted, refusal(400, "invalid_request", (900144,))
    if resource in (*registration.resources, GRAPH):
        return wanted, None
    if wanted.application != registration.client_id:
        return wanted, refusal(400, "invalid_resource", (500011,))
    known = {registration.scope, DEFAULT}
    return wanted, None if {name for _, name in split} <= known else refusal(400, "invalid_scope", (650053,))


def needs_consent(wanted: Wanted, application: Application, registration: Registration) -> bool:
    """Whether somebody must consent before this application gets such a token."""
    if wanted.application == registration.client_id and application.pre_authorized:
        return False
    return wanted.scope not in application.consented


def needs_administrator(wanted: Wanted) -> bool:
    """Whether only an administrator can consent: to anything but our function's scope and the user's own data."""
    return wanted.resource.startswith("https://") and wanted.scope != f"{GRAPH}/User.Read"


def _split(name: str) -> tuple[str, str]:
    resource, _, permission = name.rpartition("/")
    return resource or GRAPH, permission
