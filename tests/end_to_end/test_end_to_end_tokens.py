"""Valid and invalid bearer tokens over HTTP."""

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from builders import EXAMPLE
from live_function import LiveFunction

from sandbox import Answer, Sandbox
from sandbox.tokens import SigningKey, peek

SOMEONE = "0f0f0f0f-1111-4222-8333-444444444444"

ODD_AUTHORIZATIONS = {
    "blank": ("", 401, "missing_token"),
    "another scheme": ("Basic {token}", 401, "missing_token"),
    "no scheme": ("{token}", 401, "missing_token"),
    "the scheme alone": ("Bearer", 401, "missing_token"),
    "the scheme and blanks": ("Bearer   ", 401, "missing_token"),
    "two tokens": ("Bearer {token},Bearer {token}", 400, "invalid_header"),
    "a comma behind it": ("Bearer {token},", 400, "invalid_header"),
    "something behind it": ("Bearer {token} x", 401, "invalid_token"),
    "in quotes": ('Bearer "{token}"', 401, "invalid_token"),
    "no token": ("Bearer x", 401, "invalid_token"),
    "not ASCII": ("Bearer {token}é", 401, "invalid_token"),
    "padded": ("Bearer {token}=", 401, "invalid_token"),
    "cut": ("Bearer {token[0]}", 401, "invalid_token"),
}


@pytest.mark.parametrize(("value", "status", "code"), ODD_AUTHORIZATIONS.values(), ids=ODD_AUTHORIZATIONS)
async def test_an_odd_authorization_is_refused_and_asks_nobody(
    live: LiveFunction, value: str, status: int, code: str
) -> None:
    header = value.format(token=live.sandbox.entra.sign_in("alice"))
    answered = await live.call(user=None, headers=[("Authorization", header)])
    assert (answered.status, answered.code) == (status, code)
    assert ("www-authenticate" in answered.headers) == (status == 401)
    assert not live.sandbox.entra.journal


@pytest.mark.parametrize("scheme", ["bearer ", "BEARER ", "Bearer    ", "  Bearer "])
async def test_the_scheme_is_read_in_any_case_with_any_blanks(live: LiveFunction, scheme: str) -> None:
    header = scheme + live.sandbox.entra.sign_in("alice")
    assert (await live.call(user=None, headers=[("Authorization", header)])).status == 200


