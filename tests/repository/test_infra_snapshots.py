"""What the compiler produces for each variant equals the committed snapshot.

Without a compiler (BICEP names one, else ``bicep`` on the PATH) these tests are skipped with a reason. After an
intended change, ``BICEP=... python tests/repository/test_infra_snapshots.py`` rewrites the snapshots for review.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for running this file as a program
from bicep_files import INFRA, SNAPSHOTS, VARIANTS, compiler, snapshot

COMMAND = compiler()
needs_compiler = pytest.mark.skipif(
    COMMAND is None, reason="no Bicep compiler here: set BICEP, or put bicep on the PATH"
)
pytestmark = pytest.mark.timeout(300)
# Choices that are refused, and the expected message.
REFUSED = {
    "germany": ("param cloud = 'germany'", "'china' | 'global' | 'usgov'"),
    "graph elsewhere": ("param cloud = 'usgov'", "Graph in Bicep is not offered in this cloud"),
    "authentication for anyone": (
        "param appServiceAuthentication = true",
        "appServiceAuthentication needs callerClientIds",
    ),
    "certificate on flex": (
        "param credential = { kind: 'certificate', path: '/one.p12', thumbprint: '00' }",
        "Flex Consumption loads no uploaded certificate",
    ),
    "secret in plain text": (
        "param credential = { kind: 'secret', reference: 'plain' }",
        "given as a Key Vault reference",
    ),
    "password in plain text": (
        "param credential = { kind: 'certificate', path: '/one.p12', passwordReference: 'plain' }",
        "given as a Key Vault reference",
    ),
    "a page without its registration": (
        "param existingClientId = '55555555-5555-4555-8555-555555555555'\nparam approvalPage = true",
        "approvalPage with existingClientId needs existingApprovalClientId",
    ),
    "zones on elastic premium": (
        "param hostingPlan = 'ElasticPremium'\nparam zoneRedundant = true",
        "zoneRedundant is of Flex Consumption alone",
    ),
    "two credentials": ("param credential = { kind: 'managedIdentity', reference: '@' }", '"reference" is not allowed'),
}


@needs_compiler
@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_deploys_what_its_snapshot_says(name: str) -> None:
    """The snapshots are compared as text, so that a failure shows a readable difference."""
    assert COMMAND is not None
    committed = (SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8")
    assert snapshot(COMMAND, VARIANTS[name]) == committed


@needs_compiler
def test_the_template_builds_without_a_word() -> None:
    """The build gives no error and no warning, also under the rules of bicepconfig.json."""
    assert COMMAND is not None
    offline = Path(COMMAND[-1]).name.startswith("bicep-offline")
    arguments = [str(INFRA), "--strict"] if offline else ["build", str(INFRA / "main.bicep"), "--stdout"]
    built = subprocess.run(  # noqa: S603  the developer's own compiler
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert "warning" not in built.stderr.lower()


@needs_compiler
@pytest.mark.parametrize("choice", REFUSED)
def test_what_excludes_each_other_is_refused_with_the_reason(choice: str, tmp_path: Path) -> None:
    """Either a type or a call of fail() refuses the combination."""
    assert COMMAND is not None
    line, reason = REFUSED[choice]
    infra = tmp_path / "infra"
    shutil.copytree(INFRA, infra)
    parameters = infra / "variants" / "refused.bicepparam"
    parameters.write_text(f"using '../main.bicep'\n\nparam environmentName = 'prod'\n{line}\n", encoding="utf-8")
    with pytest.raises(subprocess.CalledProcessError) as refusal:
        snapshot(COMMAND, parameters, infra)
    assert reason in refusal.value.stdout + refusal.value.stderr


def main() -> int:
    """Rewrite every snapshot."""
    if COMMAND is None:
        sys.stderr.write("No Bicep compiler here: set BICEP, or put bicep on the PATH.\n")
        return 1
    for name, path in VARIANTS.items():
        (SNAPSHOTS / f"{name}.json").write_text(snapshot(COMMAND, path), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
