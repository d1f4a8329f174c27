"""The profile as one caller reads and writes it: with the caller's token, trying again, and to a certain end.

Three loops stand around one request, each in its own place: a claims challenge is met once (here), what heals is
tried again (retrying), and a write without an answer is read back (read_back).
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .call import Call
from .deadline import Deadline
from .entra.bearer_token import Caller
from .entra.on_behalf_of import OnBehalfOf
from .entra.token_response import AccessToken
from .errors import InteractionRequired, PartnerCenterTimeout, UpdateProfileError
from .partner_center.answer import UpstreamAnswer
from .partner_center.client import Attempt, PartnerCenter
from .partner_center.read_back import confirm
from .partner_center.retrying import is_cancelled, retried
from .support_profile import SupportProfile

# Kept back from each attempt, for what must follow one that gets no answer: another one, or reading back.
LONGEST_RESERVE_SECONDS = 5.0
RESERVE_SHARE = 0.4

Ask = Callable[[AccessToken], Awaitable[UpstreamAnswer]]


@dataclass(frozen=True, kw_only=True)
class CallersProfile:
    """Partner Center's support profile, for one call of one caller."""

    caller: Caller
    call: Call
    on_behalf_of: OnBehalfOf
    partner_center: PartnerCenter
    clock: Callable[[], float] = time.time

    async def read(self) -> UpstreamAnswer:
        """Read the stored profile. Reading harms nobody, so it is tried again after a time-out, too.

        Raises:
            UpdateProfileError: No token, or no answer, could be had.
        """
        return await self._authorized(self._read)

    async def write(self, profile: SupportProfile) -> UpstreamAnswer:
        """Replace the stored profile. A write that gets no answer is never sent again, but read back.

        Raises:
            PartnerCenterTimeout: It was sent, and whether it was done is not known.
            UpdateProfileError: It was not done, or Partner Center says so.
        """
        return await self._authorized(lambda access_token: self._write(profile, access_token))

    async def _authorized(self, ask: Ask) -> UpstreamAnswer:
        """Ask with the caller's token; once more, with another, where Partner Center asks for more claims."""
        try:
            return await self._asked(ask, await self._exchange(None))
        except InteractionRequired as error:
            challenge = error.evidence.challenge
            if challenge is None or error.evidence.upstream is None:  # Entra's own
                raise
        return await self._asked(ask, await self._exchange(challenge.claims))

    async def _asked(self, ask: Ask, access_token: AccessToken) -> UpstreamAnswer:
        """Ask; a token that Partner Center refuses is not used for a later call."""
        try:
            return await ask(access_token)
        except UpdateProfileError as error:
            if error.evidence.upstream is not None and error.evidence.upstream.status == 401:
                self.on_behalf_of.forget(self.caller, access_token)
            raise

    async def _exchange(self, claims: str | None) -> AccessToken:
        access_token, self.call.event.exchange = await self.on_behalf_of.access_token(
            self.caller, deadline=self.call.deadline, claims=claims
        )
        return access_token

    async def _read(self, access_token: AccessToken) -> UpstreamAnswer:
        return await retried(
            lambda: self.partner_center.get_support_profile(self._attempt(access_token, self._within_reserve())),
            deadline=self.call.deadline,
            token_left_seconds=self._token_left_seconds,
            also=(PartnerCenterTimeout,),
        )

    async def _write(self, profile: SupportProfile, access_token: AccessToken) -> UpstreamAnswer:
        try:
            return await retried(
                lambda: self.partner_center.put_support_profile(
                    profile, self._attempt(access_token, self._within_reserve())
                ),
                deadline=self.call.deadline,
                token_left_seconds=self._token_left_seconds,
            )
        except PartnerCenterTimeout as unknown:
            if is_cancelled():  # the worker is being stopped: there is no time to look
                raise
            read_once = self.partner_center.get_support_profile
            return await confirm(
                profile,
                unknown,
                lambda until: read_once(self._attempt(access_token, until)),
                deadline=self.call.deadline,
            )

    def _attempt(self, access_token: AccessToken, deadline: Deadline) -> Attempt:
        return Attempt(access_token=access_token, call=self.call, tenant_id=self.caller.tenant_id, deadline=deadline)

    def _within_reserve(self) -> Deadline:
        left = self.call.deadline.remaining_seconds()
        return Deadline.after(left - min(LONGEST_RESERVE_SECONDS, RESERVE_SHARE * left))

    def _token_left_seconds(self) -> float:
        return self.caller.expires_at - self.clock()
