"""The stand-in for Entra ID."""

import re
import secrets
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from ..control import Handler
from ..journal import Entry
from ..rules import Asked
from ..script import Answer
from ..stand_in import StandIn
from ..tokens import SigningKey, peek
from ..users import User, create_users, user_name
from . import claims, metadata
from .configuration import PARTNER_CENTER, Registration
from .errors import refusal, with_policy
from .grants import on_behalf_of
from .key_ring import KeyRing

Endpoint = Literal["token", "keys", "discovery", "instance"]

# The method and path of each endpoint. The group is the tenant.
_ENDPOINTS = {
    "token": ("POST", re.compile(r"/([^/]+)/oauth2/v2\.0/token")),
    "keys": ("GET", re.compile(r"/([^/]+)/discovery/v2\.0/keys")),
    "discovery": ("GET", re.compile(r"/([^/]+)/v2\.0/\.well-known/openid-configuration")),
    "instance": ("GET", re.compile(r"/(common)/discovery/instance")),
}


class Entra(StandIn):
    """Signs users in, publishes keys, and exchanges the users' tokens for Partner Center tokens.

    Attributes:
        tenants: The two known tenants. Alice and bob belong to the first, carol belongs to the second.
        users: The users by name.
        registration: Our application. Change it in place to register something else.
        keys: The signing keys.
        expires_in_seconds: Lifetime of the tokens issued for Partner Center.
    """

    scripted_endpoint = "token"

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context)
        self.tenants = (str(uuid.uuid4()), str(uuid.uuid4()))
        self.users = create_users(self.tenants)
        self.registration = Registration()
        self.keys = KeyRing()
        self.expires_in_seconds = 3600
        self._registered = replace(self.registration)

    @property
    def client_id(self) -> str:
        """Our application's id."""
        return self.registration.client_id

    @property
    def client_secret(self) -> str:
        """Our application's secret."""
        return self.registration.client_secret

    def settings(self) -> dict[str, str]:
        """Return the function's settings that point to this stand-in."""
        return {
            "ENTRA_CLIENT_ID": self.client_id,
            "ENTRA_CLIENT_SECRET": self.client_secret,
            "ENTRA_ALLOWED_TENANTS": ",".join(self.tenants),
            "ENTRA_AUTHORITY_HOST": self.base_url,
        }

    def sign_in(
        self,
        name: str,
        *,
        version: Literal["1.0", "2.0"] = "2.0",
        lifetime_seconds: float = 3600,
        amr: tuple[str, ...] = ("pwd", "mfa"),
        **other: Any,  # noqa: ANN401 - any claim
    ) -> str:
        """Return an access token of that user for our function. `other` replaces claims; None omits a claim.

        A negative lifetime gives an expired token.
        """
        good = claims.for_function(self.users[name], self.registration, base_url=self.base_url, version=version)
        return self._mint(good, lifetime_seconds, {"amr": list(amr), **other})

    def mint(
        self,
        payload: Mapping[str, Any],
        *,
        headers: Mapping[str, Any] | None = None,
        key: SigningKey | None = None,
        algorithm: str = "RS256",
    ) -> str:
        """Return a token with any payload. See KeyRing.mint."""
        return self.keys.mint(payload, headers=headers, key=key, algorithm=algorithm)

    def mint_raw(
        self, payload: bytes, *, headers: Mapping[str, Any] | None = None, key: SigningKey | None = None
    ) -> str:
        """Return a token over exactly these bytes, such as NaN, a duplicate claim or invalid JSON."""
        return self.keys.mint(payload, headers=headers, key=key)

    def rotate_keys(self, *, keep: bool = False) -> SigningKey:
        """Sign with a new key from now on. `keep` leaves the older keys published. Returns the new key."""
        return self.keys.rotate(keep=keep)

    def script(
        self,
        *answers: Answer,
        times: int | None = 1,
        path: Endpoint | None = "token",
        tenant: str | None = None,
        user: str | None = None,
    ) -> None:
        """Give `answers` in order, `times` times. `times` None means no limit; any other None means any value."""
        self.add_rule(answers, Asked(endpoint=path, tenant=tenant, user=user), times=times)

    def partner_center_token(self, user: User | str, *, resource: str = PARTNER_CENTER, **other: Any) -> str:  # noqa: ANN401
        """Return an access token of that user for Partner Center, as the exchange issues it. `other` as in sign_in."""
        user = self.users[user] if isinstance(user, str) else user
        good = claims.for_partner_center(user, self.registration, resource=resource)
        return self._mint(good, self.expires_in_seconds, other)

    def refresh_token(self, user: User) -> str:
        """Return an opaque refresh token of a realistic size."""
        return f"1.{user.object_id}.{secrets.token_urlsafe(800)}"

    def id_token(self, user: User) -> str:
        """Return the id token (OpenID Connect) of that user for our application."""
        return self.mint(claims.for_function(user, self.registration, base_url=self.base_url, version="2.0"))

    def describe(self, entry: Entry) -> None:
        """Set endpoint and tenant from the path, and the user from the assertion."""
        path = urlsplit(entry.path).path
        for endpoint, (method, pattern) in _ENDPOINTS.items():
            if (found := pattern.fullmatch(path)) and method == entry.method:
                entry.endpoint, entry.tenant = endpoint, found[1].lower()
        if entry.endpoint == "token":
            entry.form = dict(parse_qsl(entry.body.decode("latin-1"), keep_blank_values=True))
            entry.user = user_name(self.users.values(), peek(entry.form.get("assertion", "")).get("oid"))

    def true_answer(self, entry: Entry) -> Answer:
        """Return Entra's answer."""
        tenant = entry.tenant or ""
        match entry.endpoint:
            case "token":
                return on_behalf_of(self, tenant, entry.form)
            case "keys":
                return metadata.keys(self, tenant)
            case "discovery":
                return metadata.discovery(self, tenant)
            case "instance":
                return metadata.instance(self)
        return refusal(404, "invalid_request", (900144,))

    def with_additions(self, answer: Answer, entry: Entry) -> Answer:
        """Add the policy's id to every refusal of a user under a Conditional Access policy, whatever its cause."""
        user = self.users.get(entry.user or "")
        if entry.endpoint != "token" or answer.status < 400 or user is None or user.policy_id is None:
            return answer
        return with_policy(answer, user.policy_id)

    def control_routes(self) -> dict[tuple[str, str], Handler]:
        """Return the routes for the settings and the sign-in."""
        return {
            ("GET", "settings"): lambda _: self.settings(),
            ("POST", "sign-in"): lambda body: {
                "access_token": self.sign_in(body["user"], version=body.get("version", "2.0"))
            },
        }

    def reset(self) -> None:
        """Restore the initial state, except the keys: clients may have cached them."""
        super().reset()
        self.expires_in_seconds = 3600
        self.registration = replace(self._registered)

    def _mint(self, good: dict[str, Any], lifetime_seconds: float, other: Mapping[str, Any]) -> str:
        merged = {**good, "exp": good["iat"] + lifetime_seconds, **other}
        return self.mint({claim: value for claim, value in merged.items() if value is not None})
