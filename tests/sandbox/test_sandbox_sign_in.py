"""People sign in to the Entra ID stand-in with the real MSAL, in every way that a caller can."""

from collections.abc import Iterator

import pytest
from sandbox_clients import on_behalf_of
from sandbox_sign_in import (
    REDIRECT_URI,
    STEP_UP,
    arrive,
    authority,
    authorize_url,
    person,
    public_client,
    scope,
    sign_in,
    web_client,
)

from sandbox import Sandbox
from sandbox.person import read_page
from sandbox.tokens import peek


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started: Sandbox) -> Sandbox:
    started.reset()
    return started


def test_a_program_signs_somebody_in_with_a_code_and_pkce(sandbox: Sandbox) -> None:
    """MSAL checks the id token's nonce and its own state itself."""
    with public_client(sandbox) as client, person(sandbox) as alice:
        result = sign_in(sandbox, client, alice)
    assert alice.pages == ["Pick an account", "Approve sign in request"]
    claims, known = peek(result["access_token"]), sandbox.entra.users["alice"]
    assert (claims["aud"], claims["scp"], claims["ver"]) == (sandbox.entra.client_id, "user_impersonation", "2.0")
    assert (claims["oid"], claims["tid"], claims["upn"]) == (known.object_id, known.tenant_id, "alice@partner.example")
    assert (claims["azp"], claims["azpacr"]) == (sandbox.entra.applications.public.client_id, "0")
    assert claims["amr"] == ["pwd", "mfa"]
    assert result["id_token_claims"]["preferred_username"] == "alice@partner.example"
    (redeemed,) = sandbox.entra.journal.of("code", user="alice")
    assert redeemed.form["code_verifier"]


def test_a_web_application_signs_somebody_in_with_its_secret(sandbox: Sandbox) -> None:
    uri = sandbox.entra.applications.web.redirect_uris[0]
    with web_client(sandbox) as client, person(sandbox, "bob") as bob:
        result = sign_in(sandbox, client, bob, redirect_uri=uri)
    claims = peek(result["access_token"])
    assert (claims["oid"], claims["azpacr"]) == (sandbox.entra.users["bob"].object_id, "1")


def test_msal_renews_the_token_without_the_person(sandbox: Sandbox) -> None:
    with public_client(sandbox) as client, person(sandbox) as alice:
        first = sign_in(sandbox, client, alice)
        (account,) = client.get_accounts()
        kept = client.acquire_token_silent([scope(sandbox)], account=account)
        renewed = client.acquire_token_silent([scope(sandbox)], account=account, force_refresh=True)
    assert kept["access_token"] == first["access_token"]
    assert renewed["access_token"] != first["access_token"]
    assert peek(renewed["access_token"])["oid"] == peek(first["access_token"])["oid"]
    assert len(sandbox.entra.journal.of("refresh", user="alice")) == 1


def test_a_claims_challenge_sends_the_person_back_for_the_second_factor(sandbox: Sandbox) -> None:
    sandbox.entra.second_factor_at_sign_in = False
    with public_client(sandbox) as client, person(sandbox) as alice:
        weak = sign_in(sandbox, client, alice)
        (account,) = client.get_accounts()
        refused = client.acquire_token_silent_with_error([scope(sandbox)], account=account, claims_challenge=STEP_UP)
        strong = sign_in(sandbox, client, alice, claims_challenge=STEP_UP, login_hint="alice@partner.example")
    assert peek(weak["access_token"])["amr"] == ["pwd"]
    assert "acrs" not in peek(weak["access_token"])
    assert (refused["error"], refused["error_codes"], refused["suberror"]) == (
        "interaction_required",
        [50076],
        "basic_action",
    )
    assert refused["claims"] == STEP_UP
    claims = peek(strong["access_token"])
    assert (claims["amr"], claims["acrs"]) == (["pwd", "mfa"], ["c1"])
    assert alice.pages == ["Pick an account", "Approve sign in request"]


def test_a_claims_challenge_is_met_silently_where_the_second_factor_was_given(sandbox: Sandbox) -> None:
    with public_client(sandbox) as client, person(sandbox) as alice:
        first = sign_in(sandbox, client, alice)
        (account,) = client.get_accounts()
        result = client.acquire_token_silent([scope(sandbox)], account=account, claims_challenge=STEP_UP)
    assert "acrs" not in peek(first["access_token"])
    assert peek(result["access_token"])["acrs"] == ["c1"]


def test_a_policy_refuses_the_exchange_until_the_context_is_in_the_token(sandbox: Sandbox) -> None:
    sandbox.entra.required_context = "c1"
    with public_client(sandbox) as client, person(sandbox) as alice:
        weak = on_behalf_of(sandbox, sign_in(sandbox, client, alice)["access_token"])
        challenged = sign_in(sandbox, client, alice, claims_challenge=weak["claims"])
    assert (weak["error"], weak["claims"]) == ("interaction_required", STEP_UP)
    assert "access_token" in on_behalf_of(sandbox, challenged["access_token"])


def test_a_device_waits_until_the_person_has_entered_its_code(sandbox: Sandbox) -> None:
    assert sandbox.entra.remembered.device_interval_seconds == 5  # as Entra ID asks for
    sandbox.entra.remembered.device_interval_seconds = 1
    with public_client(sandbox) as client, person(sandbox) as alice:
        flow = client.initiate_device_flow([scope(sandbox)])
        waiting = client.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
        arrival = alice.visit(flow["verification_uri"], user_code=flow["user_code"].lower())
        result = client.acquire_token_by_device_flow(flow)
    assert flow["user_code"] in flow["message"]
    assert waiting["error"] == "authorization_pending"
    assert read_page(arrival.text)[0] == "You have signed in to Support profile example"
    assert peek(result["access_token"])["oid"] == sandbox.entra.users["alice"].object_id


