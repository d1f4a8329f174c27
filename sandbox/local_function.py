"""The function on the local host, with the sandbox as its only environment, for the demo and `make serve`."""

import importlib.metadata
import os
import platform
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from update_profile.settings import NAMES

from .host_process import REPOSITORY
from .http_front import running_host
from .sandbox import Sandbox

# Microsoft's example: learn.microsoft.com/partner-center/developer/update-support-profile#request-example
EXAMPLE = {"Email": "email@sample.com", "Telephone": "4255555555", "Website": "www.microsoft.com"}
ROUTE = "/api/update_profile"
APPROVAL_ROUTE = "/api/approve"
# A port of a loopback address does not count (learn.microsoft.com/entra/identity-platform/reply-url).
_PAGES = tuple(f"http://{host}{APPROVAL_ROUTE}" for host in ("127.0.0.1", "localhost"))


@asynccontextmanager
async def local_function(
    sandbox: Sandbox, *, port: int = 0, settings: Mapping[str, str] | None = None
) -> AsyncIterator[str]:
    """Serve the function and its approval page on the running loop, and yield the host's base address.

    Port 0 means any free port.

    `settings` are settings that differ from the defaults. The function reads them once. None means the defaults.
    Removes the function's settings from the environment and does not restore them. The settings of a real tenant must
    not be used here, so local.settings.json is not read either.

    Raises:
        WorkerError: The app cannot be loaded.
        OSError: The port is taken.
    """
    for name in NAMES:
        os.environ.pop(name, None)
    page = sandbox.entra.applications.page
    page.redirect_uris = _PAGES
    with_page = {"ENTRA_APPROVAL_CLIENT_ID": page.client_id}
    os.environ.update({**sandbox.settings(), **with_page, **(settings or {})})
    async with running_host(REPOSITORY, port) as address:
        yield address


def surroundings() -> str:
    """Return one sentence that names this Python and the library that loads the function in it."""
    python = f"Python {platform.python_version()}"
    try:
        runtime = importlib.metadata.version("azure-functions-runtime")
    except importlib.metadata.PackageNotFoundError:
        version = importlib.metadata.version("azure-functions")
        return f"{python}: only azure-functions {version} loads the function, as Azure's runtime needs Python 3.13."
    return f"{python}: azure-functions-runtime {runtime}, the library that Azure runs, loads the function."
