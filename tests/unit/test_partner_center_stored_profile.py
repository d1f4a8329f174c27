"""The profile as Partner Center stores it."""

import json
from contextlib import nullcontext
from typing import Any

import pytest
from builders import EXAMPLE
from fakes_upstream import an_answer
from live_service import a_profile

from update_profile.errors import PartnerCenterUnanswered
from update_profile.partner_center.answer import read_answer
from update_profile.partner_center.stored_profile import StoredProfile, differing, read_stored, shown_values

ASKED: dict[str, Any] = {"sent": (), "hint": "", "tenant_id": "t", "authorization_uri": "a"}
LINKS = {"self": {"uri": "/v1/profiles/support", "method": "GET", "headers": []}}


def stored(body: bytes | None, status: int = 200) -> StoredProfile:
    """Return the profile in the answer to a GET with this body."""
    return read_stored(read_answer(an_answer(status, body), **ASKED))


def test_the_documented_resource_is_read() -> None:
    """The body has a byte order mark and names in camelCase."""
    document = {
        "email": "a@b",
        "telephone": "1",
        "website": "w",
        "profileType": "support_profile",
        "links": LINKS,
        "attributes": {"objectType": "PartnerSupportProfile"},
    }
    held = stored(b"\xef\xbb\xbf" + json.dumps(document).encode())
    assert held == StoredProfile(values={"Email": "a@b", "Telephone": "1", "Website": "w"})


def test_names_come_in_any_case_and_a_number_is_read_as_text() -> None:
    """Microsoft's own clients accept both."""
    held = stored(b'{"EMAIL":"a@b","Telephone":4255555555}')
    assert held.values == {"Email": "a@b", "Telephone": "4255555555"}


@pytest.mark.parametrize("body", [b"{}", b'{"email":null}', b'{"profileType":"support_profile","links":{}}'])
def test_a_profile_with_nothing_set_has_no_values(body: bytes) -> None:
    """The members are absent or null."""
    assert stored(body) == StoredProfile(values={})


def test_an_answer_without_a_body_is_a_profile_with_nothing_set() -> None:
    """A 204 has no body."""
    assert stored(b"", 204).values == {}


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"<html>",
        b"[]",
        b'{"email": "a',
        b'"a"',
        b'{"code": 2000, "description": "odd"}',
        b'{"email": true}',
        b'{"email": ["a@b"]}',
        b'{"telephone": 1.5}',
        b'{"website": {}}',
    ],
)
def test_what_is_no_profile_is_no_answer_that_can_be_read(body: bytes | None) -> None:
    """This includes a fault with status 200, because the stored profile remains unknown."""
    with pytest.raises(PartnerCenterUnanswered) as caught:
        stored(body)
    assert caught.value.outcome is None


def test_members_of_another_time_are_told_by_name() -> None:
    """Unknown members are listed in their order, even if null; a look-alike letter is not the letter itself."""
    assert stored(b'{"email":"a@b","fax":"1","etag":null,"\xe2\x84\xaain":1}').unknown == ("fax", "etag", "\u212ain")


def test_values_differ_by_a_single_letter_and_by_its_case() -> None:
    """Partner Center's own cmdlet ignores a change of case; this comparison does not."""
    held = StoredProfile(values={**EXAMPLE, "Email": "Email@sample.com"})
    assert differing(a_profile(), held) == ("Email",)
    assert differing(a_profile(), StoredProfile(values=EXAMPLE, unknown=("fax",))) == ()
    assert differing(a_profile(), StoredProfile(values={})) == ("Email", "Telephone", "Website")


def test_no_value_stands_in_what_a_log_might_print() -> None:
    """The values are customer data."""
    assert "sample.com" not in repr(StoredProfile(values=EXAMPLE))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"null", 200),
        (b" ", 200),
        (b"[]", 200),
        (b"<html>", 200),
        (None, 200),
        (b"{}", 205),
        (b'{"ok":true}', 200),
        (b'{"code":2000,"description":"odd"}', 200),
        (b'{"email":[]}', 200),
    ],
)
def test_what_shows_no_profile_is_not_taken_for_one(body: bytes | None, status: int) -> None:
    """A proxy answers 200 as well."""
    with pytest.raises(PartnerCenterUnanswered) as caught:
        stored(body, status)
    assert (caught.value.reason, caught.value.outcome) == ("unreadable", None)


def test_a_profile_with_one_value_and_an_unknown_member_is_read() -> None:
    """The unknown member is named."""
    assert stored(b'{"email":"a@b","fax":"1"}') == StoredProfile(values={"Email": "a@b"}, unknown=("fax",))


SHOWS = {
    b'{"EMAIL":"a","Telephone":"1","website":"w","x":1}': {"Email": "a", "Telephone": "1", "Website": "w"},
    b'{"email":"a","telephone":1,"website":"w"}': None,
    b'{"email":"a","telephone":"1"}': None,
    b"{}": None,
    b"[]": None,
}


@pytest.mark.parametrize(("body", "shown"), SHOWS.items())
def test_a_write_is_shown_by_all_three_values_as_text(body: bytes, shown: dict[str, str] | None) -> None:
    """Anything else does not prove a write."""
    assert shown_values(read_answer(an_answer(200, body), **ASKED)) == shown


@pytest.mark.parametrize(
    ("body", "shows"),
    [
        (b'{"email":"a@b","title":"Support"}', True),
        (b'{"email":"a@b","message":"Saved"}', True),
        (b'{"email":"a@b","code":3000,"message":"No."}', False),
        (b'{"email":null,"message":"No."}', True),
        (b'{"profileType":"support_profile","message":"No."}', False),
    ],
)
def test_a_value_that_is_shown_outweighs_a_text_but_not_a_code(body: bytes, shows: bool) -> None:
    """A new member of the profile may have a name that faults use as well."""
    with nullcontext() if shows else pytest.raises(PartnerCenterUnanswered):
        stored(body)
