"""One request to Entra ID, made twice where that can help."""

import asyncio

import pytest
from fakes_upstream import FakeHttp, an_answer

from update_profile.deadline import Deadline
from update_profile.entra import ask as module
from update_profile.entra.ask import EXCHANGE, IDENTITY, KEYS, Question, ask, is_no_answer
from update_profile.errors import EntraFailed, EntraTimeout, EntraUnavailable, EntraUnexpected
from update_profile.transport.messages import HttpAnswer, HttpRequest, TransportError

REQUEST = HttpRequest(method="GET", url="https://login.example/")
REFUSED = TransportError("refused", sent=False, timed_out=False)
NOT_IN_TIME = TransportError("no time to connect", sent=False, timed_out=True)
CUT = TransportError("reset", sent=True, timed_out=False)
HUNG = TransportError("deadline", sent=True, timed_out=True)
GOOD = an_answer()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_PAUSE_SECONDS", 0.01)


async def asked(http: FakeHttp, question: Question = KEYS, *, seconds: float = 10) -> HttpAnswer | EntraFailed:
    """Return the answer, or the error that was raised."""
    try:
        return await ask(http, REQUEST, question, deadline=Deadline.after(seconds))
    except EntraFailed as error:
        return error


@pytest.mark.parametrize(
    "first", [REFUSED, NOT_IN_TIME, CUT, HUNG, an_answer(200, None), an_answer(503), an_answer(500, b"<html>")]
)
async def test_what_may_pass_is_asked_a_second_time(first: HttpAnswer | Exception) -> None:
    """A request that was never sent is the safest of all to repeat."""
    http = FakeHttp(first, GOOD)
    assert await asked(http) is GOOD
    assert len(http.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [an_answer(400), an_answer(429), an_answer(429, None), an_answer(503, headers={"Retry-After": "9"})],
    ids=["400", "429", "429 with a cut body", "503 with a wait"],
)
async def test_what_the_other_side_answered_is_final(answer: HttpAnswer) -> None:
    """A requested wait is passed on, not cut short."""
    http = FakeHttp(answer, GOOD)
    assert await asked(http) is answer
    assert len(http.requests) == 1


@pytest.mark.parametrize("answer", [an_answer(503), an_answer(500)])
async def test_a_second_5xx_is_the_answer(answer: HttpAnswer) -> None:
    """There is no third request."""
    http = FakeHttp(answer)
    assert await asked(http) is answer
    assert len(http.requests) == 2


NO_ANSWER = [
    (REFUSED, EXCHANGE, EntraUnavailable, "not_connected"),
    (NOT_IN_TIME, EXCHANGE, EntraUnavailable, "not_connected"),
    (CUT, EXCHANGE, EntraUnavailable, "cut"),
    (HUNG, EXCHANGE, EntraTimeout, "exchange"),
    (HUNG, KEYS, EntraTimeout, "keys"),
    (REFUSED, IDENTITY, EntraUnavailable, "identity_endpoint"),
    (HUNG, IDENTITY, EntraTimeout, "identity_endpoint"),
]


@pytest.mark.parametrize(("failure", "question", "kind", "reason"), NO_ANSWER)
async def test_no_answer_is_an_error_that_says_why(
    failure: TransportError, question: Question, kind: type[EntraFailed], reason: str
) -> None:
    """The transport's words are for the log."""
    error = await asked(FakeHttp(failure), question)
    assert type(error) is kind
    assert (error.reason, error.neighbour, error.no_answer) == (reason, question.neighbour, failure.reason)


@pytest.mark.parametrize("outcome", [CUT, an_answer(503)])
async def test_without_time_for_the_pause_there_is_no_second_request(
    monkeypatch: pytest.MonkeyPatch, outcome: HttpAnswer | Exception
) -> None:
    """The outcome of the first request is reported."""
    monkeypatch.setattr(module, "LONGEST_PAUSE_SECONDS", 1_000_000)
    http = FakeHttp(outcome)
    first = await asked(http)
    assert isinstance(first, EntraUnavailable) or first is outcome
    assert len(http.requests) == 1


async def test_a_body_that_is_cut_twice_is_no_answer() -> None:
    """Whoever joined the request may take part in a further try."""
    error = await asked(FakeHttp(an_answer(200, None)))
    assert isinstance(error, EntraUnavailable)
    assert (error.reason, error.no_answer) == ("cut", "the body was cut")


async def test_without_any_time_nothing_is_asked() -> None:
    """The error is a time-out."""
    http = FakeHttp(GOOD)
    error = await asked(http, seconds=0)
    assert isinstance(error, EntraTimeout)
    assert not http.requests


async def test_a_body_that_is_not_complete_by_the_deadline_is_a_time_out() -> None:
    """The headers arrive in time, but the body arrives too slowly."""

    class Dripping(FakeHttp):
        async def send(self, request: HttpRequest, *, deadline: Deadline) -> HttpAnswer:
            await asyncio.sleep(deadline.remaining_seconds())
            return await super().send(request, deadline=deadline)

    assert isinstance(await asked(Dripping(an_answer(200, None)), seconds=0.05), EntraTimeout)


async def test_the_first_attempt_leaves_time_for_another() -> None:
    """Ten seconds of a budget of twenty."""
    http = FakeHttp(HUNG, GOOD)
    await asked(http, seconds=20)
    first, second = (deadline.remaining_seconds() for deadline in http.deadlines)
    assert first < 10.1 < second


async def test_a_request_that_nobody_waits_for_any_more_is_not_made_again() -> None:
    """The transport reports a request that was cancelled after it went out as cut."""
    begun = asyncio.Event()

    class Cancelled(FakeHttp):
        async def send(self, request: HttpRequest, *, deadline: Deadline) -> HttpAnswer:
            self.requests.append(request)
            begun.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                raise CUT from None
            return GOOD

    http = Cancelled()
    task = asyncio.create_task(asked(http))
    await begun.wait()
    task.cancel()
    assert isinstance(await task, EntraUnavailable)
    assert len(http.requests) == 1


@pytest.mark.parametrize(
    ("error", "lacks_an_answer"),
    [
        (EntraTimeout("Why.", no_answer="deadline"), True),
        (RuntimeError("interrupted"), True),
        (EntraUnexpected("Why."), False),
        (ZeroDivisionError(), False),
    ],
)
def test_only_the_lack_of_an_answer_is_worth_a_further_try(error: Exception, lacks_an_answer: bool) -> None:
    """An answer is true for every call that waits for it. That no answer came may be due to the first call alone."""
    assert is_no_answer(error) is lacks_an_answer
