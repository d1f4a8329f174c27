"""Reading Entra ID's answer to an exchange, and deciding who must act on it."""

import base64
import json
from typing import Any

import pytest
from builders import CLIENT, OTHER_TENANT, TENANT, a_caller, some_settings

from update_profile import errors
from update_profile.call import AccessToken
from update_profile.entra.token_response import read_result
from update_profile.errors import UpdateProfileError

TRACE = "01234567-89ab-4cde-8f01-23456789abcd"


def read(result: dict[str, Any], *, status: int = 400, retry_after: int | None = None, tenants: str = TENANT) -> Any:  # noqa: ANN401
    """Return the token, or the error that was raised."""
    settings = some_settings(ENTRA_ALLOWED_TENANTS=tenants)
    try:
        return read_result(result, status=status, retry_after_seconds=retry_after, caller=a_caller(), settings=settings)
    except UpdateProfileError as error:
        return error


def jwt_of(**claims: object) -> str:
    """Return a readable token; its signature is not checked here."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"h.{payload}.s"


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        ({"error": "temporarily_unavailable"}, errors.EntraThrottled),
        ({"error": "invalid_grant", "error_codes": [50196]}, errors.EntraThrottled),
        ({"error": "interaction_required"}, errors.InteractionRequired),
        ({"error": "invalid_grant", "claims": '{"access_token":{}}'}, errors.InteractionRequired),
        ({"error": "invalid_grant", "error_codes": [53003], "claims": '{"a":{}}'}, errors.InteractionRequired),
        ({"error": "invalid_grant", "error_codes": [50173]}, errors.InteractionRequired),
        ({"error": "invalid_grant", "error_codes": [53003]}, errors.AccessBlocked),
        ({"error": "invalid_grant", "error_codes": [50105]}, errors.AccessBlocked),
        ({"error": "invalid_grant", "error_codes": [50057]}, errors.AccessBlocked),
        ({"error": "invalid_grant", "suberror": "consent_required"}, errors.ConsentRequired),
        ({"error": "invalid_grant", "error_codes": [65001]}, errors.ConsentRequired),
        ({"error": "access_denied", "error_codes": [65004]}, errors.ConsentRequired),
        ({"error": "invalid_grant", "error_codes": [90094]}, errors.ConsentRequired),
        ({"error": "login_required"}, errors.InteractionRequired),
        ({"error": "interaction_required", "error_codes": [50076]}, errors.InteractionRequired),
        *(
            ({"error": "invalid_grant", "error_codes": [code]}, errors.InvalidToken)
            for code in (50013, 5000224, 50027, 240002)
        ),
        ({"error": "invalid_grant", "error_codes": [500133]}, errors.InvalidToken),
        ({"error": "invalid_grant", "suberror": "bad_token"}, errors.InvalidToken),
        ({"error": "invalid_grant", "error_codes": [500131]}, errors.Misconfigured),
        ({"error": "invalid_client", "error_codes": [7000215]}, errors.Misconfigured),
        ({"error": "unauthorized_client", "error_codes": [700016]}, errors.Misconfigured),
        ({"error": "invalid_resource", "error_codes": [500011]}, errors.Misconfigured),
        ({"error": "invalid_request", "error_codes": [90002]}, errors.Misconfigured),
        ({"error": "invalid_client", "error_codes": [700213]}, errors.Misconfigured),
        ({"error": "invalid_scope"}, errors.Misconfigured),
        ({"error": "invalid_grant", "error_codes": [50196], "claims": '{"a":{}}'}, errors.EntraThrottled),
        ({"error": "invalid_grant", "error_codes": ["53003"]}, errors.InteractionRequired),
        ({"error": "something_new"}, errors.EntraUnexpected),
        ({"error": 7}, errors.EntraUnexpected),
        ({}, errors.EntraUnexpected),
    ],
)
def test_each_refusal_says_who_must_act(result: dict[str, Any], kind: type[UpdateProfileError]) -> None:
    """Error names decide first, and numeric codes refine the result."""
    assert type(read(result)) is kind


@pytest.mark.parametrize("code", [700016, 500011])
def test_an_application_missing_in_one_of_several_tenants_is_that_tenants_consent(code: int) -> None:
    """With one tenant our own registration is wrong; with several, that tenant's administrator can fix it."""
    refused = {"error": "unauthorized_client", "error_codes": [code]}
    error = read(refused, tenants=f"{TENANT},{OTHER_TENANT}")
    assert isinstance(error, errors.ConsentRequired)
    assert error.consent_uri == (f"https://login.microsoftonline.com/{TENANT}/adminconsent?client_id={CLIENT}")
    assert "administrator" in error.detail
    assert "ENTRA_CLIENT_ID" in error.detail


