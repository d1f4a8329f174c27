"""One door for each outside library, and functions and files that can be read at a glance."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DEPLOYED = [ROOT / "function_app.py", *sorted((ROOT / "update_profile").glob("**/*.py"))]
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in DEPLOYED}
DOORS = {
    "azure": {"function_app", "http_trigger"},
    "jwt": {"entra/bearer_token"},
    "msal": {"entra/on_behalf_of"},
    "httpx": {"transport/client"},
    "httpcore": {"transport/client", "transport/network"},
    "tenacity": {"partner_center/retrying"},
    "cryptography": {"entra/certificate"},
}
LONGEST_FILE = 200
LONGEST_FUNCTION = 40
LONGEST_MEDIAN = 10


def place(path: Path) -> str:
    """Where a module stands, from the package's folder on."""
    return path.relative_to(ROOT).with_suffix("").as_posix().removeprefix("update_profile/")


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every module that is imported anywhere in it, whole name, and how many dots stand before it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end, without the docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    docstring = function.body[0]
    return lines - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)


@pytest.mark.parametrize(("library", "doors"), DOORS.items())
def test_a_library_comes_in_by_its_own_door(library: str, doors: set[str]) -> None:
    """Each door is used, and there is no other."""
    users = {
        place(path) for path, tree in TREES.items() if library in {name.split(".")[0] for name, _ in imported(tree)}
    }
    assert users == doors


@pytest.mark.parametrize("library", ["requests", "urllib3", "aiohttp", "azure.identity", "importlib"])
def test_other_clients_come_in_by_none(library: str) -> None:
    """Requests comes along with msal; nothing uses it, nor imports by name."""
    names = {name for tree in TREES.values() for name, _ in imported(tree)}
    assert not [name for name in names if f"{name}.".startswith(f"{library}.")]


@pytest.mark.parametrize("path", DEPLOYED, ids=lambda path: str(path.stem))
def test_imports_inside_the_package_are_relative(path: Path) -> None:
    """Azure may load it under another name."""
    own = [(name, dots) for name, dots in imported(TREES[path]) if dots or name.split(".")[0] == "update_profile"]
    assert {dots for _, dots in own} <= ({0} if path.stem == "function_app" else {1, 2})


@pytest.mark.parametrize("path", DEPLOYED, ids=lambda path: str(path.stem))
def test_nothing_is_printed(path: Path) -> None:
    """What is to be known goes to the log."""
    calls = [node.func for node in ast.walk(TREES[path]) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call, ast.Name) and call.id in ("print", "eval", "exec")]


@pytest.mark.parametrize("path", DEPLOYED, ids=lambda path: str(path.stem))
def test_a_file_is_short_and_says_what_it_is_for(path: Path) -> None:
    """At most 200 lines, under a docstring."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    assert ast.get_docstring(TREES[path])


def test_functions_are_short() -> None:
    """None over 40 lines, half of them under 10."""
    lengths = {f"{path.stem}.{one.name}": length(one) for path, tree in TREES.items() for one in functions(tree)}
    assert not {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION}
    assert statistics.median(lengths.values()) < LONGEST_MEDIAN


def test_settings_are_read_in_one_place() -> None:
    """The environment is looked at by the service alone."""
    readers = {
        path.stem
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    assert readers == {"service"}
