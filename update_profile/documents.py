"""The JSON documents that this function writes: a failure, the result of a dry run, the state of health.

These are types alone: response.py builds what they name, and `make openapi` makes the description's schemas of them.
TypedDict comes from typing_extensions, which pydantic brings: it reads the standard library's only from 3.12 on.
"""

from typing import Literal

from typing_extensions import TypedDict

from .errors import Actor, FieldError, UpstreamFault


class EntraRefusal(TypedDict):
    """What Entra ID said about its refusal: names and numbers, never its text."""

    error: str | None
    codes: list[int]
    traceId: str | None


class Evidence(TypedDict, total=False):
    """The members of a problem that only some failures have."""

    reason: str
    errors: list[FieldError]
    errorsOmitted: int
    upstream: UpstreamFault
    entra: EntraRefusal
    consentUri: str
    outcome: Literal["unknown"]


class Problem(Evidence):
    """A failure (RFC 9457). Branch on `code` and `reason`; `detail` is for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    actor: Actor
    retryable: bool
    correlationId: str
    requestId: str


class ProfileValues(TypedDict, total=False):
    """The values of a support profile. One that is not set is absent."""

    email: str
    telephone: str
    website: str


class Change(TypedDict):
    """One value that a write would change. ``current`` is null if none is stored."""

    field: Literal["Email", "Telephone", "Website"]
    current: str | None
    proposed: str


class DryRun(TypedDict):
    """What a write would change. Nothing was written."""

    validateOnly: Literal[True]
    current: ProfileValues
    proposed: ProfileValues
    changes: list[Change]


class Health(TypedDict):
    """The settings are valid."""

    status: Literal["ok"]
    version: str
