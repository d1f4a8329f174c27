"""A bearer token is accepted only if every check passes; the first failed check determines the error."""

import json
from typing import Any

import pytest
from builders import a_digest
from live_service import living_service, validated
from token_makers import Maker, headed, raw, reshaped, signed, someone_elses, with_claim_text

from sandbox import Answer, Sandbox
from sandbox.tokens import SigningKey, peek
from update_profile.errors import (
    AppOnlyToken,
    ClientNotAllowed,
    EntraUnavailable,
    InsufficientScope,
    InvalidToken,
    TenantNotAllowed,
)

FOREIGN = "99999999-9999-4999-8999-999999999999"

FORGED: dict[str, Maker] = {
    "alg none without a signature": lambda e: e.mint(peek(e.sign_in("alice")), algorithm="none"),
    "alg none over a good signature": raw(b'{"alg":"none","kid":"KID"}'),
    "alg in other letters": raw(b'{"alg":"rs256","kid":"KID"}'),
    "alg as a list": raw(b'{"alg":["RS256"],"kid":"KID"}'),
    "no alg": raw(b'{"kid":"KID"}'),
    "HS256 with the public key as the secret": lambda e: e.mint(peek(e.sign_in("alice")), algorithm="HS256"),
    "another RSA algorithm": lambda e: e.mint(peek(e.sign_in("alice")), algorithm="RS512"),
    "a key id of another's key": headed(SigningKey(kid="forger")),
    "a known key id over another's key": lambda e: headed(SigningKey(kid=e.keys.current.kid))(e),
    "an embedded key": lambda e: headed(key := SigningKey(kid=e.keys.current.kid), jwk=key.jwk())(e),
    "a key to be fetched (jku)": headed(SigningKey(), jku="https://localhost:1/keys"),
    "a certificate to be fetched (x5u)": headed(SigningKey(), x5u="https://localhost:1/cert"),
    "an unknown critical header": headed(crit=["exp2"], exp2=1),
    "a payload that is not encoded (b64)": headed(b64=False, crit=["b64"]),
    "no key id": headed(kid=None),
    "an empty key id": headed(kid=""),
    "a key id that is a number": headed(kid=5),
    "a key id that is a list": headed(kid=["a"]),
    "a key id that is a path": headed(kid="../../keys"),
    "a huge key id": headed(kid="k" * 129),
    "alg given twice": raw(b'{"alg":"RS256","alg":"RS256","kid":"KID"}'),
    "a header that is no object": raw(b'["RS256"]'),
    "a header that is no JSON": raw(b"RS256"),
    "a header of brackets": raw(b"[" * 100_000),
    "a payload that is no object": raw(payload=b'"alice"'),
    "a payload that is no JSON": raw(payload=b"\xff\xfe"),
    "a payload with a byte order mark": raw(payload=b"\xef\xbb\xbf{}"),
    "someone else's id": someone_elses,
    "cut in the signature": reshaped(lambda token: token[:-4]),
    "without a signature": reshaped(lambda token: token.rpartition(".")[0] + "."),
    "two parts": reshaped(lambda token: token.rpartition(".")[0]),
    "four parts": reshaped(lambda token: token + ".a"),
    "five parts": reshaped(lambda token: token + ".a.b"),
    "padded": reshaped(lambda token: token + "=="),
    "not base64url": reshaped(lambda token: token.replace(".", ".+", 1)),
    "a length that no base64 has": reshaped(lambda token: "a." + token.split(".", 1)[1]),
    "two tokens": reshaped(lambda token: f"{token} {token}"),
    "two tokens by a comma": reshaped(lambda token: f"{token},{token}"),
    "a line break behind it": reshaped(lambda token: token + "\n"),
    "letters of another script": reshaped(lambda token: token.replace("e", "е")),  # noqa: RUF001  on purpose
    "no token": lambda _: "opaque",
    "nothing": lambda _: "",
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_or_broken_token_is_invalid(sandbox: Sandbox, name: str) -> None:
    """Only RS256 with a key that Entra ID publishes is accepted, and no URL from the header is fetched."""
    with living_service(sandbox) as service:
        with pytest.raises(InvalidToken):
            await validated(service, FORGED[name](sandbox.entra))
        assert (await validated(service, sandbox.entra.sign_in("alice"))).user_id
    assert {entry.endpoint for entry in sandbox.entra.journal} == {"discovery", "keys"}


WRONG_CLAIMS: dict[str, tuple[Maker, type[Exception]]] = {
    "another audience": (signed(aud=FOREIGN), InvalidToken),
    "no audience": (signed(aud=None), InvalidToken),
    "a list of audiences": (lambda e: e.sign_in("alice", aud=[e.client_id]), InvalidToken),
    "no issuer": (signed(iss=None), InvalidToken),
    "a look-alike of the issuer": (lambda e: e.sign_in("alice", iss=f"{e.base_url}.example/v2.0"), InvalidToken),
    "another tenant's issuer": (
        lambda e: e.sign_in("alice", iss=f"{e.base_url}/{e.tenants[1]}/v2.0"),
        InvalidToken,
    ),
    "a v2 issuer with ver 1.0": (signed(version="2.0", ver="1.0"), InvalidToken),
    "a v1 issuer with ver 2.0": (signed(version="1.0", ver="2.0"), InvalidToken),
    "no version": (signed(ver=None), InvalidToken),
    "no tenant": (signed(tid=None), InvalidToken),
    "a tenant that is a number": (signed(tid=5), InvalidToken),
    "a foreign tenant": (signed(tid=FOREIGN), TenantNotAllowed),
    "expired two minutes ago": (signed(lifetime_seconds=-120), InvalidToken),
    "expired a second ago": (signed(lifetime_seconds=-1), InvalidToken),
    "no expiry": (signed(exp=None), InvalidToken),
    "not valid before two minutes from now": (
        lambda e: e.sign_in("alice", nbf=peek(e.sign_in("alice"))["iat"] + 120),
        InvalidToken,
    ),
    "no user": (signed(oid=None), InvalidToken),
    "roles without a scope": (signed(scp=None, roles=["Task.Write"]), AppOnlyToken),
    "an application with a scope": (signed(idtyp="app"), AppOnlyToken),
    "neither scp nor idtyp": (signed(scp=None), AppOnlyToken),
    "a user without a scope": (signed(scp=None, idtyp="user"), InsufficientScope),
    "another scope": (signed(scp="Profile.Read"), InsufficientScope),
    "a list of scopes": (signed(scp=["user_impersonation"]), InsufficientScope),
}


@pytest.mark.parametrize("name", WRONG_CLAIMS)
async def test_a_wrong_claim_has_its_own_refusal(sandbox: Sandbox, name: str) -> None:
    """Each wrong claim raises the error class that fits it."""
    make, error = WRONG_CLAIMS[name]
    with living_service(sandbox) as service, pytest.raises(error):
        await validated(service, make(sandbox.entra))


NO_TIMES = [
    b'"exp":Infinity',
    b'"exp":1e999',
    b'"exp":NaN',
    b'"exp":null',
    b'"exp":[1]',
    b'"exp":{}',
    b'"exp":true',
    b'"exp":1%s' % (b"0" * 50),
    b'"exp":1%s' % (b"0" * 400),
    b'"exp":-1',
    b'"exp":"4000000000"',
    b'"exp":4000000000,"exp":4000000000',
    '"exp":４００００００００'.encode(),  # noqa: RUF001  full-width digits are the point
    '"exp":"４００００００００"'.encode(),  # noqa: RUF001
    b'"nbf":-Infinity',
    b'"nbf":[]',
    b'"iat":NaN',
    b'"iat":Infinity',
]


@pytest.mark.parametrize("text", NO_TIMES)
async def test_a_time_that_is_none_makes_a_signed_token_invalid(sandbox: Sandbox, text: bytes) -> None:
    """The values arrive as raw JSON; a time that cannot be read is a refusal, not a crash."""
    claims = peek(sandbox.entra.sign_in("alice"))
    del claims[text.split(b'"')[1].decode()]
    payload = json.dumps(claims).encode()[:-1] + b"," + text + b"}"
    with living_service(sandbox) as service, pytest.raises(InvalidToken):
        await validated(service, sandbox.entra.mint_raw(payload))


async def test_a_claim_that_stands_twice_makes_the_token_invalid(sandbox: Sandbox) -> None:
    """Two parsers could read two different values."""
    with living_service(sandbox) as service, pytest.raises(InvalidToken):
        await validated(service, with_claim_text(b',"oid":"someone"')(sandbox.entra))


@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_a_good_token_of_either_version_names_its_user(sandbox: Sandbox, version: str) -> None:
    """Tenant, user, client and expiry come from the token; the caller keeps only the token's digest."""
    assertion = sandbox.entra.sign_in("alice", version="1.0" if version == "1.0" else "2.0", lifetime_seconds=3600.5)
    alice = sandbox.entra.users["alice"]
    with living_service(sandbox) as service:
        caller = await validated(service, assertion)
    assert (caller.tenant_id, caller.user_id) == (alice.tenant_id, alice.object_id)
    assert caller.client_id == sandbox.entra.registration.caller_client_id
    assert (caller.token_digest, caller.expires_at) == (a_digest(assertion), peek(assertion)["exp"])
    assert str(caller.token_digest) not in repr(caller)


GROUPS = [f"{number:08d}-0000-4000-8000-000000000000" for number in range(200)]


@pytest.mark.parametrize(
    "claims",
    [
        {"groups": GROUPS},
        {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example"}}},
        {"hasgroups": True},
        {"roles": ["Task.Write"], "wids": GROUPS[:3]},
        {"groups": GROUPS, "hasgroups": True, "roles": ["Task.Write"], "wids": GROUPS[:3]},
        {"idtyp": "user"},
        {"tid": "upper"},
    ],
    ids=lambda claims: "+".join(claims),
)
async def test_a_big_or_role_laden_token_of_a_user_is_good(sandbox: Sandbox, claims: dict[str, Any]) -> None:
    """Roles or hundreds of groups do not make a user an application, and the tenant id may be in upper case."""
    if "tid" in claims:
        claims = {"tid": sandbox.entra.tenants[0].upper()}
    assertion = sandbox.entra.sign_in("alice", **claims)
    with living_service(sandbox) as service:
        assert (await validated(service, assertion)).token_digest == a_digest(assertion)


@pytest.mark.parametrize("key_id", [None, "", 5, ["a"], "k" * 129])
async def test_no_key_is_fetched_for_a_key_id_that_is_none(sandbox: Sandbox, key_id: object) -> None:
    """A key id that is missing, empty, too long or not text is refused before any request."""
    with living_service(sandbox) as service, pytest.raises(InvalidToken, match="kid"):
        await validated(service, headed(kid=key_id)(sandbox.entra))
    assert sandbox.entra.journal == []


async def test_no_key_is_fetched_for_a_foreign_tenant(sandbox: Sandbox) -> None:
    """A token from an unlisted tenant is refused without any request."""
    with living_service(sandbox) as service, pytest.raises(TenantNotAllowed):
        await validated(service, sandbox.entra.sign_in("alice", tid=FOREIGN))
    assert sandbox.entra.journal == []


@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_only_a_listed_client_may_call(sandbox: Sandbox, version: str) -> None:
    """The client is in appid in v1 tokens and in azp in v2 tokens."""
    listed = sandbox.entra.registration.caller_client_id
    assertion = sandbox.entra.sign_in("alice", version="1.0" if version == "1.0" else "2.0")
    with living_service(sandbox, ENTRA_ALLOWED_CLIENTS=listed) as service:
        assert (await validated(service, assertion)).client_id == listed
    with living_service(sandbox, ENTRA_ALLOWED_CLIENTS=FOREIGN) as service, pytest.raises(ClientNotAllowed):
        await validated(service, assertion)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (raw(b'{"alg":"none","kid":"KID"}', b'{"tid":"%s"}' % FOREIGN.encode()), InvalidToken),
        (signed(tid=FOREIGN, lifetime_seconds=-1), TenantNotAllowed),
        (signed(lifetime_seconds=-1, scp=None), InvalidToken),
        (signed(aud=FOREIGN, scp=None), InvalidToken),
        (signed(idtyp="app", oid=None), AppOnlyToken),
        (signed(idtyp="app", scp="other"), AppOnlyToken),
        (signed(scp="other", azp=FOREIGN), InsufficientScope),
    ],
)
async def test_the_first_failure_answers(sandbox: Sandbox, make: Maker, error: type[Exception]) -> None:
    """The order of the checks is fixed, so a stranger learns nothing from the later ones."""
    listed = sandbox.entra.registration.caller_client_id
    with living_service(sandbox, ENTRA_ALLOWED_CLIENTS=listed) as service, pytest.raises(error):
        await validated(service, make(sandbox.entra))


