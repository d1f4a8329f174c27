"""The interface between host and language worker: a worker starts, lists its functions and answers calls.

Two workers implement it: the library that Azure itself runs (runtime_worker.py, Python 3.13 and later) and
`azure-functions` alone (fallback_worker.py, earlier versions). workers.py chooses between them.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

ENTRY_MODULE = "function_app"


class WorkerError(Exception):
    """The app cannot be served. The message is the worker's own, if it gave one."""


class InvocationFailed(Exception):
    """The worker reports Failure for one call. The host turns it into an empty 500.

    `message` and `stack` are the worker's texts; `stack` may be empty.
    """

    def __init__(self, message: str, stack: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.stack = stack


@dataclass(frozen=True)
class HttpCall:
    """One call as the host passes it to the worker.

    `url` is absolute and contains the query as sent. Names in `headers` are lower-case and occur once. `params` are the
    route's values. `query` has one value per name. `body` is empty if the caller sent none.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HttpAnswer:
    """One answer. Each cookie is a `Set-Cookie` header. `closes` means that the connection ends after the answer."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    closes: bool = False


@dataclass(frozen=True)
class Function:
    """One HTTP function. `methods` are in upper case, empty means any. `key` is the worker's own id for it."""

    name: str
    route: str
    methods: frozenset[str]
    auth_level: str
    binding_name: str
    key: str


class Worker(Protocol):
    """Serves one app directory. A process has one worker, because the libraries keep module globals."""

    functions: Sequence[Function]

    async def start(self) -> None:
        """Load the app. Raises WorkerError if that fails or if the app has no HTTP function."""

    async def invoke(self, function: Function, call: HttpCall) -> HttpAnswer:
        """Answer one call. Raises InvocationFailed if the worker reports Failure."""

    async def stop(self) -> None:
        """Wait for the functions that run in threads, and release the threads."""


def claim_process(app_directory: Path) -> None:
    """Put the app first on the import path, and make the next import run its entry module again.

    A FunctionApp lists its functions only once, so a second start needs a new FunctionApp. The modules that the entry
    module imports stay loaded. Raises WorkerError if this process holds another app, because those modules are global.
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
    """Return the HTTP function that these bindings (objects of function.json) describe, or None for other triggers.

    Without a route, the function's name is the route. Without methods, the function serves every method.
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
