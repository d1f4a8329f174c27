"""Name lookups: one at a time for each name, shared, and never in the way of another name."""

import asyncio
import socket
import threading

import pytest

from update_profile.transport import resolver as module
from update_profile.transport.resolver import Address, Resolver, system_lookup

ONE, TWO = (Address(socket.AF_INET, ("127.0.0.1", port)) for port in (1, 2))


class Lookup:
    """A lookup that waits for its gate, then returns or raises the outcome."""

    def __init__(self) -> None:
        self.outcome: tuple[Address, ...] | Exception = (ONE, TWO)
        self.gate = threading.Event()
        self.gate.set()
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> tuple[Address, ...]:
        """Block like the system's lookup."""
        self.asked.append(host)
        if host == "hung.example":
            self.gate.wait(30)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def make_older(resolver: Resolver, host: str, seconds: float) -> None:
    """Let time pass for an answer."""
    known = resolver._known[host, 443]
    resolver._known[host, 443] = known._replace(found_at=known.found_at - seconds)


async def test_an_answer_is_shared_and_kept() -> None:
    """Ten calls at once and one a moment later make one lookup."""
    lookup = Lookup()
    resolver = Resolver(lookup)
    found = await asyncio.gather(*(resolver.addresses("a.example", 443) for _ in range(10)))
    assert {*found, await resolver.addresses("a.example", 443)} == {(ONE, TWO)}
    assert lookup.asked == ["a.example"]
    make_older(resolver, "a.example", 61)
    await resolver.addresses("a.example", 443)
    assert lookup.asked == ["a.example"] * 2


async def test_a_hung_lookup_holds_up_no_other_name_and_takes_one_thread() -> None:
    """Whoever waits for it leaves by a deadline of its own."""
    lookup = Lookup()
    lookup.gate.clear()
    resolver = Resolver(lookup)
    waiting = [asyncio.create_task(resolver.addresses("hung.example", 443)) for _ in range(40)]
    await asyncio.sleep(0)
    assert await resolver.addresses("a.example", 443) == (ONE, TWO)
    assert lookup.asked.count("hung.example") == 1
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    lookup.gate.set()
    assert await resolver.addresses("hung.example", 443) == (ONE, TWO)


@pytest.mark.parametrize("host", ["hung.example", "a.example"])
async def test_an_old_answer_serves_where_a_new_one_is_slow_or_fails(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """For an hour; TLS still checks the name."""
    monkeypatch.setattr(module, "LONGEST_REFRESH_SECONDS", 0.02)
    lookup = Lookup()
    resolver = Resolver(lookup)
    await resolver.addresses(host, 443)
    lookup.gate.clear()
    lookup.outcome = socket.gaierror("no")
    make_older(resolver, host, 3000)
    assert await resolver.addresses(host, 443) == (ONE, TWO)
    lookup.gate.set()
    await asyncio.sleep(0.05)
    make_older(resolver, host, 3000)
    with pytest.raises(socket.gaierror):
        await resolver.addresses(host, 443)


async def test_a_failed_lookup_is_not_remembered() -> None:
    """The next call asks again."""
    lookup = Lookup()
    lookup.outcome = socket.gaierror("no")
    resolver = Resolver(lookup)
    with pytest.raises(socket.gaierror):
        await resolver.addresses("a.example", 443)
    lookup.outcome = (ONE,)
    assert await resolver.addresses("a.example", 443) == (ONE,)


async def test_an_address_that_failed_comes_last() -> None:
    """An address that is not the first any more stays where it is."""
    resolver = Resolver(Lookup())
    resolver.failed("a.example", 443, ONE)
    await resolver.addresses("a.example", 443)
    resolver.failed("a.example", 443, ONE)
    resolver.failed("a.example", 443, ONE)
    assert await resolver.addresses("a.example", 443) == (TWO, ONE)


def test_a_lookup_that_outlives_its_event_loop_ends_quietly() -> None:
    """Nobody waits for it any more."""
    lookup = Lookup()
    lookup.gate.clear()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await Resolver(lookup).addresses("hung.example", 443)

    asyncio.run(give_up())
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "lookup of hung.example"]
    lookup.gate.set()
    thread.join(10)
    assert not thread.is_alive()


def test_the_system_is_asked() -> None:
    """The addresses are those of TCP."""
    assert Address(socket.AF_INET, ("127.0.0.1", 443)) in system_lookup("127.0.0.1", 443)


async def test_a_thread_that_cannot_start_is_a_failed_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is at its limit of threads; the next lookup may succeed."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    resolver = Resolver(Lookup())
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(OSError, match="can't start"):
            await resolver.addresses("a.example", 443)
    assert await resolver.addresses("a.example", 443) == (ONE, TWO)
