"""Routing: finds the function for a path, ignoring case, as ASP.NET's routing does.

A template may have `{x}`, `{x?}`, `{*x}` and `literal{x}`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote

from .worker import Function

# Sort keys: a template with a literal in an earlier place is more specific and is tried first.
LITERAL, PARAMETER, CATCH_ALL = range(3)


class Segment(NamedTuple):
    """One part of a template: a literal in lower case, or the name of a parameter."""

    kind: int
    text: str
    optional: bool = False
    prefix: str = ""  # a literal in lower case before a parameter, as in `approve{rest}`


class Match(NamedTuple):
    """A function and the values of its route parameters, decoded except for `%2F`."""

    function: Function
    params: Mapping[str, str]


@dataclass(frozen=True)
class Routes:
    """All route templates of an app, most specific first."""

    entries: Sequence[tuple[Sequence[Segment], Function]]

    @classmethod
    def of(cls, functions: Sequence[Function], prefix: str) -> "Routes":
        """Return the routes of these functions under host.json's routePrefix, which may be empty."""
        templates = [(_segments(f"{prefix}/{function.route}"), function) for function in functions]
        return cls(sorted(templates, key=lambda entry: [segment.kind for segment in entry[0]]))

    def find(self, method: str, path: str) -> Match | None:
        """Return the function for this method and raw path.

        Returns None for an unknown path and also for an unknown method: the host answers 404 to both.
        https://github.com/Azure/azure-functions-host/issues/10098
        """
        parts = _parts(path)
        if parts is None:
            return None
        for template, function in self.entries:
            params = _params(template, parts)
            if params is not None and (not function.methods or method.upper() in function.methods):
                return Match(function, params)
        return None


def _segments(template: str) -> Sequence[Segment]:
    return tuple(_segment(part) for part in template.strip("/").split("/") if part)


def _segment(part: str) -> Segment:
    """Parse one part of a template. Raises ValueError for unsupported syntax (constraints, defaults)."""
    match = re.fullmatch(r"\{(\*?)(\w+)(\??)\}", part)
    if match:
        star, name, optional = match.groups()
        return Segment(CATCH_ALL if star else PARAMETER, name, bool(star or optional))
    prefixed = re.fullmatch(r"([^{}]+)\{(\w+)\}", part)
    if prefixed:
        return Segment(PARAMETER, prefixed[2], prefix=prefixed[1].lower())
    if "{" in part:
        message = f"the route segment {part!r} is not supported by this local host"
        raise ValueError(message)
    return Segment(LITERAL, part.lower())


def _parts(path: str) -> Sequence[str] | None:
    """Return the decoded segments of a raw path without one trailing slash, or None for an empty segment (`//`)."""
    parts = path.removeprefix("/").removesuffix("/").split("/")
    if parts == [""]:
        return []
    return None if "" in parts else [_decoded(part) for part in parts]


def _decoded(part: str) -> str:
    # An encoded slash stays encoded: it does not separate segments.
    return unquote(re.sub(r"%(2[Ff])", r"%25\1", part))


def _begins(part: str, prefix: str) -> bool:
    """Return whether a part begins with the prefix and goes on: a parameter behind a literal is never empty."""
    return part.lower().startswith(prefix) and len(part) > len(prefix)


def _params(template: Sequence[Segment], parts: Sequence[str]) -> dict[str, str] | None:
    """Return the parameter values if the template matches, else None. Absent optional parameters are omitted."""
    params: dict[str, str] = {}
    for position, segment in enumerate(template):
        rest = parts[position:]
        if not rest:
            return params if segment.optional else None
        if segment.kind == CATCH_ALL:
            return {**params, segment.text: "/".join(rest)}
        if segment.kind == PARAMETER:
            if not _begins(rest[0], segment.prefix):
                return None
            params[segment.text] = rest[0][len(segment.prefix) :]
        elif segment.text != rest[0].lower():
            return None
    return params if len(parts) <= len(template) else None
