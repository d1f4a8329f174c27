"""Settings from environment variables; errors name a setting and never show its value."""

from collections.abc import Callable

import pytest
from builders import CLIENT, OTHER_TENANT, TENANT, an_environment, some_settings
from pydantic import SecretStr, ValidationError

from update_profile.errors import Misconfigured
from update_profile.settings import CREDENTIALS, NAMES, read_settings

DOCUMENTED = [
    "ENTRA_CLIENT_ID",
    "ENTRA_ALLOWED_AUDIENCES",
    "ENTRA_ALLOWED_TENANTS",
    "ENTRA_ALLOWED_CLIENTS",
    "ENTRA_REQUIRED_SCOPE",
    "ENTRA_MANAGED_IDENTITY_CLIENT_ID",
    "ENTRA_CLIENT_CERTIFICATE_PATH",
    "ENTRA_CLIENT_CERTIFICATE_PASSWORD",
    "ENTRA_CLIENT_SECRET",
    "ENTRA_AUTHORITY_HOST",
    "ENTRA_APPROVAL_CLIENT_ID",
    "PARTNER_CENTER_CLOUD",
    "PARTNER_CENTER_BASE_URL",
    "PARTNER_CENTER_SCOPE",
    "PARTNER_CENTER_PROFILE_PATH",
    "PARTNER_CENTER_READ_PATH",
    "PARTNER_CENTER_VALIDATE_MFA",
    "REQUEST_BUDGET_SECONDS",
    "MAX_BODY_BYTES",
    "SSL_CERT_FILE",
]


def wrong(**overrides: str | None) -> dict[str, str]:
    """Return the refused settings with their reasons, and check that no text repeats a value."""
    environment = an_environment(**overrides)
    with pytest.raises(Misconfigured) as caught:
        read_settings(environment)
    faults = {fault.field: fault.message for fault in caught.value.fields}
    assert caught.value.detail == f"Wrong or missing settings: {', '.join(faults)}."
    told = f"{caught.value.detail} {faults}"
    assert not [value for value in environment.values() if len(value.strip()) > 6 and value.strip() in told]
    return faults


def test_the_names_are_the_documented_ones() -> None:
    """All names are listed, in the documented order."""
    assert list(NAMES) == DOCUMENTED


def test_the_least_environment_gives_the_documented_defaults() -> None:
    """Only three settings are required."""
    read = some_settings()
    settings = {**read.model_dump(exclude_none=True), "federated_audience": read.federated_audience}
    settings.pop("client_secret")
    assert settings == {
        "client_id": CLIENT,
        "allowed_audiences": frozenset({CLIENT, f"api://{CLIENT}"}),
        "allowed_tenants": frozenset({TENANT}),
        "required_scope": "user_impersonation",
        "federated_audience": "api://AzureADTokenExchange",
        "partner_center_cloud": "global",
        "authority_host": "https://login.microsoftonline.com",
        "partner_center_base_url": "https://api.partnercenter.microsoft.com",
        "partner_center_scope": "https://api.partnercenter.microsoft.com/user_impersonation",
        "partner_center_profile_path": "/v1/profiles/supportprofile",
        "partner_center_read_path": "/v1/profiles/support",
        "partner_center_validate_mfa": False,
        "request_budget_seconds": 20.0,
        "max_body_bytes": 65_536,
    }


def test_settings_are_trimmed_and_compared_without_case() -> None:
    """This applies to GUIDs, audiences and hosts; a trailing slash of an address is dropped."""
    settings = some_settings(
        ENTRA_CLIENT_ID=f" {CLIENT.upper()} ",
        ENTRA_ALLOWED_TENANTS=f"{TENANT.upper()} ,\t{OTHER_TENANT}",
        ENTRA_ALLOWED_AUDIENCES=" API://Task , x ",
        ENTRA_AUTHORITY_HOST=" HTTPS://Login.Example/ ",
        PARTNER_CENTER_BASE_URL="https://PC.example/",
        PARTNER_CENTER_VALIDATE_MFA=" True ",
        SSL_CERT_FILE=" /etc/ca.pem ",
    )
    assert settings.client_id == CLIENT
    assert settings.allowed_tenants == {TENANT, OTHER_TENANT}
    assert settings.allowed_audiences == {"api://task", "x"}
    assert settings.authority_host == "https://login.example"
    assert settings.partner_center_base_url == "https://pc.example"
    assert settings.partner_center_validate_mfa is True
    assert settings.ssl_cert_file == "/etc/ca.pem"


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"ENTRA_ALLOWED_TENANTS", "ENTRA_ALLOWED_CLIENTS"}))
@pytest.mark.parametrize("blank", ["", " \t "])
def test_a_blank_setting_counts_as_absent(name: str, blank: str) -> None:
    """A required setting is then missing."""
    if name == "ENTRA_CLIENT_ID":
        assert wrong(**{name: blank}) == {name: "is missing"}
    elif name == "ENTRA_CLIENT_SECRET":
        assert set(wrong(**{name: blank})) == set(CREDENTIALS)
    else:
        secret = "some-secret"
        blanked = some_settings(ENTRA_CLIENT_SECRET=secret, **{name: blank})
        assert blanked == some_settings(ENTRA_CLIENT_SECRET=secret)


