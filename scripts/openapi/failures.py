"""Every failure as it leaves the function: which codes a status can have, and with which headers.

The failures are raised and answered by the function's own code. Partner Center's are read from every status that it may
answer with; the others are made from their classes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from update_profile import response
from update_profile.errors import (
    ClaimsChallenge,
    ConsentRequired,
    EntraRefused,
    EntraThrottled,
    EntraUnavailable,
    EntraUnexpected,
    InsufficientScope,
    InteractionRequired,
    InvalidProfile,
    InvalidToken,
    Misconfigured,
    PartnerCenterRefused,
    PartnerCenterUnanswered,
    PartnerCenterUnexpected,
    RequestRefused,
    Unexpected,
    UpdateProfileError,
)
from update_profile.handler import HEALTH_STATUS
from update_profile.partner_center.answer import MFA_CODE, read_answer
from update_profile.partner_center.error_codes import KNOWN_CODES
from update_profile.request_ids import RequestIds
from update_profile.response import Reply
from update_profile.transport.messages import HttpAnswer

IDS = RequestIds(correlation_id="", request_id="", delivery_id=None, refused=())
CHALLENGE = ClaimsChallenge(tenant_id="t", authorization_uri="https://login.example", claims="{}")
# The members of documents.Evidence, and the errors that may have them. Every answer of the tests is held against it.
EVIDENCE: dict[str, tuple[type[UpdateProfileError], ...]] = {
    "errors": (InvalidProfile, Misconfigured),
    "errorsOmitted": (InvalidProfile, Misconfigured),
    "upstream": (PartnerCenterRefused, PartnerCenterUnexpected, InteractionRequired),
    "entra": (EntraRefused, EntraThrottled, EntraUnavailable, EntraUnexpected, InvalidToken, Misconfigured),
    "consentUri": (ConsentRequired,),
    "outcome": (PartnerCenterUnanswered,),
}
RELAYED = range(400, 600)  # what read_answer relays as Partner Center's own failure


@dataclass(frozen=True)
class Failure:
    """One way to fail: the error, and the answer that the function makes of it."""

    error: UpdateProfileError
    reply: Reply

    @property
    def code(self) -> str:
        """The error's code."""
        return self.error.code


@cache
def of_calls() -> tuple[Failure, ...]:
    """Return the failures of `/api/update_profile`."""
    kinds = (kind for kind in classes() if not issubclass(kind, PartnerCenterRefused))
    errors = (*(error for kind in kinds for error in _variants(kind)), *_relayed())
    return tuple(Failure(error, response.problem(error, IDS, accept="")) for error in errors)


@cache
def of_reads() -> tuple[Failure, ...]:
    """Return the failures of a call whose body is ignored."""
    heads = {"invalid_header", "invalid_parameter"}
    return tuple(
        failure for failure in of_calls() if not isinstance(failure.error, RequestRefused) or failure.code in heads
    )


@cache
def of_health() -> tuple[Failure, ...]:
    """Return the failures of `/api/health`."""
    wrong = Misconfigured("", reason="settings")
    return (Failure(wrong, response.problem(wrong, IDS, accept="", status=HEALTH_STATUS)), *of_description())


@cache
def of_description() -> tuple[Failure, ...]:
    """Return the failures of `/api/openapi.json`."""
    fault = Unexpected("")
    return (Failure(fault, response.problem(fault, IDS, accept="")),)


def classes(root: type[UpdateProfileError] = UpdateProfileError) -> Iterator[type[UpdateProfileError]]:
    """Yield the classes that are raised, in the order of errors.py."""
    for child in root.__subclasses__():
        if child.code:
            yield child
        yield from classes(child)


def statuses(failures: Iterable[Failure]) -> dict[int, list[Failure]]:
    """Return the failures by their status, in its order."""
    by_status: dict[int, list[Failure]] = {}
    for failure in failures:
        by_status.setdefault(failure.reply.status, []).append(failure)
    return dict(sorted(by_status.items()))


def _variants(kind: type[UpdateProfileError]) -> Iterator[UpdateProfileError]:
    yield kind("")
    if issubclass(kind, InteractionRequired):
        yield kind("", challenge=CHALLENGE)
    if issubclass(kind, InsufficientScope | ConsentRequired):
        yield kind("", scope="s")


def _relayed() -> Iterator[UpdateProfileError]:
    """Yield what the function makes of every status of Partner Center, and of every code that it knows there."""
    for status in RELAYED:
        for code in ("", MFA_CODE, *(code for known, code in KNOWN_CODES if known == status)):
            body = b'{"code":"%s"}' % code.encode()
            answer = HttpAnswer(status=status, reason="", headers=(), body=body)
            try:
                read_answer(answer, sent=(), hint="", tenant_id="", authorization_uri="")
            except UpdateProfileError as error:
                yield error
