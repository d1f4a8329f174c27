"""What the sign-in of the Entra ID stand-in refuses, with Entra's error numbers."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sandbox_sign_in import (
    CHALLENGE,
    REDIRECT_URI,
    VERIFIER,
    arrive,
    authority,
    authorize_url,
    person,
    public_client,
    redeem,
    scope,
    sign_in,
)

from sandbox import Sandbox
from sandbox.entra import errors
from sandbox.entra.bad_tokens import KINDS
from sandbox.person import read_page
from sandbox.tokens import peek

PAGE = "http://localhost:7071"
APPROVE = f"{PAGE}/api/approve"


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started: Sandbox) -> Sandbox:
    started.reset()
    started.entra.applications.page.redirect_uris = (APPROVE,)
    return started


def code(sandbox: Sandbox, **changes: str | None) -> str:
    return arrive(sandbox, "alice", **changes).members["code"]


def page_code(sandbox: Sandbox, **changes: str | None) -> str:
    """A code for the approval page."""
    page = sandbox.entra.applications.page.client_id
    return code(sandbox, client_id=page, redirect_uri=APPROVE, response_mode="fragment", **changes)


def redeem_as_page(sandbox: Sandbox, *, origin: str | None = PAGE, **changes: str | None) -> httpx.Response:
    page = sandbox.entra.applications.page.client_id
    headers = {"Origin": origin} if origin else {}
    return redeem(sandbox, headers=headers, **{"client_id": page, "redirect_uri": APPROVE, **changes})


def refused(answer: httpx.Response) -> tuple[int, str, int]:
    body = answer.json()
    return answer.status_code, body["error"], body["error_codes"][0]


# What changes in a good request, and the number on the page that the person sees: nothing goes to the application.
SHOWN: dict[str, tuple[dict[str, Any], int]] = {
    "an address that is not registered": ({"redirect_uri": "https://evil.example/"}, 50011),
    "another path of a registered address": ({"redirect_uri": f"{REDIRECT_URI}/x"}, 50011),
    "a host that looks like the registered one": ({"redirect_uri": "http://localhost.evil.example"}, 50011),
    "a user name before the registered host": ({"redirect_uri": "http://evil@localhost"}, 50011),
    "an address that is no address": ({"redirect_uri": "http://[::1"}, 50011),
    "no address": ({"redirect_uri": None}, 50011),
    "an unknown application": ({"client_id": "0f0f0f0f-1111-4222-8333-444444444444"}, 700016),
    "an unknown tenant": ({"tenant": "0f0f0f0f-1111-4222-8333-444444444444"}, 90002),
}

# What changes in a good request, and what goes to the application.
SENT_BACK: dict[str, tuple[dict[str, Any], str, int]] = {
    "another response type": ({"response_type": "token"}, "unsupported_response_type", 700054),
    "an unknown prompt": ({"prompt": "please"}, "invalid_request", 90023),
    "an unknown challenge method": ({"code_challenge_method": "S512"}, "invalid_request", 9002313),
    "a short challenge": ({"code_challenge": "short"}, "invalid_request", 501491),
    "claims that are no JSON": ({"claims": "{"}, "invalid_request", 9002313),
    "claims that are a list": ({"claims": "[]"}, "invalid_request", 9002313),
    "no scope": ({"scope": ""}, "invalid_request", 900144),
    "two APIs at once": (
        {"scope": "https://graph.microsoft.com/User.Read https://api.partnercenter.microsoft.com/user_impersonation"},
        "invalid_scope",
        28000,
    ),
    "an unknown API": ({"scope": "api://unknown/user_impersonation"}, "invalid_resource", 500011),
    "nobody signed in": ({"prompt": "none"}, "login_required", 50058),
}


@pytest.mark.parametrize("case", SHOWN)
def test_a_request_that_may_go_nowhere_is_shown_to_the_person(sandbox: Sandbox, case: str) -> None:
    changes, number = SHOWN[case]
    arrival = arrive(sandbox, **changes)
    assert arrival.members == {}
    assert f"AADSTS{number}:" in arrival.text


@pytest.mark.parametrize("case", SENT_BACK)
def test_any_other_fault_goes_to_the_application(sandbox: Sandbox, case: str) -> None:
    changes, error, number = SENT_BACK[case]
    members = arrive(sandbox, **changes).members
    assert (members["error"], members["state"]) == (error, "a state")
    assert members["error_description"].startswith(f"AADSTS{number}:")


def test_an_unknown_permission_of_the_function_is_refused(sandbox: Sandbox) -> None:
    members = arrive(sandbox, scope=f"api://{sandbox.entra.client_id}/read_all").members
    assert members["error_description"].startswith("AADSTS650053:")


def test_the_port_of_a_loopback_address_does_not_count(sandbox: Sandbox) -> None:
    assert arrive(sandbox, redirect_uri="http://localhost:1").url.startswith("http://localhost:1?")


def test_a_code_is_good_once(sandbox: Sandbox) -> None:
    given = code(sandbox)
    assert redeem(sandbox, code=given).status_code == 200
    assert refused(redeem(sandbox, code=given)) == (400, "invalid_grant", 54005)


def test_a_code_expires(sandbox: Sandbox) -> None:
    given = code(sandbox)
    sandbox.entra.remembered.skipped_seconds += 601
    assert refused(redeem(sandbox, code=given)) == (400, "invalid_grant", 70008)


def test_a_code_is_bound_to_its_verifier(sandbox: Sandbox) -> None:
    given = code(sandbox)
    assert refused(redeem(sandbox, code=given, code_verifier="x" * 43)) == (400, "invalid_grant", 501481)
    assert refused(redeem(sandbox, code=given, code_verifier=None)) == (400, "invalid_grant", 50148)
    assert redeem(sandbox, code=given).status_code == 200, "a failed attempt does not use the code up"


def test_a_plain_challenge_is_its_own_verifier(sandbox: Sandbox) -> None:
    given = code(sandbox, code_challenge=VERIFIER, code_challenge_method="plain")
    assert refused(redeem(sandbox, code=given, code_verifier=CHALLENGE)) == (400, "invalid_grant", 501481)
    assert redeem(sandbox, code=given).status_code == 200


def test_a_code_is_bound_to_its_address_and_application(sandbox: Sandbox) -> None:
    given, web = code(sandbox), sandbox.entra.applications.web
    assert refused(redeem(sandbox, code=given, redirect_uri=f"{REDIRECT_URI}/")) == (400, "invalid_grant", 500112)
    stolen = redeem(sandbox, code=given, client_id=web.client_id, client_secret=web.secret)
    assert refused(stolen) == (400, "invalid_grant", 70000)


def test_a_code_that_was_never_given_is_refused(sandbox: Sandbox) -> None:
    assert refused(redeem(sandbox, code="1.made-up")) == (400, "invalid_grant", 9002313)


def test_a_public_client_has_no_secret_and_a_web_application_needs_its_own(sandbox: Sandbox) -> None:
    web = sandbox.entra.applications.web.client_id
    assert refused(redeem(sandbox, code="x", client_secret="s")) == (401, "invalid_client", 700025)
    assert refused(redeem(sandbox, code="x", client_id=web)) == (401, "invalid_client", 7000218)
    assert refused(redeem(sandbox, code="x", client_id=web, client_secret="s")) == (401, "invalid_client", 7000215)


def test_a_page_redeems_its_code_and_may_read_the_answer(sandbox: Sandbox) -> None:
    answer = redeem_as_page(sandbox, code=page_code(sandbox))
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert peek(answer.json()["access_token"])["azp"] == sandbox.entra.applications.page.client_id


def test_a_refusal_may_be_read_by_the_page_too(sandbox: Sandbox) -> None:
    answer = redeem_as_page(sandbox, code="1.made-up")
    assert answer.status_code == 400
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


def test_nothing_but_the_page_redeems_a_page_s_code(sandbox: Sandbox) -> None:
    given = page_code(sandbox)
    assert refused(redeem_as_page(sandbox, origin=None, code=given)) == (400, "invalid_request", 9002327)
    other = redeem_as_page(sandbox, origin="https://evil.example", code=given)
    assert refused(other) == (400, "invalid_request", 9002326)
    assert "Access-Control-Allow-Origin" not in other.headers
    assert redeem_as_page(sandbox, code=given).status_code == 200


def test_a_page_cannot_redeem_what_another_kind_of_application_was_given(sandbox: Sandbox) -> None:
    answer = redeem(sandbox, code=code(sandbox), headers={"Origin": "http://localhost:5099"})
    assert refused(answer) == (400, "invalid_request", 9002326)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_page_must_use_pkce(sandbox: Sandbox) -> None:
    given = page_code(sandbox, code_challenge=None, code_challenge_method=None)
    assert refused(redeem_as_page(sandbox, code=given)) == (400, "invalid_request", 9002325)


def test_a_page_s_refresh_token_ends_after_a_day_however_often_it_is_used(sandbox: Sandbox) -> None:
    first = redeem_as_page(sandbox, code=page_code(sandbox)).json()["refresh_token"]
    sandbox.entra.remembered.skipped_seconds += 23 * 3600
    again = {"grant_type": "refresh_token", "code_verifier": None, "redirect_uri": None}
    second = redeem_as_page(sandbox, refresh_token=first, **again).json()["refresh_token"]
    sandbox.entra.remembered.skipped_seconds += 3601
    assert refused(redeem_as_page(sandbox, refresh_token=second, **again)) == (400, "invalid_grant", 700084)


def test_another_refresh_token_lives_on_with_use_and_ends_when_it_is_withdrawn(sandbox: Sandbox) -> None:
    token = redeem(sandbox, code=code(sandbox)).json()["refresh_token"]
    for _ in range(2):
        sandbox.entra.remembered.skipped_seconds += 80 * 24 * 3600
        token = redeem(sandbox, grant_type="refresh_token", refresh_token=token).json()["refresh_token"]
    sandbox.entra.remembered.revoke(sandbox.entra.users["alice"])
    answer = redeem(sandbox, grant_type="refresh_token", refresh_token=token)
    assert refused(answer) == (400, "invalid_grant", 50173)
    assert answer.json()["suberror"] == "bad_token"


def test_a_refresh_token_that_nobody_used_for_ninety_days_has_expired(sandbox: Sandbox) -> None:
    token = redeem(sandbox, code=code(sandbox)).json()["refresh_token"]
    sandbox.entra.remembered.skipped_seconds += 91 * 24 * 3600
    answer = redeem(sandbox, grant_type="refresh_token", refresh_token=token)
    assert refused(answer) == (400, "invalid_grant", 700082)


def test_a_refresh_token_gives_nothing_that_was_not_consented_to(sandbox: Sandbox) -> None:
    token = redeem(sandbox, code=code(sandbox)).json()["refresh_token"]
    answer = redeem(
        sandbox,
        grant_type="refresh_token",
        refresh_token=token,
        scope="https://api.partnercenter.microsoft.com/user_impersonation",
    )
    assert refused(answer) == (400, "invalid_grant", 65001)
    assert answer.json()["suberror"] == "consent_required"


@pytest.mark.parametrize("tenant", ["partner", "organizations", "other"])
def test_a_refresh_token_is_good_at_its_own_tenant_alone(sandbox: Sandbox, tenant: str) -> None:
    """`organizations` stands for the user's own tenant."""
    token = redeem(sandbox, code=code(sandbox)).json()["refresh_token"]
    own, other = sandbox.entra.tenants[:2]
    where = {"partner": own, "other": other}.get(tenant, tenant)
    answer = redeem(sandbox, tenant=where, grant_type="refresh_token", refresh_token=token)
    if tenant == "other":
        assert refused(answer) == (400, "invalid_grant", 50020)
    else:
        assert peek(answer.json()["access_token"])["tid"] == own


