"""Merging a patch into the stored profile."""

import pytest
from builders import EXAMPLE

from update_profile.errors import InvalidProfile
from update_profile.partner_center.stored_profile import StoredProfile, merge

STORED = StoredProfile(values={"Email": "old@b", "Telephone": "1", "Website": "old.example"})


def refused(changes: dict[str, str], stored: StoredProfile) -> InvalidProfile:
    """Return the refusal of this merge."""
    with pytest.raises(InvalidProfile) as caught:
        merge(changes, stored)
    return caught.value


@pytest.mark.parametrize("name", EXAMPLE)
def test_one_value_changes_and_the_others_stay(name: str) -> None:
    """The other values stay exactly as they are stored."""
    merged = merge({name: EXAMPLE[name]}, STORED)
    assert merged.named_values == {**STORED.values, name: EXAMPLE[name]}


def test_no_change_and_every_change_make_a_full_profile() -> None:
    """An empty patch writes what is stored."""
    assert merge({}, STORED).named_values == STORED.values
    assert merge(EXAMPLE, StoredProfile(values={})).named_values == EXAMPLE


def test_a_profile_that_is_not_full_is_refused_with_what_is_missing() -> None:
    """The fields are in wire order, and each message says that none is stored yet."""
    error = refused({"Telephone": "1"}, StoredProfile(values={}))
    assert [fault.field for fault in error.fields] == ["Email", "Website"]
    assert all("none is stored yet" in fault.message for fault in error.fields)


def test_a_member_that_would_be_lost_is_refused_by_its_name() -> None:
    """The refusal names only these members, even if fields are missing as well."""
    error = refused({"Telephone": "1"}, StoredProfile(values={}, unknown=("fax", "x")))
    assert [fault.field for fault in error.fields] == ["fax", "x"]
    assert "lose" in error.detail


def test_a_stored_value_that_could_not_be_sent_must_be_replaced_too() -> None:
    """Older clients stored a blank for an unset field."""
    held = StoredProfile(values={**STORED.values, "Website": " "})
    (fault,) = refused({"Telephone": "1"}, held).fields
    assert (fault.field, "is blank" in fault.message, "as stored by Partner Center" in fault.message) == (
        "Website",
        True,
        True,
    )
    assert merge({"Website": "new.example"}, held).website == "new.example"
