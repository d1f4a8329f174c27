"""Where Entra ID publishes a tenant's endpoints and signing keys (OpenID Connect Discovery 1.0, RFC 7517)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from ..deadline import Deadline
from ..errors import EntraUnavailable, Misconfigured
from ..strict_json import parse_object
from ..transport.messages import Http, HttpRequest, read_retry_after
from .ask import ask

UNKNOWN_TENANT = 90002  # learn.microsoft.com/entra/identity-platform/reference-error-codes


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A public key of Entra ID.

    Attributes:
        issuer: Whose tokens it may sign, with the tenant's id filled in; None when the key does not say.
        jwk: The key as published.
    """

    issuer: str | None
    jwk: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class TenantMetadata:
    """What one tenant publishes: the discovery document as it came, and the keys by key id."""

    discovery: Mapping[str, Any] = field(repr=False)
    keys: Mapping[str, SigningKey] = field(repr=False)


async def fetch_metadata(http: Http, authority_host: str, tenant_id: str, *, deadline: Deadline) -> TenantMetadata:
    """Fetch a tenant's discovery document, and the keys from the address it names.

    Args:
        http: Sends the requests.
        authority_host: ``https://host[:port]``.
        tenant_id: The tenant's GUID.
        deadline: When both must be there.

    Raises:
        EntraUnavailable, EntraTimeout: One of them is not available, or makes no sense.
        Misconfigured: Entra ID does not know the tenant.
    """
    url = f"{authority_host}/{tenant_id}/v2.0/.well-known/openid-configuration"
    discovery = await _get(http, url, deadline)
    document = await _get(http, _https_address(discovery, "jwks_uri"), deadline)
    _https_address(discovery, "token_endpoint")
    keys = read_keys(document, tenant_id)
    if not keys:  # not an answer of Entra's: keys that are held must survive it
        raise EntraUnavailable("Entra ID's key document holds no key.")
    return TenantMetadata(discovery=MappingProxyType(discovery), keys=keys)


async def _get(http: Http, url: str, deadline: Deadline) -> dict[str, Any]:
    request = HttpRequest(method="GET", url=url)
    answer = await ask(http, request, deadline=deadline, whom="Entra ID", log_name="entra")
    if answer.status == 400 and _names_unknown_tenant(answer.body):
        raise Misconfigured("Entra ID does not know a tenant in ENTRA_ALLOWED_TENANTS.")
    if answer.status != 200:
        raise EntraUnavailable(
            "Entra ID does not return its keys.",
            retry_after_seconds=read_retry_after(answer.header("retry-after")),
        )
    document = parse_object(answer.body)
    if document is None:
        raise EntraUnavailable("Entra ID's discovery document or keys cannot be read.")
    return document


def read_keys(document: Mapping[str, Any], tenant_id: str) -> Mapping[str, SigningKey]:
    """Return the RSA signing keys of a JWK set, by key id. Other entries are skipped."""
    entries = document.get("keys")
    keys = {
        entry["kid"]: SigningKey(issuer=_issuer(entry, tenant_id), jwk=MappingProxyType(entry))
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and _signs(entry)
    }
    return MappingProxyType(keys)


def _signs(entry: Mapping[str, Any]) -> bool:
    texts = (entry.get("kid"), entry.get("n"), entry.get("e"))
    return entry.get("kty") == "RSA" and entry.get("use", "sig") == "sig" and all(isinstance(t, str) for t in texts)


def _issuer(entry: Mapping[str, Any], tenant_id: str) -> str | None:
    issuer = entry.get("issuer")
    return issuer.replace("{tenantid}", tenant_id) if isinstance(issuer, str) else None


def _https_address(discovery: Mapping[str, Any], name: str) -> str:
    address = discovery.get(name)
    if not isinstance(address, str) or not _is_https(address):
        raise EntraUnavailable(f"Entra ID's discovery document has no usable {name}.")
    return address


def _is_https(address: str) -> bool:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:  # a port past 65535, half an IPv6 address
        return False
    return parts.scheme == "https" and parts.hostname is not None and port != 0


def _names_unknown_tenant(body: bytes | None) -> bool:
    """Return whether a refusal says that the tenant is unknown: ``invalid_tenant``, number 90002."""
    document = parse_object(body) or {}
    codes = document.get("error_codes")
    return document.get("error") == "invalid_tenant" or (isinstance(codes, list) and UNKNOWN_TENANT in codes)