@pytest.mark.parametrize("resource", ["https://graph.microsoft.com", "https://api.partnercenter.microsoft.com"])
def test_an_application_gets_no_token_of_its_own_for_another_api(sandbox: Sandbox, resource: str) -> None:
    """Above all, none for the function."""
    web = sandbox.entra.applications.web
    answer = redeem(
        sandbox,
        client_id=web.client_id,
        client_secret=web.secret or "",
        grant_type="client_credentials",
        scope=f"{resource}/.default",
    )
    assert refused(answer) == (400, "invalid_resource", 500011)


def test_a_device_that_asks_too_often_must_slow_down(sandbox: Sandbox) -> None:
    with public_client(sandbox) as client:
        flow = client.initiate_device_flow([scope(sandbox)])
    poll = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": flow["device_code"],
        "code_verifier": None,
    }
    assert refused(redeem(sandbox, **poll)) == (400, "authorization_pending", 70016)
    assert redeem(sandbox, **poll).json()["error"] == "slow_down"
    sandbox.entra.remembered.skipped_seconds += 11
    assert redeem(sandbox, **poll).json()["error"] == "authorization_pending"
    assert redeem(sandbox, **{**poll, "device_code": "D"}).json()["error"] == "bad_verification_code"


def test_metadata_may_be_read_by_any_page_and_preflights_only_by_known_ones(sandbox: Sandbox) -> None:
    with httpx.Client(verify=sandbox.certificates.client_context(), trust_env=False) as browser:
        metadata = f"{authority(sandbox)}/v2.0/.well-known/openid-configuration"
        anybody = browser.get(metadata, headers={"Origin": "https://any.example"})
        assert anybody.headers["Access-Control-Allow-Origin"] == "*"
        token = f"{authority(sandbox)}/oauth2/v2.0/token"
        known = browser.options(token, headers={"Origin": PAGE, "Access-Control-Request-Headers": "x-client-sku"})
        assert known.headers["Access-Control-Allow-Origin"] == PAGE
        assert known.headers["Access-Control-Allow-Headers"] == "x-client-sku"
        other = browser.options(token, headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in other.headers


def test_a_form_that_belongs_to_no_sign_in_is_refused(sandbox: Sandbox) -> None:
    with httpx.Client(verify=sandbox.certificates.client_context(), trust_env=False) as browser:
        answer = browser.post(f"{authority(sandbox)}/login", data={"ctx": "made up", "factor": "approve"})
    assert answer.status_code == 400
    assert "AADSTS90014" in answer.text


def test_the_second_factor_cannot_be_skipped_by_another_form(sandbox: Sandbox) -> None:
    """Neither a consent nor a factor without an account leads to a code."""
    with person(sandbox) as alice:
        _, form = read_page(alice.client.get(authorize_url(sandbox)).text)
        assert form is not None
        url = f"{sandbox.entra.base_url}{form.action}"
        for pressed in ({"factor": "approve"}, {"consent": "accept"}, {}):
            assert read_page(alice.client.post(url, data={**form.fields, **pressed}).text)[0] == "Pick an account"
        alice.client.post(url, data={**form.fields, "user": "alice"})
        answer = alice.client.post(url, data={**form.fields, "consent": "accept"})
    assert read_page(answer.text)[0] == "Approve sign in request"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_bad_token_can_be_asked_for(sandbox: Sandbox, kind: str) -> None:
    with httpx.Client(verify=sandbox.certificates.client_context(), trust_env=False) as control:
        answer = control.post(f"{sandbox.entra.base_url}/_sandbox/sign-in", json={"user": "alice", "bad": kind})
    assert peek(answer.json()["access_token"])


def test_an_unknown_kind_of_bad_token_names_the_known_ones(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="known: expired"):
        sandbox.entra.bad_token("nonsense")


def test_switches_are_set_from_another_process_and_fall_back(sandbox: Sandbox) -> None:
    with httpx.Client(verify=sandbox.certificates.client_context(), trust_env=False) as control:
        url = f"{sandbox.entra.base_url}/_sandbox/switches"
        assert control.post(url, json={"required_context": "c1"}).json()["required_context"] == "c1"
        assert control.post(url, json={"required": "c1"}).status_code == 400
        for wrong in ({"user_consent_allowed": "false"}, {"second_factor_at_sign_in": 0}, {"required_context": True}):
            answer = control.post(url, json={"required_context": "c2", **wrong})
            assert answer.status_code == 400
            assert f"{next(iter(wrong))} must be" in answer.json()["error"]
        assert control.post(url, json={}).json() == {
            "second_factor_at_sign_in": True,
            "user_consent_allowed": True,
            "required_context": "c1",
        }
    sandbox.reset()
    assert sandbox.entra.required_context is None


def test_another_process_learns_the_applications_and_registers_addresses(sandbox: Sandbox) -> None:
    page = {"platform": "spa", "redirect_uris": ["http://localhost:1/page"]}
    with httpx.Client(verify=sandbox.certificates.client_context(), trust_env=False) as control:
        url = f"{sandbox.entra.base_url}/_sandbox/applications"
        told = {one["platform"]: one for one in control.get(url).json()}
        assert told["web"]["secret"] == sandbox.entra.applications.web.secret
        assert control.put(url, json=page).status_code == 200
        assert control.put(url, json={**page, "platform": "phone"}).status_code == 400
    arrival = arrive(sandbox, client_id=told["spa"]["client_id"], redirect_uri="http://localhost:1/page")
    assert "code" in arrival.members


def test_an_answer_can_be_scripted_for_who_signs_in(sandbox: Sandbox) -> None:
    sandbox.entra.script(errors.unavailable(), path="code", user="bob")
    with public_client(sandbox) as client, person(sandbox, "alice") as alice:
        assert "access_token" in sign_in(sandbox, client, alice)
    assert redeem(sandbox, code=arrive(sandbox, "bob").members["code"]).status_code == 503
