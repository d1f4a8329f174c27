"""Good and bad bearer tokens, as they come over HTTP. Names such as B3 are those of the field reports."""

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from builders import EXAMPLE
from live_function import LiveFunction

from sandbox import Sandbox
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
    """It is refused before anything is exchanged, and what it names is not fetched."""
    token = forge(live.sandbox, peek(live.sandbox.entra.sign_in("alice")))
    answered = await live.call(token=token)
    assert (answered.status, answered.code) == (401, "invalid_token")
    assert 'error="invalid_token"' in answered.headers["www-authenticate"]
    assert not live.exchanges


@pytest.mark.parametrize("claim", ["nbf", "iat"])
async def test_clocks_may_differ_by_a_minute_and_no_more(live: LiveFunction, claim: str) -> None:
    """The token goes on to the exchange, and Entra decides by its own clock."""
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
    """By azp in v2 tokens, by appid in v1 tokens, in any case."""
    client_id = live.sandbox.entra.registration.caller_client_id
    live.set(ENTRA_ALLOWED_CLIENTS=f" {SOMEONE} , {client_id.upper()} ")
    for token in (live.sandbox.entra.sign_in("alice"), live.sandbox.entra.sign_in("alice", version="1.0")):
        assert (await live.call(token=token)).status == 200


async def test_after_a_rotation_the_new_key_is_asked_for_once(live: LiveFunction) -> None:
    """A key that nobody has asked for yet is learnt by the first token that names it."""
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
async def test_b3_a_time_that_is_no_time_makes_a_token_invalid(live: LiveFunction, claim: str, value: str) -> None:
    """Rightly signed as it is; nothing is exchanged or cached, and a good token passes next."""
    claims = {**peek(live.sandbox.entra.sign_in("alice")), claim: "<time>"}
    token = live.sandbox.entra.mint_raw(json.dumps(claims).replace('"<time>"', value).encode())
    assert (await live.call(token=token)).code == "invalid_token"
    assert not live.exchanges
    assert (await live.call()).status == 200


async def test_b3_exp_given_twice_makes_a_token_invalid(live: LiveFunction) -> None:
    claims = json.dumps(peek(live.sandbox.entra.sign_in("alice")))
    token = live.sandbox.entra.mint_raw(f'{{"exp": 1, {claims[1:]}'.encode())
    assert (await live.call(token=token)).code == "invalid_token"


async def test_b3_a_fraction_of_a_second_is_a_time(live: LiveFunction) -> None:
    """RFC 7519, section 2."""
    assert (await live.call(token=live.sandbox.entra.sign_in("alice", lifetime_seconds=3600.5))).status == 200


BIG: dict[str, dict[str, Any]] = {
    "groups": {"groups": [str(uuid.UUID(int=number)) for number in range(200)]},
    "an overage": {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://g.example"}}},
    "hasgroups": {"hasgroups": True},
    "roles": {"roles": ["Task.Write"], "wids": [SOMEONE]},
}


@pytest.mark.parametrize("claims", [*BIG.values(), {k: v for more in BIG.values() for k, v in more.items()}])
async def test_b4_a_big_role_laden_token_of_a_user_passes(live: LiveFunction, claims: dict[str, Any]) -> None:
    """One exchange for many calls, with the assertion byte for byte."""
    token = live.sandbox.entra.sign_in("alice", **claims)
    answers = await asyncio.gather(*(live.call(token=token) for _ in range(20)))
    assert {answered.status for answered in answers} == {200}
    (exchange,) = live.exchanges
    assert exchange.form["assertion"] == token


async def test_b4_a_token_of_16_kb_passes_and_a_larger_one_does_not(live: LiveFunction) -> None:
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
    """Only the header counts (RFC 6750 allows a query, which ends in logs)."""
    target = f"/api/update_profile?access_token={live.sandbox.entra.sign_in('alice')[:60]}"
    assert (await live.call(EXAMPLE, user=None, target=target)).code == "invalid_parameter"
