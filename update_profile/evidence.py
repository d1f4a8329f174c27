"""What one occurrence of a failure can show beside its text: frozen values, cleaned where they were read."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """One refused member of the body, or one wrong setting: its name and what is wrong, never its value."""

    field: str
    message: str


@dataclass(frozen=True, kw_only=True)
class UpstreamFault:
    """What Partner Center said of its own failure. None: it did not say, or the text held what was sent."""

    status: int
    code: str | None = None
    description: str | None = None
    source: str | None = None


@dataclass(frozen=True, kw_only=True)
class EntraFault:
    """What Entra ID said of its refusal: names and numbers, never its text."""

    error: str | None
    codes: tuple[int, ...] = ()
    trace_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClaimsChallenge:
    """What the user must prove at the next sign-in (learn.microsoft.com/entra/identity-platform/claims-challenge).

    ``claims`` is the JSON text as Entra gave it.
    """

    tenant_id: str
    authorization_uri: str
    claims: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one occurrence of a failure can show beside its text. None and empty: nothing to show."""

    fields: tuple[FieldError, ...] = ()
    upstream: UpstreamFault | None = None
    entra: EntraFault | None = None
    challenge: ClaimsChallenge | None = None
    scope: str | None = None
    consent_uri: str | None = None
    outcome: Literal["unknown"] | None = None
    retry_after_seconds: int | None = None


NOTHING = Evidence()
