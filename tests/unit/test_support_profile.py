"""Names, repeats, unknown members and the wire format of a support profile."""

import json
from typing import Any

import pytest
from builders import EXAMPLE, EXAMPLE_WIRE
from pydantic import ValidationError

from update_profile.errors import FieldError, InvalidProfile
from update_profile.response import MAX_FIELD_ERRORS
from update_profile.strict_json import Pairs
from update_profile.support_profile import SupportProfile, read_changes, read_profile

UNKNOWN = "is not a field of the support profile; remove it"
MISSING = "is missing; the profile is replaced as a whole, so every field is required"


def members(*more: tuple[str, Any], **values: object) -> Pairs:
    """Return Microsoft's example with other values and additional members."""
    return [*{**EXAMPLE, **values}.items(), *more]


def faults(pairs: Pairs) -> list[tuple[str, str]]:
    """Return the name and the message of each refused member."""
    with pytest.raises(InvalidProfile) as caught:
        read_profile(pairs)
    return [(fault.field, fault.message) for fault in caught.value.fields]


def test_microsofts_example_is_exactly_167_bytes() -> None:
    """The documented format is written without white space."""
    wire = read_profile(members()).wire_bytes()
    assert wire == EXAMPLE_WIRE
    assert len(wire) == 167


def test_the_wire_shape_is_raw_utf_8() -> None:
    """Only the escapes that JSON requires are written, and every code point is preserved."""
    profile = read_profile(members(Email="\u00fc\U0001f600@b", Telephone='1 "2" \\3', Website="e\u0301.example"))
    wire = profile.wire_bytes()
    assert b"\\u" not in wire
    assert "\u00fc\U0001f600@b".encode() in wire
    assert json.loads(wire)["Telephone"] == profile.telephone == '1 "2" \\3'
    assert tuple(profile.named_values.values()) == ("\u00fc\U0001f600@b", '1 "2" \\3', "e\u0301.example")


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.swapcase, str.title])
def test_names_are_taken_in_any_ascii_case(spell: Any) -> None:
    """Microsoft's own clients send both Email and email."""
    returned = members(("ProfileType", "support_profile"), ("Attributes", {}), ("Links", {}))
    assert read_profile([(spell(name), value) for name, value in returned]).wire_bytes() == EXAMPLE_WIRE


@pytest.mark.parametrize(
    ("look_alike", "lacking"),
    [
        ("Web\u017fite", "Website"),
        ("Emai\u2113", "Email"),
        ("Ema\u0131l", "Email"),
        ("\uff25mail", "Email"),
        ("\u0395mail", "Email"),
        ("Email\u200b", "Email"),
        (" Email", "Email"),
        ("E\u0301mail", "Email"),
    ],
)
def test_look_alikes_are_unknown(look_alike: str, lacking: str) -> None:
    """Unicode case folding would accept some of them, such as the long s."""
    pairs = [(look_alike if name == lacking else name, value) for name, value in EXAMPLE.items()]
    assert faults(pairs) == [(lacking, MISSING), (look_alike, UNKNOWN)]


def test_the_kelvin_sign_is_no_k() -> None:
    """Unicode case folding would turn it into a k."""
    assert faults(members(("Lin\u212as", None))) == [("Lin\u212as", UNKNOWN)]


@pytest.mark.parametrize(
    "more",
    [
        {"ProfileType": "support_profile"},
        {"ProfileType": None, "Attributes": None, "Links": None},
        {"Attributes": {"ObjectType": "x", "Etag": [1, {"a": None}]}, "Links": {"self": {"uri": "/", "headers": []}}},
    ],
)
def test_what_partner_center_returns_can_be_posted_back(more: dict[str, Any]) -> None:
    """Their content is neither checked nor sent, and the documented members are always written."""
    assert read_profile(members(*more.items())).wire_bytes() == EXAMPLE_WIRE


