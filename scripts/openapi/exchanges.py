"""The examples: exchanges with the function in front of the sandbox, at least one for each code.

What differs from run to run (addresses, ids that the sandbox makes) is replaced, so that the same code gives the same
examples. Nothing else is changed.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox import Answer, Fault, Sandbox
from sandbox.entra import errors as entra
from sandbox.functions_host import FunctionsHost
from sandbox.partner_center import answers as partner_center
from update_profile import http_trigger
from update_profile.service import ServiceHolder
from update_profile.settings import NAMES

PROFILE = {"Email": "email@sample.com", "Telephone": "4255555555", "Website": "www.microsoft.com"}
UPDATE, HEALTH = "/api/update_profile", "/api/health"
IDS = {
    "MS-CorrelationId": "20604323-50bf-4738-9968-c5486ab32be0",
    "MS-RequestId": "603f3cd9-01b8-48f2-b65d-855a246f5bfd",
}
# The ids that Microsoft's pages use in examples.
TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
CLIENT = "00001111-aaaa-2222-bbbb-3333cccc4444"
TRACE = "0000aaaa-11bb-cccc-dd22-eeeeee333333"
Script = Callable[[Sandbox], None]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One call, and its answer once it was made.

    Attributes:
        name: The example's name.
        summary: What the example shows.
        claims: Claims of the caller's token in place of its own; None sends no token.
        script: Tells the stand-ins what to answer.
        settings: Settings in place of the sandbox's.
    """

    name: str
    summary: str
    method: str = "PUT"
    target: str = UPDATE
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, Any] | None = field(default_factory=dict)
    script: Script = lambda _: None
    settings: Mapping[str, str] = field(default_factory=dict)
    status: int = 0
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    answer: Any = None

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        body = PROFILE if self.body is None and self.method in ("PUT", "POST") else self.body
        return body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()


def _entra(answer: Answer) -> Script:
    return lambda sandbox: sandbox.entra.script(answer, times=None)


def _partner_center(answer: Answer, *, times: int | None = 1) -> Script:
    return lambda sandbox: sandbox.partner_center.script(answer, times=times)


def _unreachable(sandbox: Sandbox) -> None:
    sandbox.partner_center.server.reset_at_tls_hello = True


