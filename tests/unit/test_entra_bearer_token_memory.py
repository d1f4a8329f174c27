"""Each token is validated once and then cached for a short time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from builders import a_digest
from fakes_upstream import FakeClock
from live_service import a_client

from sandbox import Sandbox
from update_profile.deadline import Deadline
from update_profile.entra import bearer_token
from update_profile.entra.bearer_token import TokenValidator
from update_profile.entra.metadata import SigningKey, fetch_metadata
from update_profile.entra.signing_keys import SigningKeys
from update_profile.errors import InvalidToken, UpdateProfileError
from update_profile.settings import read_settings


class CountingKeys(SigningKeys):
    """Counts key lookups: each validation makes one."""

    lookups = 0

    async def find(self, tenant_id: str, key_id: str, *, deadline: Deadline) -> SigningKey:
        """Count the lookup and find the key."""
        self.lookups += 1
        return await super().find(tenant_id, key_id, deadline=deadline)


@contextmanager
def counted(sandbox: Sandbox) -> Iterator[tuple[TokenValidator, CountingKeys, FakeClock]]:
    """Yield a validator with real keys, those keys, and the validator's fake clock."""
    clock = FakeClock(time.time())
    keys = CountingKeys(partial(fetch_metadata, a_client(sandbox), sandbox.entra.base_url))
    yield TokenValidator(read_settings(sandbox.settings()), keys, clock=clock, wall_clock=clock), keys, clock


async def test_a_token_is_validated_once_in_five_minutes(sandbox: Sandbox) -> None:
    """Within five minutes the cached caller is returned; after that the token is validated again."""
    token = sandbox.entra.sign_in("alice")
    with counted(sandbox) as (validator, keys, clock):
        first = await validator.validate(token, deadline=Deadline.after(5))
        assert await validator.validate(token, deadline=Deadline.after(5)) == first
        assert (first.token_digest, keys.lookups, len(validator)) == (a_digest(token), 1, 1)
        clock.advance(299)
        await validator.validate(token, deadline=Deadline.after(5))
        assert keys.lookups == 1
        clock.advance(1)
        await validator.validate(token, deadline=Deadline.after(5))
        assert keys.lookups == 2


async def test_a_remembered_token_expires_to_the_second(sandbox: Sandbox) -> None:
    """A cached token is refused from the very second of its expiry."""
    token = sandbox.entra.sign_in("alice", lifetime_seconds=60)
    with counted(sandbox) as (validator, _, clock):
        caller = await validator.validate(token, deadline=Deadline.after(5))
        clock.now = caller.expires_at - 0.001
        await validator.validate(token, deadline=Deadline.after(5))
        clock.now = caller.expires_at
        with pytest.raises(InvalidToken, match="expired"):
            await validator.validate(token, deadline=Deadline.after(5))


async def test_a_refusal_is_not_remembered(sandbox: Sandbox) -> None:
    """A refused token leaves no cache entry, whether it is malformed or lacks the scope."""
    good = sandbox.entra.sign_in("alice")
    bad = [good[:-8] + "AAAAAAAA", "no.token.atall", "", "\ud800", sandbox.entra.sign_in("alice", scp="other")]
    with counted(sandbox) as (validator, _, _):
        for token in bad:
            with pytest.raises(UpdateProfileError):
                await validator.validate(token, deadline=Deadline.after(5))
        assert len(validator) == 0
        assert (await validator.validate(good, deadline=Deadline.after(5))).token_digest == a_digest(good)


async def test_no_token_is_kept_and_the_number_is_bounded(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the token's digest is kept, which is enough to recognise it."""
    monkeypatch.setattr(bearer_token, "MAX_REMEMBERED_TOKENS", 3)
    tokens = [sandbox.entra.sign_in("alice") for _ in range(5)]
    with counted(sandbox) as (validator, _, _):
        for token in tokens:
            await validator.validate(token, deadline=Deadline.after(5))
        assert len(validator) == 3
        held = repr(list(validator._known._entries.items()))
    assert not [token for token in tokens if token.split(".")[1] in held]
