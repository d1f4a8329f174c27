"""What an Email, a Telephone and a Website may be.

Microsoft documents no limits for the support profile, so these are our own. They refuse what a customer could not read
or use and accept the rest, including Microsoft's own example (``www.microsoft.com``, without a scheme). A value is
checked, never rewritten: what passes is sent as it came, code point for code point. Lengths are in code points.

Each rule raises ValueError with a message that quotes nothing of the value.
"""

import re
import unicodedata

EMAIL_LENGTH = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets
TELEPHONE_LENGTH = 64
WEBSITE_LENGTH = 2048
# Joiners shape letters in several scripts and occur in internationalised names (RFC 5892, appendix A).
_JOINERS = frozenset("\u200c\u200d")
_NOTHING = frozenset({"null", "none", "undefined"})
# What template languages leave around a name that nobody filled in.
_PLACEHOLDERS = (("{{", "}}"), ("${", "}"), ("##", "##"))
# What may precede a first colon without being a scheme: www.contoso.com:8080, [2001:db8::1].
_HOST_WITH_PORT = re.compile(r"[^:]+[.\u3002\uff0e\uff61][^:]*:[0-9]{1,5}|\[.*")


def email(value: str) -> str:
    """Accept one ``@`` with something on both sides, and no white space."""
    _check_text(value, longest=EMAIL_LENGTH, allowed=_JOINERS)
    _refuse_white_space(value)
    if value.startswith("<") and value.endswith(">"):
        raise ValueError("must be the bare address, without < and >")
    if value.lower().startswith("mailto:"):
        raise ValueError("must be the bare address, without mailto:")
    local, at, domain = value.partition("@")
    if not (local and at and domain) or "@" in domain:
        raise ValueError("needs exactly one @ with something on both sides")
    return value


def telephone(value: str) -> str:
    """Accept any text with at least one digit, of any script."""
    _check_text(value, longest=TELEPHONE_LENGTH, allowed=frozenset())
    if not any(character.isdecimal() for character in value):
        raise ValueError("needs a digit")
    return value


def website(value: str) -> str:
    """Accept ``http``, ``https`` or no scheme, without white space and user information."""
    _check_text(value, longest=WEBSITE_LENGTH, allowed=_JOINERS)
    _refuse_white_space(value)
    if value.lower() in _NOTHING:
        raise ValueError("is a missing value written as text, not an address")
    scheme, rest = _split_scheme(value)
    if scheme.lower() not in ("", "http", "https"):
        raise ValueError("must start with http:// or https://, or have no scheme")
    # Browsers differ on extra, missing and backward slashes: none of them may see a user here.
    if "@" in re.split(r"[/?#]", rest.lstrip("/\\"), maxsplit=1)[0]:
        raise ValueError("must not have user information (something@ before the host)")
    return value


def _check_text(value: str, *, longest: int, allowed: frozenset[str]) -> None:
    if len(value) > longest:  # first, so that nothing below looks at a huge value
        raise ValueError(f"is longer than {longest} characters")
    if not value or value.isspace():
        raise ValueError("is blank")
    _refuse_invisible(value, allowed)
    if value[0].isspace() or value[-1].isspace():
        raise ValueError("starts or ends with white space")
    _refuse_placeholder(value)


def _refuse_placeholder(value: str) -> None:
    """Refuse a template that nobody filled in, such as ``{{ticket.email}}``."""
    for opening, closing in _PLACEHOLDERS:
        start = value.find(opening)
        if start >= 0 and value.find(closing, start + len(opening)) >= 0:
            raise ValueError(f"has a placeholder ({opening}...{closing}) that was not filled in")


def _refuse_invisible(value: str, allowed: frozenset[str]) -> None:
    """Refuse control and format characters: they slip in with copied text, and every customer would see the result."""
    if value.isprintable():  # then there is none, and no need to look at each
        return
    for place, character in enumerate(value, start=1):
        if unicodedata.category(character) in ("Cc", "Cf") and character not in allowed:
            raise ValueError(f"has an invisible character, U+{ord(character):04X}, at position {place}")


def _refuse_white_space(value: str) -> None:
    for place, character in enumerate(value, start=1):
        if character.isspace():
            raise ValueError(f"has white space at position {place}")


def _split_scheme(value: str) -> tuple[str, str]:
    """Return the scheme ("" for none) and what follows it.

    ``www.contoso.com:8080`` is a host with a port. Any other colon before the first slash ends a scheme, even one that
    only some readers accept (``1http:``, a joiner in ``http:``).
    """
    head = re.split(r"[/?#\\]", value, maxsplit=1)[0]
    if ":" not in head or _HOST_WITH_PORT.fullmatch(head):
        return "", value
    scheme, _, rest = value.partition(":")
    return scheme, rest
