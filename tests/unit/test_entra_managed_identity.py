"""Managed identity tokens from the platform's endpoint."""

import asyncio
import time
from collections.abc import Callable

import pytest
from builders import some_settings
from fakes_upstream import FakeClock, FakeHttp, an_answer

from update_profile.deadline import Deadline
from update_profile.entra.managed_identity import ManagedIdentityCredential
from update_profile.errors import EntraTimeout, EntraUnavailable, Misconfigured, UpdateProfileError
from update_profile.transport.messages import HttpAnswer, HttpRequest, TransportError

IDENTITY = {
    "ENTRA_CLIENT_SECRET": None,
    "ENTRA_MANAGED_IDENTITY_CLIENT_ID": "33333333-3333-4333-8333-333333333333",
    "IDENTITY_ENDPOINT": "http://localhost:42356/msi/token",
    "IDENTITY_HEADER": "the-header",
}
HOUR = 3600


def gives(token: str = "token", *, expires_on: object = None, status: int = 200) -> HttpAnswer:
    """Return the endpoint's answer; the token expires in an hour unless ``expires_on`` says otherwise."""
    ends = int(time.time()) + HOUR if expires_on is None else expires_on
    text = f'"{ends}"' if isinstance(ends, str) else str(ends)
    return an_answer(status, f'{{"access_token": "{token}", "expires_on": {text}, "token_type": "Bearer"}}'.encode())


def tokens(
    *outcomes: HttpAnswer | Exception, clock: Callable[[], float] = time.time, missing: str = ""
) -> tuple[ManagedIdentityCredential, FakeHttp]:
    """Return a credential whose endpoint gives these outcomes, and its HTTP fake."""
    http = FakeHttp(*outcomes)
    return ManagedIdentityCredential(
        some_settings(**{**IDENTITY, **({missing: None} if missing else {})}), http, clock=clock
    ), http


async def token_of(source: ManagedIdentityCredential, *, deadline: Deadline) -> str:
    """Return the identity's token."""
    return (await source.proof(deadline=deadline)).value


async def test_a_token_is_asked_for_as_the_platform_wants_it() -> None:
    """The request has the platform's header, this identity and the federated audience."""
    source, http = tokens(gives())
    assert await token_of(source, deadline=Deadline.after(5)) == "token"
    (request,) = http.requests
    assert (request.method, request.body) == ("GET", None)
    assert request.url == (
        "http://localhost:42356/msi/token?api-version=2019-08-01&resource=api%3A%2F%2FAzureADTokenExchange"
        "&client_id=33333333-3333-4333-8333-333333333333"
    )
    assert request.headers == {"X-IDENTITY-HEADER": "the-header", "Metadata": "true"}


@pytest.mark.parametrize("as_text", [True, False])
async def test_a_token_is_kept_until_its_last_minutes(as_text: bool) -> None:
    """The token is cached until five minutes before its expiry, which comes as a number or as text."""
    clock = FakeClock(time.time())
    ends = int(clock.now) + HOUR
    source, http = tokens(gives("one", expires_on=str(ends) if as_text else ends), gives("two"), clock=clock)
    await token_of(source, deadline=Deadline.after(5))
    clock.now = ends - 301
    assert [await token_of(source, deadline=Deadline.after(5)) for _ in range(3)] == ["one"] * 3
    clock.now = ends - 300
    assert await token_of(source, deadline=Deadline.after(5)) == "two"
    assert len(http.requests) == 2


@pytest.mark.parametrize("ends", ["soon", '"x"', "null", "true", "-1", "[]", "1.5"])
async def test_a_token_without_an_end_that_can_be_read_is_used_and_not_kept(ends: str) -> None:
    """The token itself is valid, but it is requested again for each call."""
    answer = an_answer(200, f'{{"access_token": "t", "expires_on": {ends if ends != "soon" else 0}}}'.encode())
    source, http = tokens(answer)
    for _ in range(2):
        assert await token_of(source, deadline=Deadline.after(5)) == "t"
    assert len(http.requests) == 2


async def test_all_who_wait_share_one_request() -> None:
    """The platform's endpoint is easily overloaded."""
    source, http = tokens(gives())
    assert set(await asyncio.gather(*(token_of(source, deadline=Deadline.after(5)) for _ in range(200)))) == {"token"}
    assert len(http.requests) == 1


