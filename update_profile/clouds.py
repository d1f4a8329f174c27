"""The national clouds of Partner Center, as a table.

Sources: learn.microsoft.com/partner-center/developer/partner-center-rest-urls (API addresses),
learn.microsoft.com/entra/identity-platform/authentication-national-cloud (login hosts). The issuers of v1 tokens
outside the global cloud come from third-party reports; they are not verified on live tokens.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

GLOBAL_API = "https://api.partnercenter.microsoft.com"
CHINA_API = "https://partner.partnercenterapi.microsoftonline.cn"
DEFAULT_CLOUD = "global"


class Cloud(NamedTuple):
    """One national cloud.

    Attributes:
        authority_host: Where users sign in, and the host in v2 issuers.
        aliases: Other login hosts of the same cloud that MSAL knows: bare host names.
        v1_issuer_host: The host in v1 issuers.
        base_url: Partner Center's API.
        scope: The delegated permission to request.
        federated_audience: The audience that makes a managed identity's token count as a federated credential
            (learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity).
        closed: Why the cloud can no longer be used; None for a live one.
    """

    authority_host: str
    aliases: frozenset[str]
    v1_issuer_host: str
    base_url: str
    scope: str
    federated_audience: str
    closed: str | None = None


CLOUDS: Mapping[str, Cloud] = MappingProxyType(
    {
        "global": Cloud(
            authority_host="https://login.microsoftonline.com",
            aliases=frozenset({"login.microsoft.com", "login.windows.net", "sts.windows.net"}),
            v1_issuer_host="https://sts.windows.net",
            base_url=GLOBAL_API,
            scope=f"{GLOBAL_API}/user_impersonation",
            federated_audience="api://AzureADTokenExchange",
        ),
        "usgov": Cloud(
            authority_host="https://login.microsoftonline.us",
            aliases=frozenset({"login-us.microsoftonline.com", "login.usgovcloudapi.net"}),
            v1_issuer_host="https://sts.windows.net",
            base_url=GLOBAL_API,
            scope=f"{GLOBAL_API}/user_impersonation",
            federated_audience="api://AzureADTokenExchangeUSGov",
        ),
        "china": Cloud(
            authority_host="https://login.partner.microsoftonline.cn",
            aliases=frozenset({"login.chinacloudapi.cn"}),
            v1_issuer_host="https://sts.chinacloudapi.cn",
            base_url=CHINA_API,
            scope=f"{CHINA_API}/user_impersonation",
            federated_audience="api://AzureADTokenExchangeChina",
        ),
        "germany": Cloud(
            authority_host="https://login.microsoftonline.de",
            aliases=frozenset(),
            v1_issuer_host="https://sts.microsoftonline.de",
            base_url=GLOBAL_API,
            scope=f"{GLOBAL_API}/user_impersonation",
            federated_audience="api://AzureADTokenExchange",
            closed="Microsoft Cloud Germany closed on 2021-10-29",
        ),
    }
)


class Issuers(NamedTuple):
    """The ``iss`` of a tenant's tokens, by token version."""

    v1: str
    v2: str


def issuers(authority_host: str, tenant_id: str) -> Issuers:
    """Return who issues a tenant's tokens.

    Args:
        authority_host: ``https://host[:port]`` as configured. A host in the table, or one of its aliases, stands for
            its whole cloud; an unknown host issues under its own name.
        tenant_id: The tenant's GUID, in lower case.
    """
    cloud = cloud_of(authority_host)
    if cloud is None:
        return Issuers(v1=f"{authority_host}/{tenant_id}/", v2=f"{authority_host}/{tenant_id}/v2.0")
    return Issuers(v1=f"{cloud.v1_issuer_host}/{tenant_id}/", v2=f"{cloud.authority_host}/{tenant_id}/v2.0")


def cloud_of(authority_host: str) -> Cloud | None:
    """Return the cloud that a login host belongs to; None for a host that is not in the table."""
    host = urlsplit(authority_host).netloc
    for cloud in CLOUDS.values():
        if host == urlsplit(cloud.authority_host).netloc or host in cloud.aliases:
            return cloud
    return None


def login_hosts(authority_host: str) -> frozenset[str]:
    """Return the hosts, with ports, that are trusted together: this one and the other login hosts of its cloud."""
    own = urlsplit(authority_host).netloc
    cloud = cloud_of(authority_host)
    return (
        frozenset({own}) if cloud is None else frozenset({own, urlsplit(cloud.authority_host).netloc, *cloud.aliases})
    )
