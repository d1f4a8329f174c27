"""Claims challenges: what a user must prove at the next sign-in.

Source: learn.microsoft.com/entra/identity-platform/claims-challenge. Entra ID puts the claims into a refusal as JSON
text; an API puts the same text, in base64, into ``WWW-Authenticate``.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator

from .errors import ClaimsChallenge
from .strict_json import parse_object

# In base64, with everything around them, longer claims would make a header of over 8 KiB.
MAX_CLAIMS_BYTES = 5_800
MAX_HEADER_LENGTH = 16_384
# A parameter, or else a quoted text, a run of token characters, or one other character. No part gives back what it took
# (possessive quantifiers), and each alternative ends where the next match begins: the time is linear.
_PIECES = re.compile(
    r'(?P<name>[A-Za-z0-9_-]++)[ \t]*+=[ \t]*+(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"?|(?P<plain>[^\s,"]++))'
    r'|"(?:[^"\\]|\\.)*+"?|[A-Za-z0-9_-]++[ \t]*+|.',
    re.DOTALL,
)


def compact_claims(value: object) -> str | None:
    """Return claims as compact JSON in ASCII; None when they are not JSON text of an object, or too long."""
    if not isinstance(value, str) or len(value) > MAX_HEADER_LENGTH:
        return None
    claims = parse_object(value.encode("utf-8", "surrogatepass"))
    if not claims:
        return None
    try:
        text = json.dumps(claims, separators=(",", ":"), allow_nan=False)
    except ValueError:  # a number of so many digits that it became infinite
        return None
    return text if len(text) <= MAX_CLAIMS_BYTES else None


def challenged_claims(www_authenticate: str) -> str | None:
    """Return the claims that an API asks for, as compact JSON text; None when the header has none that can be read.

    The claims count whatever the error is called: services use ``insufficient_claims`` and ``invalid_token``.
    """
    if len(www_authenticate) > MAX_HEADER_LENGTH:
        return None
    encoded = (value for name, value in _parameters(www_authenticate) if name.lower() == "claims")
    return next((claims for text in encoded if (claims := _decoded(text)) is not None), None)


def _parameters(header: str) -> Iterator[tuple[str, str]]:
    """Yield the ``name=value`` parameters of every challenge (RFC 9110, section 11.2), in linear time.

    Blanks may surround ``=``. A quoted value comes without its quotes; what is inside is never read as parameters.
    """
    for found in _PIECES.finditer(header):
        if found["name"] is not None:
            yield found["name"], found["quoted"] or found["plain"] or ""


def _decoded(text: str) -> str | None:
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return compact_claims(base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True).decode("utf-8"))
    except (binascii.Error, UnicodeDecodeError):
        return None


def render(challenge: ClaimsChallenge) -> str:
    """Write a challenge as a value of ``WWW-Authenticate``."""
    claims = base64.b64encode(challenge.claims.encode("utf-8")).decode("ascii")
    return (
        f'Bearer realm="{challenge.tenant_id}", authorization_uri="{challenge.authorization_uri}", '
        f'error="insufficient_claims", claims="{claims}"'
    )
