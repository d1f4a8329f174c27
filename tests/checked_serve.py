"""`make serve` with every answer held against the description: `python tests/checked_serve.py`.

A device that waits for its sign-in is asked to poll every second, so that the tests do not wait long.
The exit status is 3, and standard error names the answers, when one was not described.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from described_api import NotDescribed, checking

from sandbox import serve
from sandbox.entra import remembered
from sandbox.functions_host import FunctionsHost

UNDESCRIBED_STATUS = 3
DEVICE_INTERVAL_SECONDS = 1.0


def main() -> int:
    """Serve until a signal stops it. Returns the exit status."""
    seen: list[NotDescribed] = []
    FunctionsHost.handle = checking(FunctionsHost.handle, seen)  # type: ignore[method-assign, assignment]
    remembered.DEVICE_INTERVAL_SECONDS = DEVICE_INTERVAL_SECONDS
    status = serve.main()
    for error in seen:
        sys.stderr.write(f"{error}\n")
    return UNDESCRIBED_STATUS if seen else status


if __name__ == "__main__":
    sys.exit(main())
