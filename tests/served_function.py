"""`make serve` as a caller's program meets it: another process, real HTTP, and the settings that it prints.

That process holds each answer of the function against the description (checked_serve.py).
"""

import os
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.person import Person

ROOT = Path(__file__).parents[1]
CHECKED = (str(ROOT / "tests" / "checked_serve.py"),)
START_SECONDS = 60
SETTING = re.compile(r"^export (\w+)='(.*)'$")


class ServedFunction:
    """The function beside its stand-ins, in a process of its own.

    Attributes:
        settings: What it tells callers to export, such as FUNCTION_URL.
        partner_center: The base URL of the stand-in for Partner Center.
    """

    def __init__(self, settings: dict[str, str], partner_center: str) -> None:
        self.settings = settings
        self.partner_center = partner_center

    @property
    def entra(self) -> str:
        """The base URL of the stand-in for Entra ID."""
        return self.settings["AUTHORITY"].rpartition("/")[0]

    def environment(self) -> dict[str, str]:
        """The environment of a caller's program: this machine's, and the settings."""
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        return {**kept, **self.settings}

    def control(self, stand_in: str, path: str, body: object = None, *, method: str = "POST") -> Any:
        """Use the control API of a stand-in. Returns its answer."""
        with self.person("") as anybody:
            answer = anybody.client.request(method, f"{stand_in}/_sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def person(self, name: str) -> Person:
        """Somebody with a new browser."""
        return Person(name, ssl.create_default_context(cafile=self.settings["SSL_CERT_FILE"]))

    def requests(self, method: str) -> list[dict[str, str]]:
        """The headers of the requests to Partner Center, with names in lower case, oldest first."""
        journal = self.control(self.partner_center, "journal", method="GET")
        return [
            {name.lower(): value for name, value in entry["headers"]} for entry in journal if entry["method"] == method
        ]

    def reset(self) -> None:
        """Forget scripts, requests and switches."""
        for stand_in in (self.entra, self.partner_center):
            self.control(stand_in, "script", method="DELETE")
            self.control(stand_in, "journal", method="DELETE")
        self.control(self.entra, "switches", {"second_factor_at_sign_in": True, "required_context": None})


@contextmanager
def served_function(program: Sequence[str] = CHECKED) -> Iterator[ServedFunction]:
    """Serve until the block ends, by a Python program that takes the arguments of `sandbox.serve`.

    Raises:
        AssertionError: An answer was not described; standard error says which. Or the process failed.
    """
    command = [sys.executable, "-u", *program, "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            served = _announced(process)
            # The log that follows must not fill the pipe.
            reader = threading.Thread(target=lambda: list(process.stdout or ()))
            reader.start()
            yield served
        finally:
            process.terminate()
            process.wait(timeout=START_SECONDS)
            reader.join()
    assert process.returncode == 0, "an answer was not described, or the process failed: standard error says more"


def _announced(process: "subprocess.Popen[str]") -> ServedFunction:
    settings: dict[str, str] = {}
    text = ""
    for line in process.stdout or ():
        text += line
        if found := SETTING.match(line.strip()):
            settings[found[1]] = found[2]
        if line.startswith("The function's log follows"):
            break
    partner_center = re.search(r"(https://localhost:\d+)/_sandbox/profiles", text)
    assert partner_center, text
    return ServedFunction(settings, partner_center[1])
