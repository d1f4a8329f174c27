"""Whatever bytes another party sends, a reader returns a value or raises an error of ours, in linear time."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable

import pytest
from builders import TENANT, a_caller, some_settings
from certificate_files import CertificateFile
from fakes_upstream import an_answer
from hypothesis import example, given
from hypothesis import strategies as st

from update_profile.claims_challenge import challenged_claims, compact_claims
from update_profile.deadline import Deadline
from update_profile.entra.bearer_token import TokenValidator
from update_profile.entra.certificate import BadCertificate, read_certificate
from update_profile.entra.metadata import TenantMetadata, read_keys
from update_profile.entra.signing_keys import SigningKeys
from update_profile.entra.token_response import refusal
from update_profile.errors import UpdateProfileError
from update_profile.partner_center.answer import read_answer
from update_profile.request import IncomingRequest, check_body_head
from update_profile.strict_json import parse_object
from update_profile.transport.messages import HttpAnswer, read_retry_after

Reader = Callable[[bytes], object]
FILE = CertificateFile()


def upstream(answer: HttpAnswer) -> object:
    """Read an answer of Partner Center."""
    return read_answer(answer, sent=("email@sample.com",), hint="", tenant_id=TENANT, authorization_uri="https://a/")


def token(data: bytes) -> object:
    """Validate a bearer token of a tenant that publishes no key."""

    async def fetch(tenant_id: str, *, deadline: Deadline) -> TenantMetadata:
        return TenantMetadata(token_endpoint="https://a/", keys={})

    validator = TokenValidator(some_settings(), SigningKeys(fetch))
    return asyncio.run(validator.validate(data.decode("latin-1"), deadline=Deadline.after(5)))


def media_type(data: bytes) -> None:
    """Check a Content-Type."""
    headers = {"content-type": data.decode("latin-1")}
    incoming = IncomingRequest(method="PUT", url="/api/update_profile", headers=headers, body=b"{}")
    check_body_head(incoming, max_body_bytes=65_536)


def entra_refusal(data: bytes) -> object:
    """Read a refusal of the token endpoint."""
    document = parse_object(data)
    settings = some_settings()
    return refusal(document, status=400, retry_after_seconds=None, caller=a_caller(), settings=settings)


READERS: dict[str, Reader] = {
    "text of the upstream": lambda data: upstream(an_answer(400, data)),
    "JSON text of the upstream": lambda data: upstream(an_answer(500, b'{"message": "' + data + b'"}')),
    "success of the upstream": lambda data: upstream(an_answer(200, data)),
    "challenge": lambda data: challenged_claims(data.decode("latin-1")),
    "claims": lambda data: compact_claims(data.decode("latin-1")),
    "media type": media_type,
    "token": token,
    "token header": lambda data: token(data + b".e30.e30"),
    "keys": lambda data: read_keys(parse_object(data) or {}, TENANT),
    "refusal of Entra ID": entra_refusal,
    "Retry-After": lambda data: read_retry_after(data.decode("latin-1")),
    "certificate": lambda data: read_certificate(data, None),
}
PIECES = [
    b"&#",
    b"9",
    b"[",
    b"{",
    b'{"a":',
    b'"',
    b"\\",
    b"\\u0026",
    b"=",
    b"a=",
    b"claims=",
    b'="',
    b"a ",
    b",",
    b"; ",
    b".",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = st.sampled_from(
    ["error", "error_codes", "suberror", "claims", "trace_id", "keys", "kty", "n", "e", "kid", "code", "description"]
)


def documents(members: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    """Return JSON objects with these members, of any shape."""
    return st.dictionaries(members, JSON, max_size=5).map(lambda found: json.dumps(found).encode())


@pytest.mark.parametrize("name", READERS)
@given(data=st.binary(max_size=300) | documents(MEMBERS) | st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join))
@example(data=b'{"error":"invalid_grant","suberror":["x"],"error_codes":[50076]}')
@example(data=b"&#" + b"9" * 5_000)
@example(data=b'{"code":' + b"9" * 5_000 + b"}")
def test_any_bytes_end_in_a_value_or_an_error_of_ours(name: str, data: bytes) -> None:
    """Nothing else leaves a reader: after a write, it would hide what became of it."""
    with contextlib.suppress(UpdateProfileError, BadCertificate):
        READERS[name](data)


def cpu_seconds(read: Reader, data: bytes) -> float:
    """Return the least CPU time of three readings, which other work on the machine does not change."""
    least = float("inf")
    for _ in range(3):
        started_at = time.thread_time()
        with contextlib.suppress(UpdateProfileError, BadCertificate):
            read(data)
        least = min(least, time.thread_time() - started_at)
    return least


@pytest.mark.soak
@pytest.mark.parametrize("name", READERS)
def test_the_time_grows_no_faster_than_the_input(name: str) -> None:
    """Of two sizes, the eight times larger one takes less than 24 times as long; a square would take 64 times."""
    read = READERS[name]
    for piece in PIECES:
        small, large = ((piece * size)[:size] for size in (8_000, 64_000))
        assert cpu_seconds(read, large) < 24 * cpu_seconds(read, small) + 0.02, piece


@given(place=st.integers(0, 5_000), byte=st.integers(0, 255), form=st.sampled_from(["pem", "pfx"]))
@example(place=13, byte=9, form="pem")
def test_a_damaged_certificate_file_is_reported(place: int, byte: int, form: str) -> None:
    """What cryptography raises about a version, a curve or a length has no common base."""
    content = bytearray(CONTENT[form])
    content[place % len(content)] = byte
    with contextlib.suppress(BadCertificate):
        assert read_certificate(bytes(content), None).signer.x5c


CONTENT = {"pem": FILE.pem(), "pfx": FILE.pfx()}
