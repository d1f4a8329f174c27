"""The error table as rows: how to provoke each code from outside, and the answer that is expected."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from builders import EXAMPLE
from live_function import ROUTE, Answered, LiveFunction, closed_port_url

from sandbox import Answer, Fault
from sandbox.entra import errors as entra
from sandbox.entra.endpoints import Endpoint
from sandbox.partner_center import answers as pc

SOMEONE = "0f0f0f0f-1111-4222-8333-444444444444"
REALM = 'Bearer realm="update_profile"'
INVALID_TOKEN = f'{REALM}, error="invalid_token"'
PC_SCOPE = "https://api.partnercenter.microsoft.com/user_impersonation"


class Reach(IntEnum):
    """How far a call got: the last kind of request that it made to another service."""

    NOTHING = 0
    KEYS = 1
    EXCHANGE = 2
    PUT = 3


@dataclass(frozen=True)
class Row:
    """One way to provoke one error code.

    Attributes:
        provoke: Causes the failure and makes the call.
        answer: Status, actor, and whether it is retryable.
        reach: How far the call gets.
        retry_after: The Retry-After header; None if it must be absent.
        challenge: The WWW-Authenticate header; None if it must be absent. A trailing "..." matches anything.
        members: The names of the problem's members besides those that every problem has.
        healing: Whether the failure is retried, so that the number of requests varies.
    """

    code: str
    how: str
    provoke: Callable[[LiveFunction], Awaitable[Answered]]
    answer: tuple[int, str, bool]
    reach: Reach
    retry_after: str | None = None
    challenge: str | None = None
    members: frozenset[str] = frozenset()
    healing: bool = False

    @property
    def reason(self) -> str | None:
        """Return the problem's reason; None when the code says it all."""
        return REASONS.get((self.code, self.how), REASONS.get((self.code, "")))

    def __str__(self) -> str:
        """The test's id."""
        return f"{self.code}-{self.how}"


def calling(**call: Any) -> Callable[[LiveFunction], Awaitable[Answered]]:
    """Provoke the error with a call that has these arguments."""
    return lambda live: live.call(**call)


def signed(**claims: Any) -> Callable[[LiveFunction], Awaitable[Answered]]:
    """Provoke the error with a correctly signed token that has these claims."""
    return lambda live: live.call(token=live.sandbox.entra.sign_in("alice", **claims))


def with_settings(**settings: str) -> Callable[[LiveFunction], Awaitable[Answered]]:
    """Provoke the error with a valid call under these settings."""

    def provoke(live: LiveFunction) -> Awaitable[Answered]:
        live.set(**{name: value.format(two=live.sandbox.entra.tenants[1]) for name, value in settings.items()})
        return live.call()

    return provoke


def entra_says(
    *answers: Answer,
    times: int | None = None,
    path: Endpoint = "token",
    budget: int | None = None,
    user: str = "alice",
) -> Callable[[LiveFunction], Awaitable[Answered]]:
    """Provoke the error with a valid call while Entra ID gives these answers."""

    def provoke(live: LiveFunction) -> Awaitable[Answered]:
        live.sandbox.entra.script(*answers, times=times, path=path)
        if budget:
            live.allow(budget)
        return live.call(user=user)

    return provoke


def pc_says(
    *answers: Answer, budget: int | None = None, times: int | None = 1
) -> Callable[[LiveFunction], Awaitable[Answered]]:
    """Provoke the error with a valid call while Partner Center answers like this ``times`` times (None: always)."""

    def provoke(live: LiveFunction) -> Awaitable[Answered]:
        live.sandbox.partner_center.script(*answers, times=times)
        if budget:
            live.allow(budget)
        return live.call()

    return provoke


def tls(switch: str, *, of: str) -> Callable[[LiveFunction], Awaitable[Answered]]:
    """Provoke the error with a valid call while TLS handshakes with one stand-in fail."""

    def provoke(live: LiveFunction) -> Awaitable[Answered]:
        setattr(getattr(live.sandbox, of).server, switch, True)
        live.allow(1)
        return live.call()

    return provoke


async def _closed(live: LiveFunction, setting: str) -> Answered:
    live.allow(1)
    live.set(**{setting: closed_port_url()})
    return await live.call()


async def _token_endpoint_elsewhere(live: LiveFunction) -> Answered:
    """Name a token endpoint on another host: the credential would go there."""
    entra = live.sandbox.entra
    tenant_url = f"{entra.base_url}/{entra.tenants[0]}"
    document = {
        "issuer": f"{tenant_url}/v2.0",
        "jwks_uri": f"{tenant_url}/discovery/v2.0/keys",
        "authorization_endpoint": f"{tenant_url}/oauth2/v2.0/authorize",
        "token_endpoint": f"{closed_port_url()}/{entra.tenants[0]}/oauth2/v2.0/token",
    }
    entra.script(Answer.json(document), path="discovery")
    return await live.call()


