"""Properties that hold for any input."""

import json

from builders import EXAMPLE, an_incoming, read_body
from fakes import Outcomes, a_service
from hypothesis import example, given
from hypothesis import strategies as st

from update_profile import handler
from update_profile.errors import InvalidProfile, MalformedBody, UpdateProfileError
from update_profile.formats import GUID
from update_profile.request import IncomingRequest, check_body_head, read_assertion, read_validate_only
from update_profile.request_ids import DELIVERY_ID_HEADERS, read_ids
from update_profile.response import Reply, problem
from update_profile.support_profile import SupportProfile
from update_profile.transport.messages import LONGEST_RETRY_AFTER_SECONDS, read_retry_after

TEXT = st.text(max_size=80)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["Email", "telephone", "WEBSITE", "ProfileType", "Attributes", "Links", "$content"]) | TEXT
BODIES = (
    st.binary(max_size=200)
    | TEXT.map(str.encode)
    | st.dictionaries(NAMES, VALUES, max_size=6).map(lambda members: json.dumps(members).encode())
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "accept",
            "authorization",
            "content-type",
            "content-encoding",
            "ms-correlationid",
            "ms-requestid",
            *DELIVERY_ID_HEADERS,
        ]
    ),
    TEXT | st.sampled_from(["Bearer a.b.c", "application/json", "identity", "0f8fad5b-d9cb-469f-a165-70867728950e"]),
)


def is_sound(reply: Reply) -> bool:
    """Return whether headers are ASCII, the JSON body has the header's correlation id, and its size is bounded."""
    document = json.loads(reply.body)
    ascii_only = all(f"{name}{value}".isascii() for name, value in reply.headers.items())
    return ascii_only and document["correlationId"] == reply.headers["MS-CorrelationId"] and len(reply.body) <= 16_384


def profile_or_refusal(body: bytes) -> tuple[SupportProfile | None, UpdateProfileError | None]:
    """Return the profile, or the refusal; any other exception fails the test."""
    try:
        return read_body(body), None
    except (MalformedBody, InvalidProfile) as error:
        return None, error


def head_refusal(incoming: IncomingRequest) -> UpdateProfileError | None:
    """Return the refusal of the checks that need no valid token; any other exception fails the test."""
    try:
        read_ids(incoming.headers).check()
        read_validate_only(incoming.url, writes=True)
        check_body_head(incoming, max_body_bytes=1_024)
        read_assertion(incoming.header("authorization"))
    except UpdateProfileError as error:
        return error
    return None


@given(email=TEXT, telephone=TEXT, website=TEXT)
@example(email="a\u0301@\U0001f600", telephone="\u0665", website="\u0130.example")
def test_a_value_that_passes_is_sent_unchanged(email: str, telephone: str, website: str) -> None:
    """Every code point is preserved; the fields are varied one at a time so that more values pass."""
    for name, value in (("Email", f"{email}@{email}"), ("Telephone", f"4{telephone}"), ("Website", website)):
        body = json.dumps({**EXAMPLE, name: value}).encode()
        profile, error = profile_or_refusal(body)
        if profile is not None:
            assert json.loads(profile.wire_bytes())[name] == value
            assert json.dumps(value, ensure_ascii=False).encode() in profile.wire_bytes()
        else:
            assert error is not None
            assert [fault.field for fault in error.fields] == [name]


@given(body=BODIES)
@example(body=b'{"Email":' + b"9" * 5_000 + b"}")
def test_any_bytes_are_a_profile_or_a_refusal(body: bytes) -> None:
    """There is no third outcome, and every refusal can be answered."""
    profile, error = profile_or_refusal(body)
    if profile is not None:
        assert json.loads(profile.wire_bytes())["ProfileType"] == "support_profile"
    else:
        assert error is not None
        assert is_sound(problem(error, read_ids({}), accept=""))


@given(headers=HEADERS, query=TEXT)
@example(headers={"content-type": '"\\'}, query="[")
def test_any_head_passes_or_is_refused(headers: dict[str, str], query: str) -> None:
    """Only our own errors are raised."""
    incoming = an_incoming(url=f"https://host/api/update_profile?{query}", headers=headers)
    ids = read_ids(incoming.headers)
    assert GUID.fullmatch(ids.correlation_id)
    assert GUID.fullmatch(ids.for_delivery(tenant_id="t", user_id="u", body=b"").request_id)
    error = head_refusal(incoming)
    assert error is None or is_sound(problem(error, ids, accept=incoming.header("accept")))


@given(headers=HEADERS, query=TEXT | st.just(""), body=BODIES)
async def test_any_call_is_answered(headers: dict[str, str], query: str, body: bytes) -> None:
    """No input causes a 5xx answer."""
    service = a_service(Outcomes())
    incoming = an_incoming(url=f"https://host/api/update_profile?{query}", headers=headers, body=body)
    reply = await handler.update_profile(incoming, service=lambda: service)
    assert reply.status == 200 or is_sound(reply)
    assert reply.status < 500


@given(value=TEXT | st.from_regex(r"[A-Za-z]{3}, [0-9]{1,3} [A-Za-z]{3} [0-9]{1,6} [0-9:]{0,9} ?[-+A-Z0-9]{0,12}"))
def test_any_retry_after_is_a_sane_wait_or_none(value: str) -> None:
    """The value may be any text that a server sends."""
    seconds = read_retry_after(value)
    assert seconds is None or 1 <= seconds <= LONGEST_RETRY_AFTER_SECONDS
