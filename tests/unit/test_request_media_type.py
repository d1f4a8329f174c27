"""JSON's media type in the spellings that callers use."""

import pytest

from update_profile.errors import UnsupportedMediaType
from update_profile.request import MERGE_PATCH_JSON, require_plain_json


def refusal(content_type: str = "", content_encoding: str = "") -> str:
    """Return why the request is refused."""
    with pytest.raises(UnsupportedMediaType) as caught:
        require_plain_json(content_type, content_encoding)
    return caught.value.detail


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "Application/JSON",
        'application/json; charset="utf-8"',
        "application/json;odata.metadata=minimal;charset=UTF-8",
        "application/json ; charset=utf8",
        "application/json; CHARSET = UTF-8 ;",
        "application/json;odata=verbose;IEEE754Compatible=true",
        "application/json,application/json",
        "application/json; charset=utf-8,Application/Json;charset=UTF-8",
        "application/json,",
        ",",
        'application/json; profile="a,b"',
        'application/json; profile="a;charset=utf-16"',
        'application/json; profile="\\",text/plain"; charset=utf-8',
        'application/json; profile="never closed, charset=utf-16',
    ],
)
def test_json_in_utf_8_passes_in_any_spelling(content_type: str) -> None:
    """A repeated header counts once, an absent one means JSON, and quoted text separates nothing."""
    require_plain_json(content_type, "")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8; charset=utf-16",
        "application/json; charset=utf-16",
        "application/json; charset=iso-8859-1",
        "application/json; charset=",
        'application/json; charset="latin1"',
        "; charset=utf-16",
        'application/json; profile="\\"";charset=utf-16',
    ],
)
def test_any_charset_but_utf_8_is_refused(content_type: str) -> None:
    """This holds even if UTF-8 is given as well."""
    assert "another charset" in refusal(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/json",
        "text/plain",
        "application/vnd.api+json",
        "application/problem+json",
        "application/merge-patch+json",
        "application/jsonp",
        "application/x-www-form-urlencoded",
        "json",
        "*/*",
        "application/j\u017fon",
    ],
)
def test_another_type_is_refused(content_type: str) -> None:
    """Related JSON types are refused, and a look-alike letter is another letter."""
    assert refusal(content_type) == "Content-Type must be application/json."


@pytest.mark.parametrize(
    "content_type",
    ["application/json,text/plain", "application/json; charset=utf-8,application/json; charset=utf-16"],
)
def test_two_different_headers_are_refused(content_type: str) -> None:
    """The host joins them with a comma, and nothing tells which one is true."""
    assert refusal(content_type)


def test_bytes_are_told_as_wrapped() -> None:
    """This is the most common mistake with Power Platform."""
    assert "wrapped" in refusal("application/octet-stream")


@pytest.mark.parametrize("coding", ["", "identity", "Identity", "identity,identity", " identity , "])
def test_no_coding_passes(coding: str) -> None:
    """Identity means no coding, even if it is repeated."""
    require_plain_json("application/json", coding)


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "identity, gzip", "gzip,identity", "x", "identity;q=1"])
def test_any_coding_but_identity_is_refused(coding: str) -> None:
    """Nothing is decompressed, and the refusal says so whatever the media type."""
    for content_type in ("application/json", "text/plain"):
        assert "Content-Encoding" in refusal(content_type, coding)
        assert "not unpacked" in refusal(content_type, coding)


@pytest.mark.parametrize(
    "content_type", ["application/merge-patch+json", "Application/Merge-Patch+JSON; charset=utf-8"]
)
def test_a_second_type_is_taken_where_it_is_named(content_type: str) -> None:
    """A patch has its own type (RFC 7396); plain JSON still passes, and other types do not."""
    require_plain_json(content_type, "", also=MERGE_PATCH_JSON)
    require_plain_json("application/json", "", also=MERGE_PATCH_JSON)
    for other, charset in (("application/json-patch+json", ""), (content_type, "; charset=utf-16")):
        with pytest.raises(UnsupportedMediaType):
            require_plain_json(other + charset, "", also=MERGE_PATCH_JSON)


AGREEING = [
    "application/json,application/json; charset=utf-8",
    "application/json; charset=utf-8,application/json",
    "application/json; version=1, application/json",
    "application/json; charset=utf-8,application/json; charset=UTF-8; odata.metadata=minimal",
]


@pytest.mark.parametrize("content_type", AGREEING)
def test_several_headers_that_agree_count_as_one(content_type: str) -> None:
    """A library adds its own beside the user's, and the host joins both by a comma."""
    require_plain_json(content_type, "")


def test_a_huge_header_is_refused_unread() -> None:
    """Reading one of 31 kB cost a stranger's call 50 ms."""
    assert "too long" in refusal("application/json; a=" + '"' * 1_024)
