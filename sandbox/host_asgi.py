"""The ASGI app in front of the Functions host: it reads requests and writes answers as Kestrel does."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .functions_host import FunctionsHost
from .worker import HttpAnswer

logger = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Kestrel gives up on a body that stalls for this long (MinRequestBodyDataRate).
STALL_SECONDS = 5.0


class HttpFront:
    """The ASGI app for one host. It gives up on a body that stalls for `stall_seconds`."""

    def __init__(self, host: FunctionsHost, *, stall_seconds: float = STALL_SECONDS) -> None:
        self._host = host
        self._stall_seconds = stall_seconds

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request. A caller that disconnects before the body is complete gets no answer."""
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        headers = list(scope["headers"])
        authority = dict(headers).get(b"host", b"").decode("latin-1")
        with contextlib.suppress(ConnectionAbortedError):
            answer = await self._host.handle(
                method=scope["method"],
                target=target.decode("ascii"),
                headers=headers,
                body=lambda: self._read_body(receive),
                scheme=scope["scheme"],
                authority=authority,
            )
            await _send(answer, send)

    async def _read_body(self, receive: Receive) -> bytes:
        """Read the whole body. Raises ConnectionAbortedError if the caller disconnects, TimeoutError if it stalls."""
        body = bytearray()
        while True:
            async with asyncio.timeout(self._stall_seconds):
                message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionAbortedError
            body += message["body"]
            if not message["more_body"]:
                return bytes(body)


async def _send(answer: HttpAnswer, send: Send) -> None:
    """Write an answer. An empty answer has `Content-Length: 0`, any other is sent in chunks without a length."""
    names = {name.lower() for name, _ in answer.headers}
    headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in answer.headers]
    if not answer.body and answer.status not in {204, 304} and "content-length" not in names:
        headers.append((b"Content-Length", b"0"))
    if answer.closes:
        headers.append((b"Connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if "transfer-encoding" in names:
        logger.error("a function set Transfer-Encoding: the answer is cut off, as on the real host")
        return
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