@pytest.mark.parametrize("value", ["Support_Profile", "", "billing_profile", 1, True, {}, [], ["support_profile"]])
def test_another_profile_type_is_refused(value: object) -> None:
    """Only null and exactly support_profile are accepted."""
    assert faults(members(("ProfileType", value))) == [("ProfileType", "must be null or support_profile")]


@pytest.mark.parametrize("name", ["Attributes", "Links"])
@pytest.mark.parametrize("value", ["", "x", 0, True, [], [["a", 1]]])
def test_attributes_and_links_are_objects_or_null(name: str, value: object) -> None:
    """No other type is accepted, not even an array of pairs."""
    assert faults(members((name, value))) == [(name, "must be an object or null")]


@pytest.mark.parametrize("name", list(EXAMPLE))
@pytest.mark.parametrize("value", [None, 4255555555, 1.5, True, [], {}, ["4255555555"]])
def test_a_value_that_is_no_string_is_refused(name: str, value: object) -> None:
    """Values of other types are not converted."""
    assert faults(members(**{name: value})) == [(name, "must be a string")]


def test_every_member_in_fault_is_told_at_once_in_wire_order() -> None:
    """The input order makes no difference, except that unknown members come last in theirs."""
    pairs = [("z", 1), ("Website", "ftp://x"), ("Links", 1), ("y", 1), ("Telephone", "x"), ("ProfileType", 1)]
    names = [name for name, _ in faults(pairs)]
    assert names == ["Email", "Telephone", "Website", "ProfileType", "Links", "z", "y"]


@pytest.mark.parametrize("name", ["Email", "ProfileType", "Attributes", "Links"])
def test_a_name_given_twice_in_any_spelling_is_refused(name: str) -> None:
    """Equal values make no difference; a name is reported once, however many or wrong its values are."""
    value: dict[str, object] = {"ProfileType": None, "Attributes": None, "Links": None, **EXAMPLE}
    rest = [(other, text) for other, text in EXAMPLE.items() if other != name]
    for spellings in ((name, name), (name, name.lower()), (name.upper(), name.lower(), name)):
        assert faults([*rest, *((spelling, value[name]) for spelling in spellings)]) == [(name, "is repeated")]
    assert faults([*rest, (name, 1), (name.lower(), 2)]) == [(name, "is repeated")]


def test_an_unknown_name_is_told_once() -> None:
    """It is reported once however often it occurs; in another case it is another name."""
    assert faults(members(("Fax", 1), ("Fax", 2), ("fax", 3))) == [("Fax", UNKNOWN), ("fax", UNKNOWN)]


@pytest.mark.parametrize("name", ["", "ObjectType", "$content", "email ", "constructor", "\x00", "profile_type"])
def test_any_other_member_is_refused_by_name(name: str) -> None:
    """A PUT replaces the whole resource, so dropping a member would lose data."""
    assert faults(members((name, "x"))) == [(name, UNKNOWN)]


def test_a_wrapped_body_is_told_with_what_unwraps_it() -> None:
    """Both members are named, their content is not decoded, and the detail says how to unwrap it."""
    wrapped = [("$content-type", "application/json"), ("$content", "e30=")]
    with pytest.raises(InvalidProfile) as caught:
        read_profile(wrapped)
    assert {fault.field for fault in caught.value.fields} == {"$content-type", "$content"}
    assert "is wrapped" in caught.value.detail
    assert "json(base64ToString(triggerBody()?['$content']))" in caught.value.detail
    assert "e30=" not in repr(caught.value.fields)


