"""What a language worker is to the host: it starts, names its functions, and answers calls.

Two workers keep this promise: the library that Azure itself runs (runtime_worker.py, Python 3.13 and later) and
`azure-functions` alone (fallback_worker.py, below that). The host (functions_host.py) knows only this module.
"""

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

ENTRY_MODULE = "function_app"


class WorkerError(Exception):
    """The app can't be served; the message is the worker's own where it gave one."""


class InvocationFailed(Exception):
    """The worker reports Failure for one call. The host turns it into a bare 500.

    `message` and `stack` are the worker's texts; `stack` may be empty.
    """

    def __init__(self, message: str, stack: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.stack = stack


@dataclass(frozen=True)
class HttpCall:
    """One call as the host hands it to the worker.

    `url` is absolute with the query as it was sent. Names in `headers` are lower-case and occur once; `params` are
    the route's values; `query` has one value a name. `body` is empty where the caller sent none.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HttpAnswer:
    """One answer; each cookie is a `Set-Cookie` header. `closes` means that the connection ends after it."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    closes: bool = False


@dataclass(frozen=True)
class Function:
    """One HTTP function: `methods` in upper case, empty for any; `key` is the worker's own id for it."""

    name: str
    route: str
    methods: frozenset[str]
    auth_level: str
    binding_name: str
    key: str


class Worker(Protocol):
    """Serves one app directory; there is one worker a process, because the libraries keep module globals."""

    functions: Sequence[Function]

    async def start(self) -> None:
        """Load the app. Raises WorkerError when that fails or when the app has no HTTP function."""

    async def invoke(self, function: Function, call: HttpCall) -> HttpAnswer:
        """Answer one call. Raises InvocationFailed where the real worker reports Failure."""

    async def stop(self) -> None:
        """Wait for the functions that run in threads, and let go of the threads."""


def create_worker(app_directory: Path) -> Worker:
    """The real worker library where it is installed (Python 3.13 and later), else the converters alone."""
    if importlib.util.find_spec("azure_functions_runtime"):
        from .runtime_worker import RuntimeWorker

        return RuntimeWorker(app_directory)
    from .fallback_worker import FallbackWorker

    return FallbackWorker(app_directory)


def claim_process(app_directory: Path) -> None:
    """Put the app first on the import path, and have its entry module run anew.

    A FunctionApp lists its functions only once, so a second start needs a second one; the modules that it imports
    stay as they are. Raises WorkerError when this process holds another app, because those modules are global.
    """
    served = sys.modules.get(ENTRY_MODULE)
    origin = getattr(served, "__file__", None)
    if origin and Path(origin).resolve().parent != app_directory.resolve():
        message = f"this process serves the app in {Path(origin).parent}; another app needs a process of its own"
        raise WorkerError(message)
    sys.modules.pop(ENTRY_MODULE, None)
    directory = str(app_directory.resolve())
    if directory in sys.path:
        sys.path.remove(directory)
    sys.path.insert(0, directory)


def http_function(name: str, key: str, bindings: Sequence[Mapping[str, Any]]) -> Function | None:
    """The HTTP function that these bindings (function.json's objects) describe; None for another trigger.

    Without a route the function's name is the route; without methods every method is served.
    https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger
    """
    trigger = next((binding for binding in bindings if binding.get("type") == "httpTrigger"), None)
    if trigger is None:
        return None
    return Function(
        name=name,
        route=trigger.get("route") or name,
        methods=frozenset(str(method).upper() for method in trigger.get("methods") or ()),
        auth_level=str(trigger.get("authLevel") or "function").lower(),
        binding_name=str(trigger["name"]),
        key=key,
    )
