"""Which of Partner Center's words may be passed on: none that repeat what was sent."""

import html
import json
import re
from collections.abc import Iterable

SHORTEST_TELLING_VALUE = 4
_ESCAPES = re.compile(r'(?:\\(?:["\\/bfnrt]|u[0-9a-f]{4}))+')


def telling_nothing(text: object, sent: Iterable[str], *, longest: int) -> str | None:
    """The text, cut; None where it is none, or repeats a value that was sent, in any case, raw or escaped."""
    if not isinstance(text, str):
        return None
    lowered = text.lower()
    written = (lowered, html.unescape(lowered), _unescaped(lowered), html.unescape(_unescaped(lowered)))
    forms = [form.casefold() for form in written]
    values = [value.casefold() for value in sent if len(value) >= SHORTEST_TELLING_VALUE]
    told = any(value in form for form in forms for value in values)
    return None if told else text[:longest]


def _unescaped(text: str) -> str:
    """The text, in small letters, with JSON's escapes undone run by run: what is no escape stands as it is."""
    return _ESCAPES.sub(lambda run: str(json.loads(f'"{run[0]}"')), text)
