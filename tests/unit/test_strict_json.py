"""JSON is what RFC 8259 says it is, and nothing more."""

import json

import pytest

from update_profile.strict_json import MAX_DEPTH, NotJson, parse, unique


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a":[1,2.5,true,null,"x"]}', {"a": [1, 2.5, True, None, "x"]}),
        (b' \t\r\n{"a":{}}\n', {"a": {}}),
        ('"\u00e9\u4e2d\U0001f600"'.encode(), "\u00e9\u4e2d\U0001f600"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\\\ud800"', "\\ud800"),
        (b'"\\u0041"', "A"),
        (b"-12", -12),
        (b"1e3", 1000.0),
    ],
)
def test_a_json_text_gives_its_value(data: bytes, value: object) -> None:
    """A whole surrogate pair is one character, and an escaped backslash before a u escapes nothing else."""
    assert parse(data) == value


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
@pytest.mark.parametrize("around", [b"%s", b'{"a":%s}', b"[[%s]]"])
def test_what_is_no_number_is_refused_by_name(number: bytes, around: bytes) -> None:
    """The json module would take them."""
    with pytest.raises(NotJson, match=f"^{number.decode()} is not allowed in JSON$"):
        parse(around % number)


@pytest.mark.parametrize(
    "data",
    [
        b'"\\ud800"',
        b'"\\udfff"',
        b'"\\ude00\\ud83d"',
        b'{"a":{"b":["\\uD800"]}}',
        b'{"\\ud800":1}',
        b'{"a":{"\\udc00":1}}',
        b'"\\\\\\ud800"',
    ],
)
def test_half_of_a_surrogate_pair_is_refused(data: bytes) -> None:
    """Alone, nested, as a name, the wrong way round, or behind an escaped backslash."""
    with pytest.raises(NotJson, match="half of a surrogate pair"):
        parse(data)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_refused(encoding: str) -> None:
    """Whichever encoding it marks."""
    with pytest.raises(NotJson, match="byte order mark"):
        parse('{"a":1}'.encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "latin-1", "cp1252"])
def test_another_encoding_is_refused(encoding: str) -> None:
    """Without a mark it is bytes that are no UTF-8, or a text that is no JSON."""
    with pytest.raises(NotJson):
        parse('{"a":"\u00e9"}'.encode(encoding))


@pytest.mark.parametrize("data", [b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xe2\x82"'])
def test_bytes_that_are_no_utf_8_are_refused(data: bytes) -> None:
    """Overlong forms, surrogates, what lies past U+10FFFF and cut sequences among them."""
    with pytest.raises(NotJson, match="not encoded in UTF-8"):
        parse(data)


@pytest.mark.parametrize(
    "data",
    [b"", b" ", b"{", b"{'a':1}", b'{"a":1,}', b'{"a":1}x', b"01", b"+1", b"1.", b"tru", b'"\n"', b'"\\x"', b"//\n1"],
)
def test_what_is_not_json_is_refused(data: bytes) -> None:
    """The reason has no part of it."""
    with pytest.raises(NotJson, match=r"^it is not JSON$"):
        parse(data)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"\\u0041":['])
def test_deep_nesting_is_refused(opening: bytes) -> None:
    """200,000 brackets are no crash."""
    with pytest.raises(NotJson, match="nested too deep"):
        parse(opening * 200_000)


@pytest.mark.parametrize("digits", [b"9" * 60_000, b"-" + b"9" * 60_000, b"9" * 41])
def test_a_number_of_many_digits_is_a_number(digits: bytes) -> None:
    """int() alone would refuse it with a ValueError of its own."""
    assert isinstance(parse(digits), float)


def test_a_number_of_sane_length_is_exact() -> None:
    """Up to forty digits no digit is lost."""
    assert parse(b"9" * 40) == int("9" * 40)


def test_objects_are_made_of_their_pairs() -> None:
    """In the order they stand, repeated names and all."""
    assert parse(b'{"b":1,"a":2,"b":3}', make_object=list) == [("b", 1), ("a", 2), ("b", 3)]


def test_a_name_that_stands_twice_can_be_refused() -> None:
    """At any depth, and once it is unescaped."""
    assert parse(b'{"a":{"b":1}}', make_object=unique) == {"a": {"b": 1}}
    for data in (b'{"a":1,"a":1}', b'[{"a":{"b":1,"\\u0062":2}}]'):
        with pytest.raises(NotJson, match=r"^a name is repeated$"):
            parse(data, make_object=unique)


def test_no_reason_repeats_the_input() -> None:
    """They are shown to callers and logged."""
    secret = "kept-to-itself"
    for data in (f'{{"{secret}":NaN}}', f'"{secret}', f'"{secret}\\ud800"', f'\ufeff"{secret}"', f'"{secret}\\z"'):
        with pytest.raises(NotJson) as caught:
            parse(data.encode())
        assert secret not in str(caught.value)
        assert json.dumps(str(caught.value)).isascii()


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_the_limit_of_nesting_is_the_same_on_every_python(opening: str, closing: str) -> None:
    """64 levels pass, one more does not."""
    for depth in (MAX_DEPTH, MAX_DEPTH + 1):
        text = (opening * depth + "1" + closing * depth).encode()
        if depth == MAX_DEPTH:
            parse(text)
        else:
            with pytest.raises(NotJson, match="nested too deep"):
                parse(text)


def test_width_is_no_depth() -> None:
    """Nor is a bracket inside a string."""
    assert len(parse(b"[" + b"[],{}," * 500 + b"1]")) == 1001  # type: ignore[arg-type]
    assert parse(b'["' + b'[{\\"' * 500 + b'"]')
