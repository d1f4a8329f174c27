"""A tenant's metadata is read from Entra ID, or reported as unavailable."""

import base64
import json
from typing import Any

import pytest
from builders import TENANT
from fakes_upstream import FakeHttp, an_answer
from live_service import a_client

from sandbox import Answer, Fault, Sandbox
from sandbox.entra import errors
from update_profile.deadline import Deadline
from update_profile.entra.metadata import fetch_metadata, read_keys
from update_profile.errors import (
    EntraFailed,
    EntraThrottled,
    EntraTimeout,
    EntraUnavailable,
    EntraUnexpected,
    Misconfigured,
)
from update_profile.transport.messages import TransportError

UNKNOWN = "99999999-9999-4999-8999-999999999999"
MODULUS = base64.urlsafe_b64encode(((1 << 2047) | 1).to_bytes(256, "big")).decode().rstrip("=")
RSA = {"kty": "RSA", "use": "sig", "kid": "one", "n": MODULUS, "e": "AQAB"}
TROUBLE: dict[str, Answer] = {
    "no JSON": Answer(body=b"<html>"),
    "nothing": Answer(),
    "an array": Answer.json([]),
    "an empty object": Answer.json({}),
    "cut": Answer.trouble("truncate"),
    "too large": Answer(body=b" " * 300_000 + b"{}"),
    "forbidden": Answer(status=403),
    "no page": Answer(status=404),
    "a redirect": Answer(status=302, headers=(("Location", "https://localhost:1/"),)),
    "a bad request without a reason": Answer(status=400, body=b"<html>"),
    "another refusal": errors.refusal(400, "invalid_request", (900144,)),
    "throttled": Answer(status=429, headers=(("Retry-After", "7"),)),
    "down": errors.unavailable(),
    "reset": Answer.trouble(Fault.RESET_AFTER_REQUEST),
}


async def fetch(sandbox: Sandbox, tenant: str | None = None, *, seconds: float = 10.0) -> Any:
    """Fetch a tenant's metadata; None means alice's tenant."""
    tenant_id = tenant or sandbox.entra.tenants[0]
    return await fetch_metadata(a_client(sandbox), sandbox.entra.base_url, tenant_id, deadline=Deadline.after(seconds))


async def test_discovery_comes_first_and_says_where_the_keys_are(sandbox: Sandbox) -> None:
    """This takes two requests, and the discovery document is kept."""
    found = await fetch(sandbox)
    assert [entry.endpoint for entry in sandbox.entra.journal] == ["discovery", "keys"]
    assert list(found.keys) == [sandbox.entra.keys.current.kid]
    assert found.token_endpoint.endswith("/oauth2/v2.0/token")
    assert (
        found.keys[sandbox.entra.keys.current.kid].issuer == f"{sandbox.entra.base_url}/{sandbox.entra.tenants[0]}/v2.0"
    )


@pytest.mark.parametrize("endpoint", ["discovery", "keys"])
@pytest.mark.parametrize("name", TROUBLE)
async def test_a_document_that_cannot_be_used_is_an_outage(sandbox: Sandbox, endpoint: str, name: str) -> None:
    """It makes no difference which document fails, or what came in its place."""
    sandbox.entra.script(TROUBLE[name], path="keys" if endpoint == "keys" else "discovery", times=None)
    with pytest.raises(EntraThrottled if name == "throttled" else EntraUnavailable):
        await fetch(sandbox)


async def test_a_wait_that_entra_asks_for_is_passed_on(sandbox: Sandbox) -> None:
    """The Retry-After of a refused document becomes the error's wait."""
    sandbox.entra.script(TROUBLE["throttled"], path="discovery")
    with pytest.raises(EntraThrottled) as refused:
        await fetch(sandbox)
    assert refused.value.retry_after_seconds == 7


