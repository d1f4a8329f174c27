"""One exchange per assertion, and its token is cached no longer than allowed."""

import asyncio
import time

import pytest
from builders import OTHER_TENANT, a_caller, a_digest
from fakes_upstream import FakeClock

from update_profile.call import AccessToken, Caller, TokenSource
from update_profile.deadline import Deadline
from update_profile.entra import exchange_cache
from update_profile.entra.exchange_cache import ExchangeCache
from update_profile.errors import ConsentRequired, EntraThrottled, EntraTimeout, UpdateProfileError


class FakeExchange:
    """Numbers its tokens; it waits while ``gate`` is unset and raises ``failure`` if that is set."""

    def __init__(self, *, expires_in_seconds: float = 3600) -> None:
        self.callers: list[Caller] = []
        self.deadlines: list[Deadline] = []
        self.claims: list[str | None] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: UpdateProfileError | None = None
        self.cancelled = 0
        self.expires_in_seconds = expires_in_seconds

    async def __call__(self, caller: Caller, assertion: str, *, claims: str | None, deadline: Deadline) -> AccessToken:
        """Return a token, or raise the failure."""
        assert assertion == "assertion"
        self.callers.append(caller)
        self.deadlines.append(deadline)
        self.claims.append(claims)
        try:
            await asyncio.wait_for(self.gate.wait(), deadline.remaining_seconds() or 0.001)
        except TimeoutError:
            raise EntraTimeout("the flight's own", no_answer="deadline") from None
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure is not None:
            raise self.failure
        return AccessToken(value=f"token {len(self.callers)}", expires_in_seconds=self.expires_in_seconds)


def soon(seconds: float = 10) -> Deadline:
    """Return a deadline this many seconds from now."""
    return Deadline.after(seconds)


async def token_of(
    cache: ExchangeCache, assertion: str = "assertion", *, seconds: float = 10, claims: str | None = None
) -> tuple[AccessToken, TokenSource]:
    """Return the token for the caller with this bearer token, and its source."""
    caller = a_caller(token_digest=a_digest(assertion))
    return await cache.access_token(caller, "assertion", deadline=soon(seconds), claims=claims)


async def test_a_token_is_asked_for_once_and_then_held() -> None:
    """The second call makes no request."""
    exchange = FakeExchange()
    cache = ExchangeCache(exchange)
    first = await token_of(cache)
    second = await token_of(cache)
    assert (first[1], second[1]) == ("fetched", "cached")
    assert first[0] == second[0]
    assert len(exchange.callers) == 1
    assert len(cache) == 1


async def test_another_assertion_or_tenant_is_another_entry() -> None:
    """An entry is bound to one bearer token, so a sign-in without MFA never gets the token of one with MFA."""
    exchange = FakeExchange()
    cache = ExchangeCache(exchange)
    for caller in (a_caller(), a_caller(token_digest=a_digest("another")), a_caller(tenant_id=OTHER_TENANT)):
        assert (await cache.access_token(caller, "assertion", deadline=soon()))[1] == "fetched"
    assert len(cache) == 3


async def test_200_waiting_calls_share_one_exchange() -> None:
    """One call fetches the token and the others join it."""
    exchange = FakeExchange()
    exchange.gate.clear()
    cache = ExchangeCache(exchange)
    calls = [asyncio.create_task(token_of(cache)) for _ in range(200)]
    await asyncio.sleep(0)
    exchange.gate.set()
    hows = [how for _, how in await asyncio.gather(*calls)]
    assert (hows.count("fetched"), hows.count("joined")) == (1, 199)
    assert len(exchange.callers) == 1


async def test_a_caller_that_goes_away_cancels_nobody_elses_exchange() -> None:
    """This holds even for the caller that started the exchange."""
    exchange = FakeExchange()
    exchange.gate.clear()
    cache = ExchangeCache(exchange)
    first = asyncio.create_task(token_of(cache))
    second = asyncio.create_task(token_of(cache))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0.01)
    exchange.gate.set()
    assert (await second)[0].value == "token 1"
    assert first.cancelled()


async def test_an_exchange_that_nobody_waits_for_any_more_is_stopped() -> None:
    """The next call starts a new exchange."""
    exchange = FakeExchange()
    exchange.gate.clear()
    cache = ExchangeCache(exchange)
    only = asyncio.create_task(token_of(cache))
    await asyncio.sleep(0.01)
    only.cancel()
    await asyncio.sleep(0.01)
    assert exchange.cancelled == 1
    exchange.gate.set()
    assert (await token_of(cache))[1] == "fetched"


async def test_a_call_that_outlasts_the_flight_it_joined_starts_its_own() -> None:
    """An exchange has the deadline of the call that started it, so a call with more time starts a new one."""
    exchange = FakeExchange()
    exchange.gate.clear()
    cache = ExchangeCache(exchange)
    hasty = asyncio.create_task(token_of(cache, seconds=0.05))
    await asyncio.sleep(0)
    patient = asyncio.create_task(token_of(cache))
    with pytest.raises(EntraTimeout):
        await hasty
    exchange.gate.set()
    assert (await patient)[0].value == "token 2"


