"""The Entra ID stand-in exchanges tokens, publishes its keys, and follows scripts."""

from collections.abc import Iterator

import httpx
import pytest
from sandbox_clients import client, exchange_form, on_behalf_of

from sandbox import Answer, Sandbox
from sandbox.entra import errors
from sandbox.tokens import peek


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


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_real_msal_exchanges_a_sign_in_of_either_version_for_a_v1_partner_center_token(
    sandbox: Sandbox, version: str
) -> None:
    assertion = sandbox.entra.sign_in("alice", version="1.0" if version == "1.0" else "2.0", amr=("pwd", "mfa"))
    result = on_behalf_of(sandbox, assertion)
    claims = peek(result["access_token"])
    tenant, alice = sandbox.entra.tenants[0], sandbox.entra.users["alice"]
    assert claims["iss"] == f"https://sts.windows.net/{tenant}/"
    assert claims["aud"] == "https://api.partnercenter.microsoft.com"
    assert (claims["ver"], claims["scp"], claims["amr"]) == ("1.0", "user_impersonation", ["pwd", "mfa"])
    assert (claims["oid"], claims["tid"], claims["appid"]) == (alice.object_id, tenant, sandbox.entra.client_id)
    assert len(result["access_token"]) == pytest.approx(2163, abs=100)


def test_the_second_factor_is_carried_over_only_where_there_was_one(sandbox: Sandbox) -> None:
    result = on_behalf_of(sandbox, sandbox.entra.sign_in("bob", amr=("pwd",)))
    assert peek(result["access_token"])["amr"] == ["pwd"]


def test_refresh_and_id_tokens_come_only_when_the_scope_asks(sandbox: Sandbox) -> None:
    plain = on_behalf_of(sandbox, sandbox.entra.sign_in("alice"), exclude_scopes=["offline_access"])
    assert "refresh_token" not in plain
    assert {"refresh_token", "id_token"} <= on_behalf_of(sandbox, sandbox.entra.sign_in("alice")).keys()
    bare = post(sandbox, exchange_form(sandbox)).json()
    assert bare.keys() == {"token_type", "scope", "expires_in", "ext_expires_in", "access_token"}


def test_a_new_key_signs_at_once_and_the_old_one_is_kept_or_dropped(sandbox: Sandbox) -> None:
    old = sandbox.entra.sign_in("alice")
    sandbox.entra.rotate_keys(keep=True)
    assert post(sandbox, exchange_form(sandbox, assertion=old)).status_code == 200
    new = sandbox.entra.rotate_keys()
    assert post(sandbox, exchange_form(sandbox, assertion=old)).json()["error_codes"] == [50013]
    with client(sandbox, None, sandbox.entra.base_url) as entra:
        document = entra.get(f"/{sandbox.entra.tenants[0]}/discovery/v2.0/keys").json()
    assert [key["kid"] for key in document["keys"]] == [new.kid]
    assert document["keys"][0]["issuer"] == f"{sandbox.entra.base_url}/{sandbox.entra.tenants[0]}/v2.0"


def test_msal_looks_an_unknown_host_up_at_the_stand_in_when_it_is_told_to(sandbox: Sandbox) -> None:
    with client(sandbox, None, sandbox.entra.base_url) as entra:
        document = entra.get("/common/discovery/instance").json()
    assert document["metadata"][0]["aliases"] == [sandbox.entra.base_url.removeprefix("https://")]


def test_scripted_refusals_reach_msal_for_the_users_they_are_bound_to(sandbox: Sandbox) -> None:
    challenge = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
    sandbox.entra.script(errors.interaction_required(challenge), errors.consent_required(), user="alice")
    alice, bob = sandbox.entra.sign_in("alice"), sandbox.entra.sign_in("bob")
    assert "access_token" in on_behalf_of(sandbox, bob)
    first, second, third = (on_behalf_of(sandbox, alice) for _ in range(3))
    assert (first["error"], first["claims"], first["suberror"]) == ("interaction_required", challenge, "basic_action")
    assert (second["error"], second["suberror"]) == ("invalid_grant", "consent_required")
    assert "access_token" in third


def test_a_good_token_can_come_with_a_retry_after(sandbox: Sandbox) -> None:
    sandbox.entra.script(Answer.true(headers=(("Retry-After", "60"),)))
    answer = post(sandbox, exchange_form(sandbox))
    assert (answer.status_code, answer.headers["Retry-After"]) == (200, "60")
    assert peek(answer.json()["access_token"])["oid"] == sandbox.entra.users["alice"].object_id


def test_one_tenant_can_be_throttled_at_every_call_until_the_script_is_cleared(sandbox: Sandbox) -> None:
    first, second = sandbox.entra.tenants
    sandbox.entra.script(errors.throttled(7), times=None, tenant=second)
    carol = exchange_form(sandbox, assertion=sandbox.entra.sign_in("carol"))
    answers = [post(sandbox, carol, second) for _ in range(2)]
    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in answers] == [(429, "7")] * 2
    assert post(sandbox, exchange_form(sandbox), first).status_code == 200
    sandbox.entra.clear_script()
    assert post(sandbox, carol, second).status_code == 200


def test_keys_and_discovery_can_be_scripted_too(sandbox: Sandbox) -> None:
    sandbox.entra.script(errors.unavailable(), path="keys")
    sandbox.entra.script(Answer.json({}), path="discovery")
    tenant = sandbox.entra.tenants[0]
    with client(sandbox, None, sandbox.entra.base_url) as entra:
        assert entra.get(f"/{tenant}/discovery/v2.0/keys").status_code == 503
        assert entra.get(f"/{tenant}/v2.0/.well-known/openid-configuration").json() == {}


def test_the_journal_tells_who_asked_for_what(sandbox: Sandbox) -> None:
    on_behalf_of(sandbox, sandbox.entra.sign_in("alice"))
    assert [entry.endpoint for entry in sandbox.entra.journal] == ["discovery", "token"]
    entry = sandbox.entra.journal.of("token", user="alice")[0]
    assert (entry.method, entry.tenant, entry.status) == ("POST", sandbox.entra.tenants[0], 200)
    assert entry.form["requested_token_use"] == "on_behalf_of"
    assert entry.header("content-type") == "application/x-www-form-urlencoded"


def test_it_goes_by_a_real_host_s_name_when_it_is_told_to(sandbox: Sandbox) -> None:
    real, tenant = "https://login.microsoftonline.com", sandbox.entra.tenants[0]
    with client(sandbox, None, sandbox.entra.base_url) as entra:
        sandbox.entra.known_as = real
        document = entra.get(f"/{tenant}/v2.0/.well-known/openid-configuration").json()
    assert document["token_endpoint"] == f"{real}/{tenant}/oauth2/v2.0/token"
    assert peek(sandbox.entra.sign_in("alice"))["iss"] == document["issuer"] == f"{real}/{tenant}/v2.0"
    assert peek(sandbox.entra.sign_in("alice", version="1.0"))["iss"] == f"https://sts.windows.net/{tenant}/"


def test_the_next_request_of_any_kind_can_be_reset_unread(sandbox: Sandbox) -> None:
    sandbox.entra.script(Answer.trouble("reset_before_reading"), path=None)
    with pytest.raises(httpx.TransportError):
        post(sandbox, exchange_form(sandbox))
    assert sandbox.entra.journal == []
    assert post(sandbox, exchange_form(sandbox)).status_code == 200
