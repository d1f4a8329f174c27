"""Fixtures that every test may use."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from live_function import ROOT, EveryLog, Holders, LiveFunction

from sandbox import Sandbox
from sandbox.functions_host import FunctionsHost


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """Entra ID and Partner Center, started once."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """Entra ID and Partner Center as they are at the start."""
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture(scope="session")
async def functions_host() -> AsyncIterator[FunctionsHost]:
    """Our app, loaded once: the worker libraries keep it in module globals."""
    host = await FunctionsHost.load(ROOT)
    yield host
    await host.close()


@pytest.fixture
def live(functions_host: FunctionsHost, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> LiveFunction:
    """The function over the sandbox, as a process that has just started."""
    return LiveFunction(functions_host, sandbox, monkeypatch)


@pytest.fixture(scope="session")
def holders() -> Holders:
    """Services that tests share."""
    return {}


@pytest.fixture
def warm_live(
    functions_host: FunctionsHost, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, holders: Holders
) -> LiveFunction:
    """The function over the sandbox, in a process that may have served other tests under the same settings."""
    return LiveFunction(functions_host, sandbox, monkeypatch, holders=holders)


@pytest.fixture
def every_log() -> Iterator[EveryLog]:
    """What every logger says, at DEBUG."""
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
