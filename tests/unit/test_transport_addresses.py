"""Several addresses of one host: the first to connect wins, and nothing else stays open."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest
from live_service import open_sockets

from update_profile.transport import network as module
from update_profile.transport.network import Network
from update_profile.transport.resolver import Address, Resolver


@contextlib.contextmanager
def listening(count: int = 1) -> Iterator[list[Address]]:
    """Yield addresses that accept connections."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        yield [Address(socket.AF_INET, listener.getsockname()) for listener in listeners]


def refusing() -> Address:
    """Return an address that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return Address(socket.AF_INET, listener.getsockname())


def network_of(*addresses: Address) -> Network:
    """Return a network on which a host has these addresses."""
    return Network(Resolver(lambda _host, _port: addresses))


async def peer(network: Network) -> tuple[object, ...]:
    """Connect, and return the address of the other side."""
    connection = await network.connect("a.example", 443)
    with connection:
        return tuple(connection.getpeername())


async def test_an_address_that_refuses_is_followed_by_the_next_and_comes_last_afterwards() -> None:
    """The second connection begins with the address that worked."""
    with listening() as (good,):
        bad = refusing()
        network = network_of(bad, good)
        assert await peer(network) == good.sockaddr
        assert await network._resolver.addresses("a.example", 443) == (good, bad)


async def test_when_every_address_refuses_the_error_is_the_last_ones() -> None:
    """No socket is left over."""
    before = open_sockets()
    with pytest.raises(ConnectionRefusedError):
        await peer(network_of(refusing(), refusing()))
    with pytest.raises(OSError, match="no address"):
        await peer(network_of())
    assert open_sockets() <= before


@pytest.mark.parametrize("late", [False, True])
async def test_a_slow_address_is_overtaken_and_closed(monkeypatch: pytest.MonkeyPatch, late: bool) -> None:
    """Even when it connects at the same moment as the other one."""
    before = open_sockets()
    connect = module.connect_to
    with listening(2) as (slow, fast):

        async def slowly(address: Address) -> socket.socket:
            if address == slow:
                if not late:
                    await asyncio.Event().wait()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
            return await connect(address)

        monkeypatch.setattr(module, "connect_to", slowly)
        monkeypatch.setattr(module, "NEXT_ADDRESS_SECONDS", 0.01)
        network = network_of(slow, fast)
        assert await peer(network) == fast.sockaddr
        assert (await network._resolver.addresses("a.example", 443))[0] == fast
        await asyncio.sleep(0.05)
    assert open_sockets() <= before


async def test_whoever_gives_up_leaves_no_socket() -> None:
    """Both attempts are cancelled."""
    before = open_sockets()
    with listening(2) as addresses:
        task = asyncio.create_task(peer(network_of(*addresses)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await asyncio.sleep(0.01)
    assert open_sockets() <= before


async def test_a_slow_address_still_wins_when_every_other_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The failures of the others end nothing."""
    connect = module.connect_to
    with listening() as (slow,):

        async def slowly(address: Address) -> socket.socket:
            await asyncio.sleep(0.1 if address == slow else 0)
            return await connect(address)

        monkeypatch.setattr(module, "connect_to", slowly)
        monkeypatch.setattr(module, "NEXT_ADDRESS_SECONDS", 0.01)
        assert await peer(network_of(slow, refusing())) == slow.sockaddr
