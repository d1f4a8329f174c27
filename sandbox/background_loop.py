"""An event loop in a thread of its own, for servers that must go on whatever their test does."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")


class BackgroundLoop:
    """A sync context manager: the loop runs inside, and thread and loop are gone behind it."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_forever, name="sandbox", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop and wait for its result. From any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _run_forever(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            # The runner ends whatever is left: tasks, async generators, executor threads.
            runner.get_loop().run_forever()
