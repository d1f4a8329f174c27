"""Microsoft's protobuf classes for the messages between host and worker.

No package publishes these classes as its API. The wheel azure-functions-runtime-v1 contains the current ones in its
`tests` folder. This module loads them from there under its own package name and skips that folder's `__init__`, which
imports grpc.
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
    """Return all message classes in one namespace, as the worker library expects them.

    Raises FileNotFoundError if the wheel lacks the classes, PackageNotFoundError if the wheel is not installed.
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
    """Return the folder of the carrier's classes."""
    for file in importlib.metadata.files(CARRIER) or ():
        if file.as_posix() == CLASSES:
            return Path(str(file.locate())).parent
    message = f"{CARRIER} {importlib.metadata.version(CARRIER)} has no {CLASSES}: pin a version that has it"
    raise FileNotFoundError(message)