@pytest.mark.parametrize(
    ("outcome", "kind", "requests"),
    [
        (TransportError("refused", sent=False, timed_out=False), EntraUnavailable, 2),
        (TransportError("no time", sent=False, timed_out=True), EntraUnavailable, 2),
        (TransportError("reset", sent=True, timed_out=False), EntraUnavailable, 2),
        (TransportError("hung", sent=True, timed_out=True), EntraTimeout, 2),
        (an_answer(400, b'{"statusCode": 400, "message": "no such identity"}'), EntraUnavailable, 1),
        (an_answer(403, b""), EntraUnavailable, 1),
        (an_answer(500, b"<html>"), EntraUnavailable, 2),
        (gives(status=500), EntraUnavailable, 2),
        (an_answer(503, b"", {"Retry-After": "3"}), EntraUnavailable, 1),
        (an_answer(200, b"{}"), EntraUnavailable, 1),
        (an_answer(200, b"[]"), EntraUnavailable, 1),
        (an_answer(200, b"<html>"), EntraUnavailable, 1),
        (an_answer(200, None), EntraUnavailable, 2),
        (an_answer(200, b'{"access_token": ""}'), EntraUnavailable, 1),
        (an_answer(200, '{"access_token": "é"}'.encode()), EntraUnavailable, 1),
        (an_answer(200, b'{"access_token": 1}'), EntraUnavailable, 1),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_trouble_of_the_endpoint_may_pass(
    outcome: HttpAnswer | Exception, kind: type[UpdateProfileError], requests: int
) -> None:
    """The failure is retryable, the detail does not quote the endpoint, and nothing is cached."""
    source, http = tokens(outcome)
    with pytest.raises(kind) as caught:
        await token_of(source, deadline=Deadline.after(5))
    assert caught.value.retryable
    assert "no such identity" not in caught.value.detail
    assert (caught.value.neighbour, caught.value.reason) == ("identity_endpoint", "identity_endpoint")
    status = outcome.status if isinstance(outcome, HttpAnswer) and outcome.body is not None else None
    assert caught.value.entra_status == status
    assert caught.value.retry_after_seconds == (3 if isinstance(outcome, HttpAnswer) and outcome.headers else None)
    assert len(http.requests) == requests
    http.outcomes = [gives()]
    assert await token_of(source, deadline=Deadline.after(5)) == "token"


async def test_ten_refused_exchanges_fetch_a_new_token_once_a_second() -> None:
    """A federated credential takes minutes to take effect, and must work within a minute of doing so."""
    clock = FakeClock(time.time())
    source, http = tokens(gives(), clock=clock)
    for _ in range(10):
        await token_of(source, deadline=Deadline.after(5))
        source.refused()
    assert len(http.requests) == 1
    clock.advance(1)
    for _ in range(10):
        source.refused()
        await token_of(source, deadline=Deadline.after(5))
    assert len(http.requests) == 2


@pytest.mark.parametrize("missing", ["IDENTITY_ENDPOINT", "IDENTITY_HEADER"])
def test_a_platform_without_an_endpoint_is_a_wrong_setting(missing: str) -> None:
    """No identity is assigned to this function app, and waiting does not change that."""
    source, http = tokens(gives(), missing=missing)
    with pytest.raises(Misconfigured, match="ENTRA_MANAGED_IDENTITY_CLIENT_ID") as caught:
        source.check()
    assert [fault.field for fault in caught.value.fields] == ["ENTRA_MANAGED_IDENTITY_CLIENT_ID"]
    assert not http.requests


def test_a_platform_with_an_endpoint_has_no_fault() -> None:
    """Nothing is asked for before a call needs it."""
    source, http = tokens(gives())
    assert source.check() is None
    assert not http.requests


async def test_who_has_no_time_left_hears_of_a_time_out() -> None:
    """The request goes on for the other waiters."""
    gate = asyncio.Event()

    class HeldHttp(FakeHttp):
        async def send(self, request: HttpRequest, *, deadline: Deadline) -> HttpAnswer:
            await gate.wait()
            return await super().send(request, deadline=deadline)

    http = HeldHttp(gives())
    source = ManagedIdentityCredential(some_settings(**IDENTITY), http)
    patient = asyncio.create_task(token_of(source, deadline=Deadline.after(5)))
    await asyncio.sleep(0)
    with pytest.raises(EntraTimeout):
        await token_of(source, deadline=Deadline.after(0.01))
    gate.set()
    assert await patient == "token"
    assert len(http.requests) == 1


async def test_a_refused_token_still_serves_when_no_newer_one_can_be_had() -> None:
    """One tenant's refusal must not cost the others a good token while the endpoint is down."""
    source, http = tokens(gives())
    await token_of(source, deadline=Deadline.after(5))
    source._fetched_at -= 10
    source.refused()
    http.outcomes = [TransportError("refused", sent=False, timed_out=False)]
    assert await token_of(source, deadline=Deadline.after(5)) == "token"
    http.outcomes = [gives()]
    await token_of(source, deadline=Deadline.after(5))
    assert not source._is_refused
