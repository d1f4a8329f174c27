"""What the package contains and how it is deployed; `make package` itself builds, checks and measures it."""

import os
import re
import time
import zipfile
from pathlib import Path

from scripts import package

ROOT = Path(__file__).parents[2]
REQUIREMENTS = (ROOT / "requirements.txt").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


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
