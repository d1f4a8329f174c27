"""Long steps of computing, one in a turn of the event loop: a crowd that arrives at once halts nobody for long.

The event loop runs everything that is ready before it looks at sockets and timers again. Fifty new users whose tokens
are verified in one such turn halt every other call for fifty verifications.
"""

import asyncio


class Turns:
    """Who asks first goes first. Belongs to one event loop."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def take(self) -> None:
        """Return in a turn of the event loop in which nobody else returns from here."""
        async with self._lock:
            await asyncio.sleep(0)
