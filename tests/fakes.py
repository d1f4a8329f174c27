"""Fakes of a call's collaborators: each has a preset outcome, and all record their calls in one shared list."""

import json
from dataclasses import dataclass, field
from typing import TypeVar

from builders import EXAMPLE, a_caller, some_settings
from pydantic import SecretStr

from update_profile.call import AccessToken, Call, Caller, TokenSource
from update_profile.deadline import Deadline
from update_profile.entra.credential import ClientCredential
from update_profile.entra.proof import Secret
from update_profile.errors import FieldError
from update_profile.partner_center.answer import ProfileResponse
from update_profile.service import Service
from update_profile.settings import Settings
from update_profile.support_profile import SupportProfile

T = TypeVar("T")
SHOWN = {name.lower(): value for name, value in EXAMPLE.items()}
SUCCESS = ProfileResponse(status=200, body=json.dumps(SHOWN).encode(), document=SHOWN)


Answer = ProfileResponse | BaseException
Answers = Answer | list[Answer]


@dataclass
class Outcomes:
    """The outcome of each step: a value to return or an exception to raise. ``steps`` records the calls.

    Partner Center's answers may be a list: they are returned in turn, and the last one repeats.
    """

    caller: Caller | BaseException = field(default_factory=a_caller)
    access_token: AccessToken | BaseException = field(
        default_factory=lambda: AccessToken(value="access-token", expires_in_seconds=3600)
    )
    answer: Answers = SUCCESS
    stored: Answers = SUCCESS
    steps: list[str] = field(default_factory=list, init=False)
    sent: list[tuple[SupportProfile, AccessToken, Call]] = field(default_factory=list, init=False)
    deadlines: list[Deadline] = field(default_factory=list, init=False)


@dataclass
class FakeTokens:
    """A token source that makes no exchange."""

    outcomes: Outcomes

    async def access_token(
        self, caller: Caller, assertion: str, *, deadline: Deadline, claims: str | None = None
    ) -> tuple[AccessToken, TokenSource]:
        """Return the token as if it came from the cache."""
        assert caller is self.outcomes.caller
        assert assertion
        assert deadline.remaining_seconds() > 0
        self.outcomes.steps.append(f"exchange {claims}" if claims else "exchange")
        return _come_to(self.outcomes.access_token), "cached"

    def forget(self, caller: Caller, refused: AccessToken) -> None:
        """Record that the token was dropped."""
        assert (caller, refused) == (self.outcomes.caller, self.outcomes.access_token)
        self.outcomes.steps.append("forget")


@dataclass
class FakePartnerCenter:
    """A Partner Center client that sends nothing."""

    outcomes: Outcomes

    def prepare(self, caller: Caller, *, deadline: Deadline) -> None:
        """Open nothing."""
        assert caller is self.outcomes.caller

    async def request(
        self,
        profile: SupportProfile | None,
        access_token: AccessToken,
        *,
        caller: Caller,
        call: Call,
        deadline: Deadline,
        reads_back: bool = False,
    ) -> ProfileResponse:
        """Return the next answer and record what would have been sent."""
        assert caller is self.outcomes.caller
        self.outcomes.deadlines.append(deadline)
        if profile is None:
            self.outcomes.steps.append("get")
            return _come_to(_next(self.outcomes.stored))
        self.outcomes.steps.append("put")
        self.outcomes.sent.append((profile, access_token, call))
        return _come_to(_next(self.outcomes.answer))


@dataclass
class FakeValidator:
    """A validator that does not check the token."""

    outcomes: Outcomes

    async def validate(self, assertion: str, *, deadline: Deadline) -> Caller:
        """Return the preset caller, whatever the token."""
        assert deadline.remaining_seconds() > 0
        self.outcomes.steps.append(f"token {assertion}")
        return _come_to(self.outcomes.caller)


class FakeCredential:
    """A secret that counts its refusals. ``fault`` is what ``check`` raises or returns."""

    kind = "fake"

    def __init__(self, fault: BaseException | FieldError | None = None) -> None:
        self.fault = fault
        self.refusals = 0

    def check(self) -> FieldError | None:
        """Raise or return the fault."""
        if isinstance(self.fault, BaseException):
            raise self.fault
        return self.fault

    async def proof(self, *, deadline: Deadline) -> Secret:
        """Return a secret."""
        assert deadline.remaining_seconds() >= 0
        return Secret(value=SecretStr("a-secret"))

    def refused(self) -> None:
        """Count it."""
        self.refusals += 1


def a_service(
    outcomes: Outcomes, settings: Settings | None = None, credential: ClientCredential | None = None
) -> Service:
    """Return a service with these outcomes."""
    return Service(
        settings=settings or some_settings(),
        credential=credential or FakeCredential(),
        token_validator=FakeValidator(outcomes),
        tokens=FakeTokens(outcomes),
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