@pytest.mark.parametrize("name", ["ENTRA_ALLOWED_TENANTS", "ENTRA_ALLOWED_CLIENTS"])
@pytest.mark.parametrize("blank", ["", "  ", ",", " , "])
def test_a_blank_allow_list_is_wrong_and_not_any(name: str, blank: str) -> None:
    """Otherwise a mistake would let everybody in."""
    assert list(wrong(**{name: blank})) == [name]


@pytest.mark.parametrize("name", ["ENTRA_CLIENT_ID", "ENTRA_ALLOWED_TENANTS"])
def test_a_required_setting_that_is_absent_is_named(name: str) -> None:
    """The message says that it is missing."""
    assert wrong(**{name: None}) == {name: "is missing"}


def test_everything_that_is_wrong_is_told_at_once() -> None:
    """One error lists every wrong setting."""
    bad = dict.fromkeys(NAMES, "@@ wrong value")
    read_without_form = {"ENTRA_ALLOWED_AUDIENCES", "ENTRA_CLIENT_CERTIFICATE_PASSWORD", "SSL_CERT_FILE"}
    assert set(wrong(**bad)) == set(NAMES) - read_without_form


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "reference",
    [
        "@Microsoft.KeyVault(SecretUri=https://kept.vault.azure.net/secrets/a)",
        " @microsoft.keyvault(VaultName=kept;SecretName=a)",
        "@Microsoft.AppConfiguration(Endpoint=https://kept.azconfig.io; Key=a)",
    ],
)
def test_an_unresolved_reference_is_wrong_in_any_setting(name: str, reference: str) -> None:
    """The platform leaves the reference in place of the value, and it is never used as one."""
    faults = wrong(**{name: reference})
    assert faults[name] == "is a reference that the platform could not resolve"
    assert set(faults) <= {name, "ENTRA_CLIENT_SECRET"}


@pytest.mark.parametrize("secret", [" a-secret-of-mine", "a-secret-of-mine\n", "\ta-secret-of-mine "])
def test_a_secret_with_white_space_at_an_end_is_refused(secret: str) -> None:
    """It is not trimmed, because only its owner knows whether the white space is part of it."""
    assert wrong(ENTRA_CLIENT_SECRET=secret) == {"ENTRA_CLIENT_SECRET": "starts or ends with white space"}


def test_a_secret_is_taken_as_it_is_and_never_shown() -> None:
    """White space inside a secret is kept."""
    settings = some_settings(ENTRA_CLIENT_SECRET="a b~c")
    assert settings.client_secret == SecretStr("a b~c")
    assert "a b~c" not in f"{settings!r} {settings.client_secret}"


@pytest.mark.parametrize(
    ("cloud", "authority_host", "base_url"),
    [
        ("Global", "https://login.microsoftonline.com", "https://api.partnercenter.microsoft.com"),
        ("usgov", "https://login.microsoftonline.us", "https://api.partnercenter.microsoft.com"),
        ("CHINA", "https://login.partner.microsoftonline.cn", "https://partner.partnercenterapi.microsoftonline.cn"),
    ],
)
def test_a_cloud_gives_its_addresses(cloud: str, authority_host: str, base_url: str) -> None:
    """The cloud's name may be in any case, and an explicit address overrides the cloud's."""
    settings = some_settings(PARTNER_CENTER_CLOUD=cloud)
    assert (settings.authority_host, settings.partner_center_base_url) == (authority_host, base_url)
    assert settings.partner_center_scope == f"{base_url}/user_impersonation"
    other = some_settings(PARTNER_CENTER_CLOUD=cloud, PARTNER_CENTER_BASE_URL="https://pc.example")
    assert (other.authority_host, other.partner_center_base_url) == (authority_host, "https://pc.example")


