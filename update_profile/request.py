"""Headers, query and body of a call -> values. Everything a caller sends is read here, from plain types.

The head (ids, query, size, media type) is read before the token is validated and the body after it: a stranger without
a valid token learns nothing about a body.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from .errors import (
    BodyTooLarge,
    InvalidHeader,
    InvalidParameter,
    InvalidToken,
    MalformedBody,
    MissingToken,
    UnsupportedMediaType,
)
from .strict_json import NotJson, Pairs, parse

JSON = "application/json"
MERGE_PATCH_JSON = "application/merge-patch+json"  # RFC 7396
MAX_TOKEN_BYTES = 16_384
MAX_CONTENT_TYPE_LENGTH = 1_024
# What API gateways and the Functions host add to a URL for themselves.
GATEWAY_PARAMETERS = frozenset({"code", "clientid", "subscription-key", "api-version"})
MAX_PARAMETERS = 100
VALIDATE_ONLY = "validate_only"
_UTF_8 = ("utf-8", "utf8")
_WRAPPED_TYPE = "application/octet-stream"
_SAFE_NAME = re.compile(r"[A-Za-z0-9_.$-]{1,64}", re.ASCII)
_PIECES = re.compile(r'"(?:[^"\\]|\\.)*"?|[^",;]+|.', re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class IncomingRequest:
    """One HTTP request as the host delivers it.

    Attributes:
        method: In upper case.
        url: With its query as it was sent. Scheme and host can be forged and are not used.
        headers: Names in lower case; repeated headers are joined by a comma.
        body: Empty when there is none, or when it came chunked.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """Return a header's value, trimmed; "" when absent."""
        return self.headers.get(name, "").strip()


