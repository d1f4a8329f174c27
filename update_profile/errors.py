"""Every failure this function can answer with, as one tree.

Each class fixes its code (a slug for machines), status, actor and retryability; its docstring is the title::

    UpdateProfileError
    ├── RequestRefused         the caller sent something we cannot take
    │   └── MalformedBody · BodyTooLarge · UnsupportedMediaType · InvalidProfile · InvalidHeader · InvalidParameter
    ├── TokenRefused           the bearer token is not a user's, for us, now
    │   └── MissingToken · InvalidToken · AppOnlyToken · InsufficientScope · TenantNotAllowed · ClientNotAllowed
    ├── EntraRefused           Entra ID does not give this user a Partner Center token
    │   └── InteractionRequired · ConsentRequired · AccessBlocked
    ├── EntraTrouble           Entra ID cannot be had right now
    │   └── EntraThrottled · EntraUnavailable · EntraTimeout · EntraUnexpected
    ├── Misconfigured          our own settings, credential or registration
    ├── PartnerCenterAnswered  Partner Center refused or failed; its status is kept
    │   └── PartnerCenterMfaRequired · PartnerCenterRejected · PartnerCenterThrottled · PartnerCenterFailed
    ├── PartnerCenterSilent    no answer of Partner Center that can be used
    │   └── PartnerCenterUnreachable · PartnerCenterUnexpected · PartnerCenterTimeout
    └── Unexpected             a fault of ours
"""

from typing import ClassVar, Literal

from .evidence import NOTHING, Evidence

Actor = Literal["caller", "user", "administrator", "operator", "nobody"]


class UpdateProfileError(Exception):
    """A failure with an answer of its own."""

    code: ClassVar[str] = ""
    status: int = 500
    actor: Actor = "operator"
    retryable: bool = False

    def __init_subclass__(
        cls, *, code: str = "", status: int = 0, actor: Actor | None = None, retryable: bool | None = None
    ) -> None:
        """Fix what the class statement names; inherit the rest. A class without a code is never raised."""
        cls.code = code
        cls.status = status or cls.status
        cls.actor = actor or cls.actor
        cls.retryable = cls.retryable if retryable is None else retryable

    def __init__(self, detail: str, evidence: Evidence = NOTHING) -> None:
        """``detail`` goes to the caller: what is wrong and what to do; it repeats nothing that was sent."""
        super().__init__(detail)
        self.detail = detail
        self.evidence = evidence

    @property
    def title(self) -> str:
        """The class in one sentence, the same for every occurrence (RFC 9457, section 3.1.3)."""
        return (type(self).__doc__ or self.code).splitlines()[0]


class RequestRefused(UpdateProfileError, status=400, actor="caller"):
    """The request cannot be taken as it is."""


class MalformedBody(RequestRefused, code="malformed_body"):
    """The body is not one JSON object in UTF-8."""


class BodyTooLarge(RequestRefused, code="body_too_large", status=413):
    """The body is larger than this function takes."""


class UnsupportedMediaType(RequestRefused, code="unsupported_media_type", status=415):
    """The body is not sent as plain JSON."""


class InvalidProfile(RequestRefused, code="invalid_profile", status=422):
    """The body is not a full support profile."""


class InvalidHeader(RequestRefused, code="invalid_header"):
    """A request header has a form this function does not take."""


class InvalidParameter(RequestRefused, code="invalid_parameter"):
    """The query has a parameter this function does not take."""


class TokenRefused(UpdateProfileError, status=403, actor="caller"):
    """The bearer token does not allow this call."""


class MissingToken(TokenRefused, code="missing_token", status=401):
    """No bearer token came with the request."""


class InvalidToken(TokenRefused, code="invalid_token", status=401):
    """The bearer token is not a valid one for this function."""


class AppOnlyToken(TokenRefused, code="app_only_token"):
    """The bearer token is an application's; only a user can be acted for."""


class InsufficientScope(TokenRefused, code="insufficient_scope"):
    """The bearer token lacks the scope of this function."""


class TenantNotAllowed(TokenRefused, code="tenant_not_allowed", actor="operator"):
    """The user's tenant may not use this function."""


class ClientNotAllowed(TokenRefused, code="client_not_allowed", actor="operator"):
    """The calling application may not use this function."""


class EntraRefused(UpdateProfileError, status=403, actor="administrator"):
    """Entra ID gives this user no Partner Center token."""


class InteractionRequired(EntraRefused, code="interaction_required", status=401, actor="user"):
    """The user must sign in again, with what is asked for."""


class ConsentRequired(EntraRefused, code="consent_required"):
    """An administrator of the user's tenant must consent first."""


class AccessBlocked(EntraRefused, code="access_blocked"):
    """A policy or an assignment keeps this user out."""


class EntraTrouble(UpdateProfileError, status=503, actor="nobody", retryable=True):
    """Entra ID cannot be had right now."""


class EntraThrottled(EntraTrouble, code="entra_throttled"):
    """Entra ID asks to wait."""


class EntraUnavailable(EntraTrouble, code="entra_unavailable"):
    """Entra ID cannot be reached."""


class EntraTimeout(EntraTrouble, code="entra_timeout", status=504):
    """Entra ID did not answer in time."""


class EntraUnexpected(EntraTrouble, code="entra_unexpected", status=502):
    """Entra ID answered with something that cannot be used."""


class Misconfigured(UpdateProfileError, code="misconfigured"):
    """This function is not set up rightly."""


class PartnerCenterAnswered(UpdateProfileError, status=502):
    """Partner Center did not carry the request out; its status is kept."""

    def __init__(
        self, detail: str, evidence: Evidence, *, actor: Actor | None = None, retryable: bool | None = None
    ) -> None:
        """``evidence.upstream`` gives the status. ``actor`` and ``retryable``: None keeps the class's."""
        super().__init__(detail, evidence)
        self.status = evidence.upstream.status if evidence.upstream else self.status
        self.actor = actor or self.actor
        self.retryable = self.retryable if retryable is None else retryable


class PartnerCenterMfaRequired(PartnerCenterAnswered, code="partner_center_mfa_required", actor="user"):
    """Partner Center wants a sign-in with multi-factor authentication."""


class PartnerCenterRejected(PartnerCenterAnswered, code="partner_center_rejected"):
    """Partner Center rejected the request."""


class PartnerCenterThrottled(PartnerCenterAnswered, code="partner_center_throttled", actor="nobody", retryable=True):
    """Partner Center asks to wait."""


class PartnerCenterFailed(PartnerCenterAnswered, code="partner_center_failed", actor="nobody", retryable=True):
    """Partner Center failed."""


class PartnerCenterSilent(UpdateProfileError, status=502, actor="nobody", retryable=True):
    """Partner Center gave no answer that can be used."""


class PartnerCenterUnreachable(PartnerCenterSilent, code="partner_center_unreachable"):
    """Partner Center cannot be reached; nothing was sent."""


class PartnerCenterUnexpected(PartnerCenterSilent, code="partner_center_unexpected", actor="operator", retryable=False):
    """Partner Center answered with a status that has no meaning here."""


class PartnerCenterTimeout(PartnerCenterSilent, code="partner_center_timeout", status=504):
    """The request was sent to Partner Center and no answer can be read."""


class Unexpected(UpdateProfileError, code="unexpected"):
    """This function failed."""
