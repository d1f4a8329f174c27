"""Long steps of computing, one in a turn of the event loop."""

import asyncio

from update_profile.turns import Turns


async def test_a_crowd_does_one_step_in_a_turn_in_order() -> None:
    """Between two steps the event loop comes round, so others go on."""
    turns, done, rounds = Turns(), [], 0

    async def step(number: int) -> None:
        await turns.take()
        done.append((number, rounds))

    crowd = asyncio.gather(*(step(number) for number in range(20)))
    while not crowd.done():
        await asyncio.sleep(0)
        rounds += 1
    assert [number for number, _ in done] == list(range(20))
    assert len({when for _, when in done}) == 20


async def test_who_leaves_holds_nobody_up() -> None:
    """A cancelled wait gives its turn to the next one."""
    turns = Turns()
    crowd = [asyncio.ensure_future(turns.take()) for _ in range(5)]
    await asyncio.sleep(0)
    for one in crowd[:4]:
        one.cancel()
    await asyncio.wait_for(crowd[4], timeout=10)
    await asyncio.wait_for(turns.take(), timeout=10)
