"""Measures other users' calls and the event loop's worst stall while Entra ID takes 2 s for one user."""

import asyncio
import json
import logging
import os
import statistics
import time
from dataclasses import dataclass, field

from sandbox import Answer, Sandbox
from update_profile import handler
from update_profile.request import IncomingRequest
from update_profile.service import ServiceHolder

SLOW_SECONDS = 2.0
CALLS = 60
TICK_SECONDS = 0.001
PROFILE = {"Email": "email@sample.com", "Telephone": "4255555555", "Website": "www.microsoft.com"}


@dataclass
class _Stalls:
    """Measures by how much ticks on the event loop are late. The largest delay is the worst stall."""

    late_seconds: list[float] = field(default_factory=list)

    async def watch(self) -> None:
        while True:
            started_at = time.perf_counter()
            await asyncio.sleep(TICK_SECONDS)
            self.late_seconds.append(time.perf_counter() - started_at - TICK_SECONDS)


def _incoming(assertion: str) -> IncomingRequest:
    headers = {"authorization": f"Bearer {assertion}", "content-type": "application/json"}
    return IncomingRequest(method="POST", url="/api/update_profile", headers=headers, body=json.dumps(PROFILE).encode())


async def _bobs_calls(sandbox: Sandbox, services: ServiceHolder) -> tuple[float, float]:
    """Return the median duration of a call with a new token each time and the worst stall, in milliseconds."""
    stalls = _Stalls()
    watching = asyncio.create_task(stalls.watch())
    took = []
    for number in range(CALLS):
        assertion = sandbox.entra.sign_in("bob", nonce=number)
        started_at = time.perf_counter()
        reply = await handler.update_profile(_incoming(assertion), service=services.get)
        took.append(time.perf_counter() - started_at)
        assert reply.status == 200, reply.body
    watching.cancel()
    return statistics.median(took) * 1000, max(stalls.late_seconds) * 1000


async def main() -> None:
    """Measure bob's calls alone, then while alice waits for Entra ID."""
    logging.disable(logging.INFO)
    with Sandbox() as sandbox:
        os.environ.update(sandbox.settings())
        services = ServiceHolder()
        await _bobs_calls(sandbox, services)
        alone, stall_alone = await _bobs_calls(sandbox, services)
        sandbox.entra.script(Answer.true(delay_seconds=SLOW_SECONDS), times=None, path="token", user="alice")
        alice = [
            asyncio.create_task(
                handler.update_profile(_incoming(sandbox.entra.sign_in("alice", nonce=n)), service=services.get)
            )
            for n in range(4)
        ]
        beside, stall_beside = await _bobs_calls(sandbox, services)
        still_waiting = sum(not task.done() for task in alice)
        await asyncio.gather(*alice)
    print(f"bob's call: {alone:.1f} ms alone, {beside:.1f} ms while 4 calls of alice wait: x {beside / alone:.2f}")
    print(f"worst stall of the event loop: {stall_alone:.1f} ms alone, {stall_beside:.1f} ms while alice's calls wait")
    print(f"alice's calls still waiting when bob's calls were done: {still_waiting} of {len(alice)}")


if __name__ == "__main__":
    asyncio.run(main())
