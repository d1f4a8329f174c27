"""A child process that reads commands as lines of JSON and answers each with one line."""

import contextlib
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[1]
SETTINGS = ("ENTRA_", "PARTNER_CENTER_", "REQUEST_BUDGET", "MAX_BODY", "SSL_CERT", "REQUESTS_CA", "NODE_", "PYTHON")


class ChildFailed(Exception):
    """The child ended, or did not answer in time. The message has what it wrote to standard error."""


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without the settings that change what is measured, and with `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    return {**kept, **more}


class Channel:
    """A running child. A context manager: the child ends with the block."""

    def __init__(self, command: Sequence[str], more: Mapping[str, str], *, cwd: Path = ROOT) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._process = subprocess.Popen(
            command, cwd=cwd, env=environment(more), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        if self._process.stdin:
            with contextlib.suppress(OSError):  # it has ended already
                self._process.stdin.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._errors.close()

    def ready(self, *, timeout_seconds: float = 60) -> dict[str, Any]:
        """Return the child's first line. Raises ChildFailed."""
        return self._line(timeout_seconds)

    def ask(self, command: str, *, timeout_seconds: float = 600, **options: Any) -> dict[str, Any]:  # noqa: ANN401
        """Send one command and return its answer. Raises ChildFailed."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"command": command, **options}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._failed("ended") from error
        return self._line(timeout_seconds)

    def _line(self, timeout_seconds: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        until = time.monotonic() + timeout_seconds
        while b"\n" not in self._buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise self._failed(f"did not answer within {timeout_seconds:.0f} s")
            data = os.read(self._process.stdout.fileno(), 1 << 20)
            if not data:
                raise self._failed("ended")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        # A library may print: what is no object of ours is skipped.
        if not line.startswith(b"{"):
            return self._line(until - time.monotonic())
        told: dict[str, Any] = json.loads(line)
        return told

    def _failed(self, how: str) -> ChildFailed:
        self._errors.seek(0)
        written = self._errors.read().decode("utf-8", "replace")[-4000:]
        return ChildFailed(f"a measured process {how}:\n{written}")
