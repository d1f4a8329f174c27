"""JSON as RFC 8259 defines it, and nothing more."""

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
    """A complete surrogate pair is one character; after an escaped backslash, a u starts no escape."""
    assert parse(data) == value


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
@pytest.mark.parametrize("around", [b"%s", b'{"a":%s}', b"[[%s]]"])
def test_what_is_no_number_is_refused_by_name(number: bytes, around: bytes) -> None:
    """Python's json module would accept these."""
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
    """It may be alone, nested, in a name, in the wrong order, or after an escaped backslash."""
    with pytest.raises(NotJson, match="half of a surrogate pair"):
        parse(data)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_refused(encoding: str) -> None:
    """The encoding that it marks makes no difference."""
    with pytest.raises(NotJson, match="byte order mark"):
        parse('{"a":1}'.encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "latin-1", "cp1252"])
def test_another_encoding_is_refused(encoding: str) -> None:
    """Without a byte order mark, the bytes are not UTF-8 or the text is not JSON."""
    with pytest.raises(NotJson):
        parse('{"a":"\u00e9"}'.encode(encoding))


@pytest.mark.parametrize("data", [b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xe2\x82"'])
def test_bytes_that_are_no_utf_8_are_refused(data: bytes) -> None:
    """These include overlong forms, surrogates, code points past U+10FFFF and truncated sequences."""
    with pytest.raises(NotJson, match="not encoded in UTF-8"):
        parse(data)


@pytest.mark.parametrize(
    "data",
    [b"", b" ", b"{", b"{'a':1}", b'{"a":1,}', b'{"a":1}x', b"01", b"+1", b"1.", b"tru", b'"\n"', b'"\\x"', b"//\n1"],
)
def test_what_is_not_json_is_refused(data: bytes) -> None:
    """The reason contains no part of the input."""
    with pytest.raises(NotJson, match=r"^it is not JSON( \(line \d+, column \d+\))?$"):
        parse(data)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"\\u0041":['])
def test_deep_nesting_is_refused(opening: bytes) -> None:
    """200,000 brackets do not crash the parser."""
    with pytest.raises(NotJson, match="nested too deep"):
        parse(opening * 200_000)


@pytest.mark.parametrize("digits", [b"9" * 60_000, b"-" + b"9" * 60_000, b"9" * 41])
def test_a_number_of_many_digits_is_a_number(digits: bytes) -> None:
    """It becomes a float; int() alone would raise ValueError for 60,000 digits."""
    assert isinstance(parse(digits), float)


def test_a_number_of_sane_length_is_exact() -> None:
    """Numbers of up to 40 digits lose no precision."""
    assert parse(b"9" * 40) == int("9" * 40)


def test_objects_are_made_of_their_pairs() -> None:
    """The pairs keep their order, including repeated names."""
    assert parse(b'{"b":1,"a":2,"b":3}', make_object=list) == [("b", 1), ("a", 2), ("b", 3)]


def test_a_name_that_stands_twice_can_be_refused() -> None:
    """This works at any depth, and names are compared after unescaping."""
    assert parse(b'{"a":{"b":1}}', make_object=unique) == {"a": {"b": 1}}
    for data in (b'{"a":1,"a":1}', b'[{"a":{"b":1,"\\u0062":2}}]'):
        with pytest.raises(NotJson, match=r"^a name is repeated$"):
            parse(data, make_object=unique)


def test_no_reason_repeats_the_input() -> None:
    """Reasons are shown to callers and logged."""
    secret = "kept-to-itself"
    for data in (f'{{"{secret}":NaN}}', f'"{secret}', f'"{secret}\\ud800"', f'\ufeff"{secret}"', f'"{secret}\\z"'):
        with pytest.raises(NotJson) as caught:
            parse(data.encode())
        assert secret not in str(caught.value)
        assert json.dumps(str(caught.value)).isascii()


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_the_limit_of_nesting_is_the_same_on_every_python(opening: str, closing: str) -> None:
    """64 levels pass, and 65 do not."""
    for depth in (MAX_DEPTH, MAX_DEPTH + 1):
        text = (opening * depth + "1" + closing * depth).encode()
        if depth == MAX_DEPTH:
            parse(text)
        else:
            with pytest.raises(NotJson, match="nested too deep"):
                parse(text)


def test_width_is_no_depth() -> None:
    """A bracket inside a string does not count as nesting either."""
    assert len(parse(b"[" + b"[],{}," * 500 + b"1]")) == 1001  # type: ignore[arg-type]
    assert parse(b'["' + b'[{\\"' * 500 + b'"]')
