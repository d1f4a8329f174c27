"""Build the deployable zip reproducibly and verify that it runs: `make package`.

    python scripts/package.py [--output dist]

1. Stages function_app.py, host.json, requirements.txt and update_profile/, and nothing else.
2. Installs requirements.lock next to them, by hash, as wheels for Linux on x86-64.
3. Compiles everything. The byte code is hash-based and unchecked, so that no clock and no copy can make it stale. A
   cold start from source takes several times as long.
4. Zips it with fixed names, order, times and modes.
5. Verifies it (package_proof.py): unpacked read-only elsewhere and loaded by Azure's own worker library from the
   package alone, it answers one call. A run without byte code gives the ratio.

The zip of an earlier build is removed first. The new one gets its name when it is proven: what has the name may be
deployed.
"""

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON_VERSION = "3.13"
APP = ("function_app.py", "host.json", "requirements.txt")
PACKAGE = "update_profile"
SITE_PACKAGES = Path(".python_packages/lib/site-packages")
MACHINE = ("Linux", "x86_64")  # production's
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")
LOCK = ROOT / "requirements.lock"
ZIP_NAME = "update-profile.zip"
UNPROVEN_NAME = "unproven.zip"
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can store
FILE_MODE = 0o100644


def main() -> int:
    """Build, zip and verify the package."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="the folder for app/ and the zip")
    output: Path = parser.parse_args().output
    archive = output / ZIP_NAME
    archive.unlink(missing_ok=True)  # a build that fails must not leave an older zip to be deployed in its place
    if f"{sys.version_info.major}.{sys.version_info.minor}" != PYTHON_VERSION:
        sys.stderr.write(f"The package must be built with Python {PYTHON_VERSION}, which production runs.\n")
        return 1
    if (platform.system(), platform.machine()) != MACHINE:
        sys.stderr.write(f"The package is proven by running it, so it is built on {' '.join(MACHINE)}: WSL, CI.\n")
        return 1
    staged, again = output / "app", output / "again"
    unproven, second = output / UNPROVEN_NAME, output / "again.zip"
    try:
        build(staged)
        write_zip(staged, unproven)
        build(again)
        write_zip(again, second)
        status = _judge(unproven, second)
        if status == 0:
            unproven.replace(archive)
            say(f"{archive} is proven.")
        return status
    finally:
        shutil.rmtree(again, ignore_errors=True)
        for left in (unproven, second):
            left.unlink(missing_ok=True)


def _judge(archive: Path, second: Path) -> int:
    """Compare two builds, and prove the first. Returns the exit status."""
    digest, other = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (archive, second))
    say(f"{ZIP_NAME}: {archive.stat().st_size / 1e6:.1f} MB, SHA-256 {digest}")
    if digest != other:
        sys.stderr.write("Two builds gave different bytes.\n")
        return 1
    say("Two builds gave the same bytes.")
    return prove(archive)


def prove(archive: Path) -> int:
    """Run the package, unpacked elsewhere. Returns the exit status."""
    return subprocess.run(
        [sys.executable, "-m", "scripts.package_proof", str(archive)], cwd=ROOT, check=False
    ).returncode


def build(stage: Path) -> None:
    """Build the tree that is deployed."""
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    for name in APP:
        shutil.copyfile(ROOT / name, stage / name)
    for source in sorted(path for path in (ROOT / PACKAGE).rglob("*") if path.is_file() and path.suffix != ".pyc"):
        target = stage / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    _install(stage / SITE_PACKAGES)
    _compile(stage)
    # azd omits byte code from its own zip unless a file of this name exists. Our zip does not contain the file.
    (stage / ".funcignore").write_text("# Nothing is ignored: everything here is deployed.\n", encoding="utf-8")


def _install(target: Path) -> None:
    """Install only wheels, by hash. Remove the files that record the installation itself."""
    platforms = [option for name in PLATFORMS for option in ("--platform", name)]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"),
            *("--target", str(target), "--require-hashes", "--no-deps", "--only-binary", ":all:", *platforms),
            *("--python-version", PYTHON_VERSION, "--implementation", "cp", "--requirement", str(LOCK)),
        ],
        check=True,
        env={name: value for name, value in os.environ.items() if name not in ("PIP_TARGET", "PIP_PREFIX", "PIP_USER")},
    )
    shutil.rmtree(target / "bin", ignore_errors=True)  # scripts that name this machine's Python
    for written in (*target.glob("*.dist-info/RECORD"), *target.glob("*.dist-info/direct_url.json")):
        written.unlink()


def _compile(stage: Path) -> None:
    """Compile in a separate process with a fixed hash seed, because the order of a set is part of the byte code."""
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    options = ("-q", "-f", "-j", "1", "--invalidation-mode", "unchecked-hash", "-s", str(stage), "-p", "/")
    subprocess.run([sys.executable, "-I", "-m", "compileall", *options, str(stage)], check=True, env=environment)


def write_zip(stage: Path, archive: Path) -> None:
    """Write the tree as a zip that depends only on the tree's content."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for path in sorted(stage.rglob("*")):
            name = path.relative_to(stage).as_posix()
            if path.is_file() and name != ".funcignore":
                entry = zipfile.ZipInfo(name, FIXED_TIME)
                entry.external_attr = FILE_MODE << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                target.writestr(entry, path.read_bytes(), compresslevel=9)


def say(text: str) -> None:
    """Print a line to standard output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
