"""When a call must be done. Every wait takes its time-out from what is left."""

import time
from typing import NamedTuple

LONGEST_MARGIN_SECONDS = 0.1


class Deadline(NamedTuple):
    """A moment on the monotonic clock, in seconds."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Return the deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    def remaining_seconds(self) -> float:
        """Return what is left; 0.0 once the deadline has passed."""
        return max(0.0, self.at - time.monotonic())

    def with_margin(self) -> "Deadline":
        """Return a slightly earlier deadline: work that ends by it can still tell those who wait for this one why."""
        return Deadline(self.at - min(LONGEST_MARGIN_SECONDS, self.remaining_seconds() / 20))

    def within(self, seconds: float) -> "Deadline":
        """Return the earlier of this deadline and that many seconds from now."""
        return Deadline(min(self.at, time.monotonic() + seconds))
