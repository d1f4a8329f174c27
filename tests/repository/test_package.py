"""What the package contains and how it is deployed; `make package` itself builds, checks and measures it."""

import os
import platform
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from scripts import package

ROOT = Path(__file__).parents[2]
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))
ENVIRONMENTS = sorted(path.stem.removeprefix("requirements-") for path in ROOT.glob("requirements-*.txt"))
REQUIREMENTS = (ROOT / "requirements.txt").read_text(encoding="utf-8")


def normal(name: str) -> str:
    """Return a package's name as indexes compare it (packaging.python.org/specifications/name-normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned() -> dict[str, str]:
    """Return what requirements.txt pins for production's Python."""
    pins = {}
    for line in REQUIREMENTS.splitlines():
        found = re.fullmatch(r"([\w-]+)==(\S+)(?: ; python_version (<|>=) \"3\.13\")?", line)
        if found and found[3] != "<":
            pins[normal(found[1])] = found[2]
    return pins


def locked(name: str) -> dict[str, set[str]]:
    """Return the versions of a lock file by package. Each must have hashes."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            entry = re.fullmatch(r"([\w.-]+)==(\S+)(?: ; [^-]+?)?((?:\s+--hash=sha256:[0-9a-f]{64})+)\s*", line)
            assert entry, line
            found.setdefault(normal(entry[1]), set()).add(entry[2])
    return found


def test_the_lock_is_of_what_is_pinned() -> None:
    """requirements.lock has the packages of requirements.txt for production and no other; `make lock` writes it."""
    versions = locked("requirements.lock")
    assert versions == {name: {version} for name, version in pinned().items()}
    assert len(versions) > 20


def test_each_file_of_pins_has_a_lock_and_is_named() -> None:
    """CONTRIBUTING.md lists them all."""
    pins = ["requirements.txt", *(f"requirements-{name}.txt" for name in ENVIRONMENTS)]
    assert {Path(name).with_suffix(".lock").name for name in pins} == set(LOCKS)
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = contributing.partition("\n## Change a package\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(requirements\S*\.txt)`", section)) == set(pins)
    assert section.strip().startswith({4: "Four", 5: "Five", 6: "Six"}[len(pins)])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_each_environment_is_locked_by_hash(name: str) -> None:
    """A pin that changed without `make lock` is found here. The Makefile installs only from the lock files."""
    text = (ROOT / f"requirements-{name}.txt").read_text(encoding="utf-8")
    wanted = re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    versions = locked(f"requirements-{name}.lock")
    assert wanted
    assert [pin for pin in wanted if pin[1] not in versions.get(normal(pin[0]), ())] == []
    if name != "supply":
        runtime = re.findall(r"^([\w.-]+)==(\S+)", REQUIREMENTS, re.MULTILINE)
        assert [pin for pin in runtime if pin[1] not in versions[normal(pin[0])]] == []
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"requirements-{name}.lock)" in makefile
    assert "--require-hashes --requirement $(1)" in makefile


def test_environments_that_share_a_folder_agree() -> None:
    """The tools of requirements-supply.txt are installed into the developer's environment, and change nothing there."""
    developers, supply = locked("requirements-dev.lock"), locked("requirements-supply.lock")
    shared = developers.keys() & supply.keys()
    assert shared
    assert [name for name in shared if not supply[name] <= developers[name]] == []


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_names_where_packages_come_from(name: str) -> None:
    """pip's own settings decide that, on each machine."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text


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


def test_the_zip_holds_what_azd_would_pack(tmp_path: Path) -> None:
    """`azd deploy` without a zip packs dist/app itself: the same files with the same content."""
    stage = tmp_path / "app"
    (stage / "__pycache__").mkdir(parents=True)
    for name in ("function_app.py", ".funcignore", "__pycache__/function_app.pyc"):
        (stage / name).write_text(name, encoding="utf-8")
    package.write_zip(stage, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as opened:
        held = {name: opened.read(name).decode() for name in opened.namelist()}
    assert held == {name: name for name in ("function_app.py", "__pycache__/function_app.pyc")}


class Build:
    """`make package` without pip: a build that writes one file, and a proof with a known end."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.zip, self.proven, self.proof_ends_with, self.builds = folder / "update-profile.zip", "", 0, 0
        self.contents = ["the same", "the same"]
        monkeypatch.setattr(package, "build", self._build)
        monkeypatch.setattr(package, "prove", self._prove)
        monkeypatch.setattr(package, "MACHINE", (platform.system(), platform.machine()))
        monkeypatch.setattr(package, "PYTHON_VERSION", f"{sys.version_info.major}.{sys.version_info.minor}")
        monkeypatch.setattr(sys, "argv", ["package.py", "--output", str(folder)])

    def _build(self, stage: Path) -> None:
        stage.mkdir(parents=True, exist_ok=True)
        (stage / "function_app.py").write_text(self.contents[self.builds], encoding="utf-8")
        self.builds += 1

    def _prove(self, archive: Path) -> int:
        self.proven = archive.name
        assert not self.zip.exists()
        return self.proof_ends_with


