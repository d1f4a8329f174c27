"""Exactly one credential must be set."""

import itertools

import pytest
from builders import CLIENT, an_environment, some_settings
from pydantic import SecretStr

from update_profile.errors import Misconfigured
from update_profile.settings import (
    CERTIFICATE,
    CERTIFICATE_PASSWORD,
    CREDENTIALS,
    IDENTITY_ENDPOINT,
    IDENTITY_HEADER,
    MANAGED_IDENTITY,
    SECRET,
    read_settings,
)

GIVEN = {MANAGED_IDENTITY: CLIENT, CERTIFICATE: "/certificates/a.pem", SECRET: "a-secret"}


def wrong(**variables: str | None) -> dict[str, str]:
    """Return the faults of an environment with these credentials and no others."""
    with pytest.raises(Misconfigured) as caught:
        read_settings(an_environment(**{SECRET: None, **variables}))
    return {fault.field: fault.message for fault in caught.value.fields}


@pytest.mark.parametrize("blank", [None, "", " \t"])
def test_without_a_credential_all_three_are_named(blank: str | None) -> None:
    """A blank value counts as absent."""
    told = wrong(**dict.fromkeys(CREDENTIALS, blank))
    assert list(told) == list(CREDENTIALS)
    assert all("exactly one" in message and name in message for name in CREDENTIALS for message in told.values())


@pytest.mark.parametrize(
    "names", [*itertools.combinations(CREDENTIALS, 2), CREDENTIALS], ids=lambda names: "+".join(names)
)
def test_more_than_one_credential_names_each_of_them(names: tuple[str, ...]) -> None:
    """None of them is preferred, so that nobody relies on an implicit order."""
    told = wrong(**{name: GIVEN[name] for name in names})
    assert set(told) == set(names)
    for name, message in told.items():
        assert all(other in message for other in names if other != name)
        assert name not in message


@pytest.mark.parametrize("credential", [MANAGED_IDENTITY, SECRET])
def test_a_password_without_a_certificate_is_wrong(credential: str) -> None:
    """There is no file that the password could open."""
    told = wrong(**{credential: GIVEN[credential], CERTIFICATE_PASSWORD: "p"})
    assert told == {CERTIFICATE_PASSWORD: f"is set without {CERTIFICATE}"}


def test_each_credential_is_accepted_alone() -> None:
    """A certificate may come with a password or without."""
    assert some_settings(**{SECRET: "s"}).client_secret == SecretStr("s")
    certificate = some_settings(**{SECRET: None, CERTIFICATE: " /a.pem ", CERTIFICATE_PASSWORD: "p q"})
    assert certificate.client_certificate_path == "/a.pem"
    assert certificate.client_certificate_password == SecretStr("p q")
    assert some_settings(**{SECRET: None, CERTIFICATE: "/a.pem"}).client_certificate_password is None
    identity = some_settings(**{SECRET: None, MANAGED_IDENTITY: CLIENT.upper()})
    assert (identity.managed_identity_client_id, identity.identity_endpoint) == (CLIENT, None)


def test_the_platforms_own_variables_are_read_for_an_identity() -> None:
    """They are ignored with any other credential."""
    platform = {IDENTITY_ENDPOINT: "http://169.254.130.1:8081/msi/token", IDENTITY_HEADER: "the-header"}
    identity = some_settings(**{SECRET: None, MANAGED_IDENTITY: CLIENT, **platform})
    assert identity.identity_endpoint == platform[IDENTITY_ENDPOINT]
    assert identity.identity_header == SecretStr("the-header")
    assert "the-header" not in repr(identity)
    other = some_settings(**{IDENTITY_ENDPOINT: "no address", IDENTITY_HEADER: " x "})
    assert (other.identity_endpoint, other.identity_header) == (None, None)


@pytest.mark.parametrize("endpoint", ["localhost", "ftp://localhost/x", "http://", "http://a b/c", "http://h:99999/"])
def test_an_endpoint_that_is_no_address_is_wrong(endpoint: str) -> None:
    """The error names the variable."""
    assert list(wrong(**{MANAGED_IDENTITY: CLIENT, IDENTITY_ENDPOINT: endpoint})) == [IDENTITY_ENDPOINT]


@pytest.mark.parametrize("client_id", ["contoso", f"{CLIENT},{CLIENT}", "\uff11" + CLIENT[1:]])
def test_an_identity_is_a_guid(client_id: str) -> None:
    """The value must be one GUID in ASCII."""
    assert list(wrong(**{MANAGED_IDENTITY: client_id})) == [MANAGED_IDENTITY]


@pytest.mark.parametrize("name", CREDENTIALS)
def test_an_unresolved_reference_is_told_as_that(name: str) -> None:
    """The credential is set, so the message does not say that it is missing."""
    told = wrong(**{name: "@Microsoft.KeyVault(SecretUri=https://kept.vault.example/s)"})
    assert told == {name: "is a reference that the platform could not resolve"}


@pytest.mark.parametrize(
    ("cloud", "audience"),
    [
        ("global", "api://AzureADTokenExchange"),
        ("usgov", "api://AzureADTokenExchangeUSGov"),
        ("china", "api://AzureADTokenExchangeChina"),
    ],
)
def test_each_cloud_has_its_audience_for_federated_credentials(cloud: str, audience: str) -> None:
    """A known authority host decides; otherwise the cloud does."""
    settings = some_settings(PARTNER_CENTER_CLOUD=cloud)
    assert settings.federated_audience == audience
    assert some_settings(ENTRA_AUTHORITY_HOST=settings.authority_host).federated_audience == audience
    other = some_settings(PARTNER_CENTER_CLOUD=cloud, ENTRA_AUTHORITY_HOST="https://login.example")
    assert other.federated_audience == audience
