"""Parsing the body of a call into a support profile."""

import base64
import gzip
import json

import pytest
from builders import EXAMPLE, EXAMPLE_WIRE, read_body

from update_profile.errors import InvalidProfile, MalformedBody

EXAMPLE_BYTES = json.dumps(EXAMPLE).encode()


def refusal(body: bytes) -> str:
    """Return the detail of the malformed-body error."""
    with pytest.raises(MalformedBody) as caught:
        read_body(body)
    return caught.value.detail


def refused_fields(body: bytes) -> list[str]:
    """Return the members that the refusal names."""
    with pytest.raises(InvalidProfile) as caught:
        read_body(body)
    return [fault.field for fault in caught.value.fields]


def with_members(text: str) -> bytes:
    """Return the example with more members at its end."""
    return EXAMPLE_BYTES[:-1] + b"," + text.encode() + b"}"


def test_the_example_gives_the_documented_bytes() -> None:
    """Layout and escapes make no difference."""
    assert read_body(EXAMPLE_BYTES).wire_bytes() == EXAMPLE_WIRE
    assert read_body(json.dumps(EXAMPLE, indent=4).encode()).wire_bytes() == EXAMPLE_WIRE
    assert read_body(EXAMPLE_BYTES.replace(b"Email", b"\\u0045mail")).wire_bytes() == EXAMPLE_WIRE


def test_an_empty_body_tells_of_chunks() -> None:
    """The Functions host does not deliver bodies that are sent in chunks."""
    assert "chunked" in refusal(b"")
    assert "chunked" not in refusal(b" ")


@pytest.mark.parametrize("body", [b"[]", b"[{}]", b"null", b"true", b"1", b"[" + EXAMPLE_BYTES + b"]"])
def test_the_body_is_one_object(body: bytes) -> None:
    """An array that holds one object is refused too."""
    assert refusal(body) == "The body must be one JSON object."


def test_a_json_string_is_told_as_wrapped() -> None:
    """The string is the example in base64, or the example quoted."""
    for text in (base64.b64encode(EXAMPLE_BYTES).decode(), EXAMPLE_BYTES.decode()):
        assert "is wrapped" in refusal(json.dumps(text).encode())


def test_a_wrapper_is_refused_and_never_decoded() -> None:
    """It is refused even if the example's own fields are next to it."""
    content = base64.b64encode(EXAMPLE_BYTES).decode()
    wrapper = f'"$content-type":"application/json","$content":"{content}"'
    for body in (f"{{{wrapper}}}".encode(), with_members(wrapper)):
        assert set(refused_fields(body)) == {"$content-type", "$content"}


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + EXAMPLE_BYTES,
        EXAMPLE_BYTES.decode().encode("utf-16"),
        EXAMPLE_BYTES.decode().encode("utf-16-le"),
        EXAMPLE_BYTES.decode().encode("utf-32"),
        EXAMPLE_BYTES.replace(b"email@", "\u00e9@".encode("latin-1")),
        EXAMPLE_BYTES.replace(b"email@", b"\\ud800@"),
        with_members('"Attributes":{"a":["\\udfff"]}'),
        with_members('"Attributes":{"a":NaN}'),
        with_members('"Attributes":{"a":-Infinity}'),
        EXAMPLE_BYTES + EXAMPLE_BYTES,
        EXAMPLE_BYTES[:-1],
        gzip.compress(EXAMPLE_BYTES, mtime=0),
        b"Email=email%40sample.com",
        b"[" * 200_000,
        b'{"Email":' * 50_000,
    ],
)
def test_what_is_no_json_in_utf_8_is_malformed(body: bytes) -> None:
    """The detail gives the reason and repeats none of the content."""
    detail = refusal(body)
    assert detail.startswith("The body cannot be read: ")
    assert "sample.com" not in detail


def test_a_name_that_stands_twice_is_refused_for_that_field() -> None:
    """Names are compared in any case and after unescaping."""
    assert refused_fields(with_members('"email":"a@b"')) == ["Email"]
    assert refused_fields(with_members('"\\u0065MAIL":"a@b"')) == ["Email"]


def test_repeated_names_within_attributes_are_not_examined() -> None:
    """Attributes and Links are not sent either."""
    body = with_members('"Attributes":{"a":1,"a":{"b":2,"b":3}},"Links":{"x":[{"y":1,"y":2}]}')
    assert read_body(body).wire_bytes() == EXAMPLE_WIRE


def test_a_number_of_60_000_digits_is_no_crash() -> None:
    """As a value it is not a string; within Attributes it is ignored."""
    digits = "9" * 60_000
    assert read_body(with_members(f'"Attributes":{{"a":{digits}}}')).wire_bytes() == EXAMPLE_WIRE
    assert refused_fields(f'{{"Email":"a@b","Telephone":-{digits},"Website":"a.b"}}'.encode()) == ["Telephone"]


def test_an_escaped_backslash_before_a_u_is_text() -> None:
    """It is sent as the backslash that it stands for."""
    profile = read_body(EXAMPLE_BYTES.replace(b"email@", b"\\\\ud800@"))
    assert profile.email == "\\ud800@sample.com"


def test_an_array_of_pairs_is_no_object() -> None:
    """Arrays and objects are kept apart in every member."""
    assert refused_fields(with_members('"Attributes":[["a",1]]')) == ["Attributes"]


def test_a_json_error_says_where() -> None:
    """Line and column count from 1."""
    assert "line 2, column 3" in refusal(b'{"Email": "a",\n  x}')


REASONS = {
    "empty": b"",
    "encoding": b"\xef\xbb\xbf{}",
    "not_json": b"{",
    "not_an_object": b"[]",
    "too_deep": b"[" * 65,
    "wrapped": b'"{}"',
}


@pytest.mark.parametrize(("reason", "body"), REASONS.items())
def test_a_malformed_body_has_a_reason(reason: str, body: bytes) -> None:
    """A program can branch on it."""
    with pytest.raises(MalformedBody) as caught:
        read_body(body)
    assert caught.value.reason == reason
