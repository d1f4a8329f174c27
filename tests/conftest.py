"""Fixtures that every test may use."""

import asyncio
import inspect
import logging
import os
import random
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from described_api import NotDescribed, checking
from live_function import ROOT, EveryLog, Holders, LiveFunction
from live_service import LANES, close_kept
from suite_order import slow_first

from sandbox import Sandbox
from sandbox.functions_host import FunctionsHost
from update_profile.partner_center import read_back
from update_profile.transport.lanes import Lanes

PAUSE_SECONDS = 0.05


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each of pytest-xdist's processes begin with slow modules."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items[:] = slow_first(items, [item.path.name for item in items], processes)


@pytest.fixture(scope="session", autouse=True)
def _remembered_lanes() -> Iterator[None]:
    """Remember what may keep connections."""
    build = Lanes.__init__

    def build_and_remember(self: Lanes, *arguments: Any) -> None:
        build(self, *arguments)
        LANES.add(self)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Lanes, "__init__", build_and_remember)
        yield


@pytest.fixture
async def _connections_are_closed_on_the_loop(_remembered_lanes: None) -> AsyncIterator[None]:
    """Close what a test keeps, on its own event loop."""
    yield
    close_kept()
    await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _no_connection_outlives_a_test(request: pytest.FixtureRequest, _remembered_lanes: None) -> Iterator[None]:
    """Close what a test keeps. Most tests have no event loop, and to run one for each of them takes long."""
    if inspect.iscoroutinefunction(request.function):
        request.getfixturevalue("_connections_are_closed_on_the_loop")
    yield
    close_kept()


@pytest.fixture(scope="session")
def undescribed() -> Iterator[list[NotDescribed]]:
    """Check every answer of the function that leaves any host of this process."""
    seen: list[NotDescribed] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(FunctionsHost, "handle", checking(FunctionsHost.handle, seen))
        yield seen
    assert not seen  # what the ends of shared fixtures caused


@pytest.fixture(autouse=True)
def _every_answer_is_described(undescribed: list[NotDescribed]) -> Iterator[None]:
    """Fail a test that caused an answer which the description does not allow, even if nobody looked at it.

    What a shared fixture caused since the last test fails the test that it was made for.
    """
    assert not _taken(undescribed)
    yield
    assert not _taken(undescribed)


def _taken(undescribed: list[NotDescribed]) -> list[NotDescribed]:
    """Empty the list, so that each answer fails one test, and return what was in it."""
    found = list(undescribed)
    undescribed.clear()
    return found


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """Start the stand-ins for Entra ID and Partner Center once per session."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """The stand-ins for Entra ID and Partner Center, reset to their initial state."""
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture(scope="session")
async def functions_host() -> AsyncIterator[FunctionsHost]:
    """Load our app once, because the worker libraries keep it in module globals."""
    host = await FunctionsHost.load(ROOT)
    yield host
    await host.close()


@pytest.fixture
def live(functions_host: FunctionsHost, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> LiveFunction:
    """The function in front of the sandbox, as in a process that has just started."""
    return LiveFunction(functions_host, sandbox, monkeypatch)


@pytest.fixture(scope="session")
def holders() -> Holders:
    """Services that tests share, by their settings."""
    return {}


@pytest.fixture
def warm_live(
    functions_host: FunctionsHost, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, holders: Holders
) -> LiveFunction:
    """The function in front of the sandbox, in a process that may have served other tests with the same settings."""
    return LiveFunction(functions_host, sandbox, monkeypatch, holders=holders)


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the pauses between attempts fixed and short, and shorten the pause between two read-backs."""
    monkeypatch.setattr(random, "uniform", lambda low, high: min(low + PAUSE_SECONDS, high))
    monkeypatch.setattr(read_back, "PAUSE_SECONDS", PAUSE_SECONDS)


@pytest.fixture
def every_log() -> Iterator[EveryLog]:
    """Capture the output of every logger at DEBUG."""
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    before = [(logger, logger.level) for logger in loggers]
    handler = EveryLog()
    logging.getLogger().addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield handler
    logging.getLogger().removeHandler(handler)
    for logger, level in before:
        logger.setLevel(level)
