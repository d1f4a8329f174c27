"""MS-CorrelationId, MS-RequestId and delivery ids: which ids a call bears.

Source: learn.microsoft.com/partner-center/developer/headers. Why a delivery keeps its request id over repeats:
docs/adr/0006-request-ids.md.
"""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

from .errors import InvalidHeader
from .formats import GUID

CORRELATION_ID = "MS-CorrelationId"
REQUEST_ID = "MS-RequestId"
# Each names one delivery, the same on every repeat. x-ms-client-tracking-id is not here: a run of Power Automate
# keeps it for all its calls.
DELIVERY_ID_HEADERS = (
    "idempotency-key",
    "webhook-id",
    "x-zendesk-webhook-invocation-id",
    "x-atlassian-webhook-identifier",
)
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:update-profile:delivery")


@dataclass(frozen=True, kw_only=True)
class RequestIds:
    """The two ids of one call: sent upstream, and back on every answer.

    Attributes:
        correlation_id: A GUID as the caller wrote it, else a made one.
        request_id: The same.
        delivery_id: What the sender calls this delivery; None when it does not say, or chose the request id itself.
        refused: The names of headers that hold no GUID; a made one stands in for each.
    """

    correlation_id: str
    request_id: str
    delivery_id: str | None
    refused: tuple[str, ...]

    def check(self) -> None:
        """Raise InvalidHeader when a header held no GUID."""
        if self.refused:
            raise InvalidHeader(f"{' and '.join(self.refused)} must be a GUID: 8-4-4-4-12 hexadecimal digits.")

    def for_delivery(self, *, tenant_id: str, user_id: str, body: bytes, validate_only: bool = False) -> "RequestIds":
        """The ids of this very delivery: the same user, sending the same bytes under the same delivery id again.

        A dry run of it is another operation: its read must not bear the id of the write that follows.
        """
        if self.delivery_id is None:
            return self
        kind = ("validate_only",) if validate_only else ()
        name = "\n".join((tenant_id, user_id, hashlib.sha256(body).hexdigest(), *kind, self.delivery_id))
        return replace(self, request_id=str(uuid.uuid5(_NAMESPACE, name)))


def read_ids(headers: Mapping[str, str]) -> RequestIds:
    """Read the ids of a call. Never raises: a bad id is told by ``check``, so that the answer can still bear ids.

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
    # Blanks as HTTP has them (RFC 9110, section 5.6.3): with any other around it a GUID is none.
    return headers.get(name, "").strip(" \t")
