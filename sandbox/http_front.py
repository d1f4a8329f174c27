"""The web server in front of the Functions host, on the loopback address alone."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .functions_host import FunctionsHost
from .host_asgi import HttpFront
from .host_settings import apply_local_settings
from .worker import WorkerError

LOOPBACK = "127.0.0.1"
# Measured on the real host: SIGTERM gives requests in flight this long.
SHUTDOWN_SECONDS = 30
# Kestrel's own; a client that keeps its connection meets no surprise here that it would not meet there.
KEEP_ALIVE_SECONDS = 130
# More than the host's own limit, so that the host and not the parser refuses long heads.
PARSER_LIMIT_BYTES = 1_048_576


class _Protocol(H11Protocol):
    """uvicorn's protocol with Kestrel's answer to what is no HTTP: an empty 400."""

    def send_400_response(self, msg: str) -> None:
        """Refuse and close; `msg` is in the log already."""
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self.transport.close()


class _Server(uvicorn.Server):
    """uvicorn without its hold on the process's signals: `serve` decides about those."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@contextlib.asynccontextmanager
async def running_host(app_directory: Path, port: int = 0) -> AsyncIterator[str]:
    """Serve an app on the running loop; gives its base address, such as `http://127.0.0.1:7071`.

    Port 0 takes a free one. Raises WorkerError when the app can't be loaded, OSError when the port is taken.
    """
    host = await FunctionsHost.load(app_directory)
    try:
        with _listen(port) as listener:
            async with _serving(host, listener):
                yield _address(listener)
    finally:
        await host.close()


@contextlib.asynccontextmanager
async def _serving(host: FunctionsHost, listener: socket.socket) -> AsyncIterator[asyncio.Task[None]]:
    """A server on this socket, for as long as the block lasts."""
    server = _Server(
        uvicorn.Config(
            HttpFront(host),
            http=_Protocol,
            loop="none",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            headers=[("Server", "Kestrel")],
            h11_max_incomplete_event_size=PARSER_LIMIT_BYTES,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        # The socket listens already: who calls before uvicorn is ready waits a moment, and is answered.
        yield task
    finally:
        server.should_exit = True
        await task


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    if os.name == "posix":
        # Elsewhere this option would let two servers share the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def _address(listener: socket.socket) -> str:
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}"


def serve(app_directory: Path, port: int) -> int:
    """Serve an app until SIGINT or SIGTERM; the exit status is 1 when it can't be loaded."""
    apply_local_settings(app_directory)
    try:
        asyncio.run(_serve(app_directory, port))
    except WorkerError as error:
        print(f"The app can't be loaded; Azure would answer 404 to every route:\n{error}", flush=True)
        return 1
    return 0


async def _serve(app_directory: Path, port: int) -> None:
    host = await FunctionsHost.load(app_directory)
    stop = asyncio.Event()
    try:
        with _listen_or_move(port) as listener, _stopping_on_signals(stop):
            async with _serving(host, listener):
                _announce(host, _address(listener))
                await stop.wait()
    finally:
        await host.close()


def _listen_or_move(port: int) -> socket.socket:
    """Listen on this port, or on a free one where it is taken, and say so."""
    try:
        return _listen(port)
    except OSError:
        listener = _listen(0)
        print(f"Port {port} is taken: another is used instead.", flush=True)
        return listener


@contextlib.contextmanager
def _stopping_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set the event at SIGINT and SIGTERM; the handlers before are put back afterwards."""
    loop = asyncio.get_running_loop()
    before = {
        number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _announce(host: FunctionsHost, address: str) -> None:
    print("Functions:")
    prefix = f"{host.settings.route_prefix}/" if host.settings.route_prefix else ""
    for function in host.worker.functions:
        methods = ",".join(sorted(function.methods)) or "any method"
        print(f"  {function.name}: [{methods}] {address}/{prefix}{function.route}")
    print(f"Serving at {address} (Ctrl+C stops it)", flush=True)
