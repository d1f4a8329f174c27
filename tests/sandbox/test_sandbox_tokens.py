"""The sandbox can mint valid, invalid and malformed tokens."""

import jwt
import pytest

from sandbox import Sandbox
from sandbox.tokens import SigningKey, peek


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox()


def test_a_v2_sign_in_has_the_claims_of_a_v2_token(sandbox: Sandbox) -> None:
    alice = sandbox.entra.users["alice"]
    claims = peek(sandbox.entra.sign_in("alice"))
    assert claims["aud"] == sandbox.entra.client_id
    assert claims["iss"] == f"{sandbox.entra.base_url}/{alice.tenant_id}/v2.0"
    assert (claims["ver"], claims["oid"], claims["tid"]) == ("2.0", alice.object_id, alice.tenant_id)
    assert claims["exp"] - claims["iat"] == 3600
    assert "azp" in claims
    assert "appid" not in claims


def test_a_v1_sign_in_has_the_claims_of_a_v1_token(sandbox: Sandbox) -> None:
    claims = peek(sandbox.entra.sign_in("carol", version="1.0"))
    assert claims["aud"] == f"api://{sandbox.entra.client_id}"
    assert claims["iss"] == f"{sandbox.entra.base_url}/{sandbox.entra.tenants[1]}/"
    assert claims["ver"] == "1.0"
    assert "appid" in claims
    assert "azp" not in claims


def test_claims_are_replaced_and_left_out_at_will(sandbox: Sandbox) -> None:
    claims = peek(sandbox.entra.sign_in("alice", scp="Other", oid=None, groups=["a", "b"]))
    assert (claims["scp"], claims["groups"]) == ("Other", ["a", "b"])
    assert "oid" not in claims


def test_two_sign_ins_of_one_second_differ(sandbox: Sandbox) -> None:
    assert sandbox.entra.sign_in("alice") != sandbox.entra.sign_in("alice")


def test_a_payload_can_be_any_bytes(sandbox: Sandbox) -> None:
    token = sandbox.entra.mint_raw(b'{"exp": NaN, "exp": 1}')
    signed, _, signature = token.rpartition(".")
    assert peek(token) == {"exp": 1}
    algorithm = jwt.get_algorithm_by_name("RS256")
    public_key = sandbox.entra.keys.current.private_key.public_key()
    padded = signature + "=" * (-len(signature) % 4)
    assert algorithm.verify(signed.encode(), public_key, jwt.utils.base64url_decode(padded))


def test_headers_and_algorithms_can_be_a_forger_s(sandbox: Sandbox) -> None:
    assert sandbox.entra.mint({}, algorithm="none").endswith(".")
    assert peek(sandbox.entra.mint({}, algorithm="HS256"), 0)["alg"] == "HS256"
    assert "kid" not in peek(sandbox.entra.mint({}, headers={"kid": None}), 0)
    other = SigningKey()
    assert peek(sandbox.entra.mint({}, key=other), 0)["kid"] == other.kid