ADDRESSES = [
    None,
    7,
    "",
    "http://localhost/keys",
    "//localhost/keys",
    "https:///keys",
    "https://[half/keys",
    "https://localhost:65536/keys",
    "https://localhost:0/keys",
    "https://localhost:port/keys",
    "https://\x00/keys",
    "https://xn--☃.example/keys",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("member", ["jwks_uri", "token_endpoint"])
@pytest.mark.parametrize("address", ADDRESSES[:10])
async def test_an_address_must_be_one_of_https(member: str, address: object) -> None:
    """Neither keys nor tokens are requested from any other address."""
    document = {"jwks_uri": "https://localhost/keys", "token_endpoint": "https://localhost/token", member: address}
    http = FakeHttp(an_answer(body=str(document).replace("'", '"').replace("None", "null").encode()), an_answer())
    with pytest.raises(EntraUnavailable, match=member):
        await fetch_metadata(http, "https://localhost", TENANT, deadline=Deadline.after(10))


@pytest.mark.parametrize("address", ADDRESSES)
async def test_no_address_of_the_keys_is_a_crash(sandbox: Sandbox, address: object) -> None:
    """A URL that the HTTP client rejects is an outage too."""
    document = {"jwks_uri": address, "token_endpoint": f"{sandbox.entra.base_url}/token"}
    sandbox.entra.script(Answer.json(document), path="discovery")
    with pytest.raises(EntraFailed):
        await fetch(sandbox)


OTHER_HOSTS = [
    "https://evil.example/keys",
    "https://localhost:8443@evil.example/keys",
    "https://localhost:8444/keys",
    "https://localhost.evil.example:8443/keys",
    "https://login.microsoftonline.com/keys",
]


@pytest.mark.parametrize("member", ["jwks_uri", "token_endpoint"])
@pytest.mark.parametrize("address", OTHER_HOSTS)
async def test_a_document_that_names_another_host_is_not_followed(member: str, address: str) -> None:
    """The credential and the user's token would go there."""
    own = "https://localhost:8443"
    document = {"jwks_uri": f"{own}/keys", "token_endpoint": f"{own}/token", member: address}
    http = FakeHttp(an_answer(body=json.dumps(document).encode()), an_answer())
    with pytest.raises(EntraUnexpected) as caught:
        await fetch_metadata(http, own, TENANT, deadline=Deadline.after(10))
    assert (caught.value.reason, caught.value.entra_status) == ("another_host", 200)
    assert len(http.requests) == 1


@pytest.mark.parametrize("host", ["login.microsoftonline.com", "LOGIN.microsoftonline.com:443", "sts.windows.net"])
async def test_hosts_of_the_same_cloud_may_name_each_other(host: str) -> None:
    """An alias of the authority answers with the cloud's own name."""
    document = {"jwks_uri": f"https://{host}/keys", "token_endpoint": f"https://{host}/token"}
    http = FakeHttp(an_answer(body=json.dumps(document).encode()), an_answer(body=json.dumps({"keys": [RSA]}).encode()))
    found = await fetch_metadata(http, "https://login.windows.net", TENANT, deadline=Deadline.after(10))
    assert list(found.keys) == ["one"]


async def test_a_tenant_that_entra_does_not_know_is_a_wrong_setting(sandbox: Sandbox) -> None:
    """The allow-list names the tenant, so the operator must act; waiting does not help."""
    with pytest.raises(Misconfigured, match="ENTRA_ALLOWED_TENANTS"):
        await fetch(sandbox, UNKNOWN)


@pytest.mark.parametrize("error", [("invalid_tenant", ()), ("invalid_request", (90002,))])
async def test_an_unknown_tenant_is_known_by_name_or_number(sandbox: Sandbox, error: tuple[str, tuple[int]]) -> None:
    """Entra ID reports an unknown tenant in either form."""
    sandbox.entra.script(errors.refusal(400, *error), path="discovery")
    with pytest.raises(Misconfigured):
        await fetch(sandbox)


async def test_a_hang_is_a_time_out_and_a_hang_before_sending_an_outage(sandbox: Sandbox) -> None:
    """A request without an answer is a timeout; a connection that was never established is an outage."""
    sandbox.entra.script(Answer.trouble("hang"), path="discovery", times=None)
    with pytest.raises(EntraTimeout):
        await fetch(sandbox, seconds=0.3)
    sandbox.entra.clear_script()
    sandbox.entra.script(Answer.true(body_byte_seconds=0.02), path="keys", times=None)
    with pytest.raises(EntraTimeout):
        await fetch(sandbox, seconds=0.3)
    sandbox.entra.server.hang_at_tls_hello = True
    with pytest.raises(EntraUnavailable):
        await fetch(sandbox, seconds=0.3)


async def test_a_refused_connection_is_an_outage() -> None:
    """Nothing was sent, so this is not a timeout."""
    http = FakeHttp(TransportError("refused", sent=False, timed_out=False))
    with pytest.raises(EntraUnavailable):
        await fetch_metadata(http, "https://localhost", TENANT, deadline=Deadline.after(10))


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "EC"},
        {"kty": ["RSA"]},
        {"use": "enc"},
        {"kid": None},
        {"kid": 7},
        {"kid": ""},
        {"kid": "k" * 129},
        {"n": None},
        {"n": ""},
        {"n": "!!!"},
        {"n": "ü"},
        {"n": "A"},
        {"n": MODULUS[:-8]},
        {"n": "_" * 1_367},
        {"n": "_" * 40_000},
        {"n": MODULUS[:-2] + "AA"},
        {"e": 65537},
        {"e": ""},
        {"e": "AQ"},
        {"e": "Ag"},
        {"e": MODULUS},
    ],
)
def test_what_is_no_rsa_signing_key_is_left_out(change: dict[str, object]) -> None:
    """The other keys of the set are kept."""
    keys = read_keys({"keys": [{**RSA, **change}, "text", None, {**RSA, "kid": "good"}]}, TENANT)
    assert list(keys) == ["good"]


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": "text"}, {"keys": {}}, {"keys": []}])
def test_a_set_without_a_list_has_no_keys(document: dict[str, object]) -> None:
    """A ``keys`` member that is absent, empty or not a list gives no keys."""
    assert read_keys(document, TENANT) == {}


@pytest.mark.parametrize(
    ("issuer", "expected"),
    [
        ("https://login.example/{tenantid}/v2.0", f"https://login.example/{TENANT}/v2.0"),
        ("https://login.example/x/v2.0", "https://login.example/x/v2.0"),
        (7, None),
        (None, None),
    ],
)
def test_a_key_says_whose_tokens_it_signs(issuer: object, expected: str | None) -> None:
    """The tenant placeholder is filled in; the issuer and the use of a key are optional."""
    entry = {**RSA, "issuer": issuer}
    del entry["use"]
    assert read_keys({"keys": [entry]}, TENANT)["one"].issuer == expected
