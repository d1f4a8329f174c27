"""The claim checks: the token must be a user's, for this function, and valid now."""

from contextlib import nullcontext
from typing import Any

import pytest
from builders import CLIENT, OTHER_TENANT, TENANT, USER, some_settings

from update_profile.clouds import Issuers, issuers
from update_profile.entra import claims as token_claims
from update_profile.errors import AppOnlyToken, ClientNotAllowed, InsufficientScope, InvalidToken

NOW = 1_800_000_000.0
ISSUERS = issuers("https://login.microsoftonline.com", TENANT)
NO_TIMES: list[Any] = [
    float("inf"),
    float("-inf"),
    float("nan"),
    1e50,
    10**50,
    10**400,  # more than a float can hold
    -1,
    -0.5,
    253_402_300_800,
    None,
    True,
    False,
    [1],
    [],
    {},
    "",
    "1800003600",
    "１８００００３６００",  # noqa: RUF001  full-width digits are the point
    "Infinity",
]


def some_times(**overrides: object) -> dict[str, Any]:
    """Return valid times: issued a minute ago, expiring in an hour."""
    return {"exp": NOW + 3600, "nbf": NOW - 60, "iat": NOW - 60, **overrides}


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", NO_TIMES, ids=lambda value: repr(value)[:30])
def test_what_is_no_time_makes_the_token_invalid(name: str, value: object) -> None:
    """Infinity, NaN, text, booleans and times past the year 9999 are refused without a crash."""
    with pytest.raises(InvalidToken, match=name):
        token_claims.check_times(some_times(**{name: value}), now=NOW)


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_each_time_must_be_there(name: str) -> None:
    """A token without exp, nbf or iat is invalid."""
    claims = some_times()
    del claims[name]
    with pytest.raises(InvalidToken, match=name):
        token_claims.check_times(claims, now=NOW)


@pytest.mark.parametrize("expires_at", [NOW + 3600, NOW + 3600.5, NOW + 0.001, 253_402_300_799])
def test_a_time_may_have_a_fraction_and_comes_back_as_it_is(expires_at: float) -> None:
    """RFC 7519 allows fractions; the expiry is returned unchanged."""
    assert token_claims.check_times(some_times(exp=expires_at), now=NOW) == expires_at


@pytest.mark.parametrize("expired_at", [NOW, NOW - 0.001, NOW - 1, NOW - 120, 0])
def test_an_expiry_gets_no_leeway(expired_at: float) -> None:
    """A token expires at exactly the time it names."""
    with pytest.raises(InvalidToken, match="expired"):
        token_claims.check_times(some_times(exp=expired_at), now=NOW)


@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_a_clock_that_runs_ahead_gets_a_minute(name: str) -> None:
    """The nbf and iat claims may lie up to 60 seconds in the future, and no more."""
    assert token_claims.check_times(some_times(**{name: NOW + 60}), now=NOW)
    with pytest.raises(InvalidToken, match=name):
        token_claims.check_times(some_times(**{name: NOW + 60.5}), now=NOW)


@pytest.mark.parametrize("audience", [CLIENT, f"api://{CLIENT}", CLIENT.upper(), f"API://{CLIENT}"])
def test_the_function_goes_by_its_guid_and_its_uri(audience: str) -> None:
    """By default the client id and its api:// URI are accepted, in any case."""
    token_claims.check_audience({"aud": audience}, some_settings())


@pytest.mark.parametrize("audience", [None, "", [CLIENT], {"a": CLIENT}, TENANT, f"api://{CLIENT}/", f"{CLIENT} ", 7])
def test_another_audience_or_another_form_of_it_is_refused(audience: object) -> None:
    """The audience must be a single string that is in the list."""
    with pytest.raises(InvalidToken, match="aud"):
        token_claims.check_audience({"aud": audience}, some_settings())


@pytest.mark.parametrize(
    ("audience", "refused"), [("https://graph.microsoft.com", True), (CLIENT, False), ([1], False)]
)
def test_before_the_signature_only_a_named_audience_of_another_is_refused(audience: object, refused: bool) -> None:
    """A claim of any other shape says nothing about an unverified token."""
    with pytest.raises(InvalidToken, match="another application") if refused else nullcontext():
        token_claims.refuse_other_audience({"aud": audience}, some_settings())


def test_configured_audiences_replace_the_two_of_the_start() -> None:
    """ENTRA_ALLOWED_AUDIENCES replaces the default list; it does not extend it."""
    settings = some_settings(ENTRA_ALLOWED_AUDIENCES="api://one, api://two")
    token_claims.check_audience({"aud": "api://two"}, settings)
    with pytest.raises(InvalidToken):
        token_claims.check_audience({"aud": CLIENT}, settings)


@pytest.mark.parametrize(("version", "issuer"), [("1.0", ISSUERS.v1), ("2.0", ISSUERS.v2)])
def test_the_issuer_goes_with_the_version(version: str, issuer: str) -> None:
    """A v1 token names the v1 issuer, a v2 token the v2 issuer."""
    token_claims.check_issuer({"ver": version, "iss": issuer}, ISSUERS)