async def _token_endpoint_closed(live: LiveFunction) -> Answered:
    """Get the keys, and then make every connection fail."""
    await live.call(token=live.sandbox.entra.sign_in("alice", scp="other"))
    live.sandbox.entra.server.reset_at_tls_hello = True
    return await live.call()


async def _cancelled_before_the_put(live: LiveFunction) -> Answered:
    """Cancel the invocation, as the worker does, while the exchange waits for Entra ID."""
    gate = threading.Event()
    live.sandbox.entra.script(Answer.true(gate=gate))
    task = live.start(live.sandbox.entra.sign_in("alice"))
    await asyncio.to_thread(live.sandbox.entra.journal.wait_for, 1, "token")
    task.cancel()
    answer = await task
    gate.set()
    return Answered.of(answer)


def _lacking_in_the_only_tenant(live: LiveFunction) -> Awaitable[Answered]:
    live.set(ENTRA_ALLOWED_TENANTS=live.sandbox.entra.tenants[0])
    return entra_says(entra.unknown_application())(live)


def _unknown_tenant(live: LiveFunction) -> Awaitable[Answered]:
    live.set(ENTRA_ALLOWED_TENANTS=SOMEONE)
    return live.call(token=live.sandbox.entra.sign_in("alice", tid=SOMEONE))


def _token_of_bob(live: LiveFunction) -> Awaitable[Answered]:
    token = live.sandbox.entra.partner_center_token("bob")
    live.sandbox.entra.script(Answer.json({"access_token": token, "token_type": "Bearer", "expires_in": 3599}))
    return live.call()


N, C, U, A, OP = "nobody", "caller", "user", "administrator", "operator"
NOTHING, KEYS, EXCHANGE, PUT = Reach
UP, EN, OUT = frozenset({"upstream"}), frozenset({"entra"}), frozenset({"outcome"})
HANG, SLOW = Answer.trouble(Fault.HANG), 2
TELLING = f"Field {EXAMPLE['Email'].upper()} or {EXAMPLE['Telephone']} is bad; {EXAMPLE['Website']}"


def _rejected(status: int, actor: str) -> Row:
    healing = status == 408
    provoke = pc_says(pc.fault(status, 2001), budget=1, times=None) if healing else pc_says(pc.fault(status, 2001))
    return Row(
        "partner_center_rejected", str(status), provoke, (status, actor, healing), PUT, "5" if healing else None,
        REALM if status == 401 else None, UP, healing,
    )  # fmt: skip


REASONS = {
    ("malformed_body", "half an object"): "not_json",
    ("unsupported_media_type", "XML"): "media_type",
    ("invalid_header", "an id"): "request_id",
    ("invalid_parameter", "unknown"): "unknown",
    ("invalid_token", "expired"): "expired",
    ("invalid_token", "for another application"): "audience",
    ("invalid_token", "refused by Entra"): "refused_by_entra",
    ("interaction_required", "claims"): "claims",
    ("interaction_required", "no claims"): "sign_in",
    ("consent_required", "65001"): "consent",
    ("consent_required", ""): "application_missing",
    ("access_blocked", "50105"): "assignment",
    ("access_blocked", "50057"): "account_disabled",
    ("access_blocked", ""): "policy",
    ("entra_unavailable", "keys 503"): "keys",
    ("entra_unavailable", "503"): "failed",
    ("entra_unavailable", Fault.RESET_AFTER_REQUEST.value): "cut",
    ("entra_unavailable", Fault.CLOSE.value): "cut",
    ("entra_unavailable", Fault.TRUNCATE.value): "cut",
    ("entra_unavailable", ""): "not_connected",
    ("entra_timeout", "keys hang"): "keys",
    ("entra_timeout", ""): "exchange",
    ("entra_unexpected", "bob's token"): "another_user",
    ("entra_unexpected", "a token endpoint elsewhere"): "another_host",
    ("entra_unexpected", ""): "unreadable",
    ("misconfigured", "wrong secret"): "credential",
    ("misconfigured", "wrong setting"): "settings",
    ("misconfigured", "one tenant, which lacks us"): "application",
    ("misconfigured", "a tenant that Entra ID does not know"): "tenant",
    ("partner_center_timeout", ""): "differs",  # reading back shows the older profile
}

