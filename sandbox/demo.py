"""Run the whole flow once, for a first-time reader: `python -m sandbox.demo`, or `make demo`.

The demo shows an update, a dry run, a claims challenge, a refusal and an outage, over real HTTP and TLS. It measures
its times: when requests reached the stand-ins (from their journals) and when the function wrote its audit record. It
exits with status 1 when a check fails.
"""

import asyncio
import logging
import sys

import httpx

from .demo_stage import FunctionLog, Stage
from .demo_trouble import challenge, outage, refusal, silence_after_writing
from .demo_update import dry_run, update, update_again
from .local_function import ROUTE, local_function, surroundings
from .narration import NotAsItShouldBe, tell
from .sandbox import Sandbox

ACTS = (update, update_again, dry_run, challenge, refusal, outage, silence_after_writing)
# Shorter than the default, so that nobody waits long for the outage.
BUDGET_SECONDS = 6


async def _run(log: FunctionLog) -> None:
    with Sandbox() as sandbox:
        settings = {"REQUEST_BUDGET_SECONDS": str(BUDGET_SECONDS)}
        async with local_function(sandbox, settings=settings) as address, _client(address) as client:
            print("Updating a Microsoft Partner Center support profile on behalf of the signed-in user.")
            print(surroundings())
            for name, value in (
                ("caller", "this process"),
                ("function", f"{address}{ROUTE}, with REQUEST_BUDGET_SECONDS={BUDGET_SECONDS}"),
                ("Entra ID", f"{sandbox.entra.base_url} (stand-in)"),
                ("Partner Center", f"{sandbox.partner_center.base_url} (stand-in)"),
            ):
                tell(f"{name:<16}{value}")
            stage = Stage(sandbox, client, log)
            for act in ACTS:
                await act(stage)


def _client(address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=address, trust_env=False, timeout=60)


def main() -> int:
    """Run the demo. Returns the exit status."""
    log = FunctionLog()
    logging.getLogger().addHandler(logging.NullHandler())
    logger = logging.getLogger("update_profile")
    logger.setLevel(logging.INFO)
    logger.addHandler(log)
    try:
        asyncio.run(_run(log))
    except NotAsItShouldBe as failure:
        print(f"\nThe demo failed. Expected: {failure}.\nThe function logged:", *log.lines, sep="\n  ", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
        return 130  # what a shell expects of a command that Ctrl+C ended
    print("\nEvery check passed. Next: `make serve` keeps the function running and prints a curl command.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
