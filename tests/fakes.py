"""Fakes of a call's collaborators: each does what it was told, and all note in one list what was asked of them."""

from dataclasses import dataclass, field
from typing import TypeVar

from builders import a_caller, some_settings

from update_profile.call import Call
from update_profile.deadline import Deadline
from update_profile.entra.bearer_token import Caller
from update_profile.entra.callers import Callers
from update_profile.entra.credential import ClientCredential, MsalCredential
from update_profile.entra.exchange_cache import How
from update_profile.entra.on_behalf_of import OnBehalfOf
from update_profile.entra.token_response import AccessToken
from update_profile.partner_center.answer import UpstreamAnswer
from update_profile.partner_center.client import Attempt, PartnerCenter
from update_profile.service import Service
from update_profile.settings import Settings
from update_profile.support_profile import SupportProfile

T = TypeVar("T")
SUCCESS = UpstreamAnswer(status=200, body=b'{"email":"email@sample.com"}', is_mfa_compliant=None, fault=None)


Answer = UpstreamAnswer | BaseException
Answers = Answer | list[Answer]


@dataclass
class Outcomes:
    """What each step comes to: a value, or an exception that it raises. ``steps`` fills up as they are asked.

    Partner Center's answers may be a list, given in turn, the last one for ever.
    """

    caller: Caller | BaseException = field(default_factory=a_caller)
    access_token: AccessToken | BaseException = field(
        default_factory=lambda: AccessToken(value="access-token", expires_in_seconds=3600)
    )
    answer: Answers = SUCCESS
    stored: Answers = SUCCESS
    steps: list[str] = field(default_factory=list, init=False)
    sent: list[tuple[SupportProfile, AccessToken, Call]] = field(default_factory=list, init=False)
    attempts: list[Attempt] = field(default_factory=list, init=False)


class FakeOnBehalfOf(OnBehalfOf):
    """Exchanges nothing."""

    def __init__(self, outcomes: Outcomes) -> None:
        self.outcomes = outcomes

    async def access_token(
        self, caller: Caller, *, deadline: Deadline, claims: str | None = None
    ) -> tuple[AccessToken, How]:
        """The token, as if it were held."""
        assert caller is self.outcomes.caller
        assert deadline.remaining_seconds() > 0
        self.outcomes.steps.append(f"exchange {claims}" if claims else "exchange")
        return _come_to(self.outcomes.access_token), "cached"

    def forget(self, caller: Caller, refused: AccessToken) -> None:
        """Note it."""
        assert (caller, refused) == (self.outcomes.caller, self.outcomes.access_token)
        self.outcomes.steps.append("forget")


class FakePartnerCenter(PartnerCenter):
    """Reads and writes nothing."""

    def __init__(self, outcomes: Outcomes) -> None:
        self.outcomes = outcomes

    async def get_support_profile(self, attempt: Attempt) -> UpstreamAnswer:
        """What is stored; the last of several for ever."""
        self.outcomes.steps.append("get")
        self.outcomes.attempts.append(attempt)
        return _come_to(_next(self.outcomes.stored))

    async def put_support_profile(self, profile: SupportProfile, attempt: Attempt) -> UpstreamAnswer:
        """The answer; what would have been sent is kept."""
        self.outcomes.steps.append("put")
        self.outcomes.attempts.append(attempt)
        self.outcomes.sent.append((profile, attempt.access_token, attempt.call))
        return _come_to(_next(self.outcomes.answer))


class FakeCallers(Callers):
    """Validates nothing."""

    def __init__(self, outcomes: Outcomes) -> None:
        self.outcomes = outcomes

    async def validate(self, assertion: str, *, deadline: Deadline) -> Caller:
        """The caller, whatever the token."""
        assert deadline.remaining_seconds() > 0
        self.outcomes.steps.append(f"token {assertion}")
        return _come_to(self.outcomes.caller)


class FakeCredential:
    """Gives a secret, and notes each refusal of it; ``fault`` is what a look at it shows."""

    def __init__(self, fault: BaseException | None = None) -> None:
        self.fault = fault
        self.refusals = 0

    def check(self) -> None:
        """Raise the fault."""
        if self.fault is not None:
            raise self.fault

    async def for_msal(self, *, deadline: Deadline) -> MsalCredential:
        """A secret."""
        assert deadline.remaining_seconds() >= 0
        return "a-secret"

    def refused(self) -> None:
        """Count it."""
        self.refusals += 1


def a_service(
    outcomes: Outcomes, settings: Settings | None = None, credential: ClientCredential | None = None
) -> Service:
    """A service that comes to these outcomes."""
    return Service(
        settings=settings or some_settings(),
        credential=credential or FakeCredential(),
        callers=FakeCallers(outcomes),
        on_behalf_of=FakeOnBehalfOf(outcomes),
        partner_center=FakePartnerCenter(outcomes),
    )


def _next(answers: Answers) -> Answer:
    if not isinstance(answers, list):
        return answers
    return answers.pop(0) if len(answers) > 1 else answers[0]


def _come_to(outcome: T | BaseException) -> T:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
