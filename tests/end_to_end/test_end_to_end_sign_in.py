"""Users sign in with the real MSAL, and the function takes what they get; bad tokens are refused by name."""

import asyncio
import base64
import re

import pytest
from live_function import ROUTE, LiveFunction
from sandbox_sign_in import person, public_client, sign_in

from sandbox.entra.bad_tokens import KINDS
from sandbox.tokens import peek

REFUSED = {
    "expired": (401, "invalid_token", "expired"),
    "without-mfa": (401, "partner_center_mfa_required", None),
    "app-only": (403, "app_only_token", None),
    "wrong-scope": (403, "insufficient_scope", None),
    "foreign-tenant": (403, "tenant_not_allowed", None),
    "other-client": (403, "client_not_allowed", None),
    "graph": (401, "invalid_token", "audience"),
    "forged": (401, "invalid_token", "signature"),
}


async def test_a_user_who_signs_in_with_msal_updates_the_profile(live: LiveFunction) -> None:
    """Partner Center sees the same user, from the function."""

    def signed_in() -> str:
        with public_client(live.sandbox) as client, person(live.sandbox) as alice:
            return str(sign_in(live.sandbox, client, alice)["access_token"])

    answered = await live.call(token=await asyncio.to_thread(signed_in))
    assert answered.status == 200
    (put,) = live.sandbox.partner_center.journal.of(method="PUT")
    sent = peek((put.header("Authorization") or "").removeprefix("Bearer "))
    assert sent["oid"] == live.sandbox.entra.users["alice"].object_id
    assert sent["aud"] == "https://api.partnercenter.microsoft.com"


async def test_a_claims_challenge_is_met_by_one_more_sign_in(live: LiveFunction) -> None:
    """A policy asks for an authentication context: the 401 says which, MSAL asks the user, the next call succeeds."""
    entra = live.sandbox.entra
    entra.second_factor_at_sign_in, entra.required_context = False, "c1"

    def signed_in(claims: str | None) -> str:
        with public_client(live.sandbox) as client, person(live.sandbox) as alice:
            return str(sign_in(live.sandbox, client, alice, claims_challenge=claims)["access_token"])

    refused = await live.call(token=await asyncio.to_thread(signed_in, None))
    assert (refused.status, refused.code) == (401, "interaction_required")
    challenge = re.search(r'claims="([^"]+)"', refused.headers["www-authenticate"])
    assert challenge
    claims = base64.b64decode(challenge[1]).decode()
    answered = await live.call(token=await asyncio.to_thread(signed_in, claims))
    assert answered.status == 200


@pytest.mark.parametrize("kind", KINDS)
async def test_a_bad_token_is_refused_for_its_fault(live: LiveFunction, kind: str) -> None:
    live.set(ENTRA_ALLOWED_CLIENTS=",".join(one.client_id for one in live.sandbox.entra.applications))
    answered = await live.call(token=live.sandbox.entra.bad_token(kind), target=ROUTE)
    assert (answered.status, answered.code, answered.json.get("reason")) == REFUSED[kind]
    assert live.sandbox.partner_center.profiles.read(live.sandbox.entra.tenants[0]).get("email") != "email@sample.com"
