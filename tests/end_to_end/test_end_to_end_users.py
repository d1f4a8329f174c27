"""Many users at once: nobody ever sees another user's answer, whatever the upstreams mix up or delay."""

import asyncio
import json
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from builders import EXAMPLE
from live_function import Answered, EveryLog, LiveFunction

from sandbox import Answer
from sandbox.entra import errors as entra
from sandbox.partner_center import answers

USERS = ("alice", "bob", "carol")
ROUNDS = 20


def profile_of(user: str, number: int) -> dict[str, str]:
    """Return a profile that is unique to this call."""
    return {
        "Email": f"{user}-{number}@{user}.example",
        "Telephone": f"+1 425 {number:04}",
        "Website": f"{user}.example",
    }


async def a_call(live: LiveFunction, user: str, number: int, token: str) -> tuple[dict[str, str], str, Answered]:
    """Make a call; return what was sent, its request id, and the answer."""
    profile, request_id = profile_of(user, number), str(uuid.uuid4())
    return profile, request_id, await live.call(profile, token=token, headers=[("MS-RequestId", request_id)])


def assert_own(profile: Mapping[str, str], request_id: str, answered: Answered) -> None:
    """Check that the answer is a success and belongs to this call."""
    assert answered.status == 200
    assert answered.headers["ms-requestid"] == request_id
    stored = answered.json
    assert {name: stored.get(name.lower()) for name in profile} == dict(profile)


async def test_callers_at_once_never_see_each_others_answer(live: LiveFunction, every_log: EveryLog) -> None:
    """Entra ID throttles alice, and both upstreams send a surplus answer of carol's after each answer to bob.

    Each of the 60 calls has its own values, and every PUT is sent with its own user's token.
    """
    of_carol: dict[str, Any] = {"access_token": live.sandbox.entra.partner_center_token("carol"), "expires_in": 3599}
    live.sandbox.entra.script(entra.throttled(60), user="alice")
    live.sandbox.entra.script(Answer.true(surplus=Answer.json(of_carol)), user="bob", times=None)
    surplus = answers.json_answer({"email": "carol@carol.example"}, echo_ids=False)
    live.sandbox.partner_center.script(Answer.true(surplus=surplus), user="bob", times=None)
    tokens = {user: live.sandbox.entra.sign_in(user) for user in USERS}
    calls = [(user, number) for number in range(ROUNDS) for user in USERS]
    results = await asyncio.gather(*(a_call(live, user, number, tokens[user]) for user, number in calls))
    for (user, _), (profile, request_id, answered) in zip(calls, results, strict=True):
        if user == "alice":
            assert (answered.status, answered.code) == (503, "entra_throttled")
            assert answered.headers["ms-requestid"] == request_id
        else:
            assert_own(profile, request_id, answered)
    sent = {put.header("MS-RequestId"): (put.user, json.loads(put.body)["Website"]) for put in live.puts}
    assert len(sent) == len(live.puts) == 2 * ROUNDS
    assert all(website == f"{user}.example" for user, website in sent.values())
    objects = {live.sandbox.entra.users[user].object_id: user for user in USERS}
    for audit in every_log.audits:
        user = objects[vars(audit)["user_id"]]
        assert vars(audit)["code"] == ("entra_throttled" if user == "alice" else "ok")


async def test_a_throttled_token_throttles_no_other_not_even_its_users_next(live: LiveFunction) -> None:
    """Unmodified msal would return the refusal of one token for another token as well."""
    live.sandbox.entra.script(entra.throttled(60), user="alice")
    throttled = live.sandbox.entra.sign_in("alice")
    assert (await live.call(token=throttled)).code == "entra_throttled"
    again = await live.call(token=throttled)
    assert (again.code, len(live.exchanges)) == ("entra_throttled", 1)
    assert 55 <= int(again.headers["retry-after"]) <= 60
    assert [(await live.call(user=user)).status for user in ("alice", "bob", "carol")] == [200, 200, 200]


async def test_a_good_answer_with_retry_after_is_nobody_elses(live: LiveFunction) -> None:
    """Unmodified msal stores a 200 with Retry-After, token included, and returns it to the next user."""
    live.sandbox.entra.script(Answer.true(headers=(("Retry-After", "60"),)), times=None)
    for user in (*USERS, *USERS):
        profile, request_id, answered = await a_call(live, user, 1, live.sandbox.entra.sign_in(user))
        assert_own(profile, request_id, answered)
    assert [put.user for put in live.puts] == [exchange.user for exchange in live.exchanges] == [*USERS, *USERS]


