"""Claims challenges of Entra ID and of Partner Center, through the real runtime."""

import base64
import json

import pytest
from builders import EXAMPLE
from live_function import ROUTE, EveryLog, LiveFunction

from sandbox import Answer
from sandbox.entra import errors as entra
from sandbox.partner_center import answers

CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c7"}}}'
CHALLENGE = answers.claims_challenge(base64.b64encode(CLAIMS.encode()).decode())
CALLS = [("POST", ROUTE), ("PATCH", ROUTE), ("GET", ROUTE), ("POST", f"{ROUTE}?validate_only=true")]


def asked_claims(live: LiveFunction) -> list[str | None]:
    """Return the claims parameter of each exchange."""
    return [exchange.form.get("claims") for exchange in live.exchanges]


@pytest.mark.parametrize(("method", "target"), CALLS)
async def test_a_challenge_of_partner_centers_is_met_once(live: LiveFunction, method: str, target: str) -> None:
    """The call exchanges once more with the claims and retries; the new token replaces the refused one."""
    live.sandbox.partner_center.script(CHALLENGE)
    token = live.sandbox.entra.sign_in("alice")
    assert (await live.call(method=method, target=target, token=token)).status == 200
    first, second = asked_claims(live)
    assert first is None
    assert second is not None
    assert json.loads(second)["access_token"]["acrs"] == {"essential": True, "value": "c7"}
    assert (await live.call(token=token)).status == 200
    assert len(live.exchanges) == 2
    tokens = [entry.header("Authorization") for entry in live.sandbox.partner_center.journal]
    assert tokens[0] not in tokens[1:]
    assert len(set(tokens[1:])) == 1


@pytest.mark.parametrize(("method", "target"), CALLS)
async def test_a_second_challenge_goes_to_the_caller(
    live: LiveFunction, every_log: EveryLog, method: str, target: str
) -> None:
    """The 401 carries the sign-in address and the claims, as Microsoft documents it; nothing was written."""
    live.sandbox.partner_center.script(CHALLENGE, times=None)
    answered = await live.call(method=method, target=target)
    assert (answered.status, answered.code, answered.json["actor"]) == (401, "interaction_required", "user")
    assert answered.json["upstream"]["status"] == 401
    assert "outcome" not in answered.json
    tenant = live.sandbox.entra.tenants[0]
    address = f"{live.sandbox.entra.base_url}/{tenant}/oauth2/v2.0/authorize"
    start = f'Bearer realm="{tenant}", authorization_uri="{address}", error="insufficient_claims", claims="'
    challenge = answered.headers["www-authenticate"]
    assert challenge.startswith(start)
    assert base64.b64decode(challenge.removeprefix(start).removesuffix('"')).decode() == CLAIMS
    assert (len(live.exchanges), len(live.sandbox.partner_center.journal)) == (2, 2)
    (audit,) = every_log.audits
    assert (vars(audit)["attempts"], vars(audit)["upstream_status"]) == (2, 401)


async def test_where_entra_wants_more_for_the_claims_it_says_with_what(live: LiveFunction) -> None:
    """Entra ID's own challenge is then passed on to the caller."""
    live.sandbox.partner_center.script(CHALLENGE)
    live.sandbox.entra.script(Answer.true(), entra.interaction_required())
    answered = await live.call()
    assert (answered.status, answered.code) == (401, "interaction_required")
    claims = answered.headers["www-authenticate"].rsplit('claims="', 1)[1].removesuffix('"')
    assert json.loads(base64.b64decode(claims)) == json.loads(entra.MFA_CLAIMS)
    assert "upstream" not in answered.json


@pytest.mark.parametrize(
    "header",
    ['Bearer error="insufficient_claims", claims="!"', 'Bearer error="invalid_token"', "Bearer", ""],
)
async def test_a_401_without_claims_is_no_challenge_and_not_tried_again(live: LiveFunction, header: str) -> None:
    """The refused token is removed from the cache, so the next call exchanges again."""
    headers = (("WWW-Authenticate", header),) if header else ()
    live.sandbox.partner_center.script(answers.fault(401, 2001, headers=headers))
    token = live.sandbox.entra.sign_in("alice")
    refused = await live.call(token=token)
    assert (refused.status, refused.code) == (401, "partner_center_rejected")
    assert refused.headers["www-authenticate"] == 'Bearer realm="update_profile"'
    assert (len(live.exchanges), len(live.puts)) == (1, 1)
    assert (await live.call(token=token)).status == 200
    assert len(live.exchanges) == 2


async def test_a_token_that_partner_center_takes_stays_in_the_cache(live: LiveFunction) -> None:
    """The 403 refuses the user and not the token, so the next call uses the cached token."""
    live.sandbox.partner_center.script(answers.missing_role())
    token = live.sandbox.entra.sign_in("alice")
    assert (await live.call(token=token)).status == 403
    assert (await live.call(EXAMPLE, token=token)).status == 200
    assert len(live.exchanges) == 1


@pytest.mark.parametrize("answer", [answers.mfa_required(), answers.mfa_required("900421")], ids=["number", "text"])
async def test_a_sign_in_with_mfa_heals_the_refusal_for_want_of_it(live: LiveFunction, answer: Answer) -> None:
    """The detail asks for multi-factor authentication, and a new sign-in leads to a new access token."""
    live.sandbox.partner_center.script(answer)
    refused = await live.call(token=live.sandbox.entra.sign_in("alice", amr=("pwd",)))
    assert (refused.status, refused.code, refused.json["actor"]) == (401, "partner_center_mfa_required", "user")
    assert "multi-factor" in refused.json["detail"]
    assert (await live.call(token=live.sandbox.entra.sign_in("alice"))).status == 200


async def test_without_a_script_a_sign_in_without_mfa_is_refused_by_the_stand_in_itself(live: LiveFunction) -> None:
    """The stand-in requires MFA in the token's amr claim, as Partner Center has done since 2026."""
    refused = await live.call(token=live.sandbox.entra.sign_in("alice", amr=("pwd",)))
    assert refused.code == "partner_center_mfa_required"