def test_thousands_of_unknown_names_come_after_the_documented_ones() -> None:
    """An answer has room for a limited number of errors, so the documented fields come first."""
    names = [f"n{number}" for number in range(8_000)]
    told = faults([*((name, None) for name in names), ("Telephone", "x"), ("Website", "a.b")])
    assert [name for name, _ in told][:3] == ["Email", "Telephone", "n0"]
    assert len(told) == 8_002 > MAX_FIELD_ERRORS


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Email", "nobody", "needs exactly one @ with something on both sides"),
        ("Telephone", "\u202a4255555555", "has an invisible character, U+202A, at position 1"),
        ("Website", "javascript:alert(1)", "must start with http:// or https://, or have no scheme"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_repeats_no_value(name: str, value: str, message: str) -> None:
    """Neither an entry nor the error's own text repeats it."""
    with pytest.raises(InvalidProfile) as caught:
        read_profile(members(**{name: value}))
    assert caught.value.fields == (FieldError(field=name, message=message),)
    assert value not in f"{caught.value!r} {caught.value.detail}"


def test_a_profile_shows_no_value_in_its_representation() -> None:
    """Accidental logging reveals nothing."""
    returned = {"a": "told-nobody"}
    profile: SupportProfile = read_profile(members(("Attributes", returned), ("Links", returned)))
    assert not [value for value in (*EXAMPLE.values(), "told-nobody") if value in repr(profile)]


def test_a_profile_cannot_be_changed() -> None:
    """What was checked is exactly what is sent."""
    with pytest.raises(ValidationError, match="frozen"):
        setattr(read_profile(members()), "email", "other")  # noqa: B010  mypy refuses the plain assignment


def changes(members: list[tuple[str, object]]) -> dict[str, str] | list[tuple[str, str]]:
    """Return what a patch changes, or what is wrong with it."""
    try:
        return read_changes(members)
    except InvalidProfile as error:
        return [(fault.field, fault.message) for fault in error.fields]


@pytest.mark.parametrize(
    ("members", "changed"),
    [
        ([], {}),
        ([("email", "a@b")], {"Email": "a@b"}),
        ([("WEBSITE", "w"), ("Telephone", "1")], {"Telephone": "1", "Website": "w"}),
        ([("ProfileType", None), ("attributes", {}), ("Links", None)], {}),
        (list(EXAMPLE.items()), EXAMPLE),
    ],
)
def test_a_patch_names_the_values_that_change(members: list[tuple[str, object]], changed: dict[str, str]) -> None:
    """Names are the documented ones; other members that a read returns are not changes."""
    assert changes(members) == changed


def test_a_field_cannot_be_removed_by_a_patch() -> None:
    """In RFC 7396 null removes a member, so the message says that this is not possible."""
    null = "is null; a field can be replaced but not removed"
    assert changes([("email", None), ("Website", None)]) == [("Email", null), ("Website", null)]


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ([("Email", 1)], ("Email", "must be a string")),
        ([("Email", "")], ("Email", "is blank")),
        ([("Email", "a@b"), ("email", None)], ("Email", "is repeated")),
        ([("fax", None)], ("fax", "is not a field of the support profile; remove it")),
        ([("attributes", 1)], ("Attributes", "must be an object or null")),
        ([("profileType", "x")], ("ProfileType", "must be null or support_profile")),
    ],
)
def test_a_patch_is_checked_as_a_full_profile_is(members: list[tuple[str, object]], fault: tuple[str, str]) -> None:
    """The only difference is that fields may be missing."""
    assert changes(members) == [fault]


def test_a_wrapped_patch_is_told_as_wrapped() -> None:
    """Power Platform wraps a patch as well."""
    wrapper = "is a wrapper, not a field"
    told = changes([("$content-type", "application/json"), ("$content", "e30=")])
    assert told == [("$content", wrapper), ("$content-type", wrapper)]


@pytest.mark.parametrize("inside", [{"email": "a@b"}, [1]])
def test_a_profile_inside_another_member_looks_wrapped(inside: object) -> None:
    """The message says to send what is inside."""
    ((name, message),) = [fault for fault in faults([("result", inside)]) if fault[0] == "result"]
    assert (name, "send what is inside" in message) == ("result", True)


@pytest.mark.parametrize("members", [[("result", "text")], [("a", {}), ("b", {})]])
def test_another_unknown_member_does_not_look_wrapped(members: list[tuple[str, object]]) -> None:
    """A text holds no profile, and two members are no wrapper."""
    assert not [message for _, message in faults(members) if "wrapped" in message]