async def test_a_call_whose_time_is_up_leaves_the_others_waiting() -> None:
    """It gets EntraTimeout, and the exchange continues for the others."""
    exchange = FakeExchange()
    exchange.gate.clear()
    cache = ExchangeCache(exchange)
    patient = asyncio.create_task(token_of(cache))
    await asyncio.sleep(0)
    with pytest.raises(EntraTimeout):
        await token_of(cache, seconds=0.02)
    exchange.gate.set()
    assert (await patient)[0].value == "token 1"


async def test_a_call_without_time_left_starts_no_second_exchange() -> None:
    """It gets the timeout of the exchange that it joined."""
    exchange = FakeExchange()
    exchange.gate.clear()
    cache = ExchangeCache(exchange)
    calls = [asyncio.create_task(token_of(cache, seconds=0.05)) for _ in range(2)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [EntraTimeout, EntraTimeout]
    assert len(exchange.callers) == 1


async def test_refusals_are_not_remembered() -> None:
    """A user who has just consented must not be refused again."""
    exchange = FakeExchange()
    cache = ExchangeCache(exchange)
    exchange.failure = ConsentRequired("consent")
    with pytest.raises(ConsentRequired):
        await token_of(cache)
    exchange.failure = None
    assert (await token_of(cache))[1] == "fetched"


async def test_throttling_is_remembered_for_that_assertion_until_its_time() -> None:
    """Other assertions are exchanged as usual, and after the wait this one is too."""
    exchange, clock = FakeExchange(), FakeClock(time.time())
    cache = ExchangeCache(exchange, clock=clock, wall_clock=clock)
    exchange.failure = EntraThrottled("wait", retry_after_seconds=30)
    with pytest.raises(EntraThrottled):
        await token_of(cache)
    exchange.failure = None
    clock.advance(10)
    with pytest.raises(EntraThrottled) as caught:
        await token_of(cache)
    assert caught.value.retry_after_seconds == 20
    assert (await token_of(cache, "bob's"))[1] == "fetched"
    clock.advance(20)
    assert (await token_of(cache))[1] == "fetched"


async def test_what_is_left_of_a_wait_is_rounded_up() -> None:
    """A caller that returns after that many seconds is not refused again."""
    exchange, clock = FakeExchange(), FakeClock(time.time())
    cache = ExchangeCache(exchange, clock=clock, wall_clock=clock)
    exchange.failure = EntraThrottled("wait")
    for passed in (0.0, 3.6):
        clock.advance(passed)
        with pytest.raises(EntraThrottled) as caught:
            await token_of(cache)
    assert caught.value.retry_after_seconds == 2
    clock.advance(2)
    exchange.failure = None
    assert (await token_of(cache))[1] == "fetched"


@pytest.mark.parametrize(("lifetime", "assertion_left", "held"), [(3600, 10_000, 3300), (3600, 100, 100)])
async def test_a_token_is_held_until_the_sooner_of_two_ends(lifetime: float, assertion_left: float, held: int) -> None:
    """The token's own expiry counts less a margin, the assertion's expiry without one."""
    exchange, clock = FakeExchange(expires_in_seconds=lifetime), FakeClock(time.time())
    cache = ExchangeCache(exchange, clock=clock, wall_clock=clock)
    caller = a_caller(expires_at=clock.now + assertion_left)
    await cache.access_token(caller, "assertion", deadline=soon())
    clock.advance(held - 1)
    assert (await cache.access_token(caller, "assertion", deadline=soon()))[1] == "cached"
    clock.advance(1)
    assert (await cache.access_token(caller, "assertion", deadline=soon()))[1] == "fetched"


async def test_the_number_of_entries_is_bounded_and_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that was used recently stays."""
    monkeypatch.setattr(exchange_cache, "MAX_CACHED_TOKENS", 2)
    cache = ExchangeCache(FakeExchange())
    for name in ("a", "b", "a", "c"):
        await token_of(cache, name)
    assert len(cache) == 2
    assert (await token_of(cache, "a"))[1] == "cached"
    assert (await token_of(cache, "b"))[1] == "fetched"


async def test_a_token_with_claims_is_asked_for_anew_and_replaces_the_one_without() -> None:
    """The cached token was just refused; concurrent calls with the same claims share one exchange."""
    exchange = FakeExchange()
    cache = ExchangeCache(exchange)
    await token_of(cache)
    exchange.gate.clear()
    calls = [asyncio.create_task(token_of(cache, claims="{}")) for _ in range(3)]
    await asyncio.sleep(0.01)
    exchange.gate.set()
    answers = await asyncio.gather(*calls)
    assert [how for _, how in answers] == ["fetched", "joined", "joined"]
    assert {token.value for token, _ in answers} == {"token 2"}
    assert exchange.claims == [None, "{}"]
    assert await token_of(cache) == (answers[0][0], "cached")
    assert len(cache) == 1


async def test_a_refused_token_is_forgotten_and_no_other() -> None:
    """A newer token of the same caller stays, and so does every other caller's token."""
    exchange = FakeExchange()
    cache = ExchangeCache(exchange)
    refused, _ = await token_of(cache)
    await token_of(cache, "another")
    cache.forget(a_caller(), refused)
    cache.forget(a_caller(), refused)
    token, how = await token_of(cache)
    assert (token.value, how) == ("token 3", "fetched")
    cache.forget(a_caller(), refused)
    assert (await token_of(cache))[1] == "cached"
    assert (await token_of(cache, "another"))[1] == "cached"