def published(sandbox: Sandbox, issuer: str | None) -> None:
    """Make the keys document name this issuer for its key."""
    sandbox.entra.script(Answer.json({"keys": [sandbox.entra.keys.current.jwk(issuer)]}), path="keys")


@pytest.mark.parametrize("issuer", [None, "{base}/{tenantid}/v2.0", "{base}/{tenant}/v2.0", "{base}/{tenant}/"])
async def test_a_key_signs_for_the_tenant_it_names_or_for_any(sandbox: Sandbox, issuer: str | None) -> None:
    """A key's issuer is optional, may contain the tenantid placeholder, and applies to both token versions."""
    base, tenant = sandbox.entra.base_url, sandbox.entra.tenants[0]
    published(sandbox, issuer.replace("{base}", base).replace("{tenant}", tenant) if issuer else None)
    with living_service(sandbox) as service:
        assert await validated(service, sandbox.entra.sign_in("alice", version="1.0"))
        assert await validated(service, sandbox.entra.sign_in("alice", version="2.0"))


async def test_a_key_of_another_issuer_signs_nothing_here(sandbox: Sandbox) -> None:
    """A valid signature is not enough when the key is published for another issuer."""
    published(sandbox, f"{sandbox.entra.base_url}/{sandbox.entra.tenants[1]}/v2.0")
    with living_service(sandbox) as service, pytest.raises(InvalidToken, match="another issuer's key"):
        await validated(service, sandbox.entra.sign_in("alice"))


async def test_without_keys_nothing_is_said_of_a_token(sandbox: Sandbox) -> None:
    """An outage of Entra ID is not the caller's fault."""
    sandbox.entra.script(Answer(status=503), path="keys", times=None)
    with living_service(sandbox) as service, pytest.raises(EntraUnavailable):
        await validated(service, sandbox.entra.sign_in("alice"))


@pytest.mark.parametrize("number", ["", "AQAB", "!!!", "ü", "A"])
async def test_a_published_key_that_is_garbage_counts_as_none(sandbox: Sandbox, number: str) -> None:
    """A set without a usable key is a failed fetch, not a crash."""
    sandbox.entra.script(Answer.json({"keys": [{**sandbox.entra.keys.current.jwk(), "n": number}]}), path="keys")
    with living_service(sandbox) as service, pytest.raises(EntraUnavailable):
        await validated(service, sandbox.entra.sign_in("alice"))