def _without(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {known: value for known, value in claims.items() if known != name}


def _with_own_key(sandbox: Sandbox, claims: dict[str, Any], header: str) -> str:
    """Mint a token that carries the forger's key it is signed with, under the key id of a good key."""
    good, forgers = sandbox.entra.keys.current, SigningKey()
    brought = {"jwk": forgers.jwk(), "x5c": ["AAAA"]}.get(header, "https://localhost:1/keys")
    return sandbox.entra.mint(claims, key=forgers, headers={"kid": good.kid, header: brought})


def _changed(token: str) -> str:
    head, claims, signature = token.split(".")
    return ".".join((head, claims, signature[:-6] + ("AAAAAA" if signature[-6:] != "AAAAAA" else "BBBBBB")))


Forge = Callable[[Sandbox, dict[str, Any]], str]
FORGED: dict[str, Forge] = {
    "signed by somebody else": lambda s, c: s.entra.mint(c, key=SigningKey(s.entra.keys.current.kid)),
    "a signature that was changed": lambda s, c: _changed(s.entra.mint(c)),
    "without a signature": lambda s, c: s.entra.mint(c, algorithm="none"),
    "the public key as a secret": lambda s, c: s.entra.mint(c, algorithm="HS256"),
    "another RSA algorithm": lambda s, c: s.entra.mint(c, algorithm="RS512"),
    "an unknown key": lambda s, c: s.entra.mint(c, key=SigningKey()),
    "a key of its own": lambda s, c: s.entra.mint(c, headers={"kid": None, "jwk": SigningKey().jwk()}),
    "a key from elsewhere": lambda s, c: s.entra.mint(c, headers={"kid": "x", "jku": "https://localhost:1/k"}),
    "a key of its own under a good name": lambda s, c: _with_own_key(s, c, "jwk"),
    "a key address under a good name": lambda s, c: _with_own_key(s, c, "jku"),
    "a certificate address under a good name": lambda s, c: _with_own_key(s, c, "x5u"),
    "a certificate chain of its own": lambda s, c: _with_own_key(s, c, "x5c"),
    "PSS in the place of PKCS1": lambda s, c: s.entra.mint(c, algorithm="PS256"),
    "a header that names no algorithm": lambda s, c: s.entra.mint(c, headers={"alg": None}),
    "none in odd case": lambda s, c: s.entra.mint(c, headers={"alg": "nOnE"}),
    "an extension that must be understood": lambda s, c: s.entra.mint(c, headers={"crit": ["x"], "x": 1}),
    "a key id that is a list": lambda s, c: s.entra.mint(c, headers={"kid": [s.entra.keys.current.kid]}),
    "a huge key id": lambda s, c: s.entra.mint(c, headers={"kid": "x" * 200}),
    "an empty signature": lambda s, c: s.entra.mint(c).rsplit(".", 1)[0] + ".",
    "two segments": lambda s, c: s.entra.mint(c).rsplit(".", 1)[0],
    "four segments": lambda s, c: s.entra.mint(c) + ".AAAA",
    "no segment at all": lambda s, c: "..",
    "without an audience": lambda s, c: s.entra.mint(_without(c, "aud")),
    "without an issuer": lambda s, c: s.entra.mint(_without(c, "iss")),
    "without an end": lambda s, c: s.entra.mint(_without(c, "exp")),
    "without a beginning": lambda s, c: s.entra.mint(_without(c, "nbf")),
    "without a version": lambda s, c: s.entra.mint(_without(c, "ver")),
    "expired a moment ago": lambda s, c: s.entra.mint(c | {"exp": time.time() - 0.01}),
    "an issuer with more behind it": lambda s, c: s.entra.mint(c | {"iss": c["iss"] + "/"}),
    "an issuer in capitals": lambda s, c: s.entra.mint(c | {"iss": c["iss"].upper()}),
    "an issuer that begins alike": lambda s, c: s.entra.mint(c | {"iss": f"{s.entra.base_url}.evil.example/v2.0"}),
    "an issuer with another letter": lambda s, c: s.entra.mint(c | {"iss": c["iss"].replace("o", "\u043e")}),
    "the common issuer": lambda s, c: s.entra.mint(c | {"iss": c["iss"].replace(c["tid"], "common")}),
    "an audience that begins alike": lambda s, c: s.entra.mint(c | {"aud": c["aud"] + ".evil"}),
    "for another application": lambda s, c: s.entra.mint(c | {"aud": SOMEONE}),
    "for several": lambda s, c: s.entra.mint(c | {"aud": [c["aud"], SOMEONE]}),
    "from another issuer": lambda s, c: s.entra.mint(c | {"iss": f"https://sts.windows.net/{c['tid']}/"}),
    "from the other tenant": lambda s, c: s.entra.mint(c | {"iss": c["iss"].replace(c["tid"], s.entra.tenants[1])}),
    "a v1 token with v2's issuer": lambda s, c: s.entra.mint(c | {"ver": "1.0"}),
    "of no version": lambda s, c: s.entra.mint(c | {"ver": None}),
    "without a user": lambda s, c: s.entra.mint({name: c[name] for name in c if name != "oid"}),
    "without a tenant": lambda s, c: s.entra.mint({name: c[name] for name in c if name != "tid"}),
    "not valid yet": lambda s, c: s.entra.mint(c | {"nbf": time.time() + 120}),
    "no claims": lambda s, _: s.entra.mint_raw(b"[]"),
    "claims that are no JSON": lambda s, _: s.entra.mint_raw(b"{"),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
async def test_a_token_that_is_not_entras_for_us_now_is_invalid(live: LiveFunction, forge: Forge) -> None:
    """The token is refused before any exchange and before any request to Partner Center."""
    token = forge(live.sandbox, peek(live.sandbox.entra.sign_in("alice")))
    answered = await live.call(token=token)
    assert (answered.status, answered.code) == (401, "invalid_token")
    assert 'error="invalid_token"' in answered.headers["www-authenticate"]
    assert not live.exchanges
    assert not live.sandbox.partner_center.journal


@pytest.mark.parametrize("claim", ["nbf", "iat"])
async def test_clocks_may_differ_by_a_minute_and_no_more(live: LiveFunction, claim: str) -> None:
    """A token within the leeway reaches the exchange, where Entra ID decides by its own clock."""
    now = int(time.time())
    ahead: dict[str, Any] = {claim: now + 50}
    await live.call(token=live.sandbox.entra.sign_in("alice", **ahead))
    assert len(live.exchanges) == 1
    ahead[claim] = now + 70
    assert (await live.call(token=live.sandbox.entra.sign_in("alice", **ahead))).code == "invalid_token"
    assert len(live.exchanges) == 1


async def test_the_tenant_is_looked_at_before_any_key_is_fetched(live: LiveFunction) -> None:
    token = live.sandbox.entra.sign_in("alice", tid=SOMEONE)
    assert (await live.call(token=token)).code == "tenant_not_allowed"
    assert not live.sandbox.entra.journal


async def test_listed_clients_may_call(live: LiveFunction) -> None:
    """The client id is azp in v2 tokens and appid in v1 tokens, and letter case does not matter."""
    client_id = live.sandbox.entra.registration.caller_client_id
    live.set(ENTRA_ALLOWED_CLIENTS=f" {SOMEONE} , {client_id.upper()} ")
    for token in (live.sandbox.entra.sign_in("alice"), live.sandbox.entra.sign_in("alice", version="1.0")):
        assert (await live.call(token=token)).status == 200


async def test_after_a_rotation_the_new_key_is_asked_for_once(live: LiveFunction) -> None:
    """The first token that names the new key causes a fetch, and the other calls share it."""
    live.sandbox.entra.rotate_keys()
    answers = await asyncio.gather(*(live.call(user=user) for user in ("alice", "bob", "alice")))
    assert [answered.status for answered in answers] == [200, 200, 200]
    assert len(live.sandbox.entra.journal.of("keys")) == 1


NO_TIMES = {
    "exp": ["Infinity", "1e999", "NaN", "null", "[1]", "{}", "true", "1" + "0" * 50, "-1", '"4102444800"',
            '"\uff14\uff11\uff10\uff12444800"', "253402300800", "[[]]", '""'],
    "nbf": ["-Infinity", "[]", "null", "true", '"0"', "1e400"],
    "iat": ["NaN", "Infinity", "{}", "1" + "0" * 5000],
}  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "value"), [(claim, value) for claim, values in NO_TIMES.items() for value in values], ids=lambda v: v[:20]
)
async def test_a_time_that_is_no_time_makes_a_token_invalid(live: LiveFunction, claim: str, value: str) -> None:
    """The signature is valid, but nothing is exchanged, and the next good token passes."""
    claims = {**peek(live.sandbox.entra.sign_in("alice")), claim: "<time>"}
    token = live.sandbox.entra.mint_raw(json.dumps(claims).replace('"<time>"', value).encode())
    assert (await live.call(token=token)).code == "invalid_token"
    assert not live.exchanges
    assert (await live.call()).status == 200


