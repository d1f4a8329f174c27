"""Fixtures that every test may use."""

from collections.abc import Iterator

import pytest

from sandbox import Sandbox


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
