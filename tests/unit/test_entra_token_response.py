"""Reading Entra ID's answer to an exchange, and deciding who must act on it."""

import base64
import json
from typing import Any

import pytest
from builders import CLIENT, OTHER_TENANT, TENANT, a_caller, some_settings

from update_profile import errors
from update_profile.call import AccessToken
from update_profile.entra.token_response import read_token, refusal
from update_profile.errors import UpdateProfileError

TRACE = "01234567-89ab-4cde-8f01-23456789abcd"


def read(
    result: dict[str, Any] | None, *, status: int = 400, retry_after: int | None = None, tenants: str = TENANT
) -> Any:
    """Return the token, or the error that was raised."""
    settings = some_settings(ENTRA_ALLOWED_TENANTS=tenants)
    if status != 200:
        return refusal(result, status=status, retry_after_seconds=retry_after, caller=a_caller(), settings=settings)
    try:
        return read_token(result or {}, a_caller())
    except UpdateProfileError as error:
        return error


def jwt_of(**claims: object) -> str:
    """Return a readable token; its signature is not checked here."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"h.{payload}.s"


CAP = '{"access_token":{"capolids":{"essential":true,"values":["0f0f0f0f-1111-4222-8333-444444444444"]}}}'


def grant(*codes: int, suberror: str | None = None, error: str = "invalid_grant") -> dict[str, Any]:
    """Return a refusal without claims."""
    members: dict[str, Any] = {"error": error, "error_codes": list(codes)}
    return members | ({"suberror": suberror} if suberror else {})


REFUSALS: list[tuple[dict[str, Any], type[UpdateProfileError], str | None]] = [
    (grant(error="temporarily_unavailable"), errors.EntraThrottled, None),
    (grant(50196), errors.EntraThrottled, None),
    (grant(7000215, error="invalid_client"), errors.Misconfigured, "credential"),
    (grant(7000222, error="invalid_client"), errors.Misconfigured, "credential"),
    (grant(700213, error="invalid_client"), errors.Misconfigured, "credential"),
    (grant(65001, error="invalid_client"), errors.Misconfigured, "credential"),
    *((grant(code, error="invalid_request"), errors.Misconfigured, "credential") for code in (70021, 700213, 7000222)),
    *((grant(code), errors.Misconfigured, "application") for code in (700016, 500011, 650052, 650051, 65005, 500014)),
    (grant(7000112, error="unauthorized_client"), errors.Misconfigured, "application"),
    (grant(error="unauthorized_client"), errors.Misconfigured, "application"),
    (grant(error="invalid_scope"), errors.Misconfigured, "application"),
    (grant(error="invalid_resource"), errors.Misconfigured, "application"),
    (grant(90002, error="invalid_request"), errors.Misconfigured, "application"),
    (grant(error="unsupported_grant_type"), errors.Misconfigured, "application"),
    (grant(90002, error="invalid_tenant"), errors.Misconfigured, "tenant"),
    (grant(500131), errors.Misconfigured, "application"),
    (grant(650057), errors.Misconfigured, "application"),
    (grant(suberror="consent_required"), errors.ConsentRequired, "consent"),
    (grant(65001), errors.ConsentRequired, "consent"),
    (grant(65004, error="access_denied"), errors.ConsentRequired, "consent"),
    (grant(90094), errors.ConsentRequired, "consent"),
    (grant(suberror="message_only"), errors.AccessBlocked, "policy"),
    (grant(530004, suberror="additional_action", error="interaction_required"), errors.AccessBlocked, "policy"),
    *((grant(code), errors.AccessBlocked, "policy") for code in (53000, 53003, 53011, 530001, 530003, 530035, 530099)),
    (grant(50105), errors.AccessBlocked, "assignment"),
    (grant(501051), errors.AccessBlocked, "assignment"),
    (grant(50057), errors.AccessBlocked, "account_disabled"),
    (grant(suberror="bad_token"), errors.InvalidToken, "refused_by_entra"),
    *((grant(code), errors.InvalidToken, "refused_by_entra") for code in (50013, 500133, 5000224, 50027, 240002)),
    (grant(error="something_new"), errors.EntraUnexpected, "unreadable"),
    ({"error": 7}, errors.EntraUnexpected, "unreadable"),
    ({}, errors.EntraUnexpected, "unreadable"),
]
SIGN_INS = [
    grant(50076, suberror="basic_action", error="interaction_required"),
    grant(50079, error="interaction_required"),
    grant(50158, error="interaction_required"),
    grant(50173),
    grant(error="login_required"),
    grant(52999),
    grant(53012),
    grant(530000),
    grant(530100),
    {"error": "invalid_grant", "error_codes": ["53003"]},
]


@pytest.mark.parametrize("claims", [None, CAP], ids=["without claims", "with a policy's claims"])
@pytest.mark.parametrize(("result", "kind", "reason"), REFUSALS, ids=str)
def test_a_sure_sign_decides_whatever_the_claims_say(
    result: dict[str, Any], kind: type[UpdateProfileError], reason: str | None, claims: str | None
) -> None:
    """Wherever a Conditional Access policy applies to the user, its id comes with every refusal."""
    error = read(result | ({"claims": claims} if claims else {}))
    assert (type(error), error.reason, error.challenge) == (kind, reason, None)
    assert (error.neighbour, error.entra_status) == ("entra", 400)


@pytest.mark.parametrize("result", SIGN_INS, ids=str)
def test_a_sign_in_helps_where_nothing_surer_speaks(result: dict[str, Any]) -> None:
    """With claims the challenge says what the sign-in must prove."""
    bare = read(result)
    challenged = read(result | {"claims": CAP})
    assert (type(bare), bare.reason, bare.challenge) == (errors.InteractionRequired, "sign_in", None)
    assert (type(challenged), challenged.reason) == (errors.InteractionRequired, "claims")
    assert challenged.challenge.claims == CAP


@pytest.mark.parametrize(
    ("result", "status", "kind", "reason"),
    [
        (None, 429, errors.EntraThrottled, None),
        ({"error": "server_error"}, 503, errors.EntraUnavailable, "failed"),
        (None, 500, errors.EntraUnavailable, "failed"),
        ({"error": "temporarily_unavailable"}, 503, errors.EntraThrottled, None),
        (None, 400, errors.EntraUnexpected, "unreadable"),
        (None, 307, errors.EntraUnexpected, "unreadable"),
        ({"error": "invalid_grant"}, 302, errors.EntraUnexpected, "unreadable"),
        ({"error": "invalid_grant"}, 407, errors.InteractionRequired, "sign_in"),
    ],
)
def test_the_status_decides_before_the_body(
    result: dict[str, Any] | None, status: int, kind: type[UpdateProfileError], reason: str | None
) -> None:
    """A body that is not a JSON object is not needed for a 429 or a 5xx."""
    error = read(result, status=status)
    assert (type(error), error.reason, error.entra_status) == (kind, reason, status)


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
