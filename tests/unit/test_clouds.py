"""The national clouds and the issuers of a tenant's tokens."""

import msal.authority
import pytest
from builders import TENANT

from update_profile.clouds import CLOUDS, cloud_of, issuers

# MSAL knows these hosts, but Partner Center has no national cloud there: they issue under their own names.
SOVEREIGN = ("login.sovcloud-identity.fr", "login.sovcloud-identity.de", "login.sovcloud-identity.sg")


@pytest.mark.parametrize(
    ("host", "v1_host", "v2_host"),
    [
        ("login.microsoftonline.com", "sts.windows.net", "login.microsoftonline.com"),
        ("login.microsoft.com", "sts.windows.net", "login.microsoftonline.com"),
        ("login.windows.net", "sts.windows.net", "login.microsoftonline.com"),
        ("sts.windows.net", "sts.windows.net", "login.microsoftonline.com"),
        ("login.microsoftonline.us", "sts.windows.net", "login.microsoftonline.us"),
        ("login-us.microsoftonline.com", "sts.windows.net", "login.microsoftonline.us"),
        ("login.usgovcloudapi.net", "sts.windows.net", "login.microsoftonline.us"),
        ("login.partner.microsoftonline.cn", "sts.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
        ("login.chinacloudapi.cn", "sts.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
    ],
)
def test_a_known_host_issues_as_its_cloud_does(host: str, v1_host: str, v2_host: str) -> None:
    """Each alias of a cloud's host maps to the same issuers."""
    known = issuers(f"https://{host}", TENANT)
    assert known.v1 == f"https://{v1_host}/{TENANT}/"
    assert known.v2 == f"https://{v2_host}/{TENANT}/v2.0"


@pytest.mark.parametrize("host", ["localhost:8443", "login.example", "login.microsoftonline.com.example", *SOVEREIGN])
def test_an_unknown_host_issues_under_its_own_name(host: str) -> None:
    """An unknown host is trusted as configured."""
    assert cloud_of(f"https://{host}") is None
    known = issuers(f"https://{host}", TENANT)
    assert (known.v1, known.v2) == (f"https://{host}/{TENANT}/", f"https://{host}/{TENANT}/v2.0")


def test_every_host_that_msal_knows_is_in_the_table() -> None:
    """A gap would make MSAL and this table disagree about issuers; the sovereign clouds are the only exception."""
    known = {host for host in msal.authority.WELL_KNOWN_AUTHORITY_HOSTS if cloud_of(f"https://{host}")}
    assert known == set(msal.authority.WELL_KNOWN_AUTHORITY_HOSTS) - set(SOVEREIGN)


def test_the_clouds_are_those_of_partner_center() -> None:
    """The German cloud is listed as closed, with its closing date."""
    assert [name for name, cloud in CLOUDS.items() if cloud.closed is None] == ["global", "usgov", "china"]
    assert "2021-10-29" in str(CLOUDS["germany"].closed)


def test_scope_and_address_are_of_one_resource() -> None:
    """A token for one resource is refused by another, so each scope starts with its cloud's base URL."""
    for cloud in CLOUDS.values():
        assert cloud.scope == f"{cloud.base_url}/user_impersonation"
    assert CLOUDS["china"].base_url == "https://partner.partnercenterapi.microsoftonline.cn"
    assert CLOUDS["global"].base_url == "https://api.partnercenter.microsoft.com"
