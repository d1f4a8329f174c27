"""The body of a call -> a support profile."""

import base64
import gzip
import json

import pytest
from builders import EXAMPLE, EXAMPLE_WIRE, read_body

from update_profile.errors import InvalidProfile, MalformedBody

EXAMPLE_BYTES = json.dumps(EXAMPLE).encode()


def refusal(body: bytes) -> str:
    """The detail of a malformed body."""
    with pytest.raises(MalformedBody) as caught:
        read_body(body)
    return caught.value.detail


def refused_fields(body: bytes) -> list[str]:
    """The members that a refused profile names."""
    with pytest.raises(InvalidProfile) as caught:
        read_body(body)
    return [fault.field for fault in caught.value.fields]


def with_members(text: str) -> bytes:
    """The example with more members behind it."""
    return EXAMPLE_BYTES[:-1] + b"," + text.encode() + b"}"


def test_the_example_gives_the_documented_bytes() -> None:
    """However it is laid out, escaped and spelt."""
    assert read_body(EXAMPLE_BYTES).wire_bytes() == EXAMPLE_WIRE
    assert read_body(json.dumps(EXAMPLE, indent=4).encode()).wire_bytes() == EXAMPLE_WIRE
    assert read_body(EXAMPLE_BYTES.replace(b"Email", b"\\u0045mail")).wire_bytes() == EXAMPLE_WIRE


def test_an_empty_body_tells_of_chunks() -> None:
    """The Functions host delivers none that come so."""
    assert "chunked" in refusal(b"")
    assert "chunked" not in refusal(b" ")


@pytest.mark.parametrize("body", [b"[]", b"[{}]", b"null", b"true", b"1", b"[" + EXAMPLE_BYTES + b"]"])
def test_the_body_is_one_object(body: bytes) -> None:
    """No array of one, either."""
    assert refusal(body) == "The body must be one JSON object."


def test_a_json_string_is_told_as_wrapped() -> None:
    """Field report A2: base64 of the example, or the example quoted."""
    for text in (base64.b64encode(EXAMPLE_BYTES).decode(), EXAMPLE_BYTES.decode()):
        assert "is wrapped" in refusal(json.dumps(text).encode())


def test_a_wrapper_is_refused_and_never_decoded() -> None:
    """Field report A2, with the example itself beside it, too."""
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
    """The detail says why, and repeats nothing."""
    detail = refusal(body)
    assert detail.startswith("The body cannot be read: ")
    assert "sample.com" not in detail


def test_a_name_that_stands_twice_is_refused_for_that_field() -> None:
    """In any spelling, an escape among them."""
    assert refused_fields(with_members('"email":"a@b"')) == ["Email"]
    assert refused_fields(with_members('"\\u0065MAIL":"a@b"')) == ["Email"]


def test_repeated_names_within_attributes_are_not_examined() -> None:
    """They are not sent either."""
    body = with_members('"Attributes":{"a":1,"a":{"b":2,"b":3}},"Links":{"x":[{"y":1,"y":2}]}')
    assert read_body(body).wire_bytes() == EXAMPLE_WIRE


def test_a_number_of_60_000_digits_is_no_crash() -> None:
    """As a value it is no string; within attributes it is nobody's business."""
    digits = "9" * 60_000
    assert read_body(with_members(f'"Attributes":{{"a":{digits}}}')).wire_bytes() == EXAMPLE_WIRE
    assert refused_fields(f'{{"Email":"a@b","Telephone":-{digits},"Website":"a.b"}}'.encode()) == ["Telephone"]


def test_an_escaped_backslash_before_a_u_is_text() -> None:
    """Sent as the backslash it is."""
    profile = read_body(EXAMPLE_BYTES.replace(b"email@", b"\\\\ud800@"))
    assert profile.email == "\\ud800@sample.com"


def test_an_array_of_pairs_is_no_object() -> None:
    """Objects are told from arrays at every member."""
    assert refused_fields(with_members('"Attributes":[["a",1]]')) == ["Attributes"]
