"""The stand-in for Entra ID: its state, its switches and what tests ask of it. endpoints.py has what it serves."""

import json
import secrets
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from ..control import Handler
from ..journal import Entry
from ..rules import Asked
from ..script import Answer
from ..stand_in import StandIn
from ..tokens import SigningKey, encode
from ..users import User, create_users
from . import bad_tokens, claims, cross_origin, endpoints
from .applications import Applications
from .configuration import PARTNER_CENTER, Registration
from .endpoints import Endpoint
from .errors import with_policy
from .key_ring import KeyRing
from .remembered import Remembered


class Entra(StandIn):
    """Signs users in, publishes keys, and exchanges the users' tokens for Partner Center tokens.

    Attributes:
        tenants: The two known tenants. Alice and bob belong to the first, carol belongs to the second.
        users: The users by name.
        registration: Our application. Change it in place to register something else.
        keys: The signing keys.
        applications: The client applications that people sign in with.
        remembered: Sessions, codes and refresh tokens, and the clock that they expire by.
        expires_in_seconds: Lifetime of the tokens issued for Partner Center.
        sign_in_seconds: Lifetime of the access tokens that a sign-in gives.
        second_factor_at_sign_in: Whether every sign-in asks for the second factor. False: only claims ask for it.
        user_consent_allowed: Whether users may consent for themselves.
        required_context: The authentication context (`acrs`) that a policy on Partner Center requires of an exchange.
            None means that there is no such policy.
    """

    scripted_endpoint = "token"

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context)
        self.tenants = (str(uuid.uuid4()), str(uuid.uuid4()))
        self.users = create_users(self.tenants)
        self.registration = Registration()
        self.keys = KeyRing()
        self.applications = Applications(self.registration.caller_client_id)
        self.remembered = Remembered()
        self._registered = replace(self.registration)
        self._set_switches()

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

    def client_info(self, user: User) -> str:
        """Return the client info of a user, which MSAL keeps accounts apart by."""
        return encode(json.dumps({"uid": user.object_id, "utid": user.tenant_id}).encode())

    def bad_token(self, kind: str, name: str = "alice") -> str:
        """Return a token of that user that the function refuses. `kind` is one of bad_tokens.KINDS.

        Raises:
            ValueError: No such kind.
        """
        return bad_tokens.make(self, kind, self.users[name])

    def describe(self, entry: Entry) -> None:
        """Set endpoint and tenant from the path, the user from what the request proves."""
        endpoints.describe(self, entry)

    def true_answer(self, entry: Entry) -> Answer:
        """Return Entra's answer."""
        return endpoints.answer(self, entry)

    def with_additions(self, answer: Answer, entry: Entry) -> Answer:
        """Add the policy's id to a refused exchange of a user under a Conditional Access policy, and CORS headers."""
        answer = cross_origin.with_leave(self, entry, answer)
        user = self.users.get(entry.user or "")
        if entry.endpoint != "token" or answer.status < 400 or user is None or user.policy_id is None:
            return answer
        return with_policy(answer, user.policy_id)

    def control_routes(self) -> dict[tuple[str, str], Handler]:
        """Return the routes for the settings and the sign-in."""
        return {
            ("GET", "settings"): lambda _: self.settings(),
            ("POST", "sign-in"): lambda body: {"access_token": self._token(**body)},
            ("GET", "applications"): lambda _: self.applications.describe(),
            ("PUT", "applications"): lambda body: self.applications.redirect(**body),
            ("POST", "switches"): lambda body: self._switch(**body),
        }

    def reset(self) -> None:
        """Restore the initial state, except the keys: clients may have cached them."""
        super().reset()
        self.registration = replace(self._registered)
        self.remembered = Remembered()
        for application in self.applications:
            application.consented.clear()
        self._set_switches()

    def _set_switches(self) -> None:
        self.expires_in_seconds = self.sign_in_seconds = 3600
        self.second_factor_at_sign_in = True
        self.user_consent_allowed = True
        self.required_context: str | None = None

    def _switch(self, **values: bool | str | None) -> dict[str, object]:
        """Set switches by name: all of them, or none if one is refused. Returns all of them."""
        flag, text = ((bool,), "true or false"), ((str, type(None)), "a text or null")
        known = {"second_factor_at_sign_in": flag, "user_consent_allowed": flag, "required_context": text}
        for name, value in values.items():
            if name not in known:
                message = f"unknown switch: {name}; known: {', '.join(known)}"
                raise ValueError(message)
            kinds, form = known[name]
            if not isinstance(value, kinds):
                message = f"{name} must be {form}"
                raise TypeError(message)
        for name, value in values.items():
            setattr(self, name, value)
        return {name: getattr(self, name) for name in known}

    def _token(self, user: str, version: Literal["1.0", "2.0"] = "2.0", bad: str | None = None) -> str:
        if user not in self.users:
            message = f"unknown user: {user}; known: {', '.join(self.users)}"
            raise ValueError(message)
        return self.sign_in(user, version=version) if bad is None else self.bad_token(bad, user)

    def _mint(self, good: dict[str, Any], lifetime_seconds: float, other: Mapping[str, Any]) -> str:
        merged = {**good, "exp": good["iat"] + lifetime_seconds, **other}
        return self.mint({claim: value for claim, value in merged.items() if value is not None})
