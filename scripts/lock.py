"""Write requirements.lock: the pins of requirements.txt with the hash of each wheel.

Run `make lock` after a change of requirements.txt. The wheels are for production: Python 3.13 on Linux, x86-64. pip's
own settings decide where the wheels come from. The lock file contains no address.
"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.package import LOCK, PLATFORMS, PYTHON_VERSION, ROOT

HEAD = """\
# Made by `make lock` from requirements.txt, for Python 3.13 on Linux, x86-64: what the package is built from, by hash.
"""


def main() -> int:
    """Download each wheel once and write its hash. Returns the exit status."""
    if (
        f"{sys.version_info.major}.{sys.version_info.minor}" != PYTHON_VERSION
    ):  # the pins that have markers depend on it
        print(f"`make lock` needs Python {PYTHON_VERSION}: `make lock PYTHON=python{PYTHON_VERSION}`.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as directory:
        platforms = [option for name in PLATFORMS for option in ("--platform", name)]
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
                *("--only-binary", ":all:", *platforms, "--python-version", PYTHON_VERSION, "--implementation", "cp"),
                *("--dest", directory, "--requirement", str(ROOT / "requirements.txt")),
            ],
            check=True,
        )
        wheels = sorted(Path(directory).glob("*.whl"), key=lambda path: path.name.lower())
        lines = [_line(wheel) for wheel in wheels]
    LOCK.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    return 0


def _line(wheel: Path) -> str:
    name, version = wheel.name.split("-")[:2]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name.replace('_', '-').lower()}=={version} --hash=sha256:{digest}"


if __name__ == "__main__":
    sys.exit(main())
