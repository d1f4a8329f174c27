"""What the endpoints of the Entra ID stand-in know: the tenants, the users, our application and the keys."""

from collections.abc import Mapping
from typing import Any, Protocol

from ..users import User
from .configuration import Registration
from .key_ring import KeyRing


class Directory(Protocol):
    """Entra ID as its endpoints see it. `entra.Entra` is the one implementation; see there for each member."""

    tenants: tuple[str, str]
    registration: Registration
    keys: KeyRing
    expires_in_seconds: int

    @property
    def base_url(self) -> str:
        """Scheme, host and port, without a trailing slash."""

    def mint(self, payload: Mapping[str, Any]) -> str:
        """Return a token with any payload."""

    def partner_center_token(self, user: User | str, *, resource: str, **other: Any) -> str:  # noqa: ANN401
        """Return an access token for Partner Center."""

    def refresh_token(self, user: User) -> str:
        """Return an opaque refresh token."""

    def id_token(self, user: User) -> str:
        """Return an id token for our application."""
