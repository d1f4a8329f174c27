"""Nobody pays for another's trouble: a neighbour that hangs for some users delays no call that does not need it."""

import asyncio
import socket
import threading
from typing import Any

import pytest
from live_function import LiveFunction
from live_service import close_kept

from sandbox import Answer
from update_profile.transport import resolver

HUNG = 31


@pytest.mark.parametrize("path", ["token", "keys"])
async def test_a_new_user_is_served_beside_31_users_of_a_tenant_that_hangs(live: LiveFunction, path: Any) -> None:
    """The token endpoint or the keys of carol's tenant do not answer; alice belongs to another tenant."""
    entra, gate = live.sandbox.entra, threading.Event()
    entra.script(Answer.true(gate=gate), path=path, tenant=entra.users["carol"].tenant_id, times=None)
    hung = [asyncio.create_task(live.call(user="carol")) for _ in range(HUNG)]
    await asyncio.to_thread(entra.journal.wait_for, HUNG if path == "token" else 1, path)
    threads = threading.active_count()
    assert (await live.call(user="alice")).status == 200
    assert not any(task.done() for task in hung)
    assert threading.active_count() <= threads
    gate.set()
    assert {answered.status for answered in await asyncio.gather(*hung)} == {200}


async def test_a_cached_user_is_served_beside_a_hung_name_lookup_of_entra(
    live: LiveFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Her call needs no connection to Entra ID. Bob's needs one, and succeeds once the name is known."""
    alices = live.sandbox.entra.sign_in("alice")
    assert (await live.call(token=alices)).status == 200
    close_kept()
    monkeypatch.setattr(resolver, "FRESH_SECONDS", 0)
    monkeypatch.setattr(resolver, "STALE_SECONDS", 0)
    gate, look_up = threading.Event(), socket.getaddrinfo

    def hang(host: Any, port: Any, **options: Any) -> Any:
        if port == live.sandbox.entra.server.port:
            gate.wait(30)
        return look_up(host, port, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    bobs = [asyncio.create_task(live.call(user="bob")) for _ in range(HUNG)]
    await asyncio.sleep(0.1)
    assert (await live.call(token=alices)).status == 200
    assert not any(task.done() for task in bobs)
    assert sum(thread.name.startswith("lookup of") for thread in threading.enumerate()) == 1
    gate.set()
    assert {answered.status for answered in await asyncio.gather(*bobs)} == {200}
