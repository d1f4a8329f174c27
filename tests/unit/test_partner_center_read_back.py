"""Reading back a write that got no answer."""

import asyncio
import json
from typing import Any

import pytest
from builders import EXAMPLE
from live_service import a_profile

from update_profile.deadline import Deadline
from update_profile.errors import PartnerCenterFailed, PartnerCenterUnanswered, UpdateProfileError, UpstreamFault
from update_profile.partner_center import read_back
from update_profile.partner_center.answer import ProfileResponse
from update_profile.partner_center.read_back import confirm

UNKNOWN = PartnerCenterUnanswered("No answer.", outcome="unknown")
FAILED = PartnerCenterFailed("No.", upstream=UpstreamFault(status=503))


def holding(status: int = 200, **changed: object) -> ProfileResponse:
    """Return a profile as it is read, with these changes."""
    document = {name.lower(): value for name, value in EXAMPLE.items()} | changed
    return ProfileResponse(
        status=status, body=json.dumps(document).encode(), document=document, is_mfa_compliant="true"
    )


class Looks:
    """Returns or raises these outcomes in turn."""

    def __init__(self, *outcomes: ProfileResponse | UpdateProfileError) -> None:
        self.outcomes = list(outcomes)
        self.seconds: list[float] = []

    async def __call__(self, *, deadline: Deadline) -> ProfileResponse:
        """Read once."""
        self.seconds.append(deadline.remaining_seconds())
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, UpdateProfileError):
            raise outcome
        return outcome


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_back, "PAUSE_SECONDS", 0.01)


async def confirmed(looks: Looks, *, seconds: float = 4.0) -> ProfileResponse | PartnerCenterUnanswered:
    """Return the confirmed answer, or the error."""
    try:
        return await confirm(a_profile(), UNKNOWN, looks, deadline=Deadline.after(seconds))
    except PartnerCenterUnanswered as error:
        return error


@pytest.mark.parametrize(
    "answer",
    [holding(), holding(profileType="x", etag="1", fax="2"), holding(telephone=4255555555), holding(203)],
    ids=["equal", "with members more", "with a number for text", "under another success"],
)
async def test_what_equals_what_was_sent_is_a_success(answer: ProfileResponse) -> None:
    """The answer is a 200 with what was read, and it is marked as confirmed by a read."""
    told = await confirmed(Looks(answer))
    assert isinstance(told, ProfileResponse)
    assert (told.status, told.body, told.is_mfa_compliant, told.outcome) == (
        200,
        answer.body,
        "true",
        "confirmed-by-read",
    )


async def test_a_read_that_lags_gets_a_second_look() -> None:
    """Reads may lag behind a write, so each of the two reads gets its share of the time."""
    looks = Looks(holding(email="old@b"), holding())
    told = await confirmed(looks)
    assert isinstance(told, ProfileResponse)
    first, second = looks.seconds
    assert first < 2.01 < second


async def test_a_look_that_fails_is_followed_by_another() -> None:
    """The cause of the first failure makes no difference."""
    told = await confirmed(Looks(FAILED, holding()))
    assert isinstance(told, ProfileResponse)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"email": "EMAIL@sample.com"}, "different Email"),
        ({"telephone": None}, "different Telephone"),
        ({"website": "https://www.microsoft.com", "email": "x@y"}, "different Email and Website"),
    ],
)
async def test_what_differs_stays_unknown_and_is_named(changed: dict[str, Any], named: str) -> None:
    """The detail names the fields without their values, and there are no more than two reads."""
    looks = Looks(holding(**changed), holding(**changed))
    told = await confirmed(looks)
    assert isinstance(told, PartnerCenterUnanswered)
    assert (told.outcome, named in told.detail, "stale" in told.detail) == ("unknown", True, True)
    assert told.detail.startswith("No answer.")
    assert not [value for value in changed.values() if str(value) in told.detail]
    assert not looks.outcomes


@pytest.mark.parametrize("outcomes", [(FAILED, FAILED), (UNKNOWN, FAILED)])
async def test_what_cannot_be_read_stays_unknown(outcomes: tuple[UpdateProfileError, ...]) -> None:
    """The original error is raised unchanged."""
    assert await confirmed(Looks(*outcomes)) is UNKNOWN


async def test_what_was_seen_to_differ_is_told_though_the_second_look_fails() -> None:
    """A known difference says more than a failed read."""
    told = await confirmed(Looks(holding(email="old@b"), FAILED))
    assert isinstance(told, PartnerCenterUnanswered)
    assert "different Email" in told.detail


async def test_a_cancelled_look_leaves_the_outcome_unknown() -> None:
    """No second read follows a cancellation."""
    began = asyncio.Event()

    async def read(*, deadline: Deadline) -> ProfileResponse:
        assert not began.is_set()
        began.set()
        await asyncio.sleep(deadline.remaining_seconds())
        return holding()

    task = asyncio.create_task(confirm(a_profile(), UNKNOWN, read, deadline=Deadline.after(60)))
    await began.wait()
    task.cancel()
    await asyncio.wait({task})
    assert task.exception() is UNKNOWN
