"""Content-Type and Content-Encoding: is this body plain JSON?

Callers spell JSON's media type in many ways, so the parts are compared, not the header (RFC 9110, section 8.3).
"""

import re

from .errors import UnsupportedMediaType

JSON = "application/json"
MERGE_PATCH_JSON = "application/merge-patch+json"  # RFC 7396
_UTF_8 = ("utf-8", "utf8")
_PIECES = re.compile(r'"(?:[^"\\]|\\.)*"?|[^",;]+|.', re.DOTALL)
_WRAPPED = "application/octet-stream"


def require_plain_json(content_type: str, content_encoding: str, *, also: str | None = None) -> None:
    """Check how the body is sent.

    Args:
        content_type: "" when absent, which counts as plain JSON.
        content_encoding: "" when absent.
        also: Another media type that is taken; None for none.

    Raises:
        UnsupportedMediaType: It is another type, another charset, or compressed.
    """
    codings = [coding.strip().lower() for coding in content_encoding.split(",")]
    if any(coding not in ("", "identity") for coding in codings):
        raise UnsupportedMediaType("The body must come without Content-Encoding: nothing is unpacked here.")
    # The host joins a repeated header by a comma; a blank one counts as absent.
    types = {_normalised(part) for part in _split(content_type, ",") if part.strip()} or {_normalised("")}
    if len(types) > 1:
        raise UnsupportedMediaType("Two different Content-Type headers came with the request.")
    essence, charsets = types.pop()
    if essence not in ("", JSON, also):
        raise UnsupportedMediaType(_other_type(essence))
    if not all(charset in _UTF_8 for charset in charsets):
        raise UnsupportedMediaType("The body must be JSON in UTF-8; Content-Type names another charset.")


def _normalised(value: str) -> tuple[str, frozenset[str]]:
    essence, *parameters = (part.strip().lower() for part in _split(value, ";"))
    pairs = [parameter.partition("=") for parameter in parameters]
    return essence, frozenset(text.strip().strip('"') for name, _, text in pairs if name.strip() == "charset")


def _split(value: str, separator: str) -> list[str]:
    """The parts between separators, but not those in a quoted parameter."""
    parts = [""]
    for piece in _PIECES.findall(value):
        if piece == separator:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _other_type(essence: str) -> str:
    if essence == _WRAPPED:
        return f"The body arrived wrapped, as bytes. Send the JSON itself, as {JSON}."
    return f"Content-Type must be {JSON}."