@pytest.mark.parametrize(
    ("version", "issuer"),
    [
        ("1.0", ISSUERS.v2),
        ("2.0", ISSUERS.v1),
        (None, ISSUERS.v2),
        (2.0, ISSUERS.v2),
        (["2.0"], ISSUERS.v2),
        ("3.0", ISSUERS.v2),
        ("2.0", None),
        ("3.0", None),
        ("2.0", [ISSUERS.v2]),
        ("2.0", ISSUERS.v2 + "/"),
        ("2.0", ISSUERS.v2.upper()),
        ("2.0", ISSUERS.v2.replace("https", "http")),
        ("2.0", ISSUERS.v2.replace("microsoftonline.com", "microsoftonline.com.example")),
        ("2.0", ISSUERS.v2.replace("login", "1ogin")),
        ("2.0", ISSUERS.v2.replace(TENANT, OTHER_TENANT)),
        ("2.0", ISSUERS.v2.replace(TENANT, "common")),
        ("2.0", ISSUERS.v2.replace(TENANT, "{tenantid}")),
        ("1.0", ISSUERS.v1.rstrip("/")),
    ],
)
def test_a_look_alike_of_the_issuer_is_someone_else(version: object, issuer: object) -> None:
    """The issuer is compared character for character."""
    with pytest.raises(InvalidToken, match="iss"):
        token_claims.check_issuer({"ver": version, "iss": issuer}, ISSUERS)


def test_an_issuer_of_another_cloud_is_someone_else() -> None:
    """A token from the global cloud is not accepted in the 21Vianet cloud."""
    known = Issuers(v1=f"https://sts.chinacloudapi.cn/{TENANT}/", v2=f"https://login.chinacloudapi.cn/{TENANT}/v2.0")
    with pytest.raises(InvalidToken):
        token_claims.check_issuer({"ver": "1.0", "iss": ISSUERS.v1}, known)


@pytest.mark.parametrize("claims", [{"scp": "a"}, {"idtyp": "user"}, {"scp": "a", "idtyp": "user", "roles": ["Task"]}])
def test_a_user_is_who_the_token_says_or_whom_a_scope_was_given(claims: dict[str, Any]) -> None:
    """Roles do not make a user an application."""
    assert token_claims.check_user({"oid": USER, **claims}) == USER


@pytest.mark.parametrize(
    "claims",
    [{}, {"roles": ["Task.Write"]}, {"idtyp": "app"}, {"idtyp": "app", "scp": "a"}, {"idtyp": "device", "scp": "a"}],
)
def test_what_is_no_user_is_refused_as_app_only(claims: dict[str, Any]) -> None:
    """A token without scp and idtyp, or with an idtyp other than user, belongs to an application."""
    with pytest.raises(AppOnlyToken):
        token_claims.check_user({"oid": USER, **claims})


@pytest.mark.parametrize("user_id", [None, "", " ", 7, [USER], {"id": USER}, "ünicode", "line\nbreak", "\x00"])
def test_a_user_without_a_usable_object_id_is_refused(user_id: object) -> None:
    """Without a usable oid, the user cannot be told apart from another one."""
    with pytest.raises(InvalidToken, match="oid"):
        token_claims.check_user({"scp": "a", "oid": user_id})


@pytest.mark.parametrize("scopes", ["user_impersonation", "other user_impersonation", "user_impersonation other"])
def test_the_scope_stands_among_others(scopes: str) -> None:
    """The required scope is one word of the space-separated list."""
    token_claims.check_scope({"scp": scopes}, some_settings())


@pytest.mark.parametrize(
    "scopes", [None, "", "other", "user_impersonation_more", "USER_IMPERSONATION", ["user_impersonation"], 7]
)
def test_without_the_very_scope_the_token_does_not_do(scopes: object) -> None:
    """The error names the required scope; a list is refused because Entra ID sends a string."""
    with pytest.raises(InsufficientScope) as refused:
        token_claims.check_scope({"scp": scopes}, some_settings())
    assert refused.value.scope == "user_impersonation"


@pytest.mark.parametrize(
    ("claims", "client_id"),
    [
        ({"ver": "2.0", "azp": CLIENT.upper(), "appid": TENANT}, CLIENT),
        ({"ver": "1.0", "appid": CLIENT, "azp": TENANT}, CLIENT),
        ({"ver": "2.0", "azp": 7}, None),
        ({"ver": "1.0"}, None),
    ],
)
def test_the_client_is_named_by_azp_or_appid(claims: dict[str, Any], client_id: str | None) -> None:
    """A v2 token has azp, a v1 token appid; without a list any client may call, even one without a name."""
    assert token_claims.check_client(claims, some_settings()) == client_id


@pytest.mark.parametrize(
    "claims", [{"ver": "2.0", "azp": TENANT}, {"ver": "2.0", "appid": CLIENT}, {"ver": "1.0", "azp": CLIENT}, {}]
)
def test_a_list_of_clients_is_the_whole_of_those_who_may_call(claims: dict[str, Any]) -> None:
    """A client that is not listed, or that the wrong claim names, is refused."""
    settings = some_settings(ENTRA_ALLOWED_CLIENTS=CLIENT)
    assert token_claims.check_client({"ver": "2.0", "azp": CLIENT}, settings) == CLIENT
    with pytest.raises(ClientNotAllowed):
        token_claims.check_client(claims, settings)
