"""The local host in a process of its own, for a program that wants it beside itself."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


@dataclass(frozen=True)
class HostProcess:
    """A running host: its base address, and what it printed at its start."""

    process: "subprocess.Popen[str]"
    address: str
    announcement: str


@contextmanager
def host_process(
    app_directory: Path, *, port: int = 0, environment: Mapping[str, str] | None = None
) -> Iterator[HostProcess]:
    """Serve an app until the block ends.

    Args:
        app_directory: where `function_app.py` and `host.json` lie.
        port: the one wanted; 0 for a free one.
        environment: all of the process's variables; None for this process's own.

    Raises:
        RuntimeError: the app can't be loaded; the message is what the host printed.
    """
    command = [sys.executable, "-W", "error", "-m", "sandbox.functions_host", "--port", str(port), str(app_directory)]
    with subprocess.Popen(  # noqa: S603 - our own module
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield _started(process)
        finally:
            process.terminate()


def _started(process: "subprocess.Popen[str]") -> HostProcess:
    """Read what the host prints until it serves."""
    said = ""
    for line in process.stdout or ():
        said += line
        match = re.match(r"Serving at (\S+)", line)
        if match:
            return HostProcess(process, match[1], said)
    raise RuntimeError(said)