def read_validate_only(url: str, *, writes: bool) -> bool:
    """Return whether the query asks for a dry run. Anything else in it is refused: a typo must not write.

    The URL itself is read, because the host drops empty values and joins repeated ones.

    Args:
        url: With its query as it was sent.
        writes: Whether the method writes; the others have no dry run.

    Raises:
        InvalidParameter: An unknown name, a blank or other value, or ``validate_only`` more than once.
    """
    try:
        pairs = parse_qsl(url.partition("?")[2], keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise InvalidParameter(f"The query has more than {MAX_PARAMETERS} parameters.", reason="unknown") from None
    asked = [(name, value.lower()) for name, value in pairs if not _is_gateways(name)]
    for name, value in asked:
        if name != VALIDATE_ONLY or not writes:
            shown = f": {name}" if _SAFE_NAME.fullmatch(name) else ""
            raise InvalidParameter(f"Unknown query parameter{shown}.", reason="unknown")
        if value not in ("true", "false"):
            raise InvalidParameter(f"{VALIDATE_ONLY} must be true or false.", reason="value")
    if len(asked) > 1:
        raise InvalidParameter(f"{VALIDATE_ONLY} is repeated.", reason="repeated")
    return (VALIDATE_ONLY, "true") in asked


def _is_gateways(name: str) -> bool:
    return name.isascii() and name.lower() in GATEWAY_PARAMETERS


def check_body_head(incoming: IncomingRequest, *, max_body_bytes: int) -> None:
    """Check the body's size and media type without reading it. A GET's body is ignored.

    Raises:
        BodyTooLarge: The body is longer than ``max_body_bytes``.
        UnsupportedMediaType: It is not plain JSON.
    """
    if incoming.method == "GET":
        return
    if len(incoming.body) > max_body_bytes:
        raise BodyTooLarge(f"The body is larger than {max_body_bytes} bytes.")
    require_plain_json(
        incoming.header("content-type"),
        incoming.header("content-encoding"),
        also=MERGE_PATCH_JSON if incoming.method == "PATCH" else None,
    )


def require_plain_json(content_type: str, content_encoding: str, *, also: str | None = None) -> None:
    """Check the media type of a body, part by part: callers spell JSON's in many ways (RFC 9110, section 8.3).

    Args:
        content_type: "" when absent, which counts as JSON.
        content_encoding: "" when absent.
        also: Another media type to accept; None for none.

    Raises:
        UnsupportedMediaType: The body is of another type, in another charset, or compressed.
    """
    if content_type == JSON and not content_encoding:  # as nearly every caller sends it
        return
    codings = [coding.strip().lower() for coding in content_encoding.split(",")]
    if any(coding not in ("", "identity") for coding in codings):
        raise UnsupportedMediaType(
            "Send the body without Content-Encoding: compressed bodies are not unpacked.", reason="content_encoding"
        )
    if len(content_type) > MAX_CONTENT_TYPE_LENGTH:
        raise UnsupportedMediaType(f"Content-Type must be {JSON}; this one is too long.", reason="media_type")
    # The host joins a repeated header by a comma; a blank one counts as absent. Several count as one when they agree.
    types = [_media_type(part) for part in _split(content_type, ",") if part.strip()]
    essences = {essence for essence, _ in types}
    if _WRAPPED_TYPE in essences:
        raise UnsupportedMediaType(
            f"The body is wrapped as bytes. Send the JSON itself, as {JSON}.", reason="media_type"
        )
    if len(essences - {""}) > 1:
        raise UnsupportedMediaType("The request has two different Content-Type headers.", reason="media_type")
    if not essences <= {"", JSON, also}:
        raise UnsupportedMediaType(f"Content-Type must be {JSON}.", reason="media_type")
    if not all(charset in _UTF_8 for _, charsets in types for charset in charsets):
        raise UnsupportedMediaType(
            "The body must be JSON in UTF-8; Content-Type names another charset.", reason="charset"
        )


def _media_type(value: str) -> tuple[str, frozenset[str]]:
    """Return the type without its parameters, and the charsets it names, all in lower case."""
    essence, *parameters = (part.strip().lower() for part in _split(value, ";"))
    pairs = [parameter.partition("=") for parameter in parameters]
    return essence, frozenset(text.strip().strip('"') for name, _, text in pairs if name.strip() == "charset")


def _split(value: str, separator: str) -> list[str]:
    """Split at each separator outside a quoted string."""
    parts = [""]
    for piece in _PIECES.findall(value):
        if piece == separator:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def read_assertion(authorization: str) -> str:
    """Return the bearer token (RFC 6750, section 2.1), not validated yet.

    Raises:
        MissingToken: There is no header, another scheme, or nothing behind the scheme.
        InvalidHeader: A comma: two headers, which the host joins.
        InvalidToken: The token is too long.
    """
    if "," in authorization:
        raise InvalidHeader("Send Authorization once, with one bearer token.", reason="authorization")
    scheme, _, assertion = authorization.strip().partition(" ")
    assertion = assertion.strip(" ")
    if scheme.lower() != "bearer" or not assertion:
        raise MissingToken("Send the user's access token as Authorization: Bearer.")
    if len(assertion.encode("utf-8", "surrogatepass")) > MAX_TOKEN_BYTES:
        raise InvalidToken(f"The bearer token is larger than {MAX_TOKEN_BYTES} bytes.", reason="malformed")
    return assertion


def read_members(body: bytes) -> Pairs:
    """Return the members of the body's JSON object in order, repeated names included.

    Raises:
        MalformedBody: The body is not one JSON object.
    """
    if not body:
        raise MalformedBody(
            "The body is empty. The Functions host does not deliver chunked bodies: send a Content-Length.",
            reason="empty",
        )
    try:
        document = parse(body, make_object=_Members)
    except NotJson as error:
        raise MalformedBody(f"The body cannot be read: {error}.", reason=error.fault) from None
    if isinstance(document, str):
        raise MalformedBody("The body is wrapped in a JSON string. Send the JSON object itself.", reason="wrapped")
    if not isinstance(document, _Members):
        raise MalformedBody("The body must be one JSON object.", reason="not_an_object")
    return [(name, dict(value) if isinstance(value, _Members) else value) for name, value in document]


class _Members(Pairs):
    """The members of a JSON object in order. A class of its own tells an object from an array."""
