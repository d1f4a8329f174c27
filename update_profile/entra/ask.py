"""One request to Entra ID, or to the platform's identity endpoint, made twice where that can help."""

import asyncio
import random
from typing import Literal, NamedTuple

from ..call import is_cancelled
from ..deadline import Deadline
from ..errors import EntraFailed, EntraTimeout, EntraUnavailable, Neighbour, UpdateProfileError
from ..transport.messages import Http, HttpAnswer, HttpRequest, TransportError, read_retry_after

ATTEMPT_SECONDS = 10.0  # so that a budget of 20 s has room for a second attempt after a hang
LONGEST_PAUSE_SECONDS = 0.3
WHOM = {"entra": "Entra ID", "identity_endpoint": "The platform's identity endpoint"}


class Question(NamedTuple):
    """What is asked, as an error names it.

    Attributes:
        about: The reason of a time-out.
        neighbour: Who is asked.
    """

    about: Literal["keys", "exchange", "identity_endpoint"]
    neighbour: Neighbour = "entra"

    @property
    def whom(self) -> str:
        """The name of who is asked, as callers read it."""
        return WHOM[self.neighbour]

    def timeout(self, no_answer: str = "deadline") -> EntraTimeout:
        """Return the error for a request without an answer in time."""
        detail = f"{self.whom} did not answer in time."
        return EntraTimeout(detail, reason=self.about, neighbour=self.neighbour, no_answer=no_answer)


KEYS = Question(about="keys")
EXCHANGE = Question(about="exchange")
IDENTITY = Question(about="identity_endpoint", neighbour="identity_endpoint")


async def ask(http: Http, request: HttpRequest, question: Question, *, deadline: Deadline) -> HttpAnswer:
    """Send a request; send it again after a failure that the next attempt may not meet.

    That is a connection that was not established or was cut, no answer within ``ATTEMPT_SECONDS``, and a 5xx without
    ``Retry-After``. Every request to Entra ID is safe to repeat.

    Raises:
        EntraTimeout: It was sent, and no whole answer came in time.
        EntraUnavailable: No answer came for another reason.
    """
    if not deadline.remaining_seconds():
        raise question.timeout("no time was left to ask")
    first = deadline.within(ATTEMPT_SECONDS)
    pause = random.uniform(0, LONGEST_PAUSE_SECONDS)  # noqa: S311  spreads load, guards nothing
    try:
        answer = await _ask_once(http, request, question, deadline=first)
        if answer.status < 500 or read_retry_after(answer.header("retry-after")) is not None:
            return answer
    except EntraFailed:
        # The transport reports a request that was cancelled after it went out as cut: nobody waits for a second one.
        if is_cancelled() or deadline.remaining_seconds() <= pause:
            raise
    else:
        if deadline.remaining_seconds() <= pause:
            return answer
    await asyncio.sleep(pause)
    return await _ask_once(http, request, question, deadline=deadline)


async def _ask_once(http: Http, request: HttpRequest, question: Question, *, deadline: Deadline) -> HttpAnswer:
    try:
        answer = await http.send(request, deadline=deadline)
    except TransportError as error:
        raise _no_answer(error, question) from error
    if answer.body is None and answer.status != 429:  # which is throttling whatever its body
        if not deadline.remaining_seconds():  # its body dripped
            raise question.timeout("the body was not complete by the deadline")
        raise _cut(question, "the body was cut")
    return answer


def _no_answer(error: TransportError, question: Question) -> EntraFailed:
    if error.sent and error.timed_out:
        return question.timeout(error.reason)
    if error.sent:
        return _cut(question, error.reason)
    why = f"{question.whom} cannot be reached."
    return _unavailable(why, "not_connected", question, error.reason)


def _cut(question: Question, why: str) -> EntraUnavailable:
    return _unavailable(f"The connection to {question.whom} was cut.", "cut", question, why)


def _unavailable(detail: str, reason: str, question: Question, no_answer: str) -> EntraUnavailable:
    if question.neighbour == "identity_endpoint":
        reason = "identity_endpoint"
    return EntraUnavailable(detail, reason=reason, neighbour=question.neighbour, no_answer=no_answer)


def is_no_answer(error: BaseException) -> bool:
    """Return whether an error means that no answer came, because of a deadline or a failed connection."""
    if isinstance(error, UpdateProfileError):
        return error.no_answer is not None
    return isinstance(error, RuntimeError)  # what single_flight makes of a SystemExit
