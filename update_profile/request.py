"""Headers, query and body of a call -> values. Everything a caller sends is read here, from plain types.

The head (ids, query, size, media type) is read before the token is validated and the body after it: a stranger
without a valid token learns nothing about a body.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from .errors import BodyTooLarge, InvalidHeader, InvalidParameter, InvalidToken, MalformedBody, MissingToken
from .media_type import MERGE_PATCH_JSON, require_plain_json
from .strict_json import NotJson, Pairs, parse
from .support_profile import SupportProfile, read_changes, read_profile

MAX_TOKEN_BYTES = 16_384
# What API gateways and the Functions host put into a URL for themselves.
GATEWAY_PARAMETERS = frozenset({"code", "clientid", "subscription-key", "api-version"})
MAX_PARAMETERS = 100
VALIDATE_ONLY = "validate_only"
_HARMLESS_NAME = re.compile(r"[A-Za-z0-9_.$-]{1,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class IncomingRequest:
    """One HTTP request as the host gives it.

    Attributes:
        method: In upper case.
        url: With its query as it was sent; scheme and host can be forged and are not used.
        headers: Names in lower case; a repeated header is joined by a comma.
        body: Empty when there is none, or when it came chunked.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """A header's value without blanks at its ends; "" when absent."""
        return self.headers.get(name, "").strip()


def read_validate_only(url: str, *, writes: bool) -> bool:
    """Whether the query asks for a dry run. Whatever else it asks is refused: a typing error in it must not write.

    The URL is read itself, as the host drops empty values and joins repeated ones.

    Args:
        url: With its query as it was sent.
        writes: Whether the method writes; another one has no dry run.

    Raises:
        InvalidParameter: An unknown name, a blank or other value, or ``validate_only`` more than once.
    """
    try:
        pairs = parse_qsl(url.partition("?")[2], keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise InvalidParameter(f"The query has more than {MAX_PARAMETERS} parameters.") from None
    asked = [(name, value.lower()) for name, value in pairs if not _is_gateways(name)]
    for name, value in asked:
        if name != VALIDATE_ONLY or not writes:
            shown = name if _HARMLESS_NAME.fullmatch(name) else "one"
            raise InvalidParameter(f"Unknown query parameter: {shown}.")
        if value not in ("true", "false"):
            raise InvalidParameter(f"{VALIDATE_ONLY} must be true or false.")
    if len(asked) > 1:
        raise InvalidParameter(f"{VALIDATE_ONLY} is given more than once.")
    return (VALIDATE_ONLY, "true") in asked


def _is_gateways(name: str) -> bool:
    return name.isascii() and name.lower() in GATEWAY_PARAMETERS


def check_body_head(incoming: IncomingRequest, *, max_body_bytes: int) -> None:
    """Check the size of the body and how it is sent, without reading it. What a GET carries is not looked at.

    Raises:
        BodyTooLarge, UnsupportedMediaType: As they say.
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


def read_assertion(authorization: str) -> str:
    """The bearer token (RFC 6750, section 2.1); not validated yet.

    Raises:
        MissingToken: No header, another scheme, or nothing behind it.
        InvalidHeader: A comma: two headers, joined by the host.
        InvalidToken: More than one token's worth, or too long to be one.
    """
    if "," in authorization:
        raise InvalidHeader("Authorization must come once, with one bearer token.")
    scheme, _, assertion = authorization.strip().partition(" ")
    assertion = assertion.strip(" ")
    if scheme.lower() != "bearer" or not assertion:
        raise MissingToken("Send the user's access token as Authorization: Bearer.")
    if len(assertion.encode("utf-8", "surrogatepass")) > MAX_TOKEN_BYTES:
        raise InvalidToken(f"The bearer token is larger than {MAX_TOKEN_BYTES} bytes.")
    return assertion


def read_change(incoming: IncomingRequest) -> SupportProfile | dict[str, str] | None:
    """What a call asks to write: the full profile, or for PATCH the values to change; None for GET, which has none.

    Raises:
        MalformedBody: The body is not one JSON object.
        InvalidProfile: It is not a full support profile, or no part of one.
    """
    if incoming.method == "GET":
        return None
    return read_patch(incoming.body) if incoming.method == "PATCH" else read_body(incoming.body)


def read_body(body: bytes) -> SupportProfile:
    """The full support profile of a body; raises as ``read_change`` does."""
    return read_profile(_read_members(body))


def read_patch(body: bytes) -> dict[str, str]:
    """The values that a merge patch changes, by wire name; raises as ``read_change`` does."""
    return read_changes(_read_members(body))


def _read_members(body: bytes) -> Pairs:
    if not body:
        raise MalformedBody(
            "The body is empty. The Functions host delivers no body that comes chunked: send a Content-Length."
        )
    try:
        document = parse(body, make_object=_Members)
    except NotJson as error:
        raise MalformedBody(f"The body cannot be read: {error}.") from None
    if isinstance(document, str):
        raise MalformedBody("The body arrived wrapped: it is a JSON string. Send the JSON object itself.")
    if not isinstance(document, _Members):
        raise MalformedBody("The body must be one JSON object.")
    return _with_plain_objects(document)


class _Members(Pairs):
    """The members of a JSON object in the order they stand, repeated names and all."""


def _with_plain_objects(members: _Members) -> Pairs:
    return [(name, dict(value) if isinstance(value, _Members) else value) for name, value in members]
