"""What a stand-in can be told to answer: any bytes, any framing, any trouble on the wire."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal, Self

Pairs = tuple[tuple[str, str], ...]


class Fault(StrEnum):
    """Trouble in the place of an answer, or in the middle of one.

    A reset is a TCP RST (SO_LINGER 0). What the client's kernel had not yet handed over is lost with it, so
    "after the headers" and "in the body" leave the client a moment to read what came before.
    """

    HANG = "hang"  # the request is read, then nothing, until the client leaves
    HANG_AFTER_HEADERS = "hang_after_headers"
    RESET_BEFORE_READING = "reset_before_reading"  # bytes have come, none is looked at: no journal entry
    RESET_AFTER_REQUEST = "reset_after_request"
    RESET_AFTER_HEADERS = "reset_after_headers"
    RESET_IN_BODY = "reset_in_body"
    RESET_AFTER_ANSWER = "reset_after_answer"  # the answer is whole, and its connection ends with a reset
    CLOSE = "close"  # an orderly close in the place of an answer
    TRUNCATE = "truncate"  # half of the body, then an orderly close


@dataclass(frozen=True)
class Answer:
    """One scripted answer. All times are in seconds, and nothing is checked: what is asked for is sent.

    Attributes:
        status: Any number, 600 and 999 too.
        headers: Names and values as they go out, in this order, repeated or illegal ones too; encoded as UTF-8.
        body: The bytes behind the head.
        reason: The reason phrase; None means the standard one, or none for a status that has none.
        framing: "length" adds a Content-Length, "chunked" sends chunks, "close" ends the body by closing. Headers
            that frame (Content-Length, Transfer-Encoding) replace "length": give a wrong one, or two.
        close: Close the connection behind the answer, without saying so.
        delay_seconds: Wait before the first byte.
        body_delay_seconds: Wait between head and body.
        head_line_seconds: Send the head line by line, with this pause before each (slow headers).
        body_byte_seconds: Send the body byte by byte, with this pause before each (drip).
        gate: Wait, before the first byte, until the test sets this event; None means no wait. Makes tests of
            concurrency independent of time.
        fault: Trouble; None means that the answer goes out whole.
        surplus: A second, whole answer behind this one, in the same write; None means none.
        apply: Do first what the true answer would have done (store the profile), and only then give this one.
        pass_through: Give the true status, reason and body; headers are added to the true ones, and delays,
            framing, fault and surplus hold as well.
        echo_ids: Partner Center only: add MS-RequestId and MS-CorrelationId as a true answer has them.
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
        """A JSON answer as a plain server sends it. `headers` in `more` come behind its Content-Type."""
        headers = (("Content-Type", "application/json; charset=utf-8"), *more.pop("headers", ()))
        return cls(status=status, headers=headers, body=json.dumps(content).encode(), **more)

    @classmethod
    def true(cls, **more: Any) -> Self:  # noqa: ANN401 - the class's own fields
        """The answer that an unscripted stand-in gives, with `more` around it (headers, delays, fault, surplus)."""
        return cls(pass_through=True, **more)

    @classmethod
    def trouble(cls, fault: Fault | str, *, apply: bool = False) -> Self:
        """The named trouble. One that needs an answer to happen in has a JSON object to be cut."""
        return cls(
            headers=(("Content-Type", "application/json"),), body=b'{"cut": "here"}', fault=Fault(fault), apply=apply
        )

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """Read an answer that came over the control API: the fields above, with texts as bodies.

        Raises:
            ValueError: a value that no field takes. TypeError: an unknown field.
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
            raise ValueError("a gate can't be set from another process")
        return cls(**values)

    def over(self, true: "Answer") -> "Answer":
        """This answer laid over the true one. See `pass_through`."""
        return replace(
            self,
            status=true.status,
            reason=self.reason if self.reason is not None else true.reason,
            headers=(*true.headers, *self.headers),
            body=true.body,
        )
