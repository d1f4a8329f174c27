"""Signing keys are fetched once for all waiters, renewed, and kept through an outage."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest
from builders import OTHER_TENANT, TENANT
from fakes_upstream import FakeClock, FakeMetadata
from live_service import a_client, living_service, validated

from sandbox import Answer, Sandbox
from sandbox.tokens import SigningKey
from update_profile.deadline import Deadline
from update_profile.entra.bearer_token import TokenValidator
from update_profile.entra.metadata import fetch_metadata
from update_profile.entra.signing_keys import SigningKeys
from update_profile.errors import EntraTimeout, EntraUnavailable, InvalidToken, Misconfigured
from update_profile.service import Service

DOWN = EntraUnavailable("down", retry_after_seconds=7)
HOUR = 3600.0


class Keys:
    """Signing keys with fake metadata and a fake clock."""

    def __init__(self, *key_ids: str) -> None:
        self.clock = FakeClock()
        self.metadata = FakeMetadata(*key_ids)
        self.meanwhile: list[Deadline] = []
        self.keys = SigningKeys(self.metadata.fetch, meanwhile=self.meanwhile.append, clock=self.clock)

    async def find(self, key_id: str = "one", *, tenant: str = TENANT, seconds: float = 10.0) -> str:
        """Find a key and return its id."""
        key = await self.keys.find(tenant, key_id, deadline=Deadline.after(seconds))
        return str(key.issuer)

    async def settle(self) -> None:
        """Let background work finish."""
        for _ in range(5):
            await asyncio.sleep(0)

    @property
    def fetches(self) -> int:
        """The number of fetches so far."""
        return len(self.metadata.fetches)


@pytest.fixture
def keys() -> Keys:
    return Keys("one", "two")


async def test_one_fetch_serves_all_who_wait(keys: Keys) -> None:
    """Fifty concurrent calls without cached keys cause one fetch, and later calls none."""
    assert await asyncio.gather(*(keys.find() for _ in range(50))) == ["one"] * 50
    assert await keys.find("two") == "two"
    assert keys.fetches == 1


async def test_what_happens_meanwhile_happens_once_for_each_fetch_that_a_call_waits_for(keys: Keys) -> None:
    """A renewal behind the calls is none, and neither is a call that joins."""
    await asyncio.gather(*(keys.find() for _ in range(50)))
    assert len(keys.meanwhile) == 1
    keys.clock.advance(25 * HOUR)
    await keys.find()
    await keys.settle()
    assert (keys.fetches, len(keys.meanwhile)) == (2, 1)
    keys.clock.advance(49 * HOUR)
    await keys.find()
    assert (keys.fetches, len(keys.meanwhile)) == (3, 2)


async def test_each_tenant_has_its_own_keys(keys: Keys) -> None:
    """A fetch for one tenant does not serve another."""
    await keys.find()
    await keys.find(tenant=OTHER_TENANT)
    assert keys.metadata.fetches == [TENANT, OTHER_TENANT]
    assert keys.keys.token_endpoint(OTHER_TENANT).endswith(OTHER_TENANT)


async def test_a_new_key_is_learnt_within_half_a_minute(keys: Keys) -> None:
    """Until the pause between two fetches is over, a token signed with it must not be called invalid."""
    await keys.find()
    keys.metadata.key_ids = ["new"]
    keys.clock.advance(10)
    with pytest.raises(EntraUnavailable) as caught:
        await keys.find("new")
    assert (caught.value.reason, caught.value.retry_after_seconds) == ("keys", 20)
    keys.clock.advance(20)
    assert await keys.find("new") == "new"


async def test_a_key_id_that_a_fetch_did_not_bring_is_invalid_for_the_rest_of_the_pause(keys: Keys) -> None:
    """After that it may have been published, and is asked for again."""
    for _ in range(2):
        with pytest.raises(InvalidToken) as caught:
            await keys.find("made-up")
    assert (caught.value.reason, keys.fetches) == ("unknown_key", 1)
    keys.clock.advance(30)
    keys.metadata.key_ids = ["made-up"]
    assert await keys.find("made-up") == "made-up"


async def test_a_key_that_was_absent_is_not_called_invalid_after_a_failed_fetch(keys: Keys) -> None:
    """It may have been published since: the caller who repeats a retryable failure must not be refused for good."""
    await keys.find()
    keys.clock.advance(31)
    with pytest.raises(InvalidToken):
        await keys.find("new")
    keys.metadata.key_ids = ["new"]
    keys.metadata.failure = EntraUnavailable("Why.", reason="keys")
    keys.clock.advance(31)
    for _ in range(2):
        with pytest.raises(EntraUnavailable):
            await keys.find("new")
        keys.clock.advance(1)
    keys.metadata.failure = None
    keys.clock.advance(31)
    assert await keys.find("new") == "new"


async def test_no_more_than_64_absent_key_ids_are_remembered(keys: Keys) -> None:
    """Calls that wait for one fetch at once may ask for any number of key ids."""
    keys.metadata.gate.clear()
    calls = [asyncio.create_task(keys.find(f"made-up-{number}")) for number in range(100)]
    await keys.settle()
    keys.metadata.gate.set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {InvalidToken}
    (tenant,) = keys.keys._tenants.values()
    assert len(tenant.absent) == 64


async def test_a_flood_of_unknown_key_ids_is_no_flood_of_fetches(keys: Keys) -> None:
    """Made-up key ids cause no fetch within the pause."""
    await keys.find()
    for number in range(200):
        with pytest.raises(EntraUnavailable):
            await keys.find(f"made-up-{number}")
    assert keys.fetches == 1
    assert await keys.find() == "one"


async def test_who_joined_a_fetch_that_ended_by_its_starters_deadline_takes_part_in_another(keys: Keys) -> None:
    """The starter had little time left; the one that joined has more."""
    keys.metadata.failure = EntraTimeout("hasty", no_answer="deadline")
    keys.metadata.gate.clear()
    hasty, patient = (asyncio.create_task(keys.find()) for _ in range(2))
    await keys.settle()
    keys.metadata.gate.set()
    with pytest.raises(EntraTimeout):
        await hasty
    keys.metadata.failure = None
    assert await patient == "one"
    assert keys.fetches == 2


async def test_a_renewal_that_fails_behind_the_calls_is_logged_once(
    keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    """No call fails, because its key is held."""
    await keys.find()
    keys.metadata.failure = EntraUnavailable("down", no_answer="refused")
    keys.clock.advance(25 * HOUR)
    await keys.find()
    await keys.settle()
    (record,) = caplog.records
    assert record.getMessage() == f"update_profile.keys_not_renewed {TENANT} entra_unavailable refused"
    assert record.levelname == "WARNING"


async def test_keys_that_are_held_outlive_an_outage(keys: Keys) -> None:
    """After a day they are renewed; if that fails they stay in use, with a new try every 30 seconds at most."""
    await keys.find()
    keys.metadata.failure = DOWN
    keys.clock.advance(25 * HOUR)
    for _ in range(20):
        assert await keys.find() == "one"
        await keys.settle()
    assert keys.fetches == 2
    keys.clock.advance(30)
    assert await keys.find() == "one"
    await keys.settle()
    assert keys.fetches == 3


async def test_a_call_does_not_wait_for_a_renewal_that_it_does_not_need(keys: Keys) -> None:
    """The call's key is cached, so one renewal runs in the background for all calls."""
    await keys.find()
    keys.clock.advance(25 * HOUR)
    keys.metadata.gate.clear()
    for _ in range(3):
        assert await keys.find(seconds=0.01) == "one"
    await keys.settle()
    keys.metadata.key_ids = ["one", "new"]
    keys.metadata.gate.set()
    await keys.settle()
    assert await keys.find("new") == "new"
    assert keys.fetches == 2


