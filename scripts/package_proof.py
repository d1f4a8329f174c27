"""Verify a package: unpacked read-only elsewhere, it answers a call through Azure's own worker library on its own.

The stand-ins run in this process. The package runs in an isolated interpreter that can import only from the package,
the standard library, and the two libraries that implement the host's side of the protocol.
"""

import importlib.metadata
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[1]
RUN = Path(__file__).with_name("package_run.py")
HOSTS_SIDE = ("protobuf", "azure-functions-runtime-v1")  # the messages between host and worker
ROUNDS = 5


def main(archive: Path) -> int:
    """Unpack and run the package, and compare with the same tree without byte code. Returns 0 if it answered."""
    with tempfile.TemporaryDirectory() as name, Sandbox() as sandbox:
        place = Path(name)
        packed, plain, hosts_side = place / "packed", place / "plain", place / "hosts-side"
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(packed)  # our own archive
        shutil.copytree(packed, plain, ignore=shutil.ignore_patterns("__pycache__"))
        _copy_hosts_side(hosts_side)
        for tree in (packed, plain):
            _make_read_only(tree)
        try:
            return _compare(packed, plain, hosts_side, sandbox)
        finally:
            for tree in (packed, plain):
                _make_writable(tree)


def _compare(packed: Path, plain: Path, hosts_side: Path, sandbox: Sandbox) -> int:
    first = _answered(packed, hosts_side, sandbox)
    if first["status"] != 200 or first["strangers"]:
        sys.stderr.write(f"The package does not answer on its own: {first}\n")
        return 1
    runs = [(_answered(packed, hosts_side, sandbox), _answered(plain, hosts_side, sandbox)) for _ in range(ROUNDS)]
    with_code, without = (statistics.median(run[side]["seconds"] for run in runs) for side in (0, 1))
    sys.stdout.write(
        "Unpacked read-only and loaded by the worker library from the package alone, it answered one call with"
        f" {first['status']}.\nCold start, from load to first answer: {with_code:.2f} s; from source without byte code:"
        f" x {without / with_code:.1f} (median of {ROUNDS}).\n"
    )
    return 0


def _answered(app: Path, hosts_side: Path, sandbox: Sandbox) -> dict[str, Any]:
    """Return the result of one run in an isolated interpreter."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP"))}
    environment |= {**sandbox.settings(), "PROOF_TOKEN": sandbox.entra.sign_in("alice")}
    environment["ENTRA_APPROVAL_CLIENT_ID"] = sandbox.entra.applications.page.client_id
    command = [sys.executable, "-I", "-B", "-W", "error", str(RUN), str(app), str(hosts_side), str(ROOT / "sandbox")]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    if run.returncode:
        raise SystemExit(f"The package cannot be loaded:\n{run.stderr[-4000:]}")
    told: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return told


def _copy_hosts_side(target: Path) -> None:
    """Copy the libraries of the host's side without their dependencies."""
    for name in HOSTS_SIDE:
        for file in importlib.metadata.files(name) or ():
            if ".." not in file.parts:
                source = Path(str(file.locate()))
                if source.is_file():
                    (target / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, target / file)


def _make_read_only(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)


def _make_writable(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
