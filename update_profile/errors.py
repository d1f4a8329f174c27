"""Every failure this function can answer with, as one tree.

Each class fixes a code (a slug for machines), a status, an actor (who must act) and whether a retry can help. The first
line of its docstring is the title that callers read::

    UpdateProfileError
    ├── RequestRefused         the request cannot be accepted as sent
    │   └── MalformedBody · BodyTooLarge · UnsupportedMediaType · InvalidProfile · InvalidHeader · InvalidParameter
    ├── TokenRefused           the bearer token is not a valid user token for this function
    │   └── MissingToken · InvalidToken · AppOnlyToken · InsufficientScope · TenantNotAllowed · ClientNotAllowed
    ├── EntraRefused           Entra ID refuses this user a Partner Center token
    │   └── InteractionRequired · ConsentRequired · AccessBlocked
    ├── EntraFailed            Entra ID gives no usable answer right now
    │   └── EntraThrottled · EntraUnavailable · EntraTimeout · EntraUnexpected
    ├── Misconfigured          our own settings, credential or registration
    ├── PartnerCenterRefused   Partner Center answered with a failure; its status is kept
    │   └── PartnerCenterMfaRequired · PartnerCenterRejected · PartnerCenterThrottled · PartnerCenterFailed
    ├── PartnerCenterUnusable  Partner Center gave no usable answer
    │   └── PartnerCenterUnreachable · PartnerCenterUnexpected · PartnerCenterUnanswered
    └── Unexpected             a fault of ours
"""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, Self

Actor = Literal["caller", "user", "administrator", "operator", "nobody"]
Neighbour = Literal["entra", "identity_endpoint", "partner_center"]


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """One refused member of the body, or one wrong setting: its name and what is wrong with it, never its value."""

    field: str
    message: str


@dataclass(frozen=True, kw_only=True)
class UpstreamFault:
    """What Partner Center said about its failure. None: it said nothing, or its text repeats a value that was sent."""

    status: int
    code: str | None = None
    description: str | None = None
    source: str | None = None


class EntraFault(NamedTuple):
    """What Entra ID said about its refusal: names and numbers, never its text."""

    error: str | None
    codes: tuple[int, ...] = ()
    trace_id: str | None = None


class ClaimsChallenge(NamedTuple):
    """What the user must prove at the next sign-in (learn.microsoft.com/entra/identity-platform/claims-challenge).

    ``claims`` is JSON text, as Entra ID wrote it.
    """

    tenant_id: str
    authorization_uri: str
    claims: str


class ClaimedIds(NamedTuple):
    """Whom a token with a valid signature names. None: the token does not say, or not in a usable form."""

    tenant_id: str
    user_id: str | None
    client_id: str | None


