"""What a call asks for, carried out with fakes: which requests are made, and what comes back."""

import json

import pytest
from builders import EXAMPLE, a_caller
from fakes import SUCCESS, Outcomes, a_service
from live_service import a_call, a_profile

from update_profile.errors import InvalidProfile, PartnerCenterRejected, PartnerCenterTimeout
from update_profile.evidence import Evidence, UpstreamFault
from update_profile.operations import Operation, Preview, perform
from update_profile.partner_center.answer import UpstreamAnswer

OLD = {"email": "old@b", "telephone": "1", "website": "old.example"}
REFUSED = PartnerCenterRejected("No.", Evidence(upstream=UpstreamFault(status=403)))


def holding(members: dict[str, str]) -> UpstreamAnswer:
    """The answer to a GET that has these members."""
    return UpstreamAnswer(status=200, body=json.dumps(members).encode(), is_mfa_compliant="true", fault=None)


async def done(operation: Operation, outcomes: Outcomes) -> UpstreamAnswer | Preview:
    """The operation, carried out for a caller."""
    caller = outcomes.caller = a_caller()
    return await perform(operation, a_service(outcomes).profile_of(caller, a_call()))


async def test_reading_gives_what_is_stored_as_it_came() -> None:
    """No write."""
    outcomes = Outcomes(stored=holding(OLD))
    assert await done(Operation(change=None), outcomes) is outcomes.stored
    assert outcomes.steps == ["exchange", "get"]


async def test_writing_a_full_profile_reads_nothing() -> None:
    """One request."""
    outcomes = Outcomes()
    assert await done(Operation(change=a_profile()), outcomes) == SUCCESS
    assert outcomes.steps == ["exchange", "put"]


async def test_a_change_is_merged_into_what_is_stored() -> None:
    """Then the full profile is written."""
    outcomes = Outcomes(stored=holding(OLD))
    assert await done(Operation(change={"Email": "new@b"}), outcomes) == SUCCESS
    assert outcomes.steps == ["exchange", "get", "exchange", "put"]
    ((profile, _, _),) = outcomes.sent
    assert profile.named_values == {"Email": "new@b", "Telephone": "1", "Website": "old.example"}


@pytest.mark.parametrize("change", [a_profile(), EXAMPLE])
async def test_a_dry_run_shows_what_would_change_and_writes_nothing(change: object) -> None:
    """Of a full profile and of a change alike."""
    outcomes = Outcomes(stored=holding(OLD))
    preview = await done(Operation(change=change, validate_only=True), outcomes)  # type: ignore[arg-type]
    assert outcomes.steps == ["exchange", "get"]
    assert isinstance(preview, Preview)
    assert preview.proposed.named_values == EXAMPLE
    assert preview.current.values == {"Email": "old@b", "Telephone": "1", "Website": "old.example"}
    assert preview.answer is outcomes.stored


@pytest.mark.parametrize("validate_only", [True, False])
async def test_a_change_that_would_lose_a_member_is_refused(validate_only: bool) -> None:
    """In a dry run as well; a full profile replaces it knowingly."""
    outcomes = Outcomes(stored=holding({**OLD, "fax": "1"}))
    with pytest.raises(InvalidProfile):
        await done(Operation(change={"Email": "new@b"}, validate_only=validate_only), outcomes)
    assert outcomes.steps == ["exchange", "get"]
    assert isinstance(await done(Operation(change=a_profile(), validate_only=True), outcomes), Preview)


@pytest.mark.parametrize("operation", [Operation(change=a_profile(), validate_only=True), Operation(change=EXAMPLE)])
async def test_a_refused_read_is_a_refused_call(operation: Operation) -> None:
    """And nothing is written."""
    outcomes = Outcomes(stored=REFUSED)
    with pytest.raises(PartnerCenterRejected):
        await done(operation, outcomes)
    assert "put" not in outcomes.steps


async def test_what_cannot_be_read_is_not_changed() -> None:
    """Nobody knows what would be lost; reading it as it came is no harm."""
    unreadable = UpstreamAnswer(status=200, body=b"{}", is_mfa_compliant=None, fault=None, readable=False)
    outcomes = Outcomes(stored=unreadable)
    with pytest.raises(PartnerCenterTimeout) as caught:
        await done(Operation(change=EXAMPLE), outcomes)
    assert caught.value.evidence.outcome is None
    assert await done(Operation(change=None), outcomes) is unreadable
    assert not outcomes.sent


def test_no_value_stands_in_what_a_log_might_print() -> None:
    """Neither of an operation."""
    assert "sample" not in repr(Operation(change=a_profile())) + repr(Operation(change=EXAMPLE))
