"""Our function on the local host, with the sandbox as all its surroundings: what the demo and `make serve` share."""

import importlib.metadata
import os
import platform
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from update_profile.settings import NAMES

from .host_process import REPOSITORY
from .http_front import running_host
from .sandbox import Sandbox

# Microsoft's own: learn.microsoft.com/partner-center/developer/update-support-profile#request-example
EXAMPLE = {"Email": "email@sample.com", "Telephone": "4255555555", "Website": "www.microsoft.com"}
ROUTE = "/api/update_profile"


@asynccontextmanager
async def local_function(sandbox: Sandbox, *, port: int = 0) -> AsyncIterator[str]:
    """Serve the function on the running loop; gives the host's base address.

    What the environment held for the function is gone afterwards: nothing of a real tenant may be used here, so
    local.settings.json is not read either. Port 0 takes a free one.

    Raises:
        WorkerError: the app can't be loaded. OSError: the port is taken.
    """
    for name in NAMES:
        os.environ.pop(name, None)
    os.environ.update(sandbox.settings())
    async with running_host(REPOSITORY, port) as address:
        yield address


def surroundings() -> str:
    """This Python, and the library that loads the function in it, in one sentence."""
    python = f"Python {platform.python_version()}"
    try:
        runtime = importlib.metadata.version("azure-functions-runtime")
    except importlib.metadata.PackageNotFoundError:
        version = importlib.metadata.version("azure-functions")
        return f"{python}: the function is loaded by azure-functions {version} alone; Azure's runtime needs 3.13."
    return f"{python}: the function is loaded by azure-functions-runtime {runtime}, the library Azure itself runs."
