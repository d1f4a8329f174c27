"""The exchange with real MSAL over real TLS, and the MSAL behaviour that must not affect it."""

import asyncio
import base64
import itertools
import json
import time
from typing import Any
from urllib.parse import parse_qsl

import jwt
import msal
import pytest
import requests
from builders import TENANT, a_caller, some_settings
from certificate_files import CertificateFile
from fakes import FakeCredential
from fakes_upstream import FakeHttp, an_answer
from live_service import exchanged, living_service
from pydantic import SecretStr
from sandbox_clients import SCOPE, on_behalf_of

from sandbox import Answer, Fault, Sandbox
from sandbox.entra import errors as refusals
from sandbox.tokens import peek
from update_profile.deadline import Deadline
from update_profile.entra import on_behalf_of as on_behalf_of_module
from update_profile.entra.certificate import read_certificate
from update_profile.entra.on_behalf_of import OnBehalfOf
from update_profile.entra.proof import Assertion, Secret, Signer
from update_profile.errors import (
    ConsentRequired,
    EntraThrottled,
    EntraTimeout,
    EntraUnavailable,
    EntraUnexpected,
    InvalidToken,
    UpdateProfileError,
)
from update_profile.transport.messages import HttpAnswer

THROTTLED = refusals.throttled(retry_after=30)
TRUE_WITH_WAIT = Answer.true(headers=(("Retry-After", "30"),))


def shared_msal(sandbox: Sandbox) -> tuple[msal.ConfidentialClientApplication, requests.Session]:
    """Return a plain MSAL client as the samples build it: one for all users."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(sandbox.ca_file)
    application = msal.ConfidentialClientApplication(
        sandbox.entra.client_id,
        client_credential=sandbox.entra.client_secret,
        authority=f"{sandbox.entra.base_url}/{sandbox.entra.tenants[0]}",
        instance_discovery=False,
        azure_region=False,
        http_client=session,
    )
    return application, session


async def test_a_plain_msal_client_replays_alices_throttling_to_bob_and_ours_does_not(sandbox: Sandbox) -> None:
    """A plain client refuses bob without a request and with alice's trace id."""
    alice, bob = sandbox.entra.sign_in("alice"), sandbox.entra.sign_in("bob")
    sandbox.entra.script(THROTTLED, user="alice", times=None)
    plain, session = shared_msal(sandbox)
    with session:
        first = plain.acquire_token_on_behalf_of(alice, [SCOPE])
        replayed = plain.acquire_token_on_behalf_of(bob, [SCOPE])
    assert replayed["trace_id"] == first["trace_id"]
    assert not sandbox.entra.journal.of("token", user="bob")
    with living_service(sandbox) as service:
        with pytest.raises(EntraThrottled):
            await exchanged(service, alice)
        access_token, _ = await exchanged(service, bob)
    assert peek(access_token.value)["oid"] == sandbox.entra.users["bob"].object_id


async def test_a_plain_msal_client_hands_alices_token_to_bob_and_ours_does_not(sandbox: Sandbox) -> None:
    """MSAL caches a 200 that carries Retry-After, including the access token."""
    alice, bob = sandbox.entra.sign_in("alice"), sandbox.entra.sign_in("bob")
    sandbox.entra.script(TRUE_WITH_WAIT, user="alice", times=None)
    users = sandbox.entra.users
    plain, session = shared_msal(sandbox)
    with session:
        plain.acquire_token_on_behalf_of(alice, [SCOPE])
        stolen = plain.acquire_token_on_behalf_of(bob, [SCOPE])["access_token"]
    assert peek(stolen)["oid"] == users["alice"].object_id
    with living_service(sandbox) as service:
        tokens = [(await exchanged(service, assertion))[0].value for assertion in (alice, bob)]
    assert [peek(token)["oid"] for token in tokens] == [users["alice"].object_id, users["bob"].object_id]


async def test_a_plain_msal_client_repeats_a_refusal_after_consent_and_ours_does_not(sandbox: Sandbox) -> None:
    """MSAL caches a 400 for a minute."""
    alice = sandbox.entra.sign_in("alice")
    sandbox.entra.script(refusals.consent_required(), times=2)
    plain, session = shared_msal(sandbox)
    with session:
        plain.acquire_token_on_behalf_of(alice, [SCOPE])
        with living_service(sandbox) as service:
            with pytest.raises(ConsentRequired):
                await exchanged(service, alice)
            assert "error" in plain.acquire_token_on_behalf_of(alice, [SCOPE])
            assert (await exchanged(service, alice))[1] == "fetched"


