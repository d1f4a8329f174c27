"""The profile as one caller reads and writes it, with fakes: tokens, retries and reading back."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from builders import a_caller
from fakes import SHOWN, SUCCESS, FakePartnerCenter, Outcomes, a_service
from live_service import a_call, a_profile

from update_profile.errors import (
    ClaimsChallenge,
    EntraFault,
    InteractionRequired,
    InvalidToken,
    PartnerCenterFailed,
    PartnerCenterMfaRequired,
    PartnerCenterRejected,
    PartnerCenterUnanswered,
    UpdateProfileError,
    UpstreamFault,
)
from update_profile.operations import ProfileSession
from update_profile.partner_center import retrying
from update_profile.partner_center.answer import ProfileResponse

UNAUTHORIZED = UpstreamFault(status=401)
CHALLENGE = ClaimsChallenge(tenant_id="t", authorization_uri="a", claims='{"a":1}')
CHALLENGED = InteractionRequired("More.", upstream=UNAUTHORIZED, challenge=CHALLENGE)
UNKNOWN = PartnerCenterUnanswered("No answer.", outcome="unknown")
WRITTEN = ProfileResponse(status=200, body=json.dumps(SHOWN).encode(), document=SHOWN)


def profile_for(outcomes: Outcomes, *, seconds: float = 10.0, expires_at: float = 4_000_000_000.0) -> ProfileSession:
    """Return the profile session of a caller with this much time."""
    caller = outcomes.caller = a_caller(expires_at=expires_at)
    return a_service(outcomes).session("assertion", caller, a_call(seconds=seconds))


async def test_a_challenge_is_met_once_with_a_token_that_has_the_claims() -> None:
    """The refused token is dropped and not used again."""
    outcomes = Outcomes(answer=[CHALLENGED, SUCCESS])
    assert await profile_for(outcomes).write(a_profile()) is SUCCESS
    assert outcomes.steps == ["exchange", "put", "forget", 'exchange {"a":1}', "put"]


@pytest.mark.parametrize("method", ["read", "write"])
async def test_a_second_challenge_goes_to_the_caller(method: str) -> None:
    """There is one exchange with the claims, one more attempt, and no third."""
    outcomes = Outcomes(answer=CHALLENGED, stored=CHALLENGED)
    profile = profile_for(outcomes)
    with pytest.raises(InteractionRequired) as caught:
        await (profile.read() if method == "read" else profile.write(a_profile()))
    assert caught.value is CHALLENGED
    step = "get" if method == "read" else "put"
    assert outcomes.steps == ["exchange", step, "forget", 'exchange {"a":1}', step, "forget"]


async def test_a_challenge_of_entras_own_goes_to_the_caller_at_once() -> None:
    """No other token is available."""
    entras = InteractionRequired("More.", entra=EntraFault(error="interaction_required"), challenge=CHALLENGE)
    outcomes = Outcomes(access_token=entras)
    with pytest.raises(InteractionRequired):
        await profile_for(outcomes).write(a_profile())
    assert outcomes.steps == ["exchange"]


@pytest.mark.parametrize("kind", [PartnerCenterRejected, PartnerCenterMfaRequired])
async def test_a_token_that_is_refused_is_forgotten_and_not_tried_again(kind: type[PartnerCenterRejected]) -> None:
    """After a bare 401, a retry with the same token would be refused as well."""
    outcomes = Outcomes(answer=kind("No.", upstream=UNAUTHORIZED))
    with pytest.raises(kind):
        await profile_for(outcomes).write(a_profile())
    assert outcomes.steps == ["exchange", "put", "forget"]


async def test_a_token_that_is_not_at_fault_is_kept() -> None:
    """A 403 concerns the user, not the token."""
    outcomes = Outcomes(answer=PartnerCenterRejected("No.", upstream=UpstreamFault(status=403)))
    with pytest.raises(PartnerCenterRejected):
        await profile_for(outcomes).write(a_profile())
    assert "forget" not in outcomes.steps


async def test_a_write_without_an_answer_is_read_back_and_never_sent_again() -> None:
    """If the stored profile equals what was sent, the answer is a success that says so."""
    outcomes = Outcomes(answer=UNKNOWN, stored=WRITTEN)
    answer = await profile_for(outcomes).write(a_profile())
    assert answer.outcome == "confirmed-by-read"
    assert outcomes.steps == ["exchange", "put", "get"]


async def test_reading_back_a_write_is_allowed_after_the_token_has_expired() -> None:
    """The write was sent in time."""
    outcomes = Outcomes(answer=UNKNOWN, stored=WRITTEN)
    now = iter([999.0, 1001.0])
    profile = replace(profile_for(outcomes, expires_at=1000.0), clock=lambda: next(now))
    assert (await profile.write(a_profile())).outcome == "confirmed-by-read"


async def test_nothing_is_sent_after_the_token_has_expired() -> None:
    """The token may expire during the exchange."""
    outcomes = Outcomes()
    with pytest.raises(InvalidToken):
        await profile_for(outcomes, expires_at=1000.0).write(a_profile())
    assert outcomes.steps == ["exchange"]


async def test_a_read_without_an_answer_is_tried_again() -> None:
    """A read changes nothing, so repeating it is safe."""
    outcomes = Outcomes(stored=[PartnerCenterUnanswered("No answer."), WRITTEN])
    assert await profile_for(outcomes).read() is WRITTEN
    assert outcomes.steps == ["exchange", "get", "get"]


@pytest.mark.parametrize(("seconds", "reserved"), [(10.0, 4.0), (100.0, 5.0), (1.0, 0.4)])
async def test_an_attempt_leaves_time_for_what_must_follow(seconds: float, reserved: float) -> None:
    """Two fifths of the remaining time are reserved, but no more than five seconds."""
    outcomes = Outcomes()
    profile = profile_for(outcomes, seconds=seconds)
    await profile.write(a_profile())
    (deadline,) = outcomes.deadlines
    assert profile.call.deadline.at - deadline.at == pytest.approx(reserved, abs=0.05)


async def test_reading_back_has_the_time_that_was_kept() -> None:
    """The second read may use the time up to the call's own deadline."""
    stale = ProfileResponse(status=200, body=b"{}", document={})
    outcomes = Outcomes(answer=UNKNOWN, stored=[stale, WRITTEN])
    profile = profile_for(outcomes, seconds=0.5)
    assert (await profile.write(a_profile())).outcome == "confirmed-by-read"
    *_, first, second = outcomes.deadlines
    assert first.at < second.at == pytest.approx(profile.call.deadline.at, abs=0.02)


