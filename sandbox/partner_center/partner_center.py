"""The stand-in for Partner Center's support profile."""

import ssl
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ..control import Handler
from ..entra import Entra
from ..entra.configuration import PARTNER_CENTER, PARTNER_CENTER_21VIANET
from ..journal import Entry
from ..rules import Asked
from ..script import Answer
from ..stand_in import StandIn
from ..tokens import peek
from ..users import user_name
from . import answers
from .profiles import START, Profiles
from .token_check import bearer, check, has_mfa

READ_PATH = "/v1/profiles/support"
PUT_PATH = "/v1/profiles/supportprofile"

# Undocumented, but present on every recorded answer. A client must neither relay nor need them.
SERVICE_HEADERS = (
    ("MS-CV", "TGRwSCPlyUqFmSVb.0"),
    ("MS-ServerId", "201112506"),
    ("Request-Context", "appId=cid-v1:03ce8ca8-8373-4021-8f25-d5dd45c7b12f"),
)


class PartnerCenter(StandIn):
    """Reads and replaces support profiles for tokens that are signed with Entra's keys.

    Attributes:
        profiles: Tenant id -> its profile in camelCase, with switches for lagging reads and rewritten values.
        put_path: The only path that accepts PUT: the documented one, or /v1/profiles/support as in the SDKs.
        get_path: The only path that accepts GET.
        tell_mfa: Whether to answer ValidateMfa with isMfaCompliant.
        require_mfa: Whether to refuse a token whose `amr` shows no second factor.
        audiences: The accepted `aud` values.
    """

    def __init__(self, context: ssl.SSLContext, *, entra: Entra) -> None:
        """Create the stand-in. `entra` is the issuer of the trusted tokens and defines the users."""
        super().__init__(context)
        self._entra = entra
        self.profiles = Profiles()
        self._set_to_start()

    def script(
        self,
        *answers: Answer,
        times: int | None = 1,
        method: str | None = None,
        tenant: str | None = None,
        user: str | None = None,
    ) -> None:
        """Give `answers` in order, `times` times. `times` None means no limit; any other None means any value."""
        self.add_rule(answers, Asked(method=method, tenant=tenant, user=user), times=times)

    def reset(self) -> None:
        """Restore the initial state, including the profiles."""
        super().reset()
        self._set_to_start()

    def describe(self, entry: Entry) -> None:
        """Set tenant and user from the unverified token."""
        claims = peek(bearer(entry.header("Authorization")) or "")
        entry.endpoint = "profile" if urlsplit(entry.path).path in (self.put_path, self.get_path) else None
        tenant = claims.get("tid")
        entry.tenant = tenant if isinstance(tenant, str) else None
        entry.user = user_name(self._entra.users.values(), claims.get("oid"))

    def true_answer(self, entry: Entry) -> Answer:
        """Return Partner Center's answer, including the ids."""
        claims, refusal = check(
            bearer(entry.header("Authorization")),
            self._entra.keys,
            audiences=self.audiences,
            require_mfa=self.require_mfa,
        )
        answer = refusal or self._serve(entry, str(claims.get("tid")))
        if claims and self.tell_mfa and (entry.header("ValidateMfa") or "").lower() == "true":
            compliant = ("isMfaCompliant", str(has_mfa(claims)).lower())
            answer = replace(answer, headers=(*answer.headers, compliant))
        return self.finish(answer, entry)

    def finish(self, answer: Answer, entry: Entry) -> Answer:
        """Add the ids (the caller's or new ones) and the service headers to an answer with `echo_ids`."""
        if not answer.echo_ids:
            return answer
        names = ("MS-CorrelationId", "MS-RequestId")
        ids = tuple((name, entry.header(name) or str(uuid.uuid4())) for name in names)
        return replace(answer, headers=(*answer.headers, *ids, *SERVICE_HEADERS), echo_ids=False)

    def control_routes(self) -> dict[tuple[str, str], Handler]:
        """Return the routes for the settings, the profiles and a token for Partner Center."""
        return {
            ("GET", "settings"): lambda _: self.settings(),
            ("GET", "profiles"): lambda _: self.profiles,
            ("PUT", "profiles"): self._put_profiles,
            ("POST", "sign-in"): lambda body: {"access_token": self._entra.partner_center_token(body["user"])},
        }

    def settings(self) -> dict[str, str]:
        """Return the function's settings that point to this stand-in."""
        return {"PARTNER_CENTER_BASE_URL": self.base_url}

    def _serve(self, entry: Entry, tenant: str) -> Answer:
        path = urlsplit(entry.path).path
        routes: dict[tuple[str, str], Callable[[], Answer]] = {
            ("GET", self.get_path): lambda: answers.json_answer(self.profiles.read(tenant)),
            ("PUT", self.put_path): lambda: self._replace(tenant, entry.body),
        }
        if route := routes.get((entry.method, path)):
            return route()
        if path in (self.get_path, self.put_path) and entry.method not in ("GET", "PUT"):
            return answers.message(405, f"The requested resource does not support http method '{entry.method}'.")
        return answers.fault(404, 1000, "The requested resource was not found.")

    def _replace(self, tenant: str, body: bytes) -> Answer:
        try:
            return answers.json_answer(self.profiles.replace(tenant, body))
        except ValueError:
            return answers.fault(400, 800002, "The input is not valid.")
        except TypeError:
            return answers.fault(400, 3000, "A property is not valid.")

    def _put_profiles(self, profiles: dict[str, dict[str, Any]]) -> Profiles:
        self.profiles.clear()
        self.profiles.update(profiles)
        return self.profiles

    def _set_to_start(self) -> None:
        self.put_path = PUT_PATH
        self.get_path = READ_PATH
        self.require_mfa = True
        self.tell_mfa = True
        self.audiences = (PARTNER_CENTER, PARTNER_CENTER_21VIANET)
        self.profiles.start_anew({tenant: dict(START) for tenant in self._entra.tenants})
