"""What the endpoints of the Entra ID stand-in know: tenants, users, applications, keys, and who is signing in."""

from collections.abc import Mapping
from typing import Any, Protocol

from ..users import User
from .applications import Applications
from .configuration import Registration
from .key_ring import KeyRing
from .remembered import Remembered


class Directory(Protocol):
    """Entra ID as its endpoints see it. `entra.Entra` is the one implementation; see there for each member."""

    tenants: tuple[str, str]
    users: dict[str, User]
    registration: Registration
    applications: Applications
    remembered: Remembered
    keys: KeyRing
    expires_in_seconds: int
    sign_in_seconds: int
    second_factor_at_sign_in: bool
    user_consent_allowed: bool
    required_context: str | None

    @property
    def base_url(self) -> str:
        """Scheme, host and port, without a trailing slash."""

    def mint(self, payload: Mapping[str, Any]) -> str:
        """Return a token with any payload."""

    def partner_center_token(self, user: User | str, *, resource: str, **other: Any) -> str:  # noqa: ANN401
        """Return an access token for Partner Center."""

    def client_info(self, user: User) -> str:
        """Return what MSAL calls the client info of a user."""

    def refresh_token(self, user: User) -> str:
        """Return an opaque refresh token."""

    def id_token(self, user: User) -> str:
        """Return an id token for our application."""
