"""Bad input of every kind gets the right 4xx with the field named, and nothing is sent upstream."""

import base64
import gzip
import itertools
import json
import string
import zlib
from functools import cache

import pytest
from builders import EXAMPLE
from live_function import ROUTE, LiveFunction

BODY = json.dumps(EXAMPLE).encode()
WRAPPED = base64.b64encode(BODY).decode()
WRAPPER = {"$content-type": "application/json", "$content": WRAPPED}

MALFORMED = {
    "empty": b"",
    "blank": b"  \n",
    "not JSON": b"Email=email@sample.com",
    "half": BODY[:-1],
    "two": BODY + BODY,
    "an array": b"[" + BODY + b"]",
    "a text": json.dumps(WRAPPED).encode(),
    "null": b"null",
    "60,000 brackets": b"[" * 60_000,
    "deep in a field": BODY[:-1] + b',"Attributes":{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}}",
    "a lone surrogate": BODY.replace(b"4255555555", b"\\ud800 1"),
    "a lone surrogate in a name": b'{"\\udc00":1,' + BODY[1:],
    "a byte order mark": b"\xef\xbb\xbf" + BODY,
    "UTF-16": BODY.decode().encode("utf-16"),
    "UTF-16 without a mark": BODY.decode().encode("utf-16-le"),
    "Latin-1": '{"Email":"é@b"}'.encode("latin-1"),
    "an encoded surrogate": BODY.replace(b"4255555555", b"\xed\xa0\x80"),
    "NaN": BODY[:-1] + b',"Attributes":{"a":NaN}}',
    "Infinity": BODY.replace(b'"4255555555"', b"-Infinity"),
    "a comment": b"/**/" + BODY,
    "a control character": BODY.replace(b"sample", b"\x01"),
}


async def refused(live: LiveFunction, status: int, code: str, **call: object) -> dict[str, object]:
    """Make a call, check that it is refused like this and sends nothing upstream, and return its problem."""
    answered = await live.call(**call)  # type: ignore[arg-type]  # each test gives what call takes
    assert (answered.status, answered.code) == (status, code), answered
    assert not live.puts
    assert not live.exchanges
    problem: dict[str, object] = answered.json
    return problem


def named(problem: dict[str, object]) -> list[str]:
    """Return the field names in `errors`."""
    errors = problem["errors"]
    assert isinstance(errors, list)
    return [error["field"] for error in errors]


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_a_body_that_is_not_one_json_object_in_utf_8_is_malformed(live: LiveFunction, body: bytes) -> None:
    await refused(live, 400, "malformed_body", body=body)


async def test_200_000_open_brackets_are_malformed_where_they_are_not_too_large(live: LiveFunction) -> None:
    await refused(live, 413, "body_too_large", body=b"[" * 200_000)
    live.set(MAX_BODY_BYTES="1048576")
    await refused(live, 400, "malformed_body", body=b"[" * 200_000)


async def test_an_empty_body_is_told_of_chunked_bodies(live: LiveFunction) -> None:
    """The host delivers a chunked body as empty, and the caller would otherwise suspect its JSON."""
    assert "chunked" in str((await refused(live, 400, "malformed_body", body=b""))["detail"])


async def test_the_largest_body_passes_and_one_byte_more_does_not(live: LiveFunction) -> None:
    body = BODY + b" " * (65_536 - len(BODY))
    assert (await live.call(body=body)).status == 200
    assert (await live.call(body=body + b" ")).code == "body_too_large"


REFUSED_FIELDS: dict[str, tuple[dict[str, object], list[str]]] = {
    "all missing": ({"Email": ..., "Telephone": ..., "Website": ...}, ["Email", "Telephone", "Website"]),
    "one missing": ({"Telephone": ...}, ["Telephone"]),
    "null": ({"Email": None}, ["Email"]),
    "empty": ({"Email": "", "Website": ""}, ["Email", "Website"]),
    "white space alone": ({"Telephone": " \t"}, ["Telephone"]),
    "a number": ({"Telephone": 4255555555}, ["Telephone"]),
    "a list": ({"Website": ["www.microsoft.com"]}, ["Website"]),
    "true": ({"Email": True}, ["Email"]),
    "a blank at an end": ({"Website": "www.microsoft.com "}, ["Website"]),
    "a no-break space at an end": ({"Telephone": "\u00a0425"}, ["Telephone"]),
    "no @": ({"Email": "email.sample.com"}, ["Email"]),
    "two @": ({"Email": "a@b@c"}, ["Email"]),
    "nothing before @": ({"Email": "@b"}, ["Email"]),
    "white space in it": ({"Email": "a b@c"}, ["Email"]),
    "too long": ({"Email": "a@" + "b" * 253, "Telephone": "1" * 65, "Website": "w" * 2049}, ["Email", "Telephone",
                                                                                           "Website"]),
    "no digit": ({"Telephone": "call us"}, ["Telephone"]),
    "another scheme": ({"Website": "javascript:alert(1)"}, ["Website"]),
    "user information": ({"Website": "https://a:b@c.example"}, ["Website"]),
    "an unknown member": ({"Fax": "1"}, ["Fax"]),
    "a look-alike: dotless i": ({"Ema\u0131l": "a@b", "Email": ...}, ["Email", "Ema\u0131l"]),
    "a look-alike: Kelvin sign": ({"Lin\u212as": None}, ["Lin\u212as"]),
    "a look-alike: Cyrillic": ({"\u0415mail": "a@b"}, ["\u0415mail"]),
    "another profile type": ({"ProfileType": "billing_profile"}, ["ProfileType"]),
    "attributes that are a text": ({"Attributes": "x", "Links": []}, ["Attributes", "Links"]),
    "everything at once": ({"Email": "x", "Telephone": ..., "Website": 1, "Fax": 1}, ["Email", "Telephone", "Website",
                                                                                     "Fax"]),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "fields"), REFUSED_FIELDS.values(), ids=REFUSED_FIELDS)
