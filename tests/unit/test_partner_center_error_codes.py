"""Partner Center's error codes: who must act, and what to do."""

import pytest

from update_profile.partner_center.error_codes import KNOWN_CODES, meaning_of


@pytest.mark.parametrize(
    ("status", "code", "actor", "word"),
    [
        (400, "2055", "caller", "read it again"),
        (400, "3000", "caller", "correct"),
        (400, "800002", "caller", "correct"),
        (401, "800001", "operator", "PARTNER_CENTER_SCOPE"),
        (401, "900420", "operator", "PARTNER_CENTER_SCOPE"),
        (403, "2032", "administrator", "role"),
        (403, "900150", "administrator", "role"),
        (403, "900308", "administrator", "role"),
        (403, "900309", "administrator", "Conditional Access"),
        (403, "900329", "operator", "user's token"),
        (404, "1000", "operator", "does not know this resource"),
        (404, "3000", "administrator", "organization"),
    ],
)
def test_a_known_code_says_who_must_act_and_what_to_do(status: int, code: str, actor: str, word: str) -> None:
    """A retry helps with none of these."""
    meaning = meaning_of(status, code)
    assert (meaning.actor, meaning.retryable) == (actor, False)
    assert word in meaning.next_step
    assert meaning.next_step.endswith(".")


def test_a_passing_fault_of_theirs_may_be_sent_again() -> None:
    """This is the documented code of a 500."""
    assert (meaning_of(500, "800003").actor, meaning_of(500, "800003").retryable) == ("nobody", True)


def test_a_code_counts_only_under_its_status() -> None:
    """Codes repeat across statuses: 2006 is both a 403 and a 400."""
    assert meaning_of(409, "900150") == meaning_of(409, None)
    assert meaning_of(418, "3000") == meaning_of(418, None)


@pytest.mark.parametrize("code", [None, "", "12345"])
def test_without_a_known_code_the_status_decides(code: str | None) -> None:
    """It decides who must act and whether a retry helps; there is no advice without a known code."""
    told = {status: meaning_of(status, code) for status in (400, 401, 403, 404, 408, 409, 412, 418, 422, 500, 501, 504)}
    assert {status: meaning.actor for status, meaning in told.items()} == {
        **dict.fromkeys((400, 409, 412, 422), "caller"),
        401: "user",
        403: "administrator",
        404: "operator",
        418: "operator",
        **dict.fromkeys((408, 500, 501, 504), "nobody"),
    }
    assert [status for status, meaning in told.items() if meaning.retryable] == [408, 500, 504]
    assert not [meaning for meaning in told.values() if meaning.next_step]


def test_no_status_that_may_heal_is_in_the_table_as_final() -> None:
    """Retries go by the status, so the table must not contradict it."""
    assert {status for (status, _), meaning in KNOWN_CODES.items() if meaning.retryable} == {500}
    assert not {status for status, _ in KNOWN_CODES} & {408, 429, 502, 503, 504}
