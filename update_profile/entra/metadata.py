"""Where Entra ID publishes a tenant's endpoints and signing keys (OpenID Connect Discovery 1.0, RFC 7517)."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from ..deadline import Deadline
from ..errors import EntraTimeout, EntraUnavailable, Misconfigured, UpdateProfileError
from ..evidence import Evidence
from ..strict_json import NotJson, parse
from ..transport.client import HttpClient
from ..transport.messages import HttpRequest, TransportError
from ..transport.retry_after import read_retry_after

logger = logging.getLogger("update_profile")
UNKNOWN_TENANT = 90002  # learn.microsoft.com/entra/identity-platform/reference-error-codes


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A public key of Entra ID.

    Attributes:
        issuer: Whose tokens it may sign, the tenant's id filled in; None when the key does not say.
        jwk: The key as published.
    """

    issuer: str | None
    jwk: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class TenantMetadata:
    """What one tenant publishes: the discovery document as it came, and the keys by key id."""

    discovery: Mapping[str, Any] = field(repr=False)
    keys: Mapping[str, SigningKey] = field(repr=False)


class EntraMetadata:
    """Fetches what tenants publish."""

    def __init__(self, http: HttpClient, authority_host: str) -> None:
        """``authority_host``: ``https://host[:port]``."""
        self._http = http
        self._authority_host = authority_host

    async def fetch(self, tenant_id: str, *, deadline: Deadline) -> TenantMetadata:
        """Fetch a tenant's discovery document, and the keys from where it says.

        Raises:
            EntraUnavailable, EntraTimeout: Either cannot be had, or makes no sense.
            Misconfigured: Entra ID does not know the tenant.
        """
        url = f"{self._authority_host}/{tenant_id}/v2.0/.well-known/openid-configuration"
        discovery = await self._get(url, deadline)
        document = await self._get(_https_address(discovery, "jwks_uri"), deadline)
        _https_address(discovery, "token_endpoint")
        keys = read_keys(document, tenant_id)
        if not keys:  # no answer of Entra's: keys that are held must outlive it
            raise EntraUnavailable("Entra ID's keys document holds no key.")
        return TenantMetadata(discovery=MappingProxyType(discovery), keys=keys)

    async def _get(self, url: str, deadline: Deadline) -> dict[str, Any]:
        try:
            answer = await self._http.send(HttpRequest(method="GET", url=url), deadline=deadline)
        except TransportError as error:
            logger.warning("update_profile.no_answer entra %s", error.reason)
            raise _trouble(error) from error
        if answer.body is None and not deadline.remaining_seconds():  # its body dripped
            raise EntraTimeout("Entra ID did not give its keys in time.")
        if answer.status == 400 and _names_unknown_tenant(answer.body):
            raise Misconfigured("Entra ID does not know a tenant of ENTRA_ALLOWED_TENANTS.")
        if answer.status != 200:
            seconds = read_retry_after(answer.header("retry-after"))
            raise EntraUnavailable("Entra ID does not give its keys.", Evidence(retry_after_seconds=seconds))
        return _read_object(answer.body)


def read_keys(document: Mapping[str, Any], tenant_id: str) -> Mapping[str, SigningKey]:
    """The RSA signing keys of a JWK set, by key id; what is no such key is left out."""
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
    """Whether a refusal says so: ``invalid_tenant``, number 90002."""
    document = _object(body) or {}
    codes = document.get("error_codes")
    return document.get("error") == "invalid_tenant" or (isinstance(codes, list) and UNKNOWN_TENANT in codes)


def _read_object(body: bytes | None) -> dict[str, Any]:
    document = _object(body)
    if document is None:
        raise EntraUnavailable("Entra ID's discovery document or keys cannot be read.")
    return document


def _object(body: bytes | None) -> dict[str, Any] | None:
    try:
        document = parse(body or b"")
    except NotJson:
        return None
    return document if isinstance(document, dict) else None


def _trouble(error: TransportError) -> UpdateProfileError:
    if error.sent and error.timed_out:
        return EntraTimeout("Entra ID did not give its keys in time.")
    return EntraUnavailable("Entra ID cannot be reached for its keys.")