async def test_a_field_that_is_refused_is_named_documented_ones_first(
    live: LiveFunction, changes: dict[str, object], fields: list[str]
) -> None:
    profile = {name: value for name, value in {**EXAMPLE, **changes}.items() if value is not ...}
    assert named(await refused(live, 422, "invalid_profile", profile=profile)) == fields


@pytest.mark.parametrize("second", ["Email", "email", "EMAIL"])
async def test_a_name_given_twice_in_any_spelling_is_refused_by_its_documented_name(
    live: LiveFunction, second: str
) -> None:
    body = BODY[:-1] + f',"{second}":"other@sample.com"}}'.encode()
    assert named(await refused(live, 422, "invalid_profile", body=body)) == ["Email"]


@pytest.mark.parametrize("name", ["Email", "Telephone", "Website"])
@pytest.mark.parametrize("character", ["\u202a", "\u200b", "\ufeff", "\u0000", "\u0007", "\u00ad", "\U000e0061"])
async def test_an_invisible_character_is_told_with_its_code_point_and_place(
    live: LiveFunction, name: str, character: str
) -> None:
    """Such characters come with copied text and would be visible to every customer."""
    profile = {**EXAMPLE, name: character + EXAMPLE[name]}
    problem = await refused(live, 422, "invalid_profile", profile=profile)
    assert named(problem) == [name]
    assert f"U+{ord(character):04X}, at position 1" in json.dumps(problem)


async def test_joiners_pass_where_words_need_them(live: LiveFunction) -> None:
    """U+200C is allowed in Email and Website, and refused in Telephone."""
    name = "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc"
    assert (await live.call({**EXAMPLE, "Email": f"{name}@b", "Website": f"{name}.example"})).status == 200
    assert named((await live.call({**EXAMPLE, "Telephone": "1\u200c2"})).json) == ["Telephone"]


@pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream"])
async def test_a_body_that_power_platform_has_wrapped_is_told_so(live: LiveFunction, content_type: str) -> None:
    """The wrapped body is never decoded; the detail says that the flow must unwrap it."""
    headers = [("Content-Type", content_type)]
    if content_type == "application/octet-stream":
        await refused(live, 415, "unsupported_media_type", profile=WRAPPER, headers=headers)
        problem = await refused(live, 415, "unsupported_media_type", profile=WRAPPED, headers=headers)
        assert "wrapped" in str(problem["detail"])
        return
    problem = await refused(live, 422, "invalid_profile", profile=WRAPPER, headers=headers)
    assert {"$content-type", "$content"} <= set(named(problem))
    assert "wrapped" in str(problem["detail"])
    assert "base64ToString(" in str(problem["detail"])
    problem = await refused(live, 400, "malformed_body", profile=WRAPPED, headers=headers)
    assert "wrapped" in str(problem["detail"])


JSON_TYPES = [
    'application/json; charset="utf-8"',
    "application/json;odata.metadata=minimal;charset=UTF-8",
    "application/json ; charset=utf8",
    "APPLICATION/JSON",
    "application/json,application/json",
    "",
]
OTHER_TYPES = [
    "application/json; charset=utf-8; charset=utf-16",
    "application/json; charset=utf-16",
    "application/json;charset=iso-8859-1",
    "text/json",
    "application/vnd.api+json",
    "application/merge-patch+json",
    "application/json,text/json",
    "application/jsonp",
    "application",
]


@pytest.mark.parametrize("content_type", JSON_TYPES)
async def test_json_passes_however_its_media_type_is_spelt(live: LiveFunction, content_type: str) -> None:
    assert (await live.call(headers=[("Content-Type", content_type)])).status == 200


async def test_the_same_content_type_twice_counts_once(live: LiveFunction) -> None:
    """The host joins repeated headers with a comma."""
    twice = [("Content-Type", "application/json"), ("content-type", "application/json;charset=utf-8")]
    assert (await live.call(headers=[twice[0], twice[0]])).status == 200
    different = await live.call(headers=[twice[0], ("Content-Type", "text/plain")])
    assert different.code == "unsupported_media_type"