ROWS = [
    Row("malformed_body", "half an object", calling(body=b"{"), (400, C, False), KEYS),
    Row("body_too_large", "65,537 bytes", calling(body=b" " * 65_537), (413, C, False), NOTHING),
    Row("unsupported_media_type", "XML", calling(headers=[("Content-Type", "text/xml")]), (415, C, False), NOTHING),
    Row("invalid_profile", "no @", calling(profile={**EXAMPLE, "Email": "4255555555"}), (422, C, False), KEYS,
        members=frozenset({"errors"})),
    Row("invalid_header", "an id", calling(headers=[("MS-RequestId", "1")]), (400, C, False), NOTHING),
    Row("invalid_parameter", "unknown", calling(target=f"{ROUTE}?validate=true"), (400, C, False), NOTHING),
    Row("missing_token", "no header", calling(user=None), (401, C, False), NOTHING, challenge=REALM),
    Row("invalid_token", "expired", signed(lifetime_seconds=-1), (401, C, False), KEYS, challenge=INVALID_TOKEN),
    Row("invalid_token", "for another application", signed(aud=SOMEONE), (401, C, False), KEYS,
        challenge=INVALID_TOKEN),
    Row("invalid_token", "refused by Entra", entra_says(entra.refusal(400, "invalid_grant", (50013,))),
        (401, C, False), EXCHANGE, challenge=INVALID_TOKEN, members=EN),
    Row("app_only_token", "idtyp app", signed(scp=None, roles=["Task.Write"], idtyp="app"), (403, C, False), KEYS),
    Row("insufficient_scope", "another", signed(scp="user_impersonation2 openid"), (403, C, False), KEYS,
        challenge=f'{REALM}, error="insufficient_scope", scope="user_impersonation"'),
    Row("tenant_not_allowed", "not listed", with_settings(ENTRA_ALLOWED_TENANTS="{two}"), (403, OP, False), NOTHING),
    Row("client_not_allowed", "not listed", with_settings(ENTRA_ALLOWED_CLIENTS=SOMEONE), (403, OP, False), KEYS),
    Row("interaction_required", "claims", entra_says(entra.interaction_required()), (401, U, False), EXCHANGE,
        challenge='Bearer realm="...', members=EN),
    Row("interaction_required", "no claims", entra_says(entra.interaction_required(claims=None), user="bob"),
        (401, U, False), EXCHANGE, challenge=INVALID_TOKEN, members=EN),
    *(Row("consent_required", how, entra_says(answer), (403, A, False), EXCHANGE, members=EN | {"consentUri"},
          challenge=f'{REALM}, error="insufficient_scope", scope="{PC_SCOPE}"')
      for how, answer in (("65001", entra.consent_required()), ("700016", entra.unknown_application()),
                          ("500011", entra.unknown_resource()))),
    *(Row("access_blocked", str(number), entra_says(entra.access_blocked(number)), (403, A, False), EXCHANGE,
          members=EN) for number in (53003, 50105, 50057)),
    Row("entra_throttled", "429", entra_says(entra.throttled(31)), (503, N, True), EXCHANGE, "31", members=EN),
    Row("entra_throttled", "429 without a time", entra_says(entra.throttled(None)), (503, N, True), EXCHANGE, "5",
        members=EN),
    Row("entra_unavailable", "port closed", lambda live: _closed(live, "ENTRA_AUTHORITY_HOST"), (503, N, True),
        NOTHING, "5"),
    Row("entra_unavailable", "token endpoint closed", _token_endpoint_closed, (503, N, True), KEYS, "5"),
    Row("entra_unavailable", "TLS reset", tls("reset_at_tls_hello", of="entra"), (503, N, True), NOTHING, "5"),
    Row("entra_unavailable", "keys 503", entra_says(entra.unavailable(), path="keys"), (503, N, True), KEYS, "5"),
    Row("entra_unavailable", "503", entra_says(entra.unavailable()), (503, N, True), EXCHANGE, "5"),
    *(Row("entra_unavailable", fault.value, entra_says(Answer.trouble(fault)), (503, N, True), EXCHANGE, "5")
      for fault in (Fault.RESET_AFTER_REQUEST, Fault.CLOSE)),
    Row("entra_timeout", "keys hang", entra_says(HANG, path="keys", budget=SLOW), (504, N, True), KEYS, "5"),
    Row("entra_timeout", "hang", entra_says(HANG, budget=SLOW), (504, N, True), EXCHANGE, "5"),
    Row("entra_timeout", "drip", entra_says(Answer.true(body_byte_seconds=0.1), budget=SLOW), (504, N, True),
        EXCHANGE, "5"),
    Row("entra_timeout", "slow headers", entra_says(Answer.true(head_line_seconds=0.5), budget=SLOW), (504, N, True),
        EXCHANGE, "5"),
    Row("entra_unexpected", "a token endpoint elsewhere", _token_endpoint_elsewhere, (502, N, True), KEYS, "5"),
    Row("entra_unexpected", "HTML", entra_says(Answer(body=b"<html>")), (502, N, True), EXCHANGE, "5"),
    Row("entra_unexpected", "bob's token", _token_of_bob, (502, N, True), EXCHANGE, "5"),
    Row("entra_unavailable", "truncate", entra_says(Answer.trouble(Fault.TRUNCATE)), (503, N, True), EXCHANGE, "5"),
    Row("misconfigured", "wrong secret", with_settings(ENTRA_CLIENT_SECRET="another"), (500, OP, False), EXCHANGE,
        members=EN),
    Row("misconfigured", "wrong setting", with_settings(ENTRA_ALLOWED_TENANTS="contoso"), (500, OP, False), NOTHING,
        members=frozenset({"errors"})),
    Row("misconfigured", "one tenant, which lacks us",
        _lacking_in_the_only_tenant,
        (500, OP, False), EXCHANGE, members=EN),
    Row("misconfigured", "a tenant that Entra ID does not know", _unknown_tenant, (500, OP, False), KEYS),
    Row("partner_center_mfa_required", "900421", pc_says(pc.mfa_required()), (401, U, False), PUT, challenge=REALM,
        members=UP),
    Row("partner_center_mfa_required", "old form", pc_says(pc.mfa_required_old_form()), (401, U, False), PUT,
        challenge=REALM, members=UP),
    *(_rejected(status, actor) for status, actor in (
        (400, C), (409, C), (412, C), (422, C), (401, U), (403, A), (408, N), (404, OP), (405, OP), (418, OP))),
    Row("partner_center_rejected", "and repeats our values", pc_says(pc.fault(400, 2001, TELLING)), (400, C, False),
        PUT, members=UP),
    Row("partner_center_throttled", "429", pc_says(pc.throttled(57)), (429, N, True), PUT, "57", members=UP),
    Row("partner_center_throttled", "429, half a second", pc_says(pc.throttled("0.5"), budget=1), (429, N, True), PUT,
        "1", members=UP),
    *(Row("partner_center_failed", str(status), pc_says(pc.fault(status, 999), budget=1, times=None), (status, N, True),
          PUT, "5", members=UP, healing=True) for status in (500, 502, 503, 504)),
    Row("partner_center_failed", "599", pc_says(pc.fault(599, 999)), (599, N, True), PUT, "5", members=UP),
    Row("partner_center_failed", "501", pc_says(pc.text(501, "No.")), (501, N, False), PUT, members=UP),
    Row("partner_center_unreachable", "port closed", lambda live: _closed(live, "PARTNER_CENTER_BASE_URL"),
        (502, N, True), EXCHANGE, "5", healing=True),
    Row("partner_center_unreachable", "TLS reset", tls("reset_at_tls_hello", of="partner_center"), (502, N, True),
        EXCHANGE, "5", healing=True),
    Row("partner_center_unreachable", "TLS hangs", tls("hang_at_tls_hello", of="partner_center"), (502, N, True),
        EXCHANGE, "5", healing=True),
    *(Row("partner_center_unexpected", str(status), pc_says(Answer(status=status, headers=(("Location", "/x"),))),
          (502, OP, False), PUT, members=UP) for status in (302, 304, 600, 999)),
    Row("partner_center_timeout", "hang", pc_says(HANG, budget=SLOW), (504, N, True), PUT, "5", members=OUT),
    Row("partner_center_timeout", "slow headers", pc_says(Answer(head_line_seconds=0.5), budget=SLOW),
        (504, N, True), PUT, "5", members=OUT),
    *(Row("partner_center_timeout", fault.value, pc_says(Answer.trouble(fault), budget=SLOW), (504, N, True), PUT, "5",
          members=OUT) for fault in (Fault.RESET_AFTER_REQUEST, Fault.CLOSE)),
    Row("partner_center_timeout", "no HTTP", pc_says(Answer(headers=(("Request Context", "a"),)), budget=SLOW),
        (504, N, True), PUT, "5", members=OUT),
    Row("unexpected", "cancelled before anything was sent", _cancelled_before_the_put, (500, OP, False), EXCHANGE),
]  # fmt: skip
