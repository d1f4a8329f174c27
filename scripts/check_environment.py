"""Refuse a GitHub environment that is not protected.

    python scripts/check_environment.py ENVIRONMENT BRANCHES [WITHOUT_REVIEWERS]

Both are files with an answer of GitHub's. A federated credential trusts the environment, so whoever may use the
environment may deploy.

- ENVIRONMENT: GET /repos/{owner}/{repo}/environments/{name}
  (docs.github.com/rest/deployments/environments#get-an-environment)
- BRANCHES: GET /repos/{owner}/{repo}/environments/{name}/deployment-branch-policies
  (docs.github.com/rest/deployments/branch-policies#list-deployment-branch-policies), or {} where it has none

WITHOUT_REVIEWERS is `true` where the plan of the repository offers no reviewers.
"""

import json
import sys
from pathlib import Path
from typing import Any

BRANCH = "main"


def lacking(environment: dict[str, Any], branches: dict[str, Any], *, without_reviewers: bool = False) -> list[str]:
    """Return what the environment's protection lacks, as sentences; empty if it lacks nothing."""
    lacks = []
    policy = environment.get("deployment_branch_policy") or {}
    named = [(rule.get("type", "branch"), rule.get("name")) for rule in branches.get("branch_policies") or []]
    if not policy.get("custom_branch_policies") or named != [("branch", BRANCH)]:
        lacks.append(
            f"Not {BRANCH} alone may deploy: under 'Deployment branches and tags' take 'Selected branches and tags',"
            f" and name the branch {BRANCH} and nothing else. 'Protected branches only' is more than that."
        )
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
    environment, branches = (json.loads(Path(name).read_text(encoding="utf-8")) for name in arguments[:2])
    lacks = lacking(environment, branches, without_reviewers=arguments[2:] == ["true"])
    for sentence in lacks:
        print(f"::error title=The environment {environment.get('name')} is not protected::{sentence}")
    return 1 if lacks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