@pytest.fixture
def building(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Return a build into a folder that has the zip of an earlier one."""
    made = Build(tmp_path, monkeypatch)
    made.zip.write_text("an earlier build", encoding="utf-8")
    return made


def test_only_a_proven_zip_gets_the_name_that_is_deployed(building: Build) -> None:
    """It is built and proven under another name, and nothing else stays beside it."""
    assert package.main() == 0
    assert building.proven not in ("", building.zip.name)
    with zipfile.ZipFile(building.zip) as opened:
        assert opened.namelist() == ["function_app.py"]
    assert sorted(path.name for path in building.zip.parent.iterdir()) == ["app", building.zip.name]


@pytest.mark.parametrize("fault", ["proof", "bytes", "build", "python", "machine"])
def test_a_build_that_fails_leaves_no_zip_to_deploy(
    building: Build, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its own, which is not proven, nor that of an earlier build."""
    if fault == "proof":
        building.proof_ends_with = 1
    if fault == "bytes":
        building.contents = ["one", "another"]
    if fault == "build":
        building.contents = []
        with pytest.raises(IndexError):
            package.main()
    if fault == "python":
        monkeypatch.setattr(package, "PYTHON_VERSION", "2.7")
    if fault == "machine":
        monkeypatch.setattr(package, "MACHINE", ("Plan 9", "mips"))
    if fault != "build":
        assert package.main() == 1
    assert not list(building.zip.parent.glob("*.zip"))


@pytest.mark.skipif(not shutil.which("make") or os.name != "posix", reason="needs make and a POSIX shell")
@pytest.mark.parametrize("unseen", [0, 1])
def test_a_licence_that_was_not_looked_at_is_an_error(tmp_path: Path, unseen: int) -> None:
    """pip-licenses leaves out a package that is not installed, and says nothing."""
    names = list(locked("requirements.lock"))[unseen:]
    rows = "\n".join([" Name Version License", *(f" {name} 1 MIT" for name in names)])
    (tmp_path / "bin").mkdir()
    for path, text in (("bin/pip-licenses", f"#!/bin/sh\ncat <<'END'\n{rows}\nEND\n"), ("installed-supply", "")):
        (tmp_path / path).write_text(text, encoding="utf-8")
        (tmp_path / path).chmod(0o755)
    options = ["-o", str(tmp_path / "installed-supply"), f"PYTHON={sys.executable}", f"VENV={tmp_path}"]
    ran = subprocess.run(  # noqa: S603  our own Makefile
        [shutil.which("make") or "make", "licenses", *options],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert names[0] in ran.stdout
    assert (ran.returncode != 0) == bool(unseen)
    assert ("of requirements.lock is not installed" in ran.stderr) == bool(unseen)