async def test_keys_are_renewed_after_a_day_and_no_sooner(keys: Keys) -> None:
    """After exactly 24 hours the keys are still fresh; one second later they are renewed."""
    await keys.find()
    keys.clock.advance(24 * HOUR)
    await keys.find()
    assert keys.fetches == 1
    keys.clock.advance(1)
    await keys.find()
    await keys.settle()
    assert keys.fetches == 2


async def test_keys_of_two_days_ago_are_used_no_more(keys: Keys) -> None:
    """The keys may have been withdrawn by then."""
    await keys.find()
    keys.metadata.failure = DOWN
    keys.clock.advance(48 * HOUR + 1)
    with pytest.raises(EntraUnavailable) as refused:
        await keys.find()
    assert refused.value.retry_after_seconds == 7


async def test_with_keys_held_a_failed_fetch_rests_for_half_a_minute(keys: Keys) -> None:
    """An unknown key id is then an outage, not an invalid token."""
    await keys.find()
    keys.metadata.failure = DOWN
    keys.clock.advance(30)
    for pause in (0.0, 29.9):
        keys.clock.advance(pause)
        with pytest.raises(EntraUnavailable):
            await keys.find("new")
    assert keys.fetches == 2
    keys.clock.advance(0.1)
    with pytest.raises(EntraUnavailable):
        await keys.find("new")
    assert keys.fetches == 3


async def test_with_no_keys_a_failed_fetch_rests_for_a_second(keys: Keys) -> None:
    """After the pause the fetch is retried and succeeds."""
    keys.metadata.failure = DOWN
    for pause in (0.0, 0.9):
        keys.clock.advance(pause)
        with pytest.raises(EntraUnavailable):
            await keys.find()
    assert keys.fetches == 1
    keys.metadata.failure = None
    keys.clock.advance(0.1)
    assert await keys.find() == "one"


