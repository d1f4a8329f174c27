"""The Entra ID stand-in refuses what Entra ID refuses, with the same errors, and accepts three credentials."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from sandbox_clients import client, exchange_form, on_behalf_of

from sandbox import Sandbox
from sandbox.tokens import SigningKey, peek


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started: Sandbox) -> Sandbox:
    started.reset()
    return started


def post(sandbox: Sandbox, form: dict[str, str], tenant: str | None = None) -> httpx.Response:
    with client(sandbox, None, sandbox.entra.base_url) as entra:
        return entra.post(f"/{tenant or sandbox.entra.tenants[0]}/oauth2/v2.0/token", data=form)


REFUSED: dict[str, tuple[Callable[[Sandbox], dict[str, str | None]], int, str, int]] = {
    "an unknown client": (lambda _: {"client_id": "someone"}, 400, "unauthorized_client", 700016),
    "a wrong secret": (lambda _: {"client_secret": "wrong"}, 401, "invalid_client", 7000215),
    "no credential": (lambda _: {"client_secret": None}, 401, "invalid_client", 7000218),
    "a credential of no known type": (
        lambda s: {"client_secret": None, "client_assertion": "a.b.c", "client_assertion_type": "jwt"},
        401,
        "invalid_client",
        7000218,
    ),
    "no token use": (lambda _: {"requested_token_use": None}, 400, "invalid_request", 900144),
    "another grant": (lambda _: {"grant_type": "client_credentials"}, 400, "unsupported_grant_type", 70003),
    "an unknown API": (lambda _: {"scope": "https://other/user_impersonation"}, 400, "invalid_resource", 500011),
    "an unknown permission": (
        lambda _: {"scope": "https://api.partnercenter.microsoft.com/everything"},
        400,
        "invalid_scope",
        70011,
    ),
    "an expired assertion": (
        lambda s: {"assertion": s.entra.sign_in("alice", lifetime_seconds=-60)},
        400,
        "invalid_grant",
        500133,
    ),
    "a forged assertion": (
        lambda s: {"assertion": s.entra.mint(peek(s.entra.sign_in("alice")), key=SigningKey(s.entra.keys.current.kid))},
        400,
        "invalid_grant",
        50013,
    ),
    "an assertion for another application": (
        lambda s: {"assertion": s.entra.sign_in("alice", aud="https://graph.microsoft.com")},
        400,
        "invalid_grant",
        500131,
    ),
    "an application's own token": (
        lambda s: {"assertion": s.entra.sign_in("alice", scp=None, roles=["Task.Write"], idtyp="app")},
        400,
        "invalid_grant",
        50027,
    ),
    "no token at all": (lambda _: {"assertion": "junk"}, 400, "invalid_grant", 50013),
    "a user of another tenant": (lambda s: {"assertion": s.entra.sign_in("carol")}, 400, "invalid_grant", 50013),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_refused_with_entra_s_own_error(sandbox: Sandbox, case: str) -> None:
    changes, status, error, code = REFUSED[case]
    answer = post(sandbox, exchange_form(sandbox, **changes(sandbox)))
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert f"Trace ID: {body['trace_id']} Correlation ID: {body['correlation_id']}" in body["error_description"]


def test_an_unknown_tenant_is_refused_in_discovery_and_at_the_token_endpoint(sandbox: Sandbox) -> None:
    stranger = "00000000-0000-0000-0000-000000000001"
    with client(sandbox, None, sandbox.entra.base_url) as entra:
        answer = entra.get(f"/{stranger}/v2.0/.well-known/openid-configuration")
    assert (answer.status_code, answer.json()["error"], answer.json()["error_codes"]) == (
        400,
        "invalid_tenant",
        [90002],
    )
    assert post(sandbox, exchange_form(sandbox), stranger).json()["error_codes"] == [90002]


def test_a_certificate_is_a_credential_once_it_is_registered(sandbox: Sandbox) -> None:
    key = SigningKey().private_key
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "function")])
    now = datetime.now(UTC)
    dates = x509.CertificateBuilder().not_valid_before(now).not_valid_after(now + timedelta(days=1))
    named = dates.subject_name(name).issuer_name(name).serial_number(x509.random_serial_number())
    certificate = named.public_key(key.public_key()).sign(key, hashes.SHA256())
    no_password = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    public = certificate.public_bytes(serialization.Encoding.PEM)
    credential = {"private_key": private.decode(), "public_certificate": public.decode()}
    assertion = sandbox.entra.sign_in("alice")
    assert on_behalf_of(sandbox, assertion, client_credential=credential)["error_codes"] == [700027]
    sandbox.entra.registration.certificate_key = key.public_key()
    assert "access_token" in on_behalf_of(sandbox, assertion, client_credential=credential)


def test_a_managed_identity_s_token_is_a_credential_for_the_right_audience_alone(sandbox: Sandbox) -> None:
    settings = sandbox.identity.settings()

    def identity_token(resource: str) -> str:
        query = {"resource": resource, "client_id": settings["ENTRA_MANAGED_IDENTITY_CLIENT_ID"]}
        headers = {"X-IDENTITY-HEADER": settings["IDENTITY_HEADER"]}
        answer = httpx.get(settings["IDENTITY_ENDPOINT"], params=query, headers=headers, trust_env=False)
        return str(answer.json()["access_token"])

    assertion = sandbox.entra.sign_in("alice")
    for resource, accepted in (("api://AzureADTokenExchange", True), ("api://AzureADTokenExchangeChina", False)):
        token = identity_token(resource)
        result = on_behalf_of(sandbox, assertion, client_credential={"client_assertion": lambda token=token: token})
        assert ("access_token" in result) is accepted
        assert result.get("error_codes") == (None if accepted else [700213])
    assert httpx.get(settings["IDENTITY_ENDPOINT"], trust_env=False).status_code == 401
