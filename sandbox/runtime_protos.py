"""Microsoft's protobuf classes for the messages between host and worker.

No package publishes them on purpose. The wheel azure-functions-runtime-v1 carries the current ones in its `tests`
folder; they are loaded from there under a name of our own, without that folder's `__init__`, which asks for grpc.
"""

import importlib
import importlib.metadata
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace

CARRIER = "azure-functions-runtime-v1"
CLASSES = "tests/protos/FunctionRpc_pb2.py"
PACKAGE = "sandbox_function_rpc"


def load_protos() -> SimpleNamespace:
    """All message classes in one namespace, as the worker library wants them handed in.

    Raises FileNotFoundError when the wheel lacks the classes, PackageNotFoundError when it is not installed.
    """
    if PACKAGE not in sys.modules:
        spec = ModuleSpec(PACKAGE, None, is_package=True)
        spec.submodule_search_locations = [str(_folder())]
        sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
    messages = importlib.import_module(f"{PACKAGE}.FunctionRpc_pb2")
    nullable = importlib.import_module(f"{PACKAGE}.shared.NullableTypes_pb2")
    return SimpleNamespace(**{**_public(nullable), **_public(messages)})


def _public(module: object) -> dict[str, object]:
    return {name: value for name, value in vars(module).items() if not name.startswith("_")}


def _folder() -> Path:
    """Where the carrier's classes lie."""
    for file in importlib.metadata.files(CARRIER) or ():
        if file.as_posix() == CLASSES:
            return Path(str(file.locate())).parent
    message = f"{CARRIER} {importlib.metadata.version(CARRIER)} carries no {CLASSES}: pin the version that does"
    raise FileNotFoundError(message)
