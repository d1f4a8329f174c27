"""A claims challenge: what a user must prove at the next sign-in.

Source: learn.microsoft.com/entra/identity-platform/claims-challenge. Entra ID gives the claims as JSON text in its
refusal, an API as base64 of the same in ``WWW-Authenticate``.
"""

import base64
import binascii
import json
import re

MAX_CLAIMS_LENGTH = 8192
_ERROR = re.compile(r'\berror="?insufficient_claims\b', re.ASCII | re.IGNORECASE)
_CLAIMS = re.compile(r'\bclaims="?([A-Za-z0-9+/_=-]{1,12288})"?(?:[\s,]|$)', re.ASCII | re.IGNORECASE)


def compact_claims(value: object) -> str | None:
    """The claims as compact JSON text; None where they are no JSON object of sane size."""
    if not isinstance(value, str) or len(value) > MAX_CLAIMS_LENGTH:
        return None
    try:
        claims = json.loads(value)
        return json.dumps(claims, separators=(",", ":")) if isinstance(claims, dict) and claims else None
    except (ValueError, RecursionError):
        return None


def challenged_claims(www_authenticate: str) -> str | None:
    """The claims that an API asks for, as compact JSON text; None where the header holds no such challenge."""
    encoded = _CLAIMS.search(www_authenticate)
    if encoded is None or not _ERROR.search(www_authenticate):
        return None
    text = encoded[1].replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return compact_claims(base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-8"))
    except (binascii.Error, UnicodeDecodeError):
        return None
