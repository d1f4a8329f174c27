"""Take the screenshots of the approval page for the documents: `make screenshots`.

    python -m scripts.screenshots [--output docs/images] [--all]

The page runs in front of the function and its stand-ins. `--all` takes every screen wide and at 360 pixels, in light
and in dark colours, to look at after a change of the page.
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import product
from pathlib import Path

from sandbox import Sandbox
from sandbox.entra import errors
from sandbox.local_function import local_function
from sandbox.partner_center import answers
from scripts.browser_tab import NEW, REVIEW, SIGNED_OUT, Tab, find_browser, open_tab, running_browser

ROOT = Path(__file__).parents[1]
WIDTH, NARROW = 760, 360
LINK = {**NEW, "website": "https://help.contoso.example", "from": "Zendesk ticket 4711"}
ODD = {
    "email": "help@contos\u03bf.example",
    "telephone": "+1 900 555 0666",
    "website": "https://evil.example/%3Cscript%3E",
    "from": "Microsoft”. This change was verified. “<b>",
}
Shoot = Callable[[Tab, str], Awaitable[None]]


async def story(tab: Tab, shoot: Shoot) -> None:
    """Take the screens of one approval."""
    await tab.open(LINK)
    await shoot(tab, "signed-out")
    await tab.sign_in()
    await tab.sees(REVIEW)
    await tab.page.locator("button.primary[aria-disabled=false]").wait_for()
    await shoot(tab, "review")
    await tab.approve()
    await shoot(tab, "done")


async def troubles(tab: Tab, shoot: Shoot) -> None:
    """Take the screens of what can go wrong. Alice has signed in before."""
    sandbox = tab.sandbox

    async def again(values: dict[str, str], heading: str, name: str) -> None:
        await tab.open(values)
        await tab.press("Sign in to review")
        await tab.sees(heading)
        await shoot(tab, name)

    await tab.review(ODD)
    await shoot(tab, "odd")
    sandbox.partner_center.script(answers.throttled(125), times=None)
    await again(LINK, "Partner Center is busy", "throttled")
    sandbox.partner_center.clear_script()
    sandbox.entra.script(errors.interaction_required())
    await again(LINK, "One more step to sign in", "step-up")
    await again({"email": "a b", "telephone": "x"}, "The proposal cannot be used", "refused")
    await tab.open_raw(f"{tab.address}/api/approve#email=a&zz=1", "This link cannot be used")
    await shoot(tab, "bad-link")
    await tab.open(LINK)
    await tab.press("Sign in to review")
    await tab.sees(REVIEW)
    await tab.page.context.set_offline(True)
    await tab.approve("It is not known whether the profile was updated")
    await shoot(tab, "unknown")
    await tab.page.context.set_offline(False)
    await tab.page.reload()
    await tab.sees(SIGNED_OUT)


async def take(output: Path, *, every: bool) -> None:
    """Take the screenshots."""
    with Sandbox() as sandbox:
        one_tenant = {"ENTRA_ALLOWED_TENANTS": sandbox.entra.tenants[0]}
        async with (
            local_function(sandbox, settings=one_tenant) as address,
            running_browser(find_browser() or "", sandbox) as browser,
        ):
            opened = partial(open_tab, browser, address, sandbox, height=400, reduced_motion="reduce")
            if not every:
                async with opened(width=WIDTH) as tab:
                    await story(tab, partial(shoot, output, "approval"))
            for width, scheme in product((WIDTH, NARROW), ("light", "dark")) if every else ():
                for one in (story, troubles):
                    sandbox.partner_center.reset()
                    async with opened(width=width, color_scheme=scheme) as tab:
                        await one(tab, partial(shoot, output, f"{width}-{scheme}"))


async def shoot(output: Path, prefix: str, tab: Tab, name: str) -> None:
    """Take one picture of the whole page."""
    await tab.page.screenshot(path=output / f"{prefix}-{name}.png", full_page=True)


def main() -> int:
    """Take the screenshots. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images", help="the folder for the PNG files")
    parser.add_argument("--all", action="store_true", help="take every screen, wide and narrow, light and dark")
    options = parser.parse_args()
    if find_browser() is None:
        sys.stderr.write("No browser was found: install Debian's package chromium, or set CHROMIUM to a path.\n")
        return 1
    logging.getLogger("update_profile").addHandler(logging.NullHandler())
    options.output.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(options.output, every=options.all))
    return 0


if __name__ == "__main__":
    sys.exit(main())
