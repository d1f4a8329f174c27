"""Load an app as Azure's worker does, and make one call. cold.py runs this isolated (-I -B).

    cold_run.py APP PACKAGES HOSTS_SIDE SANDBOX

Prints one line of JSON: the status, and the CPU seconds of each phase: `before` (the interpreter), `runtime` (the
worker library and the host's messages), `load` (the app with all that it imports) and `first_call`.

With `-` as APP it imports the four packages in place of an app: the phases are `before`, `runtime` and `imports`, and
the process ends in the same way.
"""

import sys
import time

MARKS = [0.0, time.process_time()]
THE_FOUR = "-"
APP, PACKAGES, HOSTS_SIDE, SANDBOX = sys.argv[1:5]
# The package comes first, as in the real worker. This environment's own packages are excluded.
sys.path[:] = [APP, PACKAGES, HOSTS_SIDE, *(path for path in sys.path if "site-packages" not in path and path != "")]

import asyncio  # noqa: E402  only now, so that every import uses the new path
import json  # noqa: E402
import os  # noqa: E402
import types  # noqa: E402
from pathlib import Path  # noqa: E402

# Makes the sandbox modules importable without sandbox/__init__.py, which imports what the stand-ins need.
hosts_behaviour = types.ModuleType("sandbox")
hosts_behaviour.__path__ = [SANDBOX]
sys.modules["sandbox"] = hosts_behaviour
sys.path_importer_cache.clear()


def import_the_four() -> None:
    """Import what every app of this kind needs, after the same runtime."""
    import azure.functions  # noqa: F401
    import httpx  # noqa: F401
    import msal  # noqa: F401
    import pydantic  # noqa: F401

    MARKS.append(time.process_time())


async def call() -> int:
    """Load the app and send one update. Returns the answer's status: 200 where there is no app to call."""
    from sandbox.functions_host import FunctionsHost
    from sandbox.runtime_protos import load_protos
    from sandbox.runtime_worker import RuntimeWorker as _  # noqa: F401

    load_protos()
    MARKS.append(time.process_time())
    if APP == THE_FOUR:
        import_the_four()
        return 200
    host = await FunctionsHost.load(Path(APP))
    MARKS.append(time.process_time())
    body = os.environ["BENCH_BODY"].encode()
    headers = {"Authorization": f"Bearer {os.environ['BENCH_TOKEN']}", "Content-Type": "application/json"}
    headers["Content-Length"] = str(len(body))
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = await host.handle(method="POST", target="/api/update_profile", headers=raw, body=body)
    MARKS.append(time.process_time())
    return answer.status


async def main() -> None:
    """Print the phases, and leave as a killed worker does: what comes after the answer is nobody's wait."""
    status = await call()
    names = ("before", "runtime", "imports") if APP == THE_FOUR else ("before", "runtime", "load", "first_call")
    phases = {name: MARKS[at + 1] - MARKS[at] for at, name in enumerate(names)}
    sys.stdout.write(json.dumps({"status": status, **phases}) + "\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


asyncio.run(main())