class UpdateProfileError(Exception):
    """A failure with an answer of its own.

    Attributes:
        detail: What is wrong and what to do about it. Callers read it; it repeats nothing that was sent.
        reason: A slug that refines the code, one of the class's ``reasons``; None when the code says it all.
        fields: The refused members or wrong settings.
        upstream: What Partner Center said; None when it did not answer.
        entra: What Entra ID said; None when it did not refuse.
        challenge: What the next sign-in must prove; None when no challenge came.
        scope: The scope that is missing or lacks consent; None when the scope is not the problem.
        consent_uri: Where an administrator consents; None when consent is not the problem.
        outcome: ``unknown`` for a write whose outcome is not known.
        retry_after_seconds: How long the other side asks to wait; None when it does not say.
        neighbour: Who refused or was silent; None when no neighbour ended the call.
        no_answer: Why no answer came, in words for the log; None when one came, or when none was awaited.
        entra_status: The HTTP status that Entra ID or the identity endpoint answered with; None without an answer.
        claimed: Whom the refused token names; None when its signature was not verified.
    """

    code: ClassVar[str] = ""
    reasons: ClassVar[tuple[str, ...]] = ()
    status: int = 500
    actor: Actor = "operator"
    retryable: bool = False
    neighbour: Neighbour | None = None
    claimed: ClaimedIds | None = None

    def __init_subclass__(  # noqa: PLR0913  what a class statement may fix
        cls,
        *,
        code: str = "",
        reasons: tuple[str, ...] = (),
        status: int = 0,
        actor: Actor | None = None,
        retryable: bool | None = None,
        neighbour: Neighbour | None = None,
    ) -> None:
        """Set what the class statement names and inherit the rest. A class without a code is never raised."""
        cls.code = code
        cls.reasons = reasons
        cls.neighbour = neighbour or cls.neighbour
        cls.status = status or cls.status
        cls.actor = actor or cls.actor
        cls.retryable = cls.retryable if retryable is None else retryable

    def __init__(  # noqa: PLR0913  every piece of evidence is a keyword, and most errors pass one
        self,
        detail: str,
        *,
        reason: str | None = None,
        fields: tuple[FieldError, ...] = (),
        upstream: UpstreamFault | None = None,
        entra: EntraFault | None = None,
        challenge: ClaimsChallenge | None = None,
        scope: str | None = None,
        consent_uri: str | None = None,
        outcome: Literal["unknown"] | None = None,
        retry_after_seconds: int | None = None,
        neighbour: Neighbour | None = None,
        no_answer: str | None = None,
        entra_status: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.reason = reason
        self.neighbour = neighbour or self.neighbour
        self.no_answer = no_answer
        self.entra_status = entra_status
        self.fields = fields
        self.upstream = upstream
        self.entra = entra
        self.challenge = challenge
        self.scope = scope
        self.consent_uri = consent_uri
        self.outcome = outcome
        self.retry_after_seconds = retry_after_seconds

    @property
    def title(self) -> str:
        """The class in one sentence, the same for every occurrence (RFC 9457, section 3.1.3)."""
        return (type(self).__doc__ or self.code).splitlines()[0]

    def again(self) -> Self:
        """Return a copy to raise: an error that is raised twice collects the tracebacks of both."""
        return copy.copy(self)


class RequestRefused(UpdateProfileError, status=400, actor="caller"):
    """The request cannot be accepted as sent."""


class MalformedBody(
    RequestRefused,
    code="malformed_body",
    reasons=("empty", "encoding", "not_json", "not_an_object", "too_deep", "wrapped"),
):
    """The body is not one JSON object in UTF-8."""


class BodyTooLarge(RequestRefused, code="body_too_large", status=413):
    """The body is too large."""


class UnsupportedMediaType(
    RequestRefused,
    code="unsupported_media_type",
    reasons=("media_type", "charset", "content_encoding"),
    status=415,
):
    """The body is not plain JSON."""


class InvalidProfile(RequestRefused, code="invalid_profile", status=422):
    """The body is not a valid support profile."""


class InvalidHeader(RequestRefused, code="invalid_header", reasons=("correlation_id", "request_id", "authorization")):
    """A request header is invalid."""


class InvalidParameter(RequestRefused, code="invalid_parameter", reasons=("unknown", "value", "repeated")):
    """A query parameter is invalid."""


class TokenRefused(UpdateProfileError, status=403, actor="caller"):
    """The bearer token does not allow this call."""


class MissingToken(TokenRefused, code="missing_token", status=401):
    """The request has no bearer token."""


class InvalidToken(
    TokenRefused,
    code="invalid_token",
    reasons=(
        "malformed",
        "algorithm",
        "unknown_key",
        "signature",
        "expired",
        "not_yet_valid",
        "times",
        "audience",
        "issuer",
        "no_user",
        "refused_by_entra",
    ),
    status=401,
):
    """The bearer token is not valid for this function."""


class AppOnlyToken(TokenRefused, code="app_only_token"):
    """The bearer token belongs to an application, not to a user."""


class InsufficientScope(TokenRefused, code="insufficient_scope"):
    """The bearer token lacks the required scope."""


class TenantNotAllowed(TokenRefused, code="tenant_not_allowed", actor="operator"):
    """The user's tenant is not allowed to use this function."""


class ClientNotAllowed(TokenRefused, code="client_not_allowed", actor="operator"):
    """The calling application is not allowed to use this function."""


class EntraRefused(UpdateProfileError, status=403, actor="administrator", neighbour="entra"):
    """Entra ID refuses this user a Partner Center token."""


class InteractionRequired(
    EntraRefused,
    code="interaction_required",
    reasons=("claims", "sign_in", "partner_center"),
    status=401,
    actor="user",
):
    """The user must sign in again."""


class ConsentRequired(EntraRefused, code="consent_required", reasons=("consent", "application_missing")):
    """An administrator of the user's tenant must consent first."""


class AccessBlocked(EntraRefused, code="access_blocked", reasons=("policy", "assignment", "account_disabled")):
    """A policy or a missing assignment blocks this user."""


class EntraFailed(UpdateProfileError, status=503, actor="nobody", retryable=True, neighbour="entra"):
    """Entra ID gives no usable answer right now."""


class EntraThrottled(EntraFailed, code="entra_throttled"):
    """Entra ID is throttling requests."""


class EntraUnavailable(
    EntraFailed,
    code="entra_unavailable",
    reasons=("not_connected", "cut", "failed", "keys", "identity_endpoint"),
):
    """Entra ID is unavailable."""


class EntraTimeout(EntraFailed, code="entra_timeout", reasons=("keys", "exchange", "identity_endpoint"), status=504):
    """Entra ID did not answer in time."""


class EntraUnexpected(
    EntraFailed, code="entra_unexpected", reasons=("unreadable", "another_user", "another_host"), status=502
):
    """Entra ID gave an answer that cannot be used."""


class Misconfigured(
    UpdateProfileError, code="misconfigured", reasons=("settings", "credential", "application", "tenant")
):
    """This function is misconfigured."""

    @classmethod
    def of(cls, faults: Iterable[FieldError]) -> "Misconfigured":
        """Build the error for settings that are wrong or missing, one entry for each setting."""
        fields = tuple(faults)
        names = ", ".join(fault.field for fault in fields)
        return cls(f"Wrong or missing settings: {names}.", reason="settings", fields=fields)


class PartnerCenterRefused(UpdateProfileError, status=502, actor="operator", neighbour="partner_center"):
    """Partner Center answered with a failure.

    ``upstream`` gives the status. ``actor`` and ``retryable`` override the class's; None keeps them.
    """

    def __init__(
        self,
        detail: str,
        *,
        upstream: UpstreamFault | None = None,
        retry_after_seconds: int | None = None,
        actor: Actor | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(detail, upstream=upstream, retry_after_seconds=retry_after_seconds)
        self.status = upstream.status if upstream else self.status
        self.actor = actor or self.actor
        self.retryable = self.retryable if retryable is None else retryable


class PartnerCenterMfaRequired(PartnerCenterRefused, code="partner_center_mfa_required", actor="user"):
    """Partner Center requires multi-factor authentication."""


class PartnerCenterRejected(PartnerCenterRefused, code="partner_center_rejected"):
    """Partner Center rejected the request."""


class PartnerCenterThrottled(PartnerCenterRefused, code="partner_center_throttled", actor="nobody", retryable=True):
    """Partner Center is throttling requests."""


class PartnerCenterFailed(PartnerCenterRefused, code="partner_center_failed", actor="nobody", retryable=True):
    """Partner Center failed."""


class PartnerCenterUnusable(UpdateProfileError, status=502, actor="nobody", retryable=True, neighbour="partner_center"):
    """Partner Center gave no usable answer."""


class PartnerCenterUnreachable(PartnerCenterUnusable, code="partner_center_unreachable"):
    """Partner Center cannot be reached. Nothing was sent."""


class PartnerCenterUnexpected(
    PartnerCenterUnusable, code="partner_center_unexpected", actor="operator", retryable=False
):
    """Partner Center answered with an unexpected status."""


class PartnerCenterUnanswered(
    PartnerCenterUnusable,
    code="partner_center_timeout",
    reasons=("no_answer", "cut", "unreadable", "differs", "another_call"),
    status=504,
):
    """The request was sent to Partner Center, but no answer shows what became of it."""

    @classmethod
    def interrupted(cls) -> "PartnerCenterUnanswered":
        """Build the error for a fault of ours while a write was unanswered."""
        return cls(
            "This function failed before it could read Partner Center's answer. Whether the profile was written is not"
            " known: send it again under the same delivery id.",
            reason="unreadable",
            outcome="unknown",
        )


class Unexpected(UpdateProfileError, code="unexpected"):
    """This function failed unexpectedly."""
