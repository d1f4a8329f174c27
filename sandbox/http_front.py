"""The web server in front of the Functions host. It listens on the loopback address only."""

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
# Measured on the real host: after SIGTERM, running requests have this long to finish.
SHUTDOWN_SECONDS = 30
# Kestrel's default, so that clients with persistent connections see the same behaviour here.
KEEP_ALIVE_SECONDS = 130
# More than the host's own limit, so that the host and not the parser refuses a long head.
PARSER_LIMIT_BYTES = 1_048_576


class _Protocol(H11Protocol):
    """uvicorn's protocol with Kestrel's answer to bytes that are not HTTP: an empty 400."""

    def send_400_response(self, msg: str) -> None:
        """Refuse the request and close the connection. `msg` is already in the log."""
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self.transport.close()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: `serve` handles the signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@contextlib.asynccontextmanager
async def running_host(app_directory: Path, port: int = 0) -> AsyncIterator[str]:
    """Serve an app on the running loop and yield its base address, such as `http://127.0.0.1:7071`.

    Port 0 means any free port. Raises WorkerError if the app cannot be loaded, OSError if the port is taken.
    """
    host = await FunctionsHost.load(app_directory)
    try:
        async with serving(host, port) as address:
            yield address
    finally:
        await host.close()


@contextlib.asynccontextmanager
async def serving(host: FunctionsHost, port: int = 0) -> AsyncIterator[str]:
    """Serve a loaded app on the running loop and yield its base address. Port 0 means any free port.

    Raises OSError if the port is taken.
    """
    with _listen(port) as listener:
        async with _serving(host, listener):
            yield _address(listener)


@contextlib.asynccontextmanager
async def _serving(host: FunctionsHost, listener: socket.socket) -> AsyncIterator[asyncio.Task[None]]:
    """Run a server on this socket until the block ends."""
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
        # The socket already listens: a request that arrives before uvicorn is ready waits a moment.
        yield task
    finally:
        server.should_exit = True
        await task


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    if os.name == "posix":
        # On other systems this option would let two servers share the port.
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
    """Serve an app until SIGINT or SIGTERM. Returns the exit status, which is 1 if the app cannot be loaded."""
    apply_local_settings(app_directory)
    try:
        asyncio.run(_serve(app_directory, port))
    except WorkerError as error:
        print(f"The app cannot be loaded. Azure would answer 404 to every route:\n{error}", flush=True)
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
    """Listen on this port. If it is taken, print a message and listen on a free port."""
    try:
        return _listen(port)
    except OSError:
        listener = _listen(0)
        print(f"Port {port} is taken: another is used instead.", flush=True)
        return listener


@contextlib.contextmanager
def _stopping_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set the event on SIGINT and SIGTERM. The previous handlers are restored afterwards."""
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
