"""The end of a call's time: every wait takes its time-out from what is left."""

import time
from dataclasses import dataclass

LONGEST_MARGIN_SECONDS = 0.1


@dataclass(frozen=True)
class Deadline:
    """A moment on the monotonic clock, in seconds."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """A deadline so many seconds from now."""
        return cls(time.monotonic() + seconds)

    def remaining_seconds(self) -> float:
        """What is left; 0.0 once it has passed."""
        return max(0.0, self.at - time.monotonic())

    def shortly_before(self) -> "Deadline":
        """A little sooner than this one: work that ends by it can still say why to those who wait for this one."""
        return Deadline(self.at - min(LONGEST_MARGIN_SECONDS, self.remaining_seconds() / 20))

    def within(self, seconds: float) -> "Deadline":
        """The sooner of this deadline and so many seconds from now."""
        return Deadline(min(self.at, time.monotonic() + seconds))