DRY_RUN = f"{UPDATE}?validate_only=true"
SHORT = {"REQUEST_BUDGET_SECONDS": "1"}
EXCHANGES = (
    Exchange(name="written", summary="The profile was written"),
    Exchange(name="written_by_post", summary="The profile was written", method="POST"),
    Exchange(name="changed", summary="One value was changed", method="PATCH", body={"Telephone": PROFILE["Telephone"]}),
    Exchange(name="read", summary="The stored profile", method="GET"),
    *(
        Exchange(name=f"dry_run_of_{method.lower()}", summary="A dry run", method=method, target=DRY_RUN, body=PROFILE)
        for method in ("PUT", "POST", "PATCH")
    ),
    Exchange(name="healthy", summary="The settings are valid", method="GET", target=HEALTH, claims=None),
    Exchange(
        name="unhealthy",
        summary="A setting is wrong",
        method="GET",
        target=HEALTH,
        claims=None,
        settings={"PARTNER_CENTER_VALIDATE_MFA": "yes"},
    ),
    Exchange(name="malformed_body", summary="Not JSON", body=b'{"Email": '),
    Exchange(name="body_too_large", summary="A body over the limit", body=b" " * 65_537),
    Exchange(name="unsupported_media_type", summary="Not JSON", headers={"Content-Type": "text/xml"}),
    Exchange(name="invalid_profile", summary="A value is refused", body={**PROFILE, "Email": "email.sample.com"}),
    Exchange(name="invalid_parameter", summary="An unknown parameter", target=f"{UPDATE}?validateonly=true"),
    Exchange(name="invalid_header", summary="Two tokens", headers={"Authorization": "Bearer a, Bearer b"}, claims=None),
    Exchange(name="missing_token", summary="No token", claims=None),
    Exchange(name="invalid_token", summary="An expired token", claims={"lifetime_seconds": -60}),
    Exchange(name="app_only_token", summary="An application's token", claims={"scp": None, "idtyp": "app"}),
    Exchange(name="insufficient_scope", summary="Another scope", claims={"scp": "openid"}),
    Exchange(name="tenant_not_allowed", summary="Another tenant", settings={"ENTRA_ALLOWED_TENANTS": TENANT}),
    Exchange(name="client_not_allowed", summary="Another client", settings={"ENTRA_ALLOWED_CLIENTS": CLIENT}),
    Exchange(
        name="interaction_required", summary="A claims challenge: MFA", script=_entra(entra.interaction_required())
    ),
    Exchange(name="consent_required", summary="No consent yet", script=_entra(entra.consent_required())),
    Exchange(name="access_blocked", summary="A policy blocks the user", script=_entra(entra.access_blocked())),
    Exchange(name="entra_throttled", summary="Entra ID asks to wait", script=_entra(entra.throttled(30))),
    Exchange(name="entra_unavailable", summary="Entra ID fails", script=_entra(entra.unavailable())),
    Exchange(
        name="entra_timeout", summary="Entra ID is silent", script=_entra(Answer.trouble(Fault.HANG)), settings=SHORT
    ),
    Exchange(name="entra_unexpected", summary="An unreadable answer", script=_entra(Answer(body=b"<html>"))),
    Exchange(name="misconfigured", summary="A wrong client secret", settings={"ENTRA_CLIENT_SECRET": "expired"}),
    Exchange(name="partner_center_mfa_required", summary="MFA", script=_partner_center(partner_center.mfa_required())),
    *(
        Exchange(
            name=f"partner_center_rejected_{status}",
            summary="Partner Center rejects the request",
            script=_partner_center(partner_center.fault(status, code, text)),
        )
        for status, code, text in (
            (400, 3000, "A value is not valid."),
            (403, 900308, "Insufficient privileges."),
            (404, 3000, "Partner not found."),
            (409, 2031, "Conflict."),
        )
    ),
    Exchange(
        name="partner_center_throttled",
        summary="Partner Center asks to wait",
        script=_partner_center(partner_center.throttled(57)),
    ),
    Exchange(
        name="partner_center_failed",
        summary="Partner Center fails",
        script=_partner_center(partner_center.fault(500, 800003, "A transient error."), times=None),
        settings=SHORT,
    ),
    Exchange(name="partner_center_unreachable", summary="No connection", script=_unreachable, settings=SHORT),
    Exchange(name="partner_center_unexpected", summary="A redirect", script=_partner_center(Answer(status=302))),
    Exchange(
        name="partner_center_timeout",
        summary="The outcome is not known",
        script=_partner_center(Answer.trouble(Fault.CLOSE)),
    ),
)


async def record(host: FunctionsHost, sandbox: Sandbox) -> list[Exchange]:
    """Make every exchange, and return each with its answer. Removes the function's settings from the environment."""
    for name in (*NAMES, "IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        os.environ.pop(name, None)
    return [await _make(exchange, host, sandbox) for exchange in EXCHANGES]


async def _make(exchange: Exchange, host: FunctionsHost, sandbox: Sandbox) -> Exchange:
    sandbox.reset()
    sandbox.partner_center.server.reset_at_tls_hello = False
    settings = {**sandbox.settings(), **exchange.settings}
    os.environ.update(settings)
    http_trigger._service = ServiceHolder()
    exchange.script(sandbox)
    headers = {**IDS, "Content-Type": "application/json", "Content-Length": str(len(exchange.content))}
    if exchange.claims is not None:
        headers["Authorization"] = f"Bearer {sandbox.entra.sign_in('alice', **exchange.claims)}"
    raw = [(name.encode(), value.encode()) for name, value in {**headers, **exchange.headers}.items()]
    answer = await host.handle(method=exchange.method, target=exchange.target, headers=raw, body=exchange.content)
    for name in settings:
        del os.environ[name]
    steady = dict(_steady(sandbox))
    return replace(
        exchange,
        status=answer.status,
        answer_headers={name: _replaced(value, steady) for name, value in sorted(answer.headers)},
        answer=json.loads(_replaced(answer.body.decode(), steady)) if answer.body else None,
    )


def _steady(sandbox: Sandbox) -> Iterator[tuple[str, str]]:
    """Yield what differs from run to run, and what stands for it."""
    yield sandbox.entra.base_url, "https://login.microsoftonline.com"
    yield sandbox.entra.client_id, CLIENT
    yield sandbox.entra.tenants[0], TENANT


def _replaced(text: str, steady: Mapping[str, str]) -> str:
    for found, stands in steady.items():
        text = text.replace(found, stands)
    return re.sub(r'("traceId":")[^"]+', rf"\g<1>{TRACE}", text)
