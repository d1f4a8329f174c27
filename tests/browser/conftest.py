"""The approval page in a real browser, in front of the function and its stand-ins.

Everything is skipped where no browser is found. Debian's package `chromium` is one.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from live_function import LiveFunction
from playwright.async_api import Browser

from sandbox import Sandbox
from sandbox.functions_host import FunctionsHost
from sandbox.http_front import serving
from scripts.browser_tab import PAGE, OpenTab, Tab, find_browser, open_tab, running_browser

HERE = Path(__file__).parent
MISSING = (
    "No browser was found, so the approval page is NOT tested: install Debian's package chromium, or set CHROMIUM to"
    " the path of a Chromium."
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here, and skip it where there is no browser."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")
            item.add_marker(pytest.mark.timeout(180))
            item.add_marker(pytest.mark.skipif(find_browser() is None, reason=MISSING))


@pytest.fixture(scope="session")
async def browser(running_sandbox: Sandbox) -> AsyncIterator[Browser]:
    """Start the browser once per session."""
    async with running_browser(find_browser() or "", running_sandbox) as browser:
        yield browser


@pytest.fixture(scope="session")
async def address(functions_host: FunctionsHost) -> AsyncIterator[str]:
    """Serve the function over HTTP. Yields its base address."""
    async with serving(functions_host) as address:
        yield address


@pytest.fixture
def function(live: LiveFunction, address: str) -> LiveFunction:
    """The function with the page switched on. One tenant is allowed, so people sign in there."""
    entra = live.sandbox.entra
    entra.applications.page.redirect_uris = (f"{address}{PAGE}",)
    live.set(
        ENTRA_APPROVAL_CLIENT_ID=entra.applications.page.client_id,
        ENTRA_ALLOWED_TENANTS=entra.tenants[0],
        REQUEST_BUDGET_SECONDS="3",
    )
    return live


@pytest.fixture
async def tabs(function: LiveFunction, browser: Browser, address: str) -> AsyncIterator[OpenTab]:
    """Open tabs, each in a browser profile of its own. They are closed after the test."""
    async with AsyncExitStack() as stack:

        def opened(**options: Any) -> AbstractAsyncContextManager[Tab]:
            return open_tab(browser, address, function.sandbox, **options)

        yield opened
        await stack.aclose()


@pytest.fixture
async def tab(tabs: OpenTab) -> AsyncIterator[Tab]:
    """One tab of 1,000 pixels in light colours."""
    async with tabs() as tab:
        yield tab