def test_a_device_can_ask_for_the_second_factor(sandbox: Sandbox) -> None:
    sandbox.entra.second_factor_at_sign_in = False
    with public_client(sandbox) as client, person(sandbox) as alice:
        flow = client.initiate_device_flow([scope(sandbox)], claims_challenge=STEP_UP)
        alice.visit(flow["verification_uri"], user_code=flow["user_code"])
        result = client.acquire_token_by_device_flow(flow, claims_challenge=STEP_UP)
    assert alice.pages[:3] == ["Enter code to allow access", "Pick an account", "Approve sign in request"]
    claims = peek(result["access_token"])
    assert (claims["amr"], claims["acrs"]) == (["pwd", "mfa"], ["c1"])


def test_a_device_learns_that_the_person_declined(sandbox: Sandbox) -> None:
    with public_client(sandbox) as client, person(sandbox, "") as nobody:
        flow = client.initiate_device_flow([scope(sandbox)])
        nobody.visit(flow["verification_uri"], user_code=flow["user_code"])
        assert client.acquire_token_by_device_flow(flow)["error"] == "authorization_declined"


def test_a_device_code_expires(sandbox: Sandbox) -> None:
    with public_client(sandbox) as client, person(sandbox) as alice:
        flow = client.initiate_device_flow([scope(sandbox)])
        sandbox.entra.remembered.skipped_seconds += 901
        assert client.acquire_token_by_device_flow(flow)["error"] == "expired_token"
        page = alice.visit(flow["verification_uri"], user_code=flow["user_code"])
    assert "AADSTS70018" in page.text


def test_an_application_can_ask_for_a_token_of_its_own(sandbox: Sandbox) -> None:
    with web_client(sandbox) as client:
        result = client.acquire_token_for_client([f"api://{sandbox.entra.client_id}/.default"])
    claims = peek(result["access_token"])
    assert (claims["idtyp"], claims["azp"]) == ("app", sandbox.entra.applications.web.client_id)
    assert "scp" not in claims


def test_any_tenant_can_sign_in_at_organizations_and_gets_its_own_token(sandbox: Sandbox) -> None:
    anywhere = authority(sandbox, "organizations")
    with public_client(sandbox, authority=anywhere) as client, person(sandbox, "carol") as carol:
        claims = peek(sign_in(sandbox, client, carol)["access_token"])
    assert claims["tid"] == sandbox.entra.tenants[1]
    assert claims["iss"] == f"{sandbox.entra.base_url}/{sandbox.entra.tenants[1]}/v2.0"


def test_somebody_of_another_tenant_is_told_on_the_page(sandbox: Sandbox) -> None:
    arrival = arrive(sandbox, "carol")
    assert arrival.members == {}
    assert "AADSTS50020: User account &#x27;carol@other.example&#x27;" in arrival.text


def test_a_person_can_cancel(sandbox: Sandbox) -> None:
    members = arrive(sandbox, "").members
    assert (members["error"], members["state"]) == ("access_denied", "a state")
    assert members["error_description"].startswith("AADSTS65004:")


def test_a_person_can_deny_the_second_factor(sandbox: Sandbox) -> None:
    with person(sandbox, approves=False) as alice:
        members = alice.visit(authorize_url(sandbox)).members
    assert alice.pages == ["Pick an account", "Approve sign in request", "Approve sign in request"]
    assert members["error"] == "access_denied"


def test_a_session_spares_the_second_sign_in_and_ends_with_the_sign_out(sandbox: Sandbox) -> None:
    with person(sandbox) as alice:
        alice.visit(authorize_url(sandbox))
        shown = len(alice.pages)
        assert "code" in alice.visit(authorize_url(sandbox, prompt="none")).members
        assert len(alice.pages) == shown
        alice.visit(authorize_url(sandbox, prompt="login"))
        assert alice.pages[shown:] == ["Pick an account", "Approve sign in request"]
        alice.visit(f"{authority(sandbox)}/oauth2/v2.0/logout")
        assert alice.visit(authorize_url(sandbox, prompt="none")).members["error"] == "login_required"


@pytest.mark.parametrize("mode", [None, "query", "fragment", "form_post"])
def test_the_answer_comes_in_the_mode_that_was_asked_for(sandbox: Sandbox, mode: str | None) -> None:
    arrival = arrive(sandbox, response_mode=mode)
    assert {"code", "state"} <= arrival.members.keys()
    assert arrival.posted == (mode == "form_post")
    assert ("#" in arrival.url, "?" in arrival.url) == (mode == "fragment", mode in (None, "query"))
    assert arrival.url.startswith(REDIRECT_URI)


def test_the_user_consents_to_what_is_not_pre_authorized(sandbox: Sandbox) -> None:
    graph = "https://graph.microsoft.com/User.Read"
    with person(sandbox) as alice:
        assert "code" in alice.visit(authorize_url(sandbox, scope=graph)).members
        assert alice.pages[-1] == "Permissions requested"
        alice.visit(authorize_url(sandbox, scope=graph))
    assert alice.pages.count("Permissions requested") == 1


def test_only_an_administrator_can_consent_to_partner_center(sandbox: Sandbox) -> None:
    """The page's registration must not reach the whole of Partner Center in a browser."""
    partner_center = "https://api.partnercenter.microsoft.com/user_impersonation"
    with person(sandbox) as alice:
        members = alice.visit(authorize_url(sandbox, scope=partner_center)).members
    assert alice.pages[-1] == "Need admin approval"
    assert members["error"] == "access_denied"