async def test_a_surplus_answer_reaches_nobody(live: LiveFunction) -> None:
    """A pooled connection would deliver it to the next user, so every request has its own connection."""
    surplus = answers.json_answer({"email": "nobody@nobody.example"}, echo_ids=False)
    live.sandbox.partner_center.script(Answer.true(surplus=surplus), times=None)
    for number, user in enumerate((*USERS, *USERS)):
        assert_own(*(await a_call(live, user, number, live.sandbox.entra.sign_in(user))))
    connections = [put.connection for put in live.puts]
    assert len(set(connections)) == len(connections)


async def test_an_answer_that_bears_another_calls_request_id_is_not_ours(live: LiveFunction) -> None:
    """Bob gets an answer with the id of Alice's pending call, so the outcome of his own call is unknown."""
    alices, bobs = str(uuid.uuid4()), str(uuid.uuid4())
    live.sandbox.partner_center.script(Answer.true(delay_seconds=1), user="alice")
    live.sandbox.partner_center.script(Answer.json({"email": "a@b"}, headers=(("MS-RequestId", alices),)), user="bob")
    first = asyncio.create_task(live.call(user="alice", headers=[("MS-RequestId", alices)]))
    await asyncio.to_thread(live.sandbox.partner_center.journal.wait_for, 1, "profile")
    other = EXAMPLE | {"Email": "bob@contoso.example"}
    second = await live.call(other, user="bob", headers=[("MS-RequestId", bobs)])
    assert (second.status, second.code, second.json["outcome"]) == (504, "partner_center_timeout", "unknown")
    assert b"a@b" not in second.body
    assert (await first).status == 200


async def test_a_refusal_without_an_id_counts_on_a_new_connection_alone(live: LiveFunction) -> None:
    """On a kept one it may answer another request: the write is of unknown outcome, and the repeat gets the refusal."""
    token = live.sandbox.entra.sign_in("alice")
    assert (await live.call(token=token)).status == 200
    gateways = Answer(status=429, headers=(("Retry-After", "60"),), body=b"<html>")
    live.sandbox.partner_center.script(gateways, method="PUT", times=None)
    other, delivery = EXAMPLE | {"Email": "new@contoso.example"}, [("Idempotency-Key", str(uuid.uuid4()))]
    first = await live.call(other, token=token, headers=delivery)
    assert (first.status, first.json["outcome"], first.headers["retry-after"]) == (504, "unknown", "5")
    again = await live.call(other, token=token, headers=delivery)
    assert (again.code, again.headers["retry-after"]) == ("partner_center_throttled", "60")
    assert len(live.puts) == 3


@pytest.mark.parametrize("user", ["bob", "carol"])
async def test_a_token_of_another_user_is_never_used(live: LiveFunction, user: str) -> None:
    """This holds for users of the same tenant and of another, and the wrong token is not cached."""
    token = live.sandbox.entra.partner_center_token(user)
    live.sandbox.entra.script(Answer.json({"access_token": token, "token_type": "Bearer", "expires_in": 3599}))
    assertion = live.sandbox.entra.sign_in("alice")
    assert (await live.call(token=assertion)).code == "entra_unexpected"
    assert not live.puts
    assert (await live.call(token=assertion)).status == 200
    assert [put.user for put in live.puts] == ["alice"]


async def test_many_calls_with_one_token_make_one_exchange(live: LiveFunction, every_log: EveryLog) -> None:
    """The first call starts the exchange, the others join it, and each call writes its own values."""
    live.sandbox.entra.script(Answer.true(delay_seconds=0.2))
    token = live.sandbox.entra.sign_in("alice")
    for result in await asyncio.gather(*(a_call(live, "alice", number, token) for number in range(10))):
        assert_own(*result)
    assert len(live.exchanges) == 1
    assert sorted(vars(audit)["exchange"] for audit in every_log.audits) == ["fetched", *["joined"] * 9]


async def test_a_huge_refusal_of_one_user_leaves_the_others_answered(live: LiveFunction) -> None:
    """Twenty refusals of 4,000 unknown members each do not affect bob's call."""
    huge = EXAMPLE | {f"n{number}": "1" for number in range(4_000)}
    refused, (profile, request_id, answered) = await asyncio.gather(
        asyncio.gather(*(live.call(huge) for _ in range(20))),
        a_call(live, "bob", 1, live.sandbox.entra.sign_in("bob")),
    )
    assert {refusal.code for refusal in refused} == {"invalid_profile"}
    assert_own(profile, request_id, answered)