@pytest.mark.parametrize("content_type", OTHER_TYPES)
async def test_another_media_type_or_charset_is_refused(live: LiveFunction, content_type: str) -> None:
    await refused(live, 415, "unsupported_media_type", headers=[("Content-Type", content_type)])


@cache
def bomb() -> bytes:
    """Return 60 kB that would expand to 60 MB."""
    return zlib.compress(b" " * 60_000_000, 9)[:60_000]


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "identity, gzip", "x-unknown"])
async def test_nothing_is_unpacked(live: LiveFunction, coding: str) -> None:
    for body in (gzip.compress(BODY), bomb()):
        headers = [("Content-Encoding", coding)]
        problem = await refused(live, 415, "unsupported_media_type", body=body, headers=headers)
        assert "Content-Encoding" in str(problem["detail"])


async def test_the_identity_coding_passes(live: LiveFunction) -> None:
    assert (await live.call(headers=[("Content-Encoding", "Identity")])).status == 200


@pytest.mark.parametrize("with_email", [True, False])
async def test_thousands_of_unknown_names_make_a_small_refusal(live: LiveFunction, *, with_email: bool) -> None:
    """The answer has at most 16 kB and 100 entries, documented members first, and counts the omitted ones."""
    letters = (
        "".join(name)
        for length in (1, 2, 3)
        for name in itertools.product(string.ascii_letters + string.digits, repeat=length)
    )
    profile: dict[str, object] = {name: value for name, value in EXAMPLE.items() if with_email or name != "Email"}
    profile |= dict.fromkeys(itertools.islice(letters, 8_600), 1)
    body = json.dumps(profile, separators=(",", ":")).encode()
    assert 60_000 < len(body) <= 65_536
    answered = await live.call(body=body)
    assert (answered.status, answered.code) == (422, "invalid_profile")
    assert len(answered.body) <= 16_384
    assert len(answered.fields) <= 100
    assert answered.json["errorsOmitted"] + len(answered.fields) == 8_600 + (not with_email)
    assert (answered.fields[0] == "Email") == (not with_email)
    assert not live.puts


async def test_a_long_unknown_name_is_cut(live: LiveFunction) -> None:
    assert named(await refused(live, 422, "invalid_profile", profile={**EXAMPLE, "n" * 5000: 1})) == ["n" * 64]


@pytest.mark.parametrize(
    "query",
    ["validate_only=", "validate_only", "validate_only=1", "validate_only=yes", "validate_only=true,true",
     "validate-only=false", "Validate_Only=false", "validate_only=false&validate_only=false", "dry_run=true", "x", "=",
     "%76alidate_only=truE%20", "validate_only=true&validate_only=true", "code=a&foo=b"],
)  # fmt: skip
async def test_a_mistyped_query_writes_nothing(live: LiveFunction, query: str) -> None:
    await refused(live, 400, "invalid_parameter", target=f"{ROUTE}?{query}")


@pytest.mark.parametrize(
    "query",
    ["validate_only=false", "validate_only=FALSE", "code=", "code=x&clientId=y", "api-version=1&subscription-key=z"],
)
async def test_what_gateways_add_to_a_query_is_ignored(live: LiveFunction, query: str) -> None:
    assert (await live.call(target=f"{ROUTE}?{query}")).status == 200


GUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
ODD_IDS = [
    "no guid",
    f"{{{GUID}}}",
    GUID.replace("-", ""),
    GUID.replace("3301", "330g"),
    f"urn:uuid:{GUID}",
    f"{GUID},{GUID}",
    f"{GUID} x",
    "\uff13" + GUID[1:],
]


@pytest.mark.parametrize("odd", ODD_IDS)
@pytest.mark.parametrize("header", ["MS-RequestId", "MS-CorrelationId"])
async def test_an_id_that_is_no_guid_is_refused_and_replaced_alone(live: LiveFunction, header: str, odd: str) -> None:
    """The valid id in the other header comes back as it was sent."""
    other = "MS-CorrelationId" if header == "MS-RequestId" else "MS-RequestId"
    good = "3F2504E0-4f89-41d3-9a0c-0305e82c3301"
    answered = await live.call(headers=[(header, odd), (other, good)])
    assert (answered.status, answered.code) == (400, "invalid_header")
    assert answered.headers[other.lower()] == good
    assert answered.headers[header.lower()] not in (odd, good)
    assert odd not in answered.body.decode()
    assert not live.sandbox.entra.journal


@pytest.mark.parametrize("call", [{"body": b"{"}, {"body": b""}, {"profile": {}}])
async def test_a_stranger_without_a_valid_token_learns_nothing_about_a_body(
    live: LiveFunction, call: dict[str, object]
) -> None:
    await refused(live, 401, "invalid_token", token="a.b.c", **call)
    await refused(live, 401, "missing_token", user=None, **call)
