"""Sends a scripted answer on the wire, byte for byte, with the scripted fault."""

import asyncio
import http
import socket
import struct
from asyncio import StreamReader, StreamWriter

from .script import Answer, Fault

# Long enough for a client on the loopback to read what precedes a reset: a RST discards unread data.
RESET_PAUSE_SECONDS = 0.05

_NO_LINGER = struct.pack("ii", 1, 0)
_FRAMING_HEADERS = ("content-length", "transfer-encoding")
_WITHOUT_BODY = (204, 304)


def reset(writer: StreamWriter) -> None:
    """End the connection with a RST, so that the client sees "connection reset by peer"."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    writer.transport.abort()


async def send(answer: Answer, reader: StreamReader, writer: StreamWriter) -> bool:
    """Send `answer`. Returns whether the connection can carry another request. If not, the caller closes it."""
    await _wait(answer)
    match answer.fault:
        case Fault.HANG:
            await _until_client_leaves(reader)
        case Fault.CLOSE:
            pass
        case Fault.RESET_BEFORE_READING | Fault.RESET_AFTER_REQUEST:
            reset(writer)
        case None:
            await _send_whole(answer, writer)
            return not answer.close and answer.framing != "close"
        case _:
            await _send_part(answer, reader, writer)
    return False


async def _wait(answer: Answer) -> None:
    if answer.delay_seconds:
        await asyncio.sleep(answer.delay_seconds)
    # Polled: a threading.Event cannot be awaited, and a thread that waits for it could outlive the server.
    while answer.gate and not answer.gate.is_set():  # noqa: ASYNC110
        await asyncio.sleep(0.002)


async def _until_client_leaves(reader: StreamReader) -> None:
    while await reader.read(65536):
        pass


async def _send_whole(answer: Answer, writer: StreamWriter) -> None:
    surplus = render(answer.surplus) if answer.surplus else b""
    slow = answer.body_delay_seconds or answer.head_line_seconds or answer.body_byte_seconds
    if not slow:
        # One write, so that head, body and any surplus reach the client together.
        writer.write(render(answer) + surplus)
        await writer.drain()
        return
    await _send_head(answer, writer)
    await asyncio.sleep(answer.body_delay_seconds)
    await _drip(_body(answer) + surplus, writer, pause_seconds=answer.body_byte_seconds)


async def _send_part(answer: Answer, reader: StreamReader, writer: StreamWriter) -> None:
    await _send_head(answer, writer)
    if answer.fault in (Fault.RESET_IN_BODY, Fault.TRUNCATE):
        await asyncio.sleep(answer.body_delay_seconds)
        body = _body(answer)
        await _drip(body[: len(body) // 2], writer, pause_seconds=answer.body_byte_seconds)
    elif answer.fault is Fault.RESET_AFTER_ANSWER:
        await _drip(_body(answer), writer, pause_seconds=answer.body_byte_seconds)
    if answer.fault is Fault.HANG_AFTER_HEADERS:
        await _until_client_leaves(reader)
    elif answer.fault is not Fault.TRUNCATE:
        await asyncio.sleep(RESET_PAUSE_SECONDS)
        reset(writer)


async def _send_head(answer: Answer, writer: StreamWriter) -> None:
    lines = _head(answer).splitlines(keepends=True) if answer.head_line_seconds else [_head(answer)]
    for line in lines:
        await asyncio.sleep(answer.head_line_seconds)
        writer.write(line)
        await writer.drain()


async def _drip(data: bytes, writer: StreamWriter, *, pause_seconds: float) -> None:
    pieces = [data[at : at + 1] for at in range(len(data))] if pause_seconds else [data]
    for piece in pieces:
        await asyncio.sleep(pause_seconds)
        writer.write(piece)
        await writer.drain()


def render(answer: Answer) -> bytes:
    """Return the complete answer as bytes, without its delays and faults."""
    return _head(answer) + _body(answer)


def _head(answer: Answer) -> bytes:
    headers = list(answer.headers)
    framed = any(name.lower() in _FRAMING_HEADERS for name, _ in headers)
    if answer.framing == "chunked":
        headers.append(("Transfer-Encoding", "chunked"))
    elif answer.framing == "length" and not framed and answer.status not in _WITHOUT_BODY:
        headers.append(("Content-Length", str(len(answer.body))))
    lines = [f"HTTP/1.1 {answer.status} {_reason(answer)}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode()


def _reason(answer: Answer) -> str:
    if answer.reason is not None:
        return answer.reason
    return http.HTTPStatus(answer.status).phrase if answer.status in list(http.HTTPStatus) else ""


def _body(answer: Answer) -> bytes:
    if answer.framing != "chunked":
        return answer.body
    chunk = b"%x\r\n%b\r\n" % (len(answer.body), answer.body) if answer.body else b""
    return chunk + b"0\r\n\r\n"
