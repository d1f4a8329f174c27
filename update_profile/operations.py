"""What each method does on behalf of the caller: read, write, merge, and each write as a dry run.

This is the only module that knows both Entra ID and Partner Center. A dry run (``validate_only``, google.aip.dev/163)
makes the same checks and the same read, and does not write.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from .call import AccessToken, Call, Caller, TokenSource, is_cancelled
from .deadline import Deadline
from .errors import InteractionRequired, PartnerCenterUnanswered, PartnerCenterUnusable, UpdateProfileError
from .partner_center.answer import ProfileResponse
from .partner_center.read_back import confirm
from .partner_center.retrying import retried
from .partner_center.stored_profile import Preview, merge, read_stored
from .strict_json import Pairs
from .support_profile import SupportProfile, read_changes, read_profile


class Tokens(Protocol):
    """Partner Center tokens for callers (``entra.exchange_cache.ExchangeCache``)."""

    async def access_token(
        self, caller: Caller, assertion: str, *, deadline: Deadline, claims: str | None = None
    ) -> tuple[AccessToken, TokenSource]:
        """Return a token for this caller and where it came from."""

    def forget(self, caller: Caller, refused: AccessToken) -> None:
        """Drop a token that Partner Center refused."""


class PartnerCenterApi(Protocol):
    """Partner Center's support profile (``partner_center.client.PartnerCenter``)."""

    def prepare(self, caller: Caller, *, deadline: Deadline) -> None:
        """Begin to connect while the caller's token is still on its way."""

    async def request(  # noqa: PLR0913  one request, and whose it is
        self,
        profile: SupportProfile | None,
        access_token: AccessToken,
        *,
        caller: Caller,
        call: Call,
        deadline: Deadline,
        reads_back: bool = False,
    ) -> ProfileResponse:
        """Replace the profile; read it when ``profile`` is None."""


async def run(
    method: str, members: Pairs, session: "ProfileSession", *, validate_only: bool
) -> ProfileResponse | Preview:
    """Carry out one call.

    Args:
        method: ``GET``, ``PATCH``, ``POST`` or ``PUT``.
        members: The members of the body's JSON object; ignored for ``GET``.
        session: The caller's access to the stored profile.
        validate_only: Whether to show what a write would change instead of writing.

    Raises:
        InvalidProfile: The body is not a profile, or its changes and the stored profile do not make a full one.
        UpdateProfileError: The read or the write failed.
    """
    match method:
        case "GET":
            return await session.read()
        case "PATCH":
            changes = read_changes(members)
            answer = await session.read()
            stored = read_stored(answer)
            profile = merge(changes, stored)
        case _:
            profile = read_profile(members)
            if not validate_only:
                return await session.write(profile)
            answer = await session.read()
            stored = read_stored(answer)
    if validate_only:
        return Preview(current=stored, proposed=profile, answer=answer)
    return await session.write(profile)


@dataclass(kw_only=True)
class ProfileSession:
    """Partner Center's support profile, for one call of one caller.

    Three things surround each request, each in its own place: a claims challenge is met once (here), what heals is
    retried (retrying), and a write without an answer is read back (read_back).

    Attributes:
        assertion: The caller's bearer token.
        access_token: The Partner Center token in use; None before the first exchange.
    """

    assertion: str = field(repr=False)
    caller: Caller
    call: Call
    tokens: Tokens
    partner_center: PartnerCenterApi
    clock: Callable[[], float] = time.time
    access_token: AccessToken | None = field(default=None, repr=False)

    async def read(self) -> ProfileResponse:
        """Read the stored profile. A read is safe to repeat, so it is retried after a time-out as well.

        Raises:
            UpdateProfileError: There is no token, or no answer.
        """
        return await self._send(None, also=(PartnerCenterUnanswered,))

    async def write(self, profile: SupportProfile) -> ProfileResponse:
        """Replace the stored profile. A write without an answer is never sent again but read back.

        Raises:
            PartnerCenterUnanswered: The write was sent, and its outcome is not known.
            UpdateProfileError: The write was not done, or Partner Center says so.
        """
        try:
            return await self._send(profile)
        except PartnerCenterUnanswered as error:
            unknown = error
        except UpdateProfileError:
            raise
        except BaseException as error:
            if not self.call.unanswered_write:
                raise
            self.call.fault, unknown = error, PartnerCenterUnanswered.interrupted()
        if self.access_token is None or is_cancelled():  # the worker is stopping: there is no time to read back
            raise unknown
        read = partial(
            self.partner_center.request,
            None,
            self.access_token,
            caller=self.caller,
            call=self.call,
            reads_back=True,
        )
        return await confirm(profile, unknown, read, deadline=self.call.deadline)

    async def _send(
        self, profile: SupportProfile | None, *, also: tuple[type[PartnerCenterUnusable], ...] = ()
    ) -> ProfileResponse:
        """Send with the caller's token; when Partner Center asks for more claims, once more with a new token."""
        claims: str | None = None
        self.partner_center.prepare(self.caller, deadline=self.call.deadline)
        while True:
            with self.call.event.waiting_for_entra():
                token, self.call.event.exchange = await self.tokens.access_token(
                    self.caller, self.assertion, deadline=self.call.deadline, claims=claims
                )
            self.access_token = token
            send = partial(self.partner_center.request, profile, token, caller=self.caller, call=self.call)
            try:
                return await retried(
                    send, deadline=self.call.deadline, token_left_seconds=self._token_left_seconds, also=also
                )
            except UpdateProfileError as error:
                if error.upstream is not None and error.upstream.status == 401:
                    self.tokens.forget(self.caller, token)  # no later call uses a token that was refused
                asked = error.challenge.claims if isinstance(error, InteractionRequired) and error.challenge else None
                if claims is not None or asked is None or error.upstream is None:  # Entra's own goes to the caller
                    raise
                claims = asked

    def _token_left_seconds(self) -> float:
        return self.caller.expires_at - self.clock()
