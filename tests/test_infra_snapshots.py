"""What each variant would deploy, as the compiler tells it, is what is committed.

Where no compiler is found (BICEP names one, else ``bicep`` on the PATH) this is skipped, and said. After a meant
change ``BICEP=… python tests/test_infra_snapshots.py`` writes them anew, and the difference is what a review reads.
"""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the run as a program
from bicep_files import INFRA, VARIANTS, compiler, snapshot

COMMAND = compiler()


@pytest.mark.skipif(COMMAND is None, reason="no Bicep compiler here: set BICEP, or put bicep on the PATH")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_deploys_what_its_snapshot_says(name: str) -> None:
    """As text, so that the difference can be read."""
    assert COMMAND is not None
    committed = (INFRA / "snapshots" / f"{name}.json").read_text(encoding="utf-8")
    assert snapshot(COMMAND, VARIANTS[name]) == committed


@pytest.mark.skipif(COMMAND is None, reason="no Bicep compiler here: set BICEP, or put bicep on the PATH")
@pytest.mark.timeout(300)
def test_the_template_builds_without_a_word() -> None:
    """Neither an error nor a warning, the rules of bicepconfig.json included."""
    assert COMMAND is not None
    offline = Path(COMMAND[-1]).name.startswith("bicep-offline")
    arguments = [str(INFRA), "--strict"] if offline else ["build", str(INFRA / "main.bicep"), "--stdout"]
    built = subprocess.run(  # noqa: S603  the developer's own compiler
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert "warning" not in built.stderr.lower()


def main() -> int:
    """Write every snapshot anew."""
    if COMMAND is None:
        sys.stderr.write("No Bicep compiler here: set BICEP, or put bicep on the PATH.\n")
        return 1
    for name, path in VARIANTS.items():
        (INFRA / "snapshots" / f"{name}.json").write_text(snapshot(COMMAND, path), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
