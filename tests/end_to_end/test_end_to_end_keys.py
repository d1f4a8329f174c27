"""Entra ID's signing keys through the real runtime: rotation, outages, and floods of unknown key ids."""

import asyncio

import pytest
from live_function import LiveFunction
from live_service import close_kept

from sandbox import Answer
from sandbox.entra import errors as entra
from sandbox.tokens import SigningKey, peek
from update_profile.entra import signing_keys


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the pause of 30 seconds between two fetches of the keys."""
    monkeypatch.setattr(signing_keys, "PAUSE_SECONDS", 0.0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("keep", [True, False])
async def test_a_roll_over_is_followed_without_a_restart(live: LiveFunction, keep: bool) -> None:
    """The first token that names the new key causes a fetch; tokens of a withdrawn key are then invalid."""
    old = live.sandbox.entra.keys.current
    assert (await live.call()).status == 200
    live.sandbox.entra.rotate_keys(keep=keep)
    assert (await live.call()).status == 200
    assert len(live.sandbox.entra.journal.of("keys")) == 2
    late = live.sandbox.entra.mint(peek(live.sandbox.entra.sign_in("bob")), key=old)
    assert (await live.call(token=late)).code == (None if keep else "invalid_token")


async def test_a_new_key_is_not_asked_for_again_and_again(live: LiveFunction) -> None:
    """Within the pause after a fetch such a key may just have been published, so the token is not called invalid."""
    assert (await live.call()).status == 200
    claims = peek(live.sandbox.entra.sign_in("alice"))
    forged = [live.sandbox.entra.mint(claims, headers={"kid": f"made-up-{n}"}, key=SigningKey("x")) for n in range(5)]
    answers = await asyncio.gather(*(live.call(token=token) for token in forged * 20))
    assert {(answered.code, answered.json["reason"]) for answered in answers} == {("entra_unavailable", "keys")}
    assert {0 < int(answered.headers["retry-after"]) <= 30 for answered in answers} == {True}
    assert len(live.sandbox.entra.journal.of("keys")) == 1
    assert (await live.call()).status == 200


async def test_a_flood_at_a_cold_start_makes_one_fetch(live: LiveFunction) -> None:
    """All 101 calls wait for the same fetch, and the one good token passes."""
    live.sandbox.entra.script(Answer.true(delay_seconds=0.2), path="keys")
    claims, key = peek(live.sandbox.entra.sign_in("alice")), SigningKey("x")
    forged = [live.sandbox.entra.mint(claims, headers={"kid": f"made-up-{n}"}, key=key) for n in range(100)]
    good, *refused = await asyncio.gather(live.call(), *(live.call(token=token) for token in forged))
    assert (good.status, {answered.code for answered in refused}) == (200, {"invalid_token"})
    assert len(live.sandbox.entra.journal.of("keys")) == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("path", ["keys", "discovery"])
async def test_keys_that_are_held_outlive_an_outage(live: LiveFunction, path: str) -> None:
    """Held keys still validate tokens; a token whose key was never fetched gets a retryable 503."""
    assert (await live.call()).status == 200
    live.sandbox.entra.script(entra.unavailable(), times=None, path=path)  # type: ignore[arg-type]  # one of two paths
    assert [(await live.call(user=user)).status for user in ("alice", "bob", "carol")] == [200, 200, 503]
    old = live.sandbox.entra.keys.current
    live.sandbox.entra.rotate_keys(keep=True)
    unseen = await live.call()
    assert (unseen.status, unseen.code, unseen.json["retryable"]) == (503, "entra_unavailable", True)
    known = live.sandbox.entra.mint(peek(live.sandbox.entra.sign_in("bob")), key=old)
    assert (await live.call(token=known)).status == 200
    live.sandbox.entra.clear_script()
    assert (await live.call()).status == 200


async def test_an_outage_from_the_start_is_told_and_over_when_it_is_over(
    live: LiveFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without keys no token can be validated, so the calls get entra_unavailable."""
    monkeypatch.setattr(signing_keys, "PAUSE_WITHOUT_KEYS_SECONDS", 0.0)
    live.sandbox.entra.script(entra.unavailable(), times=6, path="keys")
    for _ in range(3):
        assert (await live.call()).code == "entra_unavailable"
    assert (await live.call()).status == 200


async def test_a_validated_token_outlives_the_withdrawal_of_its_key_by_minutes_at_most(live: LiveFunction) -> None:
    """A validation is remembered for five minutes, so the second call fetches no keys."""
    token = live.sandbox.entra.sign_in("alice")
    assert (await live.call(token=token)).status == 200
    live.sandbox.entra.rotate_keys()
    close_kept()
    live.sandbox.partner_center.script(Answer(status=204))  # the stand-in no longer knows the withdrawn key
    assert (await live.call(token=token)).status == 204
    assert len(live.sandbox.entra.journal.of("keys")) == 1
