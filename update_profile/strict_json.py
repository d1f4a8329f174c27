"""Bytes -> JSON, without what the json module lets pass.

RFC 8259 knows no byte order mark in what is sent, no NaN or Infinity and no lone surrogate; the json module takes
all of them but the mark, and its limit of nesting ends in a RecursionError, which is no ValueError.
"""

import json
import re
from collections.abc import Callable
from typing import Any

Pairs = list[tuple[str, Any]]
MAX_DEPTH = 64  # of our own: the json module's limit differs from one Python to the next
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


class NotJson(ValueError):
    """What was sent is not JSON. Its text names the fault and no part of the input."""


def parse(data: bytes, *, make_object: Callable[[Pairs], object] = dict) -> object:
    """Parse one JSON text in UTF-8.

    Args:
        data: The whole text.
        make_object: Makes each object from its pairs, in the order they stand.

    Raises:
        NotJson: With what is wrong. ``make_object`` may raise it too.
    """
    if data.startswith((b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")):
        raise NotJson("it starts with a byte order mark")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise NotJson("it is not encoded in UTF-8") from None
    return _loads(text, make_object)


def unique(pairs: Pairs) -> dict[str, Any]:
    """Make an object in which no name stands twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotJson("a name stands twice")
    return members


def _loads(text: str, make_object: Callable[[Pairs], object]) -> object:
    _refuse_depth(text)
    try:
        value: object = json.loads(
            text, object_pairs_hook=make_object, parse_constant=_refuse_constant, parse_int=_number
        )
        _refuse_lone_surrogates(text, value)
    except NotJson:
        raise
    except ValueError:
        raise NotJson("it is not JSON") from None
    return value


def _refuse_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > MAX_DEPTH:
            raise NotJson("it is nested too deep")


def _refuse_constant(name: str) -> None:
    raise NotJson(f"{name} is not JSON")


def _number(digits: str) -> int | float:
    """An int of sane length; past that a float, as int() refuses thousands of digits."""
    return int(digits) if len(digits) <= 40 else float(digits)


def _refuse_lone_surrogates(text: str, value: object) -> None:
    if "\\u" not in text:  # decoded UTF-8 holds none; only an escape can make one
        return
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise NotJson("it holds half of a surrogate pair") from None
