"""The local host in a separate process, started and stopped by another program."""

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
    """A running host: its base address, and what it printed at startup."""

    process: "subprocess.Popen[str]"
    address: str
    announcement: str


@contextmanager
def host_process(
    app_directory: Path, *, port: int = 0, environment: Mapping[str, str] | None = None
) -> Iterator[HostProcess]:
    """Serve an app until the block ends.

    Args:
        app_directory: The directory of `function_app.py` and `host.json`.
        port: The port to listen on. 0 means any free port.
        environment: The complete environment of the process. None means the environment of this process.

    Raises:
        RuntimeError: The app cannot be loaded. The message is what the host printed.
    """
    command = [sys.executable, "-W", "error", "-m", "sandbox.host", "--port", str(port), str(app_directory)]
    with subprocess.Popen(  # noqa: S603 - our own module
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield _started(process)
        finally:
            process.terminate()


def _started(process: "subprocess.Popen[str]") -> HostProcess:
    """Read the host's output until it serves."""
    said = ""
    for line in process.stdout or ():
        said += line
        match = re.match(r"Serving at (\S+)", line)
        if match:
            return HostProcess(process, match[1], said)
    raise RuntimeError(said)
