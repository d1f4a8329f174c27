"""An event loop in a separate thread, for servers that must keep running whatever their test does."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")


class BackgroundLoop:
    """A synchronous context manager. The loop runs inside the block; on exit, the thread and the loop end."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_forever, name="sandbox", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop and wait for its result. Call it from any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _run_forever(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            # On exit, the runner ends what remains: tasks, async generators, executor threads.
            runner.get_loop().run_forever()
