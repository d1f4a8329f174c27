"""Load an unpacked package as Azure's worker does, and make one call. package_proof.py runs this isolated (-I -B).

    package_run.py APP HOSTS_SIDE SANDBOX

Prints one line of JSON: the status, the seconds from load to answer, and the modules imported from anywhere else.
"""

import sys
import time

STARTED_AT = time.perf_counter()
APP, HOSTS_SIDE, SANDBOX = sys.argv[1:4]
PACKAGES = f"{APP}/.python_packages/lib/site-packages"
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


async def call() -> int:
    """Send one update with Microsoft's example, and read files. Returns the first status that is not 200."""
    from sandbox.functions_host import FunctionsHost

    host = await FunctionsHost.load(Path(APP))
    body = b'{"Email":"email@sample.com","Telephone":"4255555555","Website":"www.microsoft.com"}'
    headers = {"Authorization": f"Bearer {os.environ['PROOF_TOKEN']}", "Content-Type": "application/json"}
    headers["Content-Length"] = str(len(body))
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = await host.handle(method="POST", target="/api/update_profile", headers=raw, body=body)
    files = ("openapi.json", "approve", "approve/approve.js")
    read = [await host.handle(method="GET", target=f"/api/{name}", headers=[]) for name in files]
    await host.close()
    return next((one.status for one in (answer, *read) if one.status != 200), 200)


def strangers() -> list[str]:
    """Return the modules that come from neither the package, the host's side nor the standard library."""
    known = (APP, HOSTS_SIDE, SANDBOX, sys.base_prefix, str(Path(sys.base_prefix).resolve()))
    files = {name: getattr(module, "__file__", None) or "" for name, module in list(sys.modules.items())}
    return sorted(
        name
        for name, file in files.items()
        if file and name != "__main__" and (not file.startswith(known) or "site-packages" in file.replace(PACKAGES, ""))
    )


status = asyncio.run(call())
print(json.dumps({"status": status, "seconds": time.perf_counter() - STARTED_AT, "strangers": strangers()}))