def test_the_closed_cloud_is_refused_with_the_reason() -> None:
    """It is accepted only if both the base URL and the authority are given."""
    addresses = {"PARTNER_CENTER_BASE_URL": "https://pc.example", "ENTRA_AUTHORITY_HOST": "https://login.example"}
    for name, address in addresses.items():
        assert "2021-10-29" in wrong(PARTNER_CENTER_CLOUD="germany", **{name: address})["PARTNER_CENTER_CLOUD"]
    assert "2021-10-29" in wrong(PARTNER_CENTER_CLOUD="germany")["PARTNER_CENTER_CLOUD"]
    assert some_settings(PARTNER_CENTER_CLOUD="Germany", **addresses).authority_host == "https://login.example"


def test_an_unknown_cloud_is_refused_with_the_known_ones() -> None:
    """A name that is almost right is not guessed."""
    assert wrong(PARTNER_CENTER_CLOUD="azureusgov") == {
        "PARTNER_CENTER_CLOUD": "must be one of global, usgov, china, germany"
    }


def test_both_paths_are_settings() -> None:
    """Microsoft's pages disagree on one of them."""
    assert some_settings(PARTNER_CENTER_READ_PATH="/v2/profiles/").partner_center_read_path == "/v2/profiles"
    assert list(wrong(PARTNER_CENTER_READ_PATH="https://h/v1")) == ["PARTNER_CENTER_READ_PATH"]
    assert some_settings(PARTNER_CENTER_PROFILE_PATH="/v1/profiles/support").partner_center_profile_path == (
        "/v1/profiles/support"
    )


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("REQUEST_BUDGET_SECONDS", ["1", "110", "2.5"], ["0.9", "110.1", "nan"]),
        ("MAX_BODY_BYTES", ["1024", "1048576"], ["1023", "1048577", "2048.5"]),
        ("ENTRA_ALLOWED_CLIENTS", [CLIENT, f"{CLIENT},{TENANT}"], ["any", f"{CLIENT},*"]),
        ("ENTRA_REQUIRED_SCOPE", ["Task.Write"], ["Task.Write Task.Read"]),
        ("PARTNER_CENTER_VALIDATE_MFA", ["true", "FALSE"], ["1", "on"]),
        ("PARTNER_CENTER_BASE_URL", ["https://pc.example"], ["http://pc.example", "pc.example"]),
        ("ENTRA_AUTHORITY_HOST", ["https://login.example"], ["http://login.example", "https://login.example/common"]),
    ],
)
def test_limits_and_forms_are_held(name: str, good: list[str], bad: list[str]) -> None:
    """The limits themselves are allowed."""
    for value in good:
        assert some_settings(**{name: value})
    for value in bad:
        assert list(wrong(**{name: value})) == [name]


def test_settings_cannot_be_changed() -> None:
    """They are shared by every call."""
    with pytest.raises(ValidationError):
        setattr(some_settings(), "client_id", TENANT)  # noqa: B010  mypy refuses the plain assignment


PAGE = "5A9E0C1F-7f0e-4c7e-8a53-2b1d3f6c9e10"


def test_the_approval_page_may_call_wherever_it_is_switched_on() -> None:
    """Its client id joins the list of clients. Without a list, any client may call."""
    listed = some_settings(ENTRA_ALLOWED_CLIENTS=CLIENT, ENTRA_APPROVAL_CLIENT_ID=PAGE)
    assert listed.allowed_clients == frozenset({CLIENT, PAGE.lower()})
    assert some_settings(ENTRA_ALLOWED_CLIENTS=CLIENT).allowed_clients == frozenset({CLIENT})
    assert some_settings(ENTRA_APPROVAL_CLIENT_ID=PAGE).allowed_clients is None


@pytest.mark.parametrize("spelling", [str.lower, str.upper])
def test_the_approval_page_needs_a_registration_of_its_own(spelling: Callable[[str], str]) -> None:
    """With the function's own, a script in a browser could ask for all of Partner Center."""
    faults = wrong(ENTRA_APPROVAL_CLIENT_ID=spelling(CLIENT))
    assert faults == {"ENTRA_APPROVAL_CLIENT_ID": "must not be ENTRA_CLIENT_ID: the page has its own"}
