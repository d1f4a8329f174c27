"""The Functions host's behaviour on top of a worker, without sockets: how it changes requests and answers.

`python -m sandbox.host` serves an app on the loopback address.
"""

import logging
import os
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
from .worker import HttpAnswer, HttpCall, Worker, WorkerError
from .workers import create_worker

logger = logging.getLogger(__name__)

# Reads the body when the host needs it. Raises TimeoutError if the body stalls.
ReadBody = Callable[[], Awaitable[bytes]]

DEFAULT_PORT = 7071  # the default of Core Tools
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
        """Start a worker for the app.

        Raises WorkerError if the app or its host.json cannot be loaded, or if the app has no HTTP function. In these
        cases the real host keeps running, reports that it is healthy and answers 404 to every route. This method does
        not read local.settings.json: call `apply_local_settings` first.
        """
        worker = create_worker(app_directory)
        try:
            settings = read_host_settings(app_directory)
            await worker.start()
            return cls(worker, settings)
        except (OSError, ValueError) as error:
            raise WorkerError(str(error)) from error

    async def close(self) -> None:
        """Cancel the running invocations and stop the worker."""
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
            method: The method as sent.
            target: The raw path and query.
            headers: The raw headers, in order, with repeated ones.
            body: The body, or a function that reads it. It is called only for a known route and a body with a length.
            scheme: The scheme that the caller used, `http` or `https`.
            authority: The host and port that the caller used.

        Returns:
            The answer, without the headers that the web server adds. Exceptions of `body` propagate, except
            TimeoutError.
        """
        request = Request(method, target, headers, scheme, authority)
        refused = refusal(request)
        if refused:
            _log_own_answer(request, refused)
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
            page = _own_page(request)
            _log_own_answer(request, page)
            return page
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


def _log_own_answer(request: Request, answer: HttpAnswer) -> None:
    """Log an answer that no function gave. Without this line, a wrong path looks like a silent function."""
    logger.info("The host itself answers %s to %.16s %.200s", answer.status, request.method, request.path)


def _own_page(request: Request) -> HttpAnswer:
    """Return the host's own answer at this path: the home page, the ping, or else an empty 404."""
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