async def test_a_cancelled_write_is_not_read_back() -> None:
    """The worker is stopping, so the caller learns at once that the outcome is unknown."""
    began = asyncio.Event()

    class Hanging(FakePartnerCenter):
        async def request(self, *arguments: Any, **options: Any) -> ProfileResponse:
            began.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                raise UNKNOWN from None
            return await super().request(*arguments, **options)

    outcomes = Outcomes(stored=WRITTEN)
    profile = replace(profile_for(outcomes), partner_center=Hanging(outcomes))
    task = asyncio.create_task(profile.write(a_profile()))
    await began.wait()
    task.cancel()
    await asyncio.wait({task})
    assert task.exception() is UNKNOWN
    assert "get" not in outcomes.steps


async def test_an_outage_that_passes_is_not_noticed_but_in_the_log() -> None:
    """The call succeeds, and the audit event has the token's source."""
    failure: UpdateProfileError = PartnerCenterFailed("No.", upstream=UpstreamFault(status=503))
    outcomes = Outcomes(answer=[failure, SUCCESS])
    profile = profile_for(outcomes)
    assert await profile.write(a_profile()) is SUCCESS
    assert outcomes.steps == ["exchange", "put", "put"]
    assert profile.call.event.exchange == "cached"


def test_the_reserve_is_a_part_of_what_is_left() -> None:
    """Each attempt therefore gets more than half of the remaining time."""
    assert 0 < retrying.FOLLOW_UP_SHARE < 0.5
