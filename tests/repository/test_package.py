"""What the package contains and how it is deployed; `make package` itself builds, checks and measures it."""

import os
import re
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from scripts import package

ROOT = Path(__file__).parents[2]
REQUIREMENTS = (ROOT / "requirements.txt").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
DEPLOY = ROOT / "scripts" / "deploy-package"


def pinned() -> dict[str, str]:
    """Return what requirements.txt pins for production's Python."""
    pins = {}
    for line in REQUIREMENTS.splitlines():
        found = re.fullmatch(r"([\w-]+)==(\S+)(?: ; python_version (<|>=) \"3\.13\")?", line)
        if found and found[3] != "<":
            pins[found[1].replace("_", "-").lower()] = found[2]
    return pins


def test_the_lock_is_of_what_is_pinned() -> None:
    """Each line has a package, its version and one hash, and no URL; `make lock` writes the file."""
    lines = [line for line in LOCK.splitlines() if not line.startswith("#")]
    locked = dict(line.split(" ")[0].split("==") for line in lines)
    assert locked == pinned()
    assert len(locked) > 20
    assert all(re.fullmatch(r"\S+==\S+ --hash=sha256:[0-9a-f]{64}", line) for line in lines)
    assert "://" not in LOCK


def test_nothing_but_the_function_is_deployed() -> None:
    """The package consists of these three files, which exist, and one folder."""
    assert package.APP == ("function_app.py", "host.json", "requirements.txt")
    assert package.PACKAGE == "update_profile"
    assert all((ROOT / name).is_file() for name in package.APP)


def test_a_zip_depends_on_its_content_alone(tmp_path: Path) -> None:
    """Timestamps, file modes and the order of creation do not change the archive."""
    archives: list[Path] = []
    for names in (("a.py", "b/c.py"), ("b/c.py", "a.py")):
        stage = tmp_path / f"stage-{len(archives)}"
        for name in names:
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).write_text(name, encoding="utf-8")
            (stage / name).chmod(0o755 if archives else 0o600)
            os.utime(stage / name, (time.time(), 10**9 * (len(archives) + 1)))
        (stage / ".funcignore").touch()
        archives.append(tmp_path / f"{len(archives)}.zip")
        package.write_zip(stage, archives[-1])
    assert archives[0].read_bytes() == archives[1].read_bytes()
    with zipfile.ZipFile(archives[0]) as opened:
        assert opened.namelist() == ["a.py", "b/c.py"]


FAKE_AZ = """#!/bin/sh
echo "$@" >> "$CALLS"
count=$(wc -l < "$CALLS")
line=$(sed -n "${count}p" "$ANSWERS")
[ "$line" = ok ] && exit 0
echo "$line" >&2
exit 1
"""


def deployed(
    tmp_path: Path, *answers: str, patience_seconds: int = 30, storage: tuple[str, ...] = ()
) -> tuple[int, str, list[str]]:
    """Run the script with a fake az; return the exit status, the output, and how az was called."""
    binary, calls = tmp_path / "bin", tmp_path / "calls"
    binary.mkdir()
    (binary / "az").write_text(FAKE_AZ, encoding="utf-8")
    (binary / "az").chmod(0o755)
    calls.touch()
    (tmp_path / "answers").write_text("\n".join(answers), encoding="utf-8")
    (tmp_path / "a.zip").touch()
    environment = {
        **os.environ,
        "PATH": f"{binary}{os.pathsep}{os.environ['PATH']}",
        "CALLS": str(calls),
        "ANSWERS": str(tmp_path / "answers"),
        "DEPLOY_PATIENCE_SECONDS": str(patience_seconds),
        "DEPLOY_PAUSE_SECONDS": "0",
    }
    run = subprocess.run(  # noqa: S603  our own script
        ["/bin/sh", str(DEPLOY), "group", "app", str(tmp_path / "a.zip"), *storage],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return run.returncode, run.stdout + run.stderr, calls.read_text(encoding="utf-8").splitlines()


FORBIDDEN = "ERROR: Operation returned an invalid status 'Forbidden' (403)"
posix = pytest.mark.skipif(os.name != "posix", reason="a shell script")


@posix
def test_a_role_that_is_not_in_force_yet_is_waited_for(tmp_path: Path) -> None:
    """The third attempt succeeds after two refusals; each wait gives the reason. Nothing is built remotely."""
    status, said, calls = deployed(tmp_path, FORBIDDEN, "AuthorizationPermissionMismatch", "ok")
    assert (status, len(calls)) == (0, 3)
    assert said.count("not in force yet") == 2
    assert all("--build-remote false" in call and "--resource-group group --name app" in call for call in calls)


@posix
@pytest.mark.parametrize("error", ["ERROR: 400 Bad Request", "ERROR: quota of 14030", "ERROR: 404 no such app"])
def test_any_other_error_stops_at_once(tmp_path: Path, error: str) -> None:
    """The output contains the error as it was received."""
    status, said, calls = deployed(tmp_path, FORBIDDEN, error, "ok")
    assert (status, len(calls)) == (1, 2)
    assert error in said
    assert "not tried again" in said


@posix
def test_patience_has_an_end(tmp_path: Path) -> None:
    """The output contains the refusal and points to docs/operations.md."""
    status, said, calls = deployed(tmp_path, *[FORBIDDEN] * 5, patience_seconds=0)
    assert (status, len(calls)) == (1, 1)
    assert "docs/operations.md" in said
    assert FORBIDDEN in said


@posix
def test_elastic_premium_runs_the_package_from_the_container(tmp_path: Path) -> None:
    """The signed-in user uploads it without a key, and the app restarts; a missing role is waited for too."""
    status, _, calls = deployed(tmp_path, FORBIDDEN, "ok", "ok", storage=("account", "deployments"))
    assert (status, len(calls)) == (0, 3)
    assert all(call.startswith("storage blob upload") and "--auth-mode login" in call for call in calls[:2])
    assert "--account-name account --container-name deployments --name update-profile.zip" in calls[1]
    assert calls[2].startswith("functionapp restart")


@posix
def test_without_a_package_nothing_is_deployed(tmp_path: Path) -> None:
    """The error message says to run make package first."""
    run = subprocess.run(  # noqa: S603  our own script
        ["/bin/sh", str(DEPLOY), "group", "app", str(tmp_path / "none.zip")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 2
    assert "make package" in run.stderr
