"""The sandbox's Entra ID and Partner Center behind lean servers, near or far away, with as many users as wanted."""

import ssl
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from sandbox.entra import Entra, claims
from sandbox.entra.key_ring import KeyRing
from sandbox.http_request import Request
from sandbox.partner_center import PartnerCenter
from sandbox.script import Answer
from sandbox.users import User
from sandbox.wire_faults import render

from .lean_server import Connection, LeanServer
from .relay import Relay
from .surplus import Surplus

LIFETIME_SECONDS = 12 * 3600  # longer than any run
JOURNAL_ENTRIES = 1_000
REMEMBERED_TOKENS = 20_000
Kind = Literal["function", "partner_center"]


class RememberingKeyRing(KeyRing):
    """Verifies each token once, so that the far side's cost is not that of RSA."""

    def __init__(self) -> None:
        super().__init__()
        self._claims: dict[tuple[str, str], dict[str, Any]] = {}

    def verify(self, token: str, *, audience: str | list[str]) -> dict[str, Any]:
        """Return the claims of a valid token. See KeyRing.verify."""
        known = (token, repr(audience))
        if known not in self._claims:
            if len(self._claims) >= REMEMBERED_TOKENS:
                self._claims.clear()
            self._claims[known] = super().verify(token, audience=audience)
        return self._claims[known]


class LeanEntra(Entra):
    """The stand-in, callable without its own server. The journal is bounded."""

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        if len(self.journal) >= JOURNAL_ENTRIES:
            self.journal.clear()
        return self._respond(request, 0)


class LeanPartnerCenter(PartnerCenter):
    """The stand-in, callable without its own server. The journal is bounded."""

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        if len(self.journal) >= JOURNAL_ENTRIES:
            self.journal.clear()
        return self._respond(request, 0)


class Repeats:
    """Answers a PUT that repeats another in everything but its ids from memory, as a rendered answer with these ids.

    The stand-in answers the first of its kind. A PUT with another body forgets everything, so what is answered from
    memory is what every tenant that is remembered has stored.
    """

    # As long as any id, and in no answer by accident.
    IDS = {"MS-RequestId": str(uuid.uuid4()), "MS-CorrelationId": str(uuid.uuid4())}

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self._answer = answer
        self._body = b""
        self._rendered: dict[str | None, bytes] = {}

    def take(self, request: Request) -> bytes:
        """Return the answer to a PUT as bytes."""
        ids = dict.fromkeys(self.IDS, "")
        token = None
        for name, value in request.headers:
            lower = name.lower()
            if lower == "authorization":
                token = value
            elif lower == "ms-requestid":
                ids["MS-RequestId"] = value
            elif lower == "ms-correlationid":
                ids["MS-CorrelationId"] = value
        if request.body != self._body or len(self._rendered) > REMEMBERED_TOKENS:
            self._body = request.body
            self._rendered.clear()
        if token not in self._rendered:
            others = [
                header for header in request.headers if header[0].lower() not in ("ms-requestid", "ms-correlationid")
            ]
            self._rendered[token] = render(self._answer(replace(request, headers=[*others, *self.IDS.items()])))
        rendered = self._rendered[token]
        for name, own in self.IDS.items():
            rendered = rendered.replace(own.encode(), (ids[name] or str(uuid.uuid4())).encode())
        return rendered


class World:
    """Entra ID and Partner Center, each on a port of its own.

    Attributes:
        entra, partner_center: The stand-ins.
        surplus: Partner Center's answers that nobody asked for. Off until it is told a moment.
    """

    def __init__(self, context: ssl.SSLContext, *, tenants: int = 2, round_trip_seconds: float = 0) -> None:
        self.entra = LeanEntra(context)
        self.entra.tenants = tuple(str(uuid.uuid4()) for _ in range(tenants))  # type: ignore[assignment]  # any number
        self.entra.keys = RememberingKeyRing()
        self.entra.expires_in_seconds = LIFETIME_SECONDS
        self.partner_center = LeanPartnerCenter(context, entra=self.entra)
        self.surplus = Surplus(self.partner_center.answer)
        self._round_trip_seconds = round_trip_seconds
        self._entra_server = LeanServer(self._entra_responds, context)
        self._repeats = Repeats(self.partner_center.answer)
        self._partner_center_server = LeanServer(self._partner_center_responds, context)
        self._relays: list[Relay] = []

    async def start(self) -> None:
        """Start both servers, and both relays for a world that is far away."""
        for stand_in, server in (
            (self.entra, self._entra_server),
            (self.partner_center, self._partner_center_server),
        ):
            await server.start()
            port = server.port
            if self._round_trip_seconds:
                relay = Relay(port, round_trip_seconds=self._round_trip_seconds)
                await relay.start()
                self._relays.append(relay)
                port = relay.port
            stand_in.known_as = f"https://localhost:{port}"

    @property
    def connections(self) -> int:
        """The number of connections to both so far."""
        return self._entra_server.connections + self._partner_center_server.connections

    def settings(self) -> dict[str, str]:
        """Return the function's settings."""
        return {**self.entra.settings(), **self.partner_center.settings()}

    def tokens(self, count: int, kind: Kind, *, tenants: int = 1) -> list[str]:
        """Return tokens of `count` new users, spread over that many tenants."""
        homes = [self.entra.tenants[number % tenants] for number in range(count)]
        users = [User(f"user-{number}", str(uuid.uuid4()), home) for number, home in enumerate(homes)]
        return [self._token(user, kind) for user in users]

    def _token(self, user: User, kind: Kind) -> str:
        if kind == "partner_center":
            return self.entra.partner_center_token(user)
        good = claims.for_function(user, self.entra.registration, base_url=self.entra.base_url, version="2.0")
        return self.entra.mint({**good, "exp": good["iat"] + LIFETIME_SECONDS, "name": "A User"})

    def _partner_center_responds(self, request: Request, connection: Connection) -> None:
        if self.surplus.moment or request.method != "PUT":
            self.surplus.respond(request, connection)
        else:
            connection.send_bytes(self._repeats.take(request))

    def _entra_responds(self, request: Request, connection: Connection) -> None:
        connection.send(self.entra.answer(request))