async def test_a_tenant_that_entra_does_not_know_is_a_wrong_setting_until_it_does(keys: Keys) -> None:
    """It is reported as a wrong setting during the pause too, and recovers by itself."""
    keys.metadata.failure = Misconfigured("unknown tenant")
    for _ in range(2):
        with pytest.raises(Misconfigured):
            await keys.find()
    keys.metadata.failure = None
    keys.clock.advance(1)
    assert await keys.find() == "one"


async def test_a_fetch_that_timed_out_is_told_to_those_who_waited(keys: Keys) -> None:
    """A later caller, which did not wait for that fetch, gets EntraUnavailable."""
    keys.metadata.failure = EntraTimeout("slow")
    with pytest.raises(EntraTimeout):
        await keys.find()
    with pytest.raises(EntraUnavailable):
        await keys.find()


async def test_a_waiter_leaves_at_its_own_deadline_and_the_fetch_goes_on(keys: Keys) -> None:
    """A call with little time left does not affect the others."""
    keys.metadata.gate.clear()
    patient = asyncio.create_task(keys.find())
    await asyncio.sleep(0)  # it starts the fetch
    with pytest.raises(EntraTimeout):
        await keys.find(seconds=0.2)
    keys.metadata.gate.set()
    assert await patient == "one"
    assert keys.fetches == 1


async def test_a_cancelled_waiter_harms_nobody(keys: Keys) -> None:
    """This holds even for the waiter that started the fetch."""
    keys.metadata.gate.clear()
    first, second = (asyncio.create_task(keys.find()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    keys.metadata.gate.set()
    assert await second == "one"
    assert keys.fetches == 1


async def test_a_fault_of_ours_in_a_fetch_is_raised_and_not_remembered(keys: Keys) -> None:
    """An unexpected exception reaches the waiter, and the next fetch starts over."""
    keys.metadata.failure = RuntimeError("ours")
    with pytest.raises(RuntimeError):
        await keys.find()
    keys.metadata.failure = None
    keys.clock.advance(1)
    assert await keys.find() == "one"


async def test_there_is_no_discovery_document_before_a_key_was_found(keys: Keys) -> None:
    """Asking for it earlier is a programming error."""
    keys.metadata.failure = DOWN
    with pytest.raises(EntraUnavailable):
        await keys.find()
    with pytest.raises(LookupError):
        keys.keys.token_endpoint(TENANT)


@contextmanager
def clocked_service(sandbox: Sandbox, clock: FakeClock) -> Iterator[Service]:
    """Yield a real service whose keys use this clock."""
    with living_service(sandbox) as service:
        fetch = partial(fetch_metadata, a_client(sandbox), sandbox.entra.base_url)
        yield replace(service, token_validator=TokenValidator(service.settings, SigningKeys(fetch, clock=clock)))


async def test_keys_that_nobody_can_be_asked_for_are_an_outage_and_unanswered_ones_a_time_out(sandbox: Sandbox) -> None:
    """A hanging handshake sends nothing, and that stays distinct even when the call's deadline ends it."""
    sandbox.entra.server.hang_at_tls_hello = True
    with living_service(sandbox) as service, pytest.raises(EntraUnavailable):
        await service.token_validator.validate(sandbox.entra.sign_in("alice"), deadline=Deadline.after(1.2))
    sandbox.entra.server.hang_at_tls_hello = False
    sandbox.entra.script(Answer.trouble("hang"), path="keys")
    with living_service(sandbox) as service, pytest.raises(EntraTimeout):
        await service.token_validator.validate(sandbox.entra.sign_in("alice"), deadline=Deadline.after(1.2))


async def test_garbage_in_the_place_of_keys_leaves_the_good_ones(sandbox: Sandbox) -> None:
    """A keys document without keys is an outage whatever its status, and the cached keys remain."""
    clock = FakeClock()
    with clocked_service(sandbox, clock) as service:
        good = sandbox.entra.sign_in("alice")
        await validated(service, good)
        sandbox.entra.script(Answer.json({"keys": []}), Answer(body=b"<html>"), times=None, path="keys")
        for _ in range(2):
            clock.advance(31)
            with pytest.raises(EntraUnavailable):
                await validated(service, sandbox.entra.mint({"tid": sandbox.entra.tenants[0]}, key=SigningKey()))
            assert await validated(service, good)


async def test_a_roll_over_is_followed_on_the_wire(sandbox: Sandbox) -> None:
    """The old keys may disappear at the same moment."""
    clock = FakeClock()
    with clocked_service(sandbox, clock) as service:
        await validated(service, sandbox.entra.sign_in("alice"))
        sandbox.entra.rotate_keys()
        clock.advance(30)
        assert await validated(service, sandbox.entra.sign_in("alice"))
    assert len(sandbox.entra.journal.of("keys")) == 2
