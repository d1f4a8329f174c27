"""The Functions host's own behaviour over a worker, without sockets: what it does to a request and to an answer.

`python -m sandbox.functions_host [--port N] [app_directory]` serves an app on the loopback address (http_front.py).
"""

import argparse
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

from .host_answer import NOT_FOUND, finish
from .host_invocations import Invocations
from .host_request import (
    RawHeaders,
    Request,
    body_limit_bytes,
    declared_length_bytes,
    join_headers,
    join_query,
    refusal,
    seen_origin,
)
from .host_routes import Match, Routes
from .host_settings import HostSettings, read_host_settings
from .worker import HttpAnswer, HttpCall, Worker, WorkerError, create_worker

logger = logging.getLogger(__name__)

# Reads the body when the host wants it. Raises TimeoutError when it stands still.
ReadBody = Callable[[], Awaitable[bytes]]

DEFAULT_PORT = 7071  # Core Tools' own
HOMEPAGE = HttpAnswer(
    200, (("Content-Type", "text/html"),), b"<!DOCTYPE html><title>Functions</title><h1>The app is up and running.</h1>"
)


class FunctionsHost:
    """One app, loaded and ready to answer."""

    def __init__(self, worker: Worker, settings: HostSettings) -> None:
        self.worker = worker
        self.settings = settings
        self.invocations = Invocations(worker, function_timeout_seconds=settings.function_timeout_seconds)
        self._routes = Routes.of(worker.functions, settings.route_prefix)

    @classmethod
    async def load(cls, app_directory: Path) -> Self:
        """Start a worker on the app. Raises WorkerError for an app or a host.json that can't be loaded, or no function.

        The real host runs on in that case, healthy by its own account, and answers 404 to every route; here it is
        said at once. local.settings.json is not read: `apply_local_settings` does that, before this.
        """
        worker = create_worker(app_directory)
        try:
            settings = read_host_settings(app_directory)
            await worker.start()
            return cls(worker, settings)
        except (OSError, ValueError) as error:
            raise WorkerError(str(error)) from error

    async def close(self) -> None:
        """End what still runs and stop the worker."""
        await self.invocations.close()
        await self.worker.stop()

    async def handle(  # noqa: PLR0913 - what an HTTP request consists of
        self,
        *,
        method: str,
        target: str,
        headers: RawHeaders,
        body: bytes | ReadBody | None = None,
        scheme: str = "http",
        authority: str = f"localhost:{DEFAULT_PORT}",
    ) -> HttpAnswer:
        """Answer one request as the host does.

        Args:
            method: as it was sent.
            target: the raw path and query.
            headers: raw, in order, repeats included.
            body: the body, or what reads it (called only for a route that exists and a body that has a length).
            scheme: `http` or `https`, as the caller used it.
            authority: the host and port that the caller used.

        Returns:
            The answer, without what the web server adds. What `body` raises comes out, but for a TimeoutError.
        """
        request = Request(method, target, headers, scheme, authority)
        refused = refusal(request)
        if refused:
            return refused
        joined = join_headers(headers)
        scheme, authority = seen_origin(request, joined)
        answer = await self._answer(request, joined, f"{scheme}://{authority}{target}", body)
        return finish(answer, self.settings, scheme=scheme)

    async def _answer(
        self, request: Request, headers: dict[str, str], url: str, body: bytes | ReadBody | None
    ) -> HttpAnswer:
        match = self._routes.find(request.method, request.path)
        if match is None:
            return _own_page(request)
        length = declared_length_bytes(headers)
        if length > body_limit_bytes():
            return HttpAnswer(500, closes=True)
        try:
            content = await _read(body) if length else b""
        except TimeoutError:
            return HttpAnswer(500, closes=True)
        return await self._invoke(match, request, headers, url, content)

    async def _invoke(
        self, match: Match, request: Request, headers: dict[str, str], url: str, body: bytes
    ) -> HttpAnswer:
        call = HttpCall(
            method=request.method,
            url=url,
            headers=tuple(headers.items()),
            body=body,
            params=match.params,
            query=join_query(request.query),
        )
        return await self.invocations.run(match.function, call)


def _own_page(request: Request) -> HttpAnswer:
    """What the host itself has at this path: its home page and a ping, else an empty 404."""
    if request.path.lower() == "/admin/host/ping":
        return HttpAnswer(200)
    if request.path == "/":
        disabled = os.environ.get("AzureWebJobsDisableHomepage", "").lower() == "true"  # noqa: SIM112 - its spelling
        return HttpAnswer(204) if disabled else HOMEPAGE
    return NOT_FOUND


async def _read(body: bytes | ReadBody | None) -> bytes:
    if body is None or isinstance(body, bytes):
        return body or b""
    return await body()


def main() -> int:
    """Serve an app until SIGINT or SIGTERM. Returns the exit status: 1 when the app can't be loaded."""
    from .http_front import serve

    parser = argparse.ArgumentParser(prog="python -m sandbox.functions_host", description=__doc__)
    parser.add_argument("app_directory", nargs="?", type=Path, default=Path.cwd())
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return serve(arguments.app_directory, arguments.port)


if __name__ == "__main__":
    sys.exit(main())
