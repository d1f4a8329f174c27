"""The operations with fakes: which requests are made and what is returned."""

import json

import pytest
from builders import EXAMPLE, a_caller
from fakes import SUCCESS, Outcomes, a_service
from live_service import a_call

from update_profile import operations
from update_profile.errors import InvalidProfile, PartnerCenterRejected, PartnerCenterUnanswered, UpstreamFault
from update_profile.partner_center.answer import ProfileResponse
from update_profile.partner_center.stored_profile import Preview

OLD = {"email": "old@b", "telephone": "1", "website": "old.example"}
REFUSED = PartnerCenterRejected("No.", upstream=UpstreamFault(status=403))


def holding(members: dict[str, str]) -> ProfileResponse:
    """Return the answer to a GET that has these members."""
    return ProfileResponse(status=200, body=json.dumps(members).encode(), document=members, is_mfa_compliant="true")


async def run(outcomes: Outcomes, method: str, body: object = None, *, dry: bool = False) -> ProfileResponse | Preview:
    """Carry out a caller's request."""
    caller = outcomes.caller = a_caller()
    members = list(body.items()) if isinstance(body, dict) else []
    session = a_service(outcomes).session("assertion", caller, a_call())
    return await operations.run(method, members, session, validate_only=dry)


async def test_reading_gives_what_is_stored_as_it_came() -> None:
    """The answer is returned unchanged, and nothing is written."""
    outcomes = Outcomes(stored=holding(OLD))
    assert await run(outcomes, "GET") is outcomes.stored
    assert outcomes.steps == ["exchange", "get"]


async def test_writing_a_full_profile_reads_nothing() -> None:
    """Only the PUT is sent."""
    outcomes = Outcomes()
    assert await run(outcomes, "POST", EXAMPLE) == SUCCESS
    assert outcomes.steps == ["exchange", "put"]


async def test_a_change_is_merged_into_what_is_stored() -> None:
    """The full profile that results is written."""
    outcomes = Outcomes(stored=holding(OLD))
    assert await run(outcomes, "PATCH", {"Email": "new@b"}) == SUCCESS
    assert outcomes.steps == ["exchange", "get", "exchange", "put"]
    ((profile, _, _),) = outcomes.sent
    assert profile.named_values == {"Email": "new@b", "Telephone": "1", "Website": "old.example"}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_dry_run_shows_what_would_change_and_writes_nothing(method: str) -> None:
    """This holds for a full profile and for a patch."""
    outcomes = Outcomes(stored=holding(OLD))
    preview = await run(outcomes, method, EXAMPLE, dry=True)
    assert outcomes.steps == ["exchange", "get"]
    assert isinstance(preview, Preview)
    assert preview.proposed.named_values == EXAMPLE
    assert preview.current.values == {"Email": "old@b", "Telephone": "1", "Website": "old.example"}
    assert preview.answer is outcomes.stored


@pytest.mark.parametrize("validate_only", [True, False])
async def test_a_change_that_would_lose_a_member_is_refused(validate_only: bool) -> None:
    """A dry run refuses it as well; a full profile may replace the member, because that is explicit."""
    outcomes = Outcomes(stored=holding({**OLD, "fax": "1"}))
    with pytest.raises(InvalidProfile):
        await run(outcomes, "PATCH", {"Email": "new@b"}, dry=validate_only)
    assert outcomes.steps == ["exchange", "get"]
    assert isinstance(await run(outcomes, "POST", EXAMPLE, dry=True), Preview)


@pytest.mark.parametrize(("method", "dry"), [("POST", True), ("PATCH", False)])
async def test_a_refused_read_is_a_refused_call(method: str, dry: bool) -> None:
    """A failed read writes nothing."""
    outcomes = Outcomes(stored=REFUSED)
    with pytest.raises(PartnerCenterRejected):
        await run(outcomes, method, EXAMPLE, dry=dry)
    assert "put" not in outcomes.steps


async def test_what_cannot_be_read_is_not_changed() -> None:
    """A merge could lose data."""
    outcomes = Outcomes(stored=ProfileResponse(status=200, body=b"[]", document=None))
    with pytest.raises(PartnerCenterUnanswered) as caught:
        await run(outcomes, "PATCH", EXAMPLE)
    assert (caught.value.outcome, caught.value.reason) == (None, "unreadable")
    assert not outcomes.sent
