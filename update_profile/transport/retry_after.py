"""Retry-After as servers write it -> whole seconds (RFC 9110, section 10.2.3)."""

import math
import re
import time
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 3600
DEFAULT_SECONDS = 5  # what msal assumes too
_SECONDS = re.compile(r"[0-9]{1,10}(\.[0-9]{1,10})?", re.ASCII)


def read_retry_after(value: str, *, now: float | None = None) -> int | None:
    """The wait that is asked for, rounded up, 1 to 3600 seconds; None when there is none that makes sense.

    Args:
        value: The header's value, "" when absent. Seconds, a fraction too, or an HTTP date.
        now: Seconds since 1970 that a date is compared with; None for the present.
    """
    value = value.strip()
    seconds = float(value) if _SECONDS.fullmatch(value) else _until(value, time.time() if now is None else now)
    return None if seconds is None else min(max(math.ceil(seconds), 1), LONGEST_SECONDS)


def _until(date: str, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
        return None if moment.tzinfo is None else moment.timestamp() - now
    except (ValueError, OverflowError):
        return None
