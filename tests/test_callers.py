"""Each token is validated once, and remembered for a short while."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fakes_upstream import FakeClock
from live_service import a_client

from sandbox import Sandbox
from update_profile.deadline import Deadline
from update_profile.entra import callers as callers_module
from update_profile.entra.callers import Callers
from update_profile.entra.metadata import EntraMetadata
from update_profile.entra.signing_keys import SigningKey, SigningKeys
from update_profile.errors import InvalidToken, UpdateProfileError
from update_profile.settings import read_settings


class CountingKeys(SigningKeys):
    """Counts how often a key is looked up: once for each validation."""

    lookups = 0

    async def find(self, tenant_id: str, key_id: str, *, deadline: Deadline) -> SigningKey:
        """As it does."""
        self.lookups += 1
        return await super().find(tenant_id, key_id, deadline=deadline)


@contextmanager
def counted(sandbox: Sandbox) -> Iterator[tuple[Callers, CountingKeys, FakeClock]]:
    """Callers over real keys, with a clock that can be moved."""
    clock = FakeClock(time.time())
    keys = CountingKeys(EntraMetadata(a_client(sandbox), sandbox.entra.base_url))
    yield Callers(read_settings(sandbox.settings()), keys, clock=clock), keys, clock


async def test_a_token_is_validated_once_in_five_minutes(sandbox: Sandbox) -> None:
    """Then again; the caller is the same each time, the assertion byte for byte."""
    token = sandbox.entra.sign_in("alice")
    with counted(sandbox) as (callers, keys, clock):
        first = await callers.validate(token, deadline=Deadline.after(5))
        assert await callers.validate(token, deadline=Deadline.after(5)) == first
        assert (first.assertion, keys.lookups, len(callers)) == (token, 1, 1)
        clock.advance(299)
        await callers.validate(token, deadline=Deadline.after(5))
        assert keys.lookups == 1
        clock.advance(1)
        await callers.validate(token, deadline=Deadline.after(5))
        assert keys.lookups == 2


async def test_a_remembered_token_expires_to_the_second(sandbox: Sandbox) -> None:
    """No leeway."""
    token = sandbox.entra.sign_in("alice", lifetime_seconds=60)
    with counted(sandbox) as (callers, _, clock):
        caller = await callers.validate(token, deadline=Deadline.after(5))
        clock.now = caller.expires_at - 0.001
        await callers.validate(token, deadline=Deadline.after(5))
        clock.now = caller.expires_at
        with pytest.raises(InvalidToken, match="expired"):
            await callers.validate(token, deadline=Deadline.after(5))


async def test_a_refusal_is_not_remembered(sandbox: Sandbox) -> None:
    """Nor anything under a token that is none."""
    good = sandbox.entra.sign_in("alice")
    bad = [good[:-8] + "AAAAAAAA", "no.token.atall", "", "\ud800", sandbox.entra.sign_in("alice", scp="other")]
    with counted(sandbox) as (callers, _, _):
        for token in bad:
            with pytest.raises(UpdateProfileError):
                await callers.validate(token, deadline=Deadline.after(5))
        assert len(callers) == 0
        assert (await callers.validate(good, deadline=Deadline.after(5))).assertion == good


async def test_no_token_is_kept_and_the_number_is_bounded(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A digest is enough to know it by."""
    monkeypatch.setattr(callers_module, "MAX_ENTRIES", 3)
    tokens = [sandbox.entra.sign_in("alice") for _ in range(5)]
    with counted(sandbox) as (callers, _, _):
        for token in tokens:
            await callers.validate(token, deadline=Deadline.after(5))
        assert len(callers) == 3
        held = repr(list(callers._known._entries.items()))
        remembered = [entry for entry, _ in callers._known._entries.values()]
    assert {caller.assertion for caller in remembered} == {""}
    assert not [token for token in tokens if token.split(".")[1] in held]