def test_a_429_is_throttling_whatever_its_body_says_and_keeps_its_wait() -> None:
    """The status alone makes it throttling."""
    error = read({"error": "invalid_grant"}, status=429, retry_after=17)
    assert isinstance(error, errors.EntraThrottled)
    assert error.retry_after_seconds == 17


def test_a_challenge_goes_on_with_its_claims_compact_and_the_tenants_address() -> None:
    """The challenge has the form that Microsoft's claims challenge page documents."""
    challenge = read({"error": "invalid_grant", "claims": '{ "access_token": {"acrs": null} }'}).challenge
    assert challenge.claims == '{"access_token":{"acrs":null}}'
    assert challenge.tenant_id == TENANT
    assert challenge.authorization_uri == f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/authorize"


@pytest.mark.parametrize("claims", ["", "{", "[]", "{}", "[" * 8000, "x" * 8193, 7, None])
def test_claims_that_are_no_claims_make_no_challenge(claims: object) -> None:
    """The user must still sign in again."""
    error = read({"error": "interaction_required", "claims": claims})
    assert isinstance(error, errors.InteractionRequired)
    assert error.challenge is None


def test_only_names_and_numbers_of_a_refusal_are_kept() -> None:
    """Entra ID's description names users and applications, so it is dropped."""
    result = {
        "error": "invalid_grant",
        "error_codes": [65001, True, "x", 7],
        "trace_id": TRACE,
        "error_description": "AADSTS65001: secret text",
    }
    entra = read(result).entra
    assert (entra.error, entra.codes, entra.trace_id) == ("invalid_grant", (65001, 7), TRACE)
    odd = read({"error": "In valid!", "error_codes": "x", "trace_id": "no guid"}).entra
    assert (odd.error, odd.codes, odd.trace_id) == (None, (), None)


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [(3599, 3599), ("3599", 3599), (-1, 0), (1e9, 86_400), (None, 0), ("soon", 0), ([], 0)],
)
def test_a_token_lasts_as_long_as_it_is_said_to(expires_in: object, seconds: float) -> None:
    """An unreadable lifetime becomes 0, so the token is used once; a huge one is capped at a day."""
    result = {"access_token": jwt_of(oid=a_caller().user_id, tid=TENANT), "expires_in": expires_in}
    assert read(result, status=200).expires_in_seconds == seconds


@pytest.mark.parametrize("value", ["", "a b", "a\r\nX: y", "tök", 7, None, ["x"]])
def test_a_token_that_no_header_can_carry_is_not_used(value: object) -> None:
    """Such a value would break the request or inject a header."""
    assert isinstance(read({"access_token": value}, status=200), errors.EntraUnexpected)


@pytest.mark.parametrize("named", [{"oid": "someone-else"}, {"tid": OTHER_TENANT}, {"oid": 7}, {"tid": None}])
def test_a_token_that_names_another_user_is_never_used(named: dict[str, object]) -> None:
    """Whoever issued it, the token does not belong to the caller."""
    value = jwt_of(**{"oid": a_caller().user_id, "tid": TENANT, **named})
    assert isinstance(read({"access_token": value}, status=200), errors.EntraUnexpected)


@pytest.mark.parametrize("value", ["opaque", "a.b.c", "a.bm8.c", "a.W10.c", "a.%.c", jwt_of(ver="1.0")])
def test_a_token_that_cannot_be_read_is_used_as_it_is(value: str) -> None:
    """Only its audience is meant to read an access token."""
    assert read({"access_token": value, "expires_in": 60}, status=200) == AccessToken(
        value=value, expires_in_seconds=60
    )
