"""Reading Partner Center's answers: every shape of success and failure."""

import base64
import json
from typing import Any

import pytest
from fakes_upstream import an_answer

from update_profile import errors
from update_profile.errors import UpdateProfileError
from update_profile.partner_center.answer import BYTE_ORDER_MARK, read_answer

SENT = ("help@contoso.example", "4255555555", "www.contoso.example/a?b&c", "\U0001f600@contoso", "Straße 1", "abc")
HINT = "PARTNER_CENTER_PROFILE_PATH may be /v1/profiles/support instead."
ASKED: dict[str, Any] = {
    "sent": SENT,
    "hint": "",
    "tenant_id": "tenant",
    "authorization_uri": "https://login.example/tenant/oauth2/v2.0/authorize",
}


def read(status: int = 200, body: bytes | None = b"{}", *, reason: str = "", **headers: str) -> Any:
    """Return the success, or the error that was raised."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        return read_answer(an_answer(status, body, named, reason), **ASKED)
    except UpdateProfileError as error:
        return error


def fault(**members: object) -> bytes:
    """Return a service fault as Partner Center sends it, with its byte order mark."""
    return BYTE_ORDER_MARK + json.dumps(members).encode()


@pytest.mark.parametrize("body", [b'{"email": "a@b"}', b'{ "x" : 1,\n"y": [] }', '{"e":"ü"}'.encode()])
def test_a_profile_goes_back_as_the_very_bytes_less_the_mark(body: bytes) -> None:
    """The body is not parsed and serialised again."""
    assert read(body=body).body == body
    assert read(body=BYTE_ORDER_MARK + body).body == body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        None,
        BYTE_ORDER_MARK,
        b"null",
        b"[]",
        b"<html>",
        b'{"a": 1',
        b'{"a": NaN}',
        b"\xff",
        BYTE_ORDER_MARK * 2 + b"{}",
        b"[" * 9000,
    ],
)
def test_a_success_whose_body_is_no_object_shows_nothing(body: bytes | None) -> None:
    """The status alone does not prove a write."""
    answer = read(body=body)
    assert (answer.status, answer.document) == (200, None)


@pytest.mark.parametrize(("status", "body"), [(200, b"{}"), (201, b"{}"), (202, b"{}"), (204, b""), (205, b"")])
def test_every_success_keeps_its_status(status: int, body: bytes) -> None:
    """A 204 or 205 has no body at all."""
    answer = read(status, b"{}")
    assert (answer.status, answer.body) == (status, body)


def test_a_fault_under_a_success_is_relayed_and_told() -> None:
    """The body is returned unchanged, and the fault is passed on for the log."""
    answer = read(200, fault(code=2000, description="odd"))
    assert json.loads(answer.body) == {"code": 2000, "description": "odd"}
    assert answer.fault.code == "2000"
    assert read(200, b'{"email": "a@b"}').fault is None


@pytest.mark.parametrize(("value", "kept"), [("true", "true"), ("False", "false"), ("yes", None), ("", None)])
def test_compliance_is_true_or_false_or_nothing(value: str, kept: str | None) -> None:
    """No other value is copied into our header."""
    assert read(ismfacompliant=value).is_mfa_compliant == kept


@pytest.mark.parametrize(
    ("status", "actor", "retryable"),
    [
        (400, "caller", False),
        (409, "caller", False),
        (412, "caller", False),
        (422, "caller", False),
        (401, "user", False),
        (403, "administrator", False),
        (404, "operator", False),
        (405, "operator", False),
        (418, "operator", False),
        (408, "nobody", True),
    ],
)
def test_a_rejection_says_who_must_act(status: int, actor: str, retryable: bool) -> None:
    """The status decides, and it is kept."""
    error = read(status)
    assert isinstance(error, errors.PartnerCenterRejected)
    assert (error.status, error.actor, error.retryable) == (status, actor, retryable)


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (429, errors.PartnerCenterThrottled, True),
        (500, errors.PartnerCenterFailed, True),
        (501, errors.PartnerCenterFailed, False),
        (503, errors.PartnerCenterFailed, True),
        (599, errors.PartnerCenterFailed, True),
        (301, errors.PartnerCenterUnexpected, False),
        (307, errors.PartnerCenterUnexpected, False),
        (101, errors.PartnerCenterUnexpected, False),
        (600, errors.PartnerCenterUnexpected, False),
    ],
)
def test_each_other_status_is_its_own_kind(status: int, kind: type[UpdateProfileError], retryable: bool) -> None:
    """An unexpected status becomes a 502; every other status is kept."""
    error = read(status)
    assert type(error) is kind
    assert error.retryable is retryable
    assert error.status == (502 if kind is errors.PartnerCenterUnexpected else status)


def test_the_wait_that_partner_center_asks_for_is_kept() -> None:
    """It is rounded up to whole seconds; an unreadable value counts as absent."""
    assert read(429, retry_after="1.5").retry_after_seconds == 2
    assert read(503, retry_after="soon").retry_after_seconds is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (fault(code=900421, description="x"), ""),
        (fault(code="900421"), ""),
        (b"Authentication failed. MFA required. (10001)", ""),
        (b"", "Unauthorized - MFA required"),
        (b"", "é MFA REQUIRED"),
        (b"Denied (10001)", ""),
    ],
)
def test_each_form_of_the_mfa_refusal_is_known(body: bytes, reason: str) -> None:
    """The newer form has a code; the older form is recognised by its text alone."""
    error = read(401, body, reason=reason)
    assert isinstance(error, errors.PartnerCenterMfaRequired)
    assert error.status == 401


def test_a_403_is_no_mfa_refusal_whatever_it_says() -> None:
    """Only a 401 counts as an MFA refusal."""
    assert isinstance(read(403, fault(code=900421)), errors.PartnerCenterRejected)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (fault(code=3000, description="d", source="PartnerFD"), ("3000", "d", "PartnerFD")),
        (fault(code="2000", description="d", data=[]), ("2000", "d", None)),
        (fault(Code=1.5, Description="d"), ("1.5", "d", None)),
        (fault(statusCode=429, message="Rate limit"), (None, "Rate limit", None)),
        (fault(message="role text"), (None, "role text", None)),
        (b"plain text", (None, "plain text", None)),
        (b"<html>gateway</html>", (None, None, None)),
        (b"[1]", (None, None, None)),
        (b"", (None, None, None)),
        (None, (None, None, None)),
        (fault(code=True, description=7, source=[]), (None, None, None)),
    ],
)
def test_code_description_and_source_come_from_every_shape(body: bytes | None, told: tuple[str | None, ...]) -> None:
    """The body has one of five shapes, or none of them."""
    upstream = read(400, body).upstream
    assert (upstream.code, upstream.description, upstream.source) == told
    assert upstream.status == 400


@pytest.mark.parametrize(
    "text",
    [
        "bad help@contoso.example here",
        "bad HELP@CONTOSO.EXAMPLE here",
        "bad help&#64;contoso.example here",
        "bad www.contoso.example/a?b&amp;c",
        "bad help\\u0040contoso.example",
        'a "quoted" help\\u0040contoso.example',
        r"bad help\u0040contoso.example in C:\data",
        r"bad help\u0040contoso.example \u00",
        "BAD HELP\\U0040CONTOSO.EXAMPLE",
        r"bad www.contoso.example\/a?b&c",
        r"bad \ud83d\ude00@contoso.example",
        r"bad help\u0026#64;contoso.example",
        "bad STRASSE 1",
        "bad 4255555555",
    ],
)
def test_a_description_that_repeats_what_was_sent_is_left_out(text: str) -> None:
    """The value is recognised in any case, raw or escaped for JSON or HTML."""
    assert read(400, fault(code=1, description=text)).upstream.description is None
    assert read(400, fault(code=1, description=text)).upstream.code == "1"


@pytest.mark.parametrize("text", ["abc is too short to tell", "half an escape \\u00", "ends in a backslash \\"])
def test_a_description_that_repeats_nothing_stays(text: str) -> None:
    """Values shorter than four characters occur in any text, so they do not count."""
    assert read(400, fault(description=text)).upstream.description == text


@pytest.mark.parametrize("charset", ["utf-8,gbk", "hex", "utf-16", "utf-16le", "nonsense"])
def test_the_charset_that_is_claimed_does_not_matter(charset: str) -> None:
    """The body is read as UTF-8, whatever its charset parameter says."""
    body = fault(code=3000, description="größer")
    told = read(400, body, content_type=f"application/json; charset={charset}").upstream
    assert (told.code, told.description) == ("3000", "größer")
    assert read(200, body, content_type=f"text/html; charset={charset}").body == body.removeprefix(BYTE_ORDER_MARK)


def test_a_description_that_is_escaped_itself_stays_as_it_came() -> None:
    """JSON or HTML escapes in a description are not decoded."""
    for text in ('{"error": "a \\"quoted\\" one"}', "5 &lt; 6 &amp;amp; 7"):
        assert read(400, fault(code=2007, description=text)).upstream.description == text


@pytest.mark.parametrize("member", ["code", "source", "message"])
def test_no_other_member_repeats_what_was_sent_either(member: str) -> None:
    """A code that contains a value of the profile is dropped."""
    upstream = read(400, fault(**{member: "Bad HELP@contoso.example"})).upstream
    assert (upstream.code, upstream.description, upstream.source) == (None, None, None)


def test_long_texts_are_cut() -> None:
    """A description is cut to its documented length, and a code to 64 characters."""
    upstream = read(400, fault(code="c" * 2000, description="d" * 2000)).upstream
    assert (len(upstream.code), len(upstream.description)) == (64, 1024)


def test_a_known_code_says_what_to_do() -> None:
    """The code also decides who must act, and the status is kept."""
    error = read(401, fault(code="900420"))
    assert (error.status, error.actor, error.retryable) == (401, "operator", False)
    assert "PARTNER_CENTER_SCOPE" in error.detail
    assert "transient" in read(500, fault(code=800003)).detail


def test_a_hint_ends_the_detail() -> None:
    """The hint follows the advice for a known code."""
    with pytest.raises(errors.PartnerCenterRejected) as caught:
        read_answer(an_answer(404, fault(code=1000)), **{**ASKED, "hint": HINT})
    assert caught.value.detail.endswith(f"does not know this resource. {HINT}")


CLAIMS = base64.b64encode(b'{"access_token": {"acrs": {"value": "c1"}}}').decode()


@pytest.mark.parametrize("body", [b"", fault(code=900421), b"MFA required"])
def test_a_claims_challenge_goes_before_any_other_reading_of_a_401(body: bytes) -> None:
    """Only the challenge says which sign-in is needed; the sign-in address is our own."""
    error = read(401, body, www_authenticate=f'Bearer error="insufficient_claims", claims="{CLAIMS}"')
    assert isinstance(error, errors.InteractionRequired)
    challenge = error.challenge
    assert challenge is not None
    assert (challenge.claims, challenge.tenant_id, challenge.authorization_uri) == (
        '{"access_token":{"acrs":{"value":"c1"}}}',
        ASKED["tenant_id"],
        ASKED["authorization_uri"],
    )
    assert error.upstream is not None


@pytest.mark.parametrize("status", [400, 403, 200])
def test_a_challenge_under_another_status_is_none(status: int) -> None:
    """A claims challenge must come with a 401."""
    told = read(status, b"{}", www_authenticate=f'Bearer error="insufficient_claims", claims="{CLAIMS}"')
    assert not isinstance(told, errors.InteractionRequired)


NESTED = [
    ({"error": {"code": "Bad", "message": "Site is odd.", "innerError": {"x": 1}}}, "Bad", "Site is odd."),
    ({"Error": {"Code": 2000, "Description": "odd"}}, "2000", "odd"),
    ({"errorCode": 2000, "errorMessage": "odd"}, "2000", "odd"),
    ([{"code": 3000, "description": "odd"}], "3000", "odd"),
    ("Access denied", None, "Access denied"),
    ({"title": "Errors.", "errors": {"Website": ["odd", "x"], "Email": []}}, None, "Errors. Website: odd"),
    ({"title": 7}, None, None),
    ({"code": 1, "error": {"code": 2}}, "1", None),
    ({"error": "invalid_grant"}, None, None),
    ([], None, None),
    ([[]], None, None),
    (7, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("document", "code", "description"), NESTED, ids=str)
def test_a_fault_is_found_in_any_envelope(document: object, code: str | None, description: str | None) -> None:
    """Gateways and newer APIs put code and text one level deeper."""
    upstream = read(400, BYTE_ORDER_MARK + json.dumps(document).encode()).upstream
    assert (upstream.code, upstream.description) == (code, description)


def test_an_mfa_refusal_is_known_in_the_newer_envelope() -> None:
    """Its text need not say MFA."""
    assert isinstance(read(401, fault(error={"code": "900421", "message": "No."})), errors.PartnerCenterMfaRequired)


@pytest.mark.parametrize("told", SENT[:3])
def test_no_envelope_brings_back_what_was_sent(told: str) -> None:
    """The care is the same one level deeper."""
    for document in (
        {"error": {"message": told}},
        {"title": "x", "errors": {"Website": [told]}},
        [{"message": told}],
        told,
    ):
        assert read(400, json.dumps(document).encode()).upstream.description is None


def test_a_character_reference_of_thousands_of_digits_is_no_crash() -> None:
    """Python's int refuses such a number."""
    assert read(400, fault(code=1, description="&#" + "9" * 5_000 + ";")).upstream.description is None
