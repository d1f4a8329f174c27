"""A browser tab with the approval page, for tests and screenshots: what a person does in it, and what it did."""

import asyncio
import base64
import hashlib
import json
import os
import shutil
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.async_api import Browser, Dialog, Page, Request, ViewportSize, async_playwright

from sandbox import Sandbox

PAGE = "/api/approve"
NEW = {
    "email": "support@contoso.example",
    "telephone": "+1 425 555 0100",
    "website": "https://support.contoso.example/x?a=1&b=2",
}
SIGNED_OUT = "Somebody proposes a new support profile"
REVIEW = "Approve this change?"
DONE = "The support profile is updated"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--no-sandbox",  # a container's root has no user namespaces
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MILLISECONDS = 20_000


def find_browser() -> str | None:
    """Return the path of a Chromium: the variable CHROMIUM, else the first on the PATH. None: there is none."""
    named = os.environ.get("CHROMIUM")
    return named or next((path for path in map(shutil.which, NAMES) if path), None)


@asynccontextmanager
async def running_browser(path: str, sandbox: Sandbox) -> AsyncIterator[Browser]:
    """Start a headless browser that trusts the stand-ins' own key and no other unknown one."""
    trusted = f"--ignore-certificate-errors-spki-list={await asyncio.to_thread(_key_digest, sandbox.entra.base_url)}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*FLAGS, trusted])
        try:
            yield browser
        finally:
            await browser.close()


def _key_digest(url: str) -> str:
    address = urlsplit(url)
    pem = ssl.get_server_certificate((address.hostname or "", address.port or 443))
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(encoded).digest()).decode()


@dataclass
class Tab:
    """One tab.

    Attributes:
        page: Playwright's page.
        address: The function's base address.
        sandbox: The stand-ins that the page and the function use.
        said: What the browser's console says, with errors and dialogs.
        requests: Every request of the tab, in order.
    """

    page: Page
    address: str
    sandbox: Sandbox
    said: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MILLISECONDS)
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("dialog", self._dismiss)
        self.page.on("request", lambda request: self.requests.append(request))

    async def _dismiss(self, dialog: Dialog) -> None:
        self.said.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    def link(self, values: Mapping[str, str]) -> str:
        """Return a link with these values, encoded as a form encoder does."""
        return f"{self.address}{PAGE}#{urlencode(values)}"

    async def open(self, values: Mapping[str, str], heading: str = SIGNED_OUT) -> None:
        """Open a link and wait for this heading."""
        await self.open_raw(self.link(values), heading)

    async def open_raw(self, url: str, heading: str) -> None:
        """Open an address and wait for this heading."""
        await self.page.goto(url)
        await self.sees(heading)

    async def sees(self, heading: str) -> None:
        """Wait until the page has this heading."""
        await self.page.get_by_role("heading", level=1, name=heading, exact=True).wait_for()

    async def press(self, name: str) -> None:
        """Press the button with this name as soon as it is live."""
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def sign_in(self, user: str = "alice", *, button: str = "Sign in to review", factor: bool = True) -> None:
        """Sign in at Entra's page. `factor`: a second factor is asked for, and approved."""
        await self.press(button)
        await self.choose(user, factor=factor)

    async def choose(self, user: str = "alice", *, factor: bool = True) -> None:
        """Choose an account on Entra's page."""
        await self.sees("Pick an account")
        await self.press(self.sandbox.entra.users[user].upn)
        if factor:
            await self.approve_factor()

    async def approve_factor(self) -> None:
        """Approve the second factor on Entra's page."""
        await self.sees("Approve sign in request")
        await self.press("Approve")

    async def review(self, values: Mapping[str, str] = NEW, user: str = "alice", heading: str = REVIEW) -> None:
        """Open a link, sign in and wait for this heading."""
        await self.open(values)
        await self.sign_in(user)
        await self.sees(heading)

    async def approve(self, heading: str = DONE) -> None:
        """Approve the change and wait for this heading."""
        await self.press("Update the support profile")
        await self.sees(heading)

    async def text(self) -> str:
        """Return the text of the page as a person sees it."""
        return await self.page.inner_text("main")

    async def stored(self) -> list[Any]:
        """Return what the tab keeps: session storage, local storage and cookies of the function."""
        kept = await self.page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])")
        found: list[Any] = json.loads(kept)
        return found

    @property
    def writes(self) -> list[dict[str, Any]]:
        """The bodies of the writes that Partner Center received."""
        return [json.loads(entry.body) for entry in self.sandbox.partner_center.journal.of(method="PUT")]

    @property
    def origins(self) -> set[str]:
        """The origins that the tab made requests to."""
        parts = [urlsplit(request.url) for request in self.requests]
        return {f"{part.scheme}://{part.netloc}" for part in parts if part.scheme not in ("data", "about")}


OpenTab = Callable[..., AbstractAsyncContextManager[Tab]]


@asynccontextmanager
async def open_tab(
    browser: Browser,
    address: str,
    sandbox: Sandbox,
    *,
    width: int = 1000,
    height: int = 800,
    **options: Any,  # noqa: ANN401  Playwright's
) -> AsyncIterator[Tab]:
    """Open a tab in a browser profile of its own.

    `options` are Playwright's for a new context, such as `color_scheme="dark"` or `locale="de-AT"`. `bypass_csp=True`
    lets a test run a script of its own in the page. Without a locale, the browser asks for English.
    """
    size = ViewportSize(width=width, height=height)
    context = await browser.new_context(**{"locale": "en-US", **options}, viewport=size)
    try:
        yield Tab(await context.new_page(), address, sandbox)
    finally:
        await context.close()
