"""Refuse a GitHub environment that is not protected.

    python scripts/check_environment.py FILE [WITHOUT_REVIEWERS]

FILE is GitHub's answer to GET /repos/{owner}/{repo}/environments/{name}
(docs.github.com/rest/deployments/environments#get-an-environment). A federated credential trusts the environment, so
whoever may use the environment may deploy.

WITHOUT_REVIEWERS is `true` where the plan of the repository offers no reviewers.
"""

import json
import sys
from pathlib import Path
from typing import Any


def lacking(environment: dict[str, Any], *, without_reviewers: bool = False) -> list[str]:
    """Return what the environment's protection lacks, as sentences; empty if it lacks nothing."""
    lacks = []
    if not environment.get("deployment_branch_policy"):
        lacks.append("Any branch may deploy: under 'Deployment branches and tags' select the branch main.")
    rules = environment.get("protection_rules") or []
    reviewed = any(rule.get("type") == "required_reviewers" and rule.get("reviewers") for rule in rules)
    if not reviewed and not without_reviewers:
        lacks.append(
            "Nobody has to approve a deployment: under 'Required reviewers' name people."
            " Where the plan offers none, set the variable DEPLOY_WITHOUT_REVIEWERS to true."
        )
    return lacks


def main(arguments: list[str]) -> int:
    """Print what is lacking in GitHub's form for errors. Returns 1 if anything is."""
    environment = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    lacks = lacking(environment, without_reviewers=arguments[1:] == ["true"])
    for sentence in lacks:
        print(f"::error title=The environment {environment.get('name')} is not protected::{sentence}")
    return 1 if lacks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
