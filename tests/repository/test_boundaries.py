"""Which package may import which, which modules may import an outside library, and how long code may be."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import house

ROOT = Path(__file__).parents[2]
DEPLOYED = [ROOT / "function_app.py", *sorted((ROOT / "update_profile").glob("**/*.py"))]
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in DEPLOYED}

# Code that performs no I/O and imports nothing above it.
FLOOR_0 = {
    "errors",
    "formats",
    "clouds",
    "strict_json",
    "claims_challenge",
    "deadline",
    "single_flight",
    "expiring_cache",
    "field_rules",
    "documents",
}
PURE = FLOOR_0 | {"transport.messages", "partner_center.answer", "partner_center.error_codes"}
ENTRA = FLOOR_0 | {"entra", "call", "settings", "transport"}
PARTNER_CENTER = FLOOR_0 | {"partner_center", "call", "settings", "transport", "request_ids", "support_profile"}
# Module or package -> the modules and packages that it may import. A package stands for all of its modules.
ALLOWED: dict[str, set[str]] = {
    **dict.fromkeys(FLOOR_0, FLOOR_0),
    "transport": FLOOR_0 | {"transport", ""},
    "request_ids": FLOOR_0,
    "support_profile": FLOOR_0,
    "settings": FLOOR_0,
    "call": FLOOR_0 | {"request_ids", ""},
    "request": FLOOR_0,
    "description": set(),
    "entra": ENTRA,
    "partner_center": PARTNER_CENTER,
    "response": PURE | {"partner_center.stored_profile", "request_ids"},
    "operations": FLOOR_0 | {"entra", "partner_center", "call", "support_profile"},
    "service": FLOOR_0 | {"entra", "partner_center", "transport", "operations", "call", "settings", ""},
    "approval_page": {"response", "settings"},
    "handler": FLOOR_0
    | {"", "service", "operations", "response", "request", "request_ids", "call", "description", "approval_page"},
    "http_trigger": {"handler", "service", "response", "request"},
    "function_app": {"http_trigger"},
}
DOORS = {
    "azure": {"function_app", "http_trigger"},
    "msal": {"entra.on_behalf_of"},
    "httpx": {"transport.client"},
    "h11": {"transport.client", "transport.connection"},
    "cryptography": {"entra.bearer_token", "entra.certificate", "entra.proof"},
}
LONGEST_FUNCTION = 40
LONGEST_MEDIAN = 10
# Class hierarchies and tables may be longer.
LONGEST_FILE = 250
TREES_AND_TABLES = {"errors"}


def place(path: Path) -> str:
    """Return a module's dotted name, relative to the package."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removeprefix("update_profile").removeprefix(".").removesuffix("__init__").removesuffix(".")


def libraries(tree: ast.AST) -> Iterator[str]:
    """Yield every module that an absolute import names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return every function and method."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of lines from ``def`` to the end, without the docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    docstring = function.body[0]
    return lines - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)


def covered(name: str, rooms: set[str]) -> bool:
    """Return whether a module or its package is in ``rooms``."""
    return name in rooms or name.rpartition(".")[0] in rooms - {""}


@pytest.mark.parametrize(
    "module", [name for name in map(place, DEPLOYED) if name and name not in ("entra", "transport")]
)
def test_a_module_imports_only_what_its_room_may(module: str) -> None:
    """entra and partner_center never import each other, and decision code never imports I/O code."""
    allowed = ALLOWED.get(module) or ALLOWED[module.rpartition(".")[0] or module]
    wrong = [name for name in house.arrows().get(module, ()) if not covered(name, allowed)]
    assert not wrong


def test_the_rooms_make_no_circle() -> None:
    """house.floors fails on an import cycle, and the longest chain of imports has at most 11 steps."""
    assert max(house.floors(house.arrows()).values()) < 12


def test_the_sandbox_makes_no_circle() -> None:
    """An import inside a function or for a type counts as well."""
    graph = house.arrows(house.ROOT / "sandbox")
    assert len(graph) > 40
    assert max(house.floors(graph).values())


@pytest.mark.parametrize(("library", "doors"), DOORS.items())
def test_a_library_has_one_door(library: str, doors: set[str]) -> None:
    """Only the listed modules import the library, and each of them does."""
    users = {place(path) for path, tree in TREES.items() if library in {name.split(".")[0] for name in libraries(tree)}}
    assert users == doors


@pytest.mark.parametrize(
    "library", ["requests", "urllib3", "aiohttp", "azure.identity", "importlib", "jwt", "tenacity"]
)
def test_other_clients_are_not_imported(library: str) -> None:
    """msal installs requests, but the function's own code does not use it."""
    names = {name for tree in TREES.values() for name in libraries(tree)}
    assert not [name for name in names if f"{name}.".startswith(f"{library}.")]


def test_imports_inside_the_package_are_relative() -> None:
    """Azure may load the package under another name."""
    absolute = {
        place(path) for path, tree in TREES.items() if any(n.startswith("update_profile") for n in libraries(tree))
    }
    assert absolute == {"function_app"}


def test_nothing_is_printed() -> None:
    """Output goes to the log; eval and exec are not called either."""
    calls = [node.func for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call, ast.Name) and call.id in ("print", "eval", "exec")]


def test_every_file_says_what_it_is_for_and_none_is_too_long() -> None:
    """A file has one role, which its docstring states, so it stays short."""
    assert not [place(path) for path, tree in TREES.items() if not ast.get_docstring(tree)]
    lines = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in DEPLOYED}
    assert not {name for name, count in lines.items() if count > LONGEST_FILE} - TREES_AND_TABLES


def test_functions_are_short() -> None:
    """No function has more than 40 lines, and the median is less than 10."""
    lengths = {f"{place(path)}.{one.name}": length(one) for path, tree in TREES.items() for one in functions(tree)}
    assert not {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION}
    assert statistics.median(lengths.values()) < LONGEST_MEDIAN


def test_the_environment_is_read_in_one_place() -> None:
    """Only the service module reads the environment."""
    readers = {
        place(path)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    assert readers == {"service"}