async def test_an_exchange_is_one_request_with_no_more_than_it_needs(sandbox: Sandbox) -> None:
    """It asks for no refresh token and does not fetch the cached discovery document again."""
    assertion = sandbox.entra.sign_in("alice")
    with living_service(sandbox) as service:
        await exchanged(service, assertion)
    assert [entry.endpoint for entry in sandbox.entra.journal] == ["discovery", "keys", "token"]
    form = sandbox.entra.journal[-1].form
    assert form["assertion"] == assertion
    assert form["requested_token_use"] == "on_behalf_of"
    assert set(form["scope"].split()) == {SCOPE, "openid"}


async def test_nothing_of_the_environment_changes_the_way(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """CA bundles, proxies and a forced region in the environment have no effect."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, "/nowhere/bundle.pem")
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("MSAL_FORCE_REGION", "westus")
    with living_service(sandbox) as service:
        assert (await exchanged(service, sandbox.entra.sign_in("alice")))[1] == "fetched"


async def test_a_redirect_of_the_token_endpoint_sends_secret_and_assertion_nowhere(sandbox: Sandbox) -> None:
    """The requests library would follow a 307 and send the form again."""
    elsewhere = f"{sandbox.entra.base_url}/elsewhere"
    sandbox.entra.script(Answer(status=307, headers=(("Location", elsewhere),)), path="token", times=None)
    with living_service(sandbox) as service, pytest.raises(EntraUnexpected):
        await exchanged(service, sandbox.entra.sign_in("alice"))
    assert not [entry for entry in sandbox.entra.journal if entry.path == "/elsewhere"]


async def test_no_cookie_of_one_exchange_goes_with_another(sandbox: Sandbox) -> None:
    """The client has no cookie jar."""
    sandbox.entra.script(Answer.true(headers=(("Set-Cookie", "x=alice; Path=/"),)), times=None, path=None)
    with living_service(sandbox) as service:
        for user in ("alice", "bob"):
            await exchanged(service, sandbox.entra.sign_in(user))
    assert not [entry for entry in sandbox.entra.journal if entry.header("Cookie")]


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER_REQUEST, Fault.CLOSE])
async def test_one_cut_connection_costs_a_second_request_and_no_more(sandbox: Sandbox, fault: Fault) -> None:
    """The second request uses a new connection."""
    sandbox.entra.script(Answer.trouble(fault), path="token")
    with living_service(sandbox) as service:
        assert (await exchanged(service, sandbox.entra.sign_in("alice")))[1] == "fetched"
    first, second = sandbox.entra.journal.of("token")
    assert first.connection != second.connection


@pytest.mark.parametrize(
    ("fault", "kind", "times"), [(Fault.CLOSE, EntraUnavailable, 2), (Fault.HANG, EntraTimeout, 1)]
)
async def test_an_entra_that_never_answers_is_asked_twice_where_the_time_allows(
    sandbox: Sandbox, fault: Fault, kind: type[Exception], times: int
) -> None:
    """A first request that hangs may take ten seconds: the budget of one second has no room for a second one."""
    sandbox.entra.script(Answer.trouble(fault), path="token", times=None)
    with living_service(sandbox) as service, pytest.raises(kind):
        await exchanged(service, sandbox.entra.sign_in("alice"), seconds=1)
    assert len(sandbox.entra.journal.of("token")) == times


async def test_two_users_at_once_get_their_own_tokens(sandbox: Sandbox) -> None:
    """With 24 exchanges at once, each access token belongs to the user of its assertion."""
    users = sandbox.entra.users
    assertions = [(name, sandbox.entra.sign_in(name, nonce=n)) for n in range(8) for name in ("alice", "bob", "carol")]
    with living_service(sandbox) as service:
        exchanges = await asyncio.gather(*(exchanged(service, assertion) for _, assertion in assertions))
    for (name, _), (access_token, _) in zip(assertions, exchanges, strict=True):
        assert peek(access_token.value)["oid"] == users[name].object_id


def endpoint_of(tenant_id: str) -> str:
    """Return a tenant's token endpoint in the public cloud."""
    return f"https://login.microsoftonline.com/{tenant_id}/oauth2/v2.0/token"


async def outcome_of(answer: HttpAnswer, *, seconds: float = 5) -> tuple[object, FakeHttp]:
    """Exchange against a token endpoint that gives this answer; return the outcome and the HTTP fake."""
    http = FakeHttp(answer)
    on_behalf = OnBehalfOf(some_settings(), http, token_endpoint_of=endpoint_of, credential=FakeCredential())
    try:
        return await on_behalf.exchange(a_caller(), "assertion", claims=None, deadline=Deadline.after(seconds)), http
    except (EntraUnexpected, EntraTimeout) as error:
        return error, http


@pytest.mark.parametrize("body", [b'{"id_token": "no.jwt"}', b"{}", b'{"access_token": 7}'])
async def test_a_success_without_a_token_cannot_be_used(body: bytes) -> None:
    """MSAL sees only the members that are read here."""
    error, _ = await outcome_of(an_answer(body=body))
    assert isinstance(error, EntraUnexpected)


@pytest.mark.parametrize("stage", ["ConfidentialClientApplication", "pass 1", "pass 2"])
async def test_whatever_msal_raises_is_an_answer_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Its exceptions have no common base."""
    application = msal.ConfidentialClientApplication
    acquire = application.acquire_token_on_behalf_of
    calls = itertools.count(1)

    def fail(*arguments: Any, **options: Any) -> Any:
        if stage == f"pass {next(calls)}":
            raise KeyError("odd")
        return acquire(*arguments, **options)

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("odd")

    if stage.startswith("pass"):
        monkeypatch.setattr(application, "acquire_token_on_behalf_of", fail)
    else:
        monkeypatch.setattr(msal, stage, refuse)
    error, http = await outcome_of(an_answer(body=b'{"access_token": "t"}'))
    assert isinstance(error, EntraUnexpected)
    assert len(http.requests) == (1 if stage == "pass 2" else 0)


@pytest.mark.parametrize("number", [1, 2])
async def test_an_answer_that_msal_did_not_get_from_us_is_never_used(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """MSAL's caches can return another user's answer: a pass that does not call ``post`` is nobody's answer."""
    application = msal.ConfidentialClientApplication
    acquire = application.acquire_token_on_behalf_of
    calls = itertools.count(1)

    def replay(*arguments: Any, **options: Any) -> Any:
        if next(calls) == number:
            return {"access_token": "another-users", "expires_in": 3600}
        return acquire(*arguments, **options)

    monkeypatch.setattr(application, "acquire_token_on_behalf_of", replay)
    error, _ = await outcome_of(an_answer(body=b'{"access_token": "t"}'))
    assert isinstance(error, EntraUnexpected)


async def test_msal_asks_for_nothing_but_the_tenants_endpoints() -> None:
    """Any other request would go around our transport."""
    flow = on_behalf_of_module._Flow(some_settings(), Secret(value=SecretStr("s")), TENANT, endpoint_of(TENANT))
    with pytest.raises(EntraUnexpected):
        flow.get("https://login.microsoftonline.com/common/discovery/instance")
    flow.close()


@pytest.mark.parametrize("name", ["raise_for_status"])
def test_msals_answer_keeps_its_interface(name: str) -> None:
    """MSAL calls it for a 5xx, which it never sees."""
    assert getattr(on_behalf_of_module._MsalAnswer(200, "{}"), name)() is None


async def test_a_certificate_signs_once_for_both_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signing costs most of an exchange's time."""
    file = CertificateFile()
    signer = read_certificate(file.pem(), None).signer
    signed: list[object] = []
    creator = msal.oauth2cli.JwtAssertionCreator.create_normal_assertion

    def count(self: Any, *arguments: Any) -> bytes:
        signed.append(arguments)
        return bytes(creator(self, *arguments))

    monkeypatch.setattr(msal.oauth2cli.JwtAssertionCreator, "create_normal_assertion", count)
    http = FakeHttp(an_answer(body=b'{"access_token": "t", "expires_in": 60}'))

    class Certificate(FakeCredential):
        async def proof(self, *, deadline: Deadline) -> Signer:  # type: ignore[override]
            return signer

    exchange = OnBehalfOf(some_settings(), http, token_endpoint_of=endpoint_of, credential=Certificate()).exchange
    await exchange(a_caller(), "assertion", claims=None, deadline=Deadline.after(5))
    assert len(signed) == 1
    form = dict(parse_qsl((http.requests[0].body or b"").decode()))
    header = jwt.get_unverified_header(form["client_assertion"])
    assert (header["alg"], header["x5c"]) == ("PS256", [signer.x5c])
    assert base64.urlsafe_b64decode(header["x5t#S256"] + "=").hex() == signer.sha256_thumbprint
    audience = endpoint_of(a_caller().tenant_id)
    jwt.decode(form["client_assertion"], file.key.public_key(), algorithms=["PS256"], audience=audience)


async def test_a_429_is_throttling_and_is_not_given_to_msal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its body says, and whatever msal would make of it."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("msal was asked")

    monkeypatch.setattr(on_behalf_of_module._Flow, "result", refuse)
    http = FakeHttp(an_answer(429, b'{"error":"invalid_client"}', {"Retry-After": "7"}))
    exchange = OnBehalfOf(some_settings(), http, token_endpoint_of=endpoint_of, credential=FakeCredential()).exchange
    with pytest.raises(EntraThrottled) as caught:
        await exchange(a_caller(), "assertion", claims=None, deadline=Deadline.after(5))
    assert caught.value.retry_after_seconds == 7


async def test_an_assertion_of_a_managed_identity_goes_out_as_it_is() -> None:
    """The identity endpoint signs it; the function only passes it on."""
    http = FakeHttp(an_answer(body=b'{"access_token": "t", "expires_in": 60}'))

    class ManagedIdentity(FakeCredential):
        async def proof(self, *, deadline: Deadline) -> Assertion:  # type: ignore[override]
            return Assertion(value="an.identitys.token")

    exchange = OnBehalfOf(some_settings(), http, token_endpoint_of=endpoint_of, credential=ManagedIdentity()).exchange
    await exchange(a_caller(), "assertion", claims=None, deadline=Deadline.after(5))
    form = dict(parse_qsl((http.requests[0].body or b"").decode()))
    assert form["client_assertion"] == "an.identitys.token"
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert "client_secret" not in form


async def test_an_exchange_whose_time_is_up_is_not_started() -> None:
    """The call spent its time waiting for a thread."""
    error, http = await outcome_of(an_answer(), seconds=0)
    assert isinstance(error, EntraTimeout)
    assert not http.requests


def test_the_stand_in_and_msal_agree_without_us(sandbox: Sandbox) -> None:
    """The stand-in works with plain MSAL, so a failure above is a failure of our code."""
    assert "access_token" in on_behalf_of(sandbox, sandbox.entra.sign_in("alice"))


async def test_nothing_is_exchanged_after_the_assertion_has_expired() -> None:
    """Entra ID would refuse an expired assertion, so no request is made."""
    http = FakeHttp(an_answer())
    credential = FakeCredential()
    on_behalf = OnBehalfOf(some_settings(), http, token_endpoint_of=endpoint_of, credential=credential)
    with pytest.raises(InvalidToken, match="expired"):
        await on_behalf.exchange(a_caller(expires_at=time.time()), "assertion", claims=None, deadline=Deadline.after(5))
    assert not http.requests


@pytest.mark.parametrize(("error", "told"), [("invalid_client", 1), ("invalid_grant", 0)])
async def test_a_refused_credential_is_told_so(error: str, told: int) -> None:
    """The credential can then renew itself; a refusal of the user does not concern it."""
    http = FakeHttp(an_answer(401, json.dumps({"error": error}).encode()))
    credential = FakeCredential()
    on_behalf = OnBehalfOf(some_settings(), http, token_endpoint_of=endpoint_of, credential=credential)
    with pytest.raises(UpdateProfileError):
        await on_behalf.exchange(a_caller(), "assertion", claims=None, deadline=Deadline.after(5))
    assert credential.refusals == told
