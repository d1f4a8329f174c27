"""Takes one environment variable after the other and collects what is wrong, the first thing of each."""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import SecretStr

from .evidence import FieldError

T = TypeVar("T")
# App Service leaves a reference it could not resolve in place of the value
# (learn.microsoft.com/azure/app-service/app-service-key-vault-references).
_UNRESOLVED = re.compile(r"\s*@Microsoft\.\w+\(", re.IGNORECASE)


class SettingReader:
    """Reads the variables of one environment."""

    def __init__(self, environ: Mapping[str, str], *, never_blank: tuple[str, ...] = ()) -> None:
        """``never_blank``: names whose blank value is wrong, where for any other it counts as absent."""
        self._environ = environ
        self._never_blank = never_blank
        self._refused: dict[str, FieldError] = {}

    @property
    def errors(self) -> tuple[FieldError, ...]:
        """What is wrong, in the order it was found; no entry holds a value."""
        return tuple(self._refused.values())

    def refuse(self, name: str, message: str) -> None:
        """Note that a variable is wrong."""
        self._refused.setdefault(name, FieldError(field=name, message=message))

    def text(self, name: str) -> str | None:
        """The trimmed text; None when absent or blank."""
        text = self._environ.get(name, "")
        if _UNRESOLVED.match(text):
            self.refuse(name, "is a reference that the platform could not resolve")
            return None
        if not text.strip() and name in self._never_blank and name in self._environ:
            self.refuse(name, "is blank; an allow-list names at least one")
        return text.strip() or None

    def value(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """What ``parse`` makes of the text, which raises ValueError with what is wrong; the default when absent."""
        text = self.text(name)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.refuse(name, str(error))
            return default

    def required(self, name: str, parse: Callable[[str], T], placeholder: T) -> T:
        """The same of a variable that must be there."""
        if self.text(name) is None:
            self.refuse(name, "is missing")
        return self.value(name, parse, placeholder)

    def secret(self, name: str) -> SecretStr | None:
        """The text exactly as given; None when absent or blank.

        A blank at an end is part of a secret, or a slip that only its owner can see: it is refused.
        """
        exact = self._environ.get(name, "")
        text = self.text(name)
        if text is not None and text != exact:
            self.refuse(name, "starts or ends with white space")
        return None if text is None else SecretStr(exact)

    def given(self, name: str) -> bool:
        """Whether the variable is there and not blank, resolved or not."""
        return bool(self._environ.get(name, "").strip())
