"""Running invocations, and their answers when a function fails, never answers or terminates the worker."""

import asyncio
import logging
from typing import Any

from .host_answer import SERVER_ERROR
from .worker import Function, HttpAnswer, HttpCall, InvocationFailed, Worker

logger = logging.getLogger(__name__)

# Measured on the real host: a caller whose function timed out gets its 500 this long after the timeout.
TIMEOUT_GRACE_SECONDS = 12.0


class Invocations:
    """Runs functions independently of their callers: a caller that disconnects does not end the function."""

    def __init__(
        self,
        worker: Worker,
        *,
        function_timeout_seconds: float,
        grace_seconds: float = TIMEOUT_GRACE_SECONDS,
    ) -> None:
        self._worker = worker
        self._patience_seconds = function_timeout_seconds + grace_seconds
        self._running: set[asyncio.Task[HttpAnswer]] = set()
        self._crash: asyncio.Future[None] | None = None

    async def run(self, function: Function, call: HttpCall) -> HttpAnswer:
        """Return the function's answer, or an empty 500. Raises only CancelledError, when this call is cancelled."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience_seconds
        task = asyncio.create_task(self._invoke(function, call))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        self._crash = self._crash or loop.create_future()
        crash = self._crash
        either: set[asyncio.Future[Any]] = {task, crash}
        await asyncio.wait(either, timeout=self._patience_seconds, return_when=asyncio.FIRST_COMPLETED)
        if task.done() and task.cancelled():
            # A function that lets a CancelledError escape gives the worker no answer, and the caller waits.
            await asyncio.wait({crash}, timeout=deadline - loop.time())
        if not task.done() or task.cancelled():
            logger.error("function %s gave no answer; the real host restarts its worker on a timeout", function.name)
            return SERVER_ERROR
        return task.result()

    async def close(self) -> None:
        """Cancel the running invocations."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _invoke(self, function: Function, call: HttpCall) -> HttpAnswer:
        try:
            return await self._worker.invoke(function, call)
        except InvocationFailed as failure:
            logger.error("function %s failed: %s\n%s", function.name, failure.message, failure.stack)  # noqa: TRY400
        except Exception:
            # Only a faulty return value leads here, such as a status that is not a number.
            logger.exception("function %s gave an answer that cannot be read", function.name)
        except SystemExit:
            # On the real host this ends the worker process, and every running request gets a 500 at once.
            logger.critical("function %s ended the worker (SystemExit)", function.name)
            crash, self._crash = self._crash, None
            if crash and not crash.done():
                crash.set_result(None)
        return SERVER_ERROR
