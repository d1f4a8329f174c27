"""Scripted answers: any bytes, any framing and any fault on the wire."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal, Self

Pairs = tuple[tuple[str, str], ...]


class Fault(StrEnum):
    """A fault that replaces an answer or interrupts it.

    A reset is a TCP RST (SO_LINGER 0). It discards the data that the client has not read yet. A reset after the
    headers or in the body therefore waits a moment, so that the client can read what was sent before.
    """

    HANG = "hang"  # the request is read, then nothing is sent until the client disconnects
    HANG_AFTER_HEADERS = "hang_after_headers"
    RESET_BEFORE_READING = "reset_before_reading"  # bytes have arrived but are not read: no journal entry
    RESET_AFTER_REQUEST = "reset_after_request"
    RESET_AFTER_HEADERS = "reset_after_headers"
    RESET_IN_BODY = "reset_in_body"
    RESET_AFTER_ANSWER = "reset_after_answer"  # the answer is complete, and the connection ends with a reset
    CLOSE = "close"  # an orderly close instead of an answer
    TRUNCATE = "truncate"  # half of the body, then an orderly close


@dataclass(frozen=True)
class Answer:
    """One scripted answer. All times are in seconds. Nothing is validated: the answer is sent as given.

    Attributes:
        status: Any number, including 600 and 999.
        headers: Names and values, sent in this order and encoded as UTF-8. Repeated and invalid headers are allowed.
        body: The bytes after the head.
        reason: The reason phrase. None means the standard phrase, or no phrase for a status that has none.
        framing: "length" adds a Content-Length, "chunked" sends chunks, "close" ends the body by closing the
            connection. A Content-Length or Transfer-Encoding in `headers` replaces "length", so that a test can send
            a wrong one or two of them.
        close: Close the connection after the answer without announcing it.
        delay_seconds: Wait before the first byte.
        body_delay_seconds: Wait between head and body.
        head_line_seconds: Send the head line by line, with this pause before each line (slow headers).
        body_byte_seconds: Send the body byte by byte, with this pause before each byte (slow body).
        gate: Wait before the first byte until the test sets this event. None means no wait. A gate makes concurrency
            tests independent of timing.
        fault: The fault. None means that the complete answer is sent.
        surplus: A second, complete answer after this one, sent in the same write. None means no second answer.
        apply: First do what the true answer would have done (store the profile), then send this answer.
        pass_through: Send the true status, reason and body. `headers` are added to the true headers. Delays, framing,
            fault and surplus apply as well.
        echo_ids: Partner Center only: add MS-RequestId and MS-CorrelationId, as a true answer does.
    """

    status: int = 200
    headers: Pairs = ()
    body: bytes = b""
    reason: str | None = None
    framing: Literal["length", "chunked", "close"] = "length"
    close: bool = False
    delay_seconds: float = 0
    body_delay_seconds: float = 0
    head_line_seconds: float = 0
    body_byte_seconds: float = 0
    gate: threading.Event | None = None
    fault: Fault | None = None
    surplus: "Answer | None" = None
    apply: bool = False
    pass_through: bool = False
    echo_ids: bool = False

    @classmethod
    def json(cls, content: object, status: int = 200, **more: Any) -> Self:  # noqa: ANN401 - the class's own fields
        """A JSON answer as a plain server sends it. `headers` in `more` follow the Content-Type header."""
        headers = (("Content-Type", "application/json; charset=utf-8"), *more.pop("headers", ()))
        return cls(status=status, headers=headers, body=json.dumps(content).encode(), **more)

    @classmethod
    def true(cls, **more: Any) -> Self:  # noqa: ANN401 - the class's own fields
        """The answer that an unscripted stand-in gives, changed by `more` (headers, delays, fault, surplus)."""
        return cls(pass_through=True, **more)

    @classmethod
    def trouble(cls, fault: Fault | str, *, apply: bool = False) -> Self:
        """An answer with the named fault. A fault that interrupts an answer interrupts a small JSON object."""
        return cls(
            headers=(("Content-Type", "application/json"),), body=b'{"cut": "here"}', fault=Fault(fault), apply=apply
        )

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """Read an answer from the control API: the fields above, with bodies as text or JSON.

        Raises:
            ValueError: A value is not valid for its field.
            TypeError: A field is unknown.
        """
        values = dict(fields)
        if "headers" in values:
            values["headers"] = tuple((str(name), str(value)) for name, value in values["headers"])
        if "body" in values:
            body = values["body"]
            values["body"] = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        if values.get("fault") is not None:
            values["fault"] = Fault(values["fault"])
        if values.get("surplus") is not None:
            values["surplus"] = cls.from_json(values["surplus"])
        if "gate" in values:
            raise ValueError("a gate cannot be set from another process")
        return cls(**values)

    def over(self, true: "Answer") -> "Answer":
        """This answer merged into the true answer. See `pass_through`."""
        return replace(
            self,
            status=true.status,
            reason=self.reason if self.reason is not None else true.reason,
            headers=(*true.headers, *self.headers),
            body=true.body,
        )
