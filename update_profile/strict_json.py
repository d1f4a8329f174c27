"""Bytes -> JSON, without what the json module lets through.

RFC 8259 allows no byte order mark, no NaN or Infinity and no lone surrogate. The json module accepts all of them but
the mark, and its nesting limit raises RecursionError, which is not a ValueError.
"""

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

Pairs = list[tuple[str, Any]]
MAX_DEPTH = 64  # our own: the json module's limit differs from one Python to the next
LONGEST_INTEGER_DIGITS = 40
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


Fault = Literal["encoding", "not_json", "too_deep"]


class NotJson(ValueError):
    """The input is not JSON. The message names the fault and quotes nothing of the input.

    Attributes:
        fault: What kind of fault it is.
    """

    def __init__(self, message: str, fault: Fault = "not_json") -> None:
        super().__init__(message)
        self.fault = fault


def parse(data: bytes, *, make_object: Callable[[Pairs], object] = dict) -> object:
    """Parse one JSON text in UTF-8.

    Args:
        data: The whole text.
        make_object: Builds each object from its name-value pairs, in order. It may raise NotJson.

    Raises:
        NotJson: The text is not JSON.
    """
    if data.startswith((b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")):
        raise NotJson("it starts with a byte order mark", "encoding")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise NotJson("it is not encoded in UTF-8", "encoding") from None
    return _loads(text, make_object)


def parse_object(data: bytes | None, *, make_object: Callable[[Pairs], object] = dict) -> dict[str, Any] | None:
    """Parse one JSON object; None when the data is anything else, or None itself."""
    try:
        document = parse(data or b"", make_object=make_object)
    except NotJson:
        return None
    return document if isinstance(document, dict) else None


def unique(pairs: Pairs) -> dict[str, Any]:
    """Build an object in which no name is repeated.

    Raises:
        NotJson: A name is repeated.
    """
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotJson("a name is repeated")
    return members


def _loads(text: str, make_object: Callable[[Pairs], object]) -> object:
    _refuse_depth(text)
    try:
        value: object = _decoder(make_object).decode(text)
        _refuse_lone_surrogates(text, value)
    except NotJson:
        raise
    except json.JSONDecodeError as error:
        raise NotJson(f"it is not JSON (line {error.lineno}, column {error.colno})") from None
    return value


@lru_cache(maxsize=8)
def _decoder(make_object: Callable[[Pairs], object]) -> json.JSONDecoder:
    """Make each decoder once: json.loads would make one each time."""
    return json.JSONDecoder(object_pairs_hook=make_object, parse_constant=_refuse_constant, parse_int=_number)


def _refuse_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > MAX_DEPTH:
            raise NotJson("it is nested too deeply", "too_deep")


def _refuse_constant(name: str) -> None:
    raise NotJson(f"{name} is not allowed in JSON")


def _number(digits: str) -> int | float:
    """Return an int of reasonable length; anything longer is a float, as int() refuses thousands of digits."""
    return int(digits) if len(digits) <= LONGEST_INTEGER_DIGITS else float(digits)


def _refuse_lone_surrogates(text: str, value: object) -> None:
    if "\\u" not in text:  # decoded UTF-8 holds no surrogate; only an escape can make one
        return
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise NotJson("it has half of a surrogate pair", "encoding") from None
