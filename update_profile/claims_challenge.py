"""Claims challenges: what a user must prove at the next sign-in.

Source: learn.microsoft.com/entra/identity-platform/claims-challenge. Entra ID puts the claims into a refusal as JSON
text; an API puts the same text, in base64, into ``WWW-Authenticate``.
"""

import base64
import binascii
import json
import re

from .errors import ClaimsChallenge

MAX_CLAIMS_LENGTH = 8192
_ERROR = re.compile(r'\berror="?insufficient_claims\b', re.ASCII | re.IGNORECASE)
_CLAIMS = re.compile(r'\bclaims="?([A-Za-z0-9+/_=-]{1,12288})"?(?:[\s,]|$)', re.ASCII | re.IGNORECASE)


def compact_claims(value: object) -> str | None:
    """Return the claims as compact JSON text; None when they are not a JSON object of reasonable size."""
    if not isinstance(value, str) or len(value) > MAX_CLAIMS_LENGTH:
        return None
    try:
        claims = json.loads(value)
        return json.dumps(claims, separators=(",", ":")) if isinstance(claims, dict) and claims else None
    except (ValueError, RecursionError):
        return None


def challenged_claims(www_authenticate: str) -> str | None:
    """Return the claims that an API asks for, as compact JSON text; None when the header has no such challenge."""
    encoded = _CLAIMS.search(www_authenticate)
    if encoded is None or not _ERROR.search(www_authenticate):
        return None
    text = encoded[1].replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return compact_claims(base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-8"))
    except (binascii.Error, UnicodeDecodeError):
        return None


def render(challenge: ClaimsChallenge) -> str:
    """Write a challenge as a value of ``WWW-Authenticate``."""
    claims = base64.b64encode(challenge.claims.encode("utf-8")).decode("ascii")
    return (
        f'Bearer realm="{challenge.tenant_id}", authorization_uri="{challenge.authorization_uri}", '
        f'error="insufficient_claims", claims="{claims}"'
    )
