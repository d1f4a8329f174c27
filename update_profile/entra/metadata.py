"""Where Entra ID publishes a tenant's token endpoint and signing keys (OpenID Connect Discovery 1.0, RFC 7517)."""

import base64
import binascii
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..clouds import login_hosts
from ..deadline import Deadline
from ..errors import EntraThrottled, EntraUnavailable, EntraUnexpected, Misconfigured
from ..strict_json import parse_object
from ..transport.messages import Http, HttpRequest, read_retry_after
from .ask import KEYS, ask

UNKNOWN_TENANT = 90002  # learn.microsoft.com/entra/identity-platform/reference-error-codes
# RFC 7518, section 3.3, requires 2048 bits or more; a longer key than this only costs time.
SHORTEST_KEY_BITS, LONGEST_KEY_BITS = 2048, 8192
LONGEST_EXPONENT_BITS = 64
LONGEST_NUMBER_CHARACTERS = 1400  # base64url of 8192 bits has 1366
MAX_KEY_ID_LENGTH = 128
MAX_KEYS = 64


class SigningKey(NamedTuple):
    """A public RSA key of Entra ID (RFC 7518, section 6.3.1).

    Attributes:
        issuer: Whose tokens it may sign, with the tenant's id filled in; None when the key does not say.
        modulus: ``n``.
        exponent: ``e``.
    """

    issuer: str | None
    modulus: int
    exponent: int


class TenantMetadata(NamedTuple):
    """What one tenant publishes: its token endpoint, and its keys by key id."""

    token_endpoint: str
    keys: Mapping[str, SigningKey]


async def fetch_metadata(http: Http, authority_host: str, tenant_id: str, *, deadline: Deadline) -> TenantMetadata:
    """Fetch a tenant's discovery document, and the keys from the address it names.

    Args:
        http: Sends the requests.
        authority_host: ``https://host[:port]``.
        tenant_id: The tenant's GUID.
        deadline: When both must be there.

    Raises:
        EntraUnavailable, EntraTimeout: One of them is not available, or makes no sense.
        EntraUnexpected: The document names a host outside the authority's cloud: credentials would go there.
        Misconfigured: Entra ID does not know the tenant.
    """
    url = f"{authority_host}/{tenant_id}/v2.0/.well-known/openid-configuration"
    discovery = await _get(http, url, deadline)
    token_endpoint = _own_address(discovery, "token_endpoint", authority_host)
    document = await _get(http, _own_address(discovery, "jwks_uri", authority_host), deadline)
    keys = read_keys(document, tenant_id)
    if not keys:  # not an answer of Entra's: keys that are held must survive it
        raise _unusable("Entra ID's key document has no usable key.", 200)
    return TenantMetadata(token_endpoint=token_endpoint, keys=keys)


async def _get(http: Http, url: str, deadline: Deadline) -> dict[str, Any]:
    answer = await ask(http, HttpRequest(method="GET", url=url, chained=True), KEYS, deadline=deadline)
    document = parse_object(answer.body)
    if answer.status == 400 and document is not None and _names_unknown_tenant(document):
        raise Misconfigured(
            "Entra ID does not know a tenant in ENTRA_ALLOWED_TENANTS.",
            reason="tenant",
            neighbour="entra",
            entra_status=400,
        )
    retry_after_seconds = read_retry_after(answer.header("retry-after"))
    if answer.status == 429:
        raise EntraThrottled(
            "Entra ID asks to wait before the next request.",
            entra_status=429,
            retry_after_seconds=retry_after_seconds,
        )
    if answer.status != 200:
        raise _unusable("Entra ID does not return its keys.", answer.status, retry_after_seconds)
    if document is None:
        raise _unusable("Entra ID's discovery document or keys cannot be read.", answer.status)
    return document


def _unusable(detail: str, status: int, retry_after_seconds: int | None = None) -> EntraUnavailable:
    return EntraUnavailable(detail, reason="keys", entra_status=status, retry_after_seconds=retry_after_seconds)


def read_keys(document: Mapping[str, Any], tenant_id: str) -> Mapping[str, SigningKey]:
    """Return the RSA signing keys of a JWK set, by key id. Only ``kty``, ``n`` and ``e`` make a key.

    Any entry that is not a public RSA key of 2048 to 8192 bits is skipped, and so is everything past 64 keys.
    """
    entries = document.get("keys")
    keys: dict[str, SigningKey] = {}
    for entry in entries if isinstance(entries, list) else ():
        key = _read_key(entry, tenant_id) if isinstance(entry, dict) else None
        if key is not None and len(keys) < MAX_KEYS:
            keys[entry["kid"]] = key
    return MappingProxyType(keys)


def _read_key(entry: Mapping[str, Any], tenant_id: str) -> SigningKey | None:
    key_id, issuer = entry.get("kid"), entry.get("issuer")
    if entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig":
        return None
    if not isinstance(key_id, str) or not 0 < len(key_id) <= MAX_KEY_ID_LENGTH:
        return None
    modulus, exponent = _number(entry.get("n")), _number(entry.get("e"))
    if not SHORTEST_KEY_BITS <= modulus.bit_length() <= LONGEST_KEY_BITS or not modulus & 1:
        return None
    if not 2 <= exponent.bit_length() <= LONGEST_EXPONENT_BITS or not exponent & 1:
        return None
    filled_in = issuer.replace("{tenantid}", tenant_id) if isinstance(issuer, str) else None
    return SigningKey(issuer=filled_in, modulus=modulus, exponent=exponent)


def _number(text: object) -> int:
    """Read a Base64urlUInt (RFC 7518, section 2); 0 when it is not one."""
    if not isinstance(text, str) or not text.isascii() or len(text) > LONGEST_NUMBER_CHARACTERS:
        return 0
    try:
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
    except (binascii.Error, ValueError):
        return 0


def _own_address(discovery: Mapping[str, Any], name: str, authority_host: str) -> str:
    """Return an https address on the authority's own host, or on another host of its cloud."""
    address = discovery.get(name)
    if not isinstance(address, str) or not _is_https(address):
        raise _unusable(f"Entra ID's discovery document has no usable {name}.", 200)
    netloc = urlsplit(address).netloc.lower().removesuffix(":443")
    if netloc not in login_hosts(authority_host):
        raise EntraUnexpected(
            f"Entra ID's discovery document names a {name} on another host; it is not used.",
            reason="another_host",
            entra_status=200,
        )
    return address


def _is_https(address: str) -> bool:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:  # a port past 65535, half an IPv6 address
        return False
    return parts.scheme == "https" and parts.hostname is not None and port != 0


def _names_unknown_tenant(document: Mapping[str, Any]) -> bool:
    """Return whether a refusal says that the tenant is unknown: ``invalid_tenant``, number 90002."""
    codes = document.get("error_codes")
    return document.get("error") == "invalid_tenant" or (isinstance(codes, list) and UNKNOWN_TENANT in codes)
