"""Requests that schemathesis generates from the served description, against the function in front of the sandbox.

    python -m benchmarks.api_fuzz --seconds 60 [--seed 1]

Prints schemathesis' own report. The exit status is not 0 when an answer is not what the description says.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from sandbox.local_function import local_function
from sandbox.sandbox import Sandbox

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
USER = "alice"
# The Functions host itself answers an undescribed method, with 404 where this check wants 405, before the function is
# asked (https://github.com/Azure/azure-functions-host/issues/10098).
NOT_OURS = "unsupported_method"


async def _run(seconds: int, seed: int | None, more: list[str]) -> int:
    with Sandbox() as sandbox:
        async with local_function(sandbox) as address:
            token = sandbox.entra.sign_in(USER, lifetime_seconds=24 * 3600)
            seeded = [] if seed is None else ["--seed", str(seed)]
            process = await asyncio.create_subprocess_exec(
                *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIGURATION)),
                *("run", f"{address}/api/openapi.json", "--header", f"Authorization: Bearer {token}"),
                *("--checks", "all", "--exclude-checks", NOT_OURS, "--include-path-regex", "/"),
                *("--max-time", str(seconds), *seeded, *more),
                env={**os.environ, "NO_PROXY": "*", "PYTHONWARNINGS": "ignore"},
            )
            return await process.wait()


def main() -> int:
    """Run for a bounded time. Returns schemathesis' exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="how long to generate requests")
    parser.add_argument("--seed", type=int, help="generate the same requests each time")
    arguments, more = parser.parse_known_args()
    return asyncio.run(_run(arguments.seconds, arguments.seed, more))


if __name__ == "__main__":
    sys.exit(main())
