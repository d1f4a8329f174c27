"""MS-CorrelationId, MS-RequestId and delivery ids: which ids a call has.

Source: learn.microsoft.com/partner-center/developer/headers. docs/adr/0006-request-ids.md explains why a repeated
delivery keeps its request id.
"""

import hashlib
import uuid
from collections.abc import Mapping
from typing import NamedTuple

from .errors import InvalidHeader
from .formats import GUID

CORRELATION_ID = "MS-CorrelationId"
REQUEST_ID = "MS-RequestId"
# Each identifies one delivery and stays the same when it is repeated. x-ms-client-tracking-id is not here: a run of
# Power Automate uses the same one for all its calls.
DELIVERY_ID_HEADERS = (
    "idempotency-key",
    "webhook-id",
    "x-zendesk-webhook-invocation-id",
    "x-atlassian-webhook-identifier",
)
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:update-profile:delivery")


class RequestIds(NamedTuple):
    """The two ids of one call: sent upstream, and returned on every answer.

    Attributes:
        correlation_id: A GUID as the caller wrote it, or a generated one.
        request_id: Likewise.
        delivery_id: The sender's id for this delivery; None when there is none, or when the caller chose the request
            id itself.
        refused: The names of headers that are not GUIDs; a generated id replaces each.
    """

    correlation_id: str
    request_id: str
    delivery_id: str | None
    refused: tuple[str, ...]

    def check(self) -> None:
        """Raise InvalidHeader when a header was not a GUID."""
        if self.refused:
            raise InvalidHeader(
                f"{' and '.join(self.refused)} must be a GUID (8-4-4-4-12 hexadecimal digits).",
                reason="correlation_id" if CORRELATION_ID in self.refused else "request_id",
            )

    def for_delivery(self, *, tenant_id: str, user_id: str, body: bytes, validate_only: bool = False) -> "RequestIds":
        """Return the ids of this delivery: the same whenever this user sends these bytes under this delivery id.

        A dry run is another operation: its read must not carry the id of the write that follows.
        """
        if self.delivery_id is None:
            return self
        kind = ("validate_only",) if validate_only else ()
        name = "\n".join((tenant_id, user_id, hashlib.sha256(body).hexdigest(), *kind, self.delivery_id))
        return self._replace(request_id=str(uuid.uuid5(_NAMESPACE, name)))


def read_ids(headers: Mapping[str, str]) -> RequestIds:
    """Read the ids of a call. Never raises: ``check`` reports a bad id, so that the answer can carry ids too.

    Args:
        headers: Names in lower case. A blank value counts as absent.
    """
    given = {name: _value(headers, name.lower()) for name in (CORRELATION_ID, REQUEST_ID)}
    refused = tuple(name for name, value in given.items() if value and not GUID.fullmatch(value))
    ids = {name: value if value and name not in refused else str(uuid.uuid4()) for name, value in given.items()}
    return RequestIds(
        correlation_id=ids[CORRELATION_ID],
        request_id=ids[REQUEST_ID],
        delivery_id=None if given[REQUEST_ID] else _delivery_id(headers),
        refused=refused,
    )


def _delivery_id(headers: Mapping[str, str]) -> str | None:
    return next((value for name in DELIVERY_ID_HEADERS if (value := _value(headers, name))), None)


def _value(headers: Mapping[str, str], name: str) -> str:
    # Only SP and HTAB are trimmed (RFC 9110, section 5.6.3); a GUID with any other white space around it is invalid.
    return headers.get(name, "").strip(" \t")