async def test_exp_given_twice_makes_a_token_invalid(live: LiveFunction) -> None:
    claims = json.dumps(peek(live.sandbox.entra.sign_in("alice")))
    token = live.sandbox.entra.mint_raw(f'{{"exp": 1, {claims[1:]}'.encode())
    assert (await live.call(token=token)).code == "invalid_token"


async def test_a_fraction_of_a_second_is_a_time(live: LiveFunction) -> None:
    """RFC 7519, section 2, allows a NumericDate that is not an integer."""
    assert (await live.call(token=live.sandbox.entra.sign_in("alice", lifetime_seconds=3600.5))).status == 200


BIG: dict[str, dict[str, Any]] = {
    "groups": {"groups": [str(uuid.UUID(int=number)) for number in range(200)]},
    "an overage": {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://g.example"}}},
    "hasgroups": {"hasgroups": True},
    "roles": {"roles": ["Task.Write"], "wids": [SOMEONE]},
}


@pytest.mark.parametrize("claims", [*BIG.values(), {k: v for more in BIG.values() for k, v in more.items()}])
async def test_a_big_role_laden_token_of_a_user_passes(live: LiveFunction, claims: dict[str, Any]) -> None:
    """Twenty calls share one exchange, which sends the token unchanged."""
    token = live.sandbox.entra.sign_in("alice", **claims)
    answers = await asyncio.gather(*(live.call(token=token) for _ in range(20)))
    assert {answered.status for answered in answers} == {200}
    (exchange,) = live.exchanges
    assert exchange.form["assertion"] == token


async def test_a_token_of_16_kb_passes_and_a_larger_one_does_not(live: LiveFunction) -> None:
    """The limit is 16,384 bytes."""
    small = len(live.sandbox.entra.sign_in("alice", pad=""))
    fits = live.sandbox.entra.sign_in("alice", pad="x" * int((16_300 - small) * 3 / 4))
    assert 16_200 < len(fits) <= 16_384
    assert (await live.call(token=fits)).status == 200
    large = live.sandbox.entra.sign_in("alice", pad="x" * int((16_500 - small) * 3 / 4))
    assert 16_384 < len(large) < 16_700
    assert (await live.call(token=large)).code == "invalid_token"


@pytest.mark.parametrize(
    "claims", [{"scp": None}, {"scp": None, "roles": ["x"]}, {"idtyp": "app"}, {"idtyp": "device"}]
)
async def test_a_token_without_a_user_is_an_applications(live: LiveFunction, claims: dict[str, Any]) -> None:
    answered = await live.call(token=live.sandbox.entra.sign_in("alice", **claims))
    assert (answered.status, answered.code) == (403, "app_only_token")


async def test_a_token_never_stands_in_a_url(live: LiveFunction) -> None:
    """Only the header counts; the query parameter that RFC 6750 allows would end up in logs."""
    target = f"/api/update_profile?access_token={live.sandbox.entra.sign_in('alice')[:60]}"
    assert (await live.call(EXAMPLE, user=None, target=target)).code == "invalid_parameter"


async def test_a_huge_token_is_refused_unread(live: LiveFunction) -> None:
    answered = await live.call(token="A" * 20_000)
    assert (answered.status, answered.code) == (401, "invalid_token")
    assert not live.sandbox.entra.journal


async def test_a_key_of_another_issuer_signs_nothing_for_us(live: LiveFunction) -> None:
    """A published key may name the issuer whose tokens it signs, as the keys of /common do."""
    key = live.sandbox.entra.keys.current
    for issuer in (f"{live.sandbox.entra.base_url}/{SOMEONE}/v2.0", "https://sts.windows.net/{tenantid}/"):
        live.allow(20)
        live.sandbox.entra.script(Answer.json({"keys": [key.jwk(issuer)]}), path="keys")
        assert (await live.call()).code == "invalid_token"
    live.allow(20)
    own = f"{live.sandbox.entra.base_url}/{{tenantid}}/v2.0"
    live.sandbox.entra.script(Answer.json({"keys": [key.jwk(own)]}), path="keys")
    assert (await live.call()).status == 200
    assert len(live.exchanges) == 1


async def test_a_token_is_refused_the_second_it_expires_though_its_exchange_is_held(live: LiveFunction) -> None:
    """There is no leeway: cached results do not help an expired token, and no upstream is asked."""
    token = live.sandbox.entra.sign_in("alice", exp=time.time() + 1.5)
    assert (await live.call(token=token)).status == 200
    assert (await live.call(token=token)).status == 200
    await asyncio.sleep(max(0.0, peek(token)["exp"] - time.time()))
    asked = len(live.sandbox.entra.journal), len(live.sandbox.partner_center.journal)
    assert (await live.call(token=token)).code == "invalid_token"
    assert (len(live.sandbox.entra.journal), len(live.sandbox.partner_center.journal)) == asked
    assert len(live.exchanges) == 1


APP_SERVICES = (
    "X-MS-TOKEN-AAD-ACCESS-TOKEN",
    "X-MS-TOKEN-AAD-ID-TOKEN",
    "X-MS-CLIENT-PRINCIPAL",
    "X-Forwarded-Access-Token",
)


@pytest.mark.parametrize("header", APP_SERVICES)
async def test_what_app_service_says_of_the_user_is_never_looked_at(live: LiveFunction, header: str) -> None:
    """With App Service authentication off anybody can send this header, so only the bearer token counts."""
    good = [(header, live.sandbox.entra.sign_in("alice"))]
    assert (await live.call(user=None, headers=good)).code == "missing_token"
    assert not live.sandbox.entra.journal
    assert (await live.call(user="bob", headers=good)).status == 200
    assert [exchange.user for exchange in live.exchanges] == ["bob"]


@pytest.mark.parametrize("calls", [30, pytest.param(200, marks=pytest.mark.soak)])
async def test_calls_at_once_with_one_new_token_make_one_exchange(live: LiveFunction, calls: int) -> None:
    """Discovery and keys are fetched only once as well."""
    token = live.sandbox.entra.sign_in("alice")
    answers = await asyncio.gather(*(live.call(token=token) for _ in range(calls)))
    assert {answered.status for answered in answers} == {200}
    assert [entry.endpoint for entry in live.sandbox.entra.journal] == ["discovery", "keys", "token"]


async def test_users_of_several_tenants_at_once_are_each_exchanged_in_their_own(live: LiveFunction) -> None:
    """One deployment serves several tenants, and each user's exchange goes to the user's own tenant."""
    answers = await asyncio.gather(*(live.call(user=user) for user in ("alice", "carol", "bob") * 5))
    assert {answered.status for answered in answers} == {200}
    homes = {name: user.tenant_id for name, user in live.sandbox.entra.users.items()}
    assert {(exchange.user, exchange.tenant) for exchange in live.exchanges} == set(homes.items())
