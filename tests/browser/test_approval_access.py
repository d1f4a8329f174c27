"""Whoever uses the page, whatever they use: keyboard, screen reader, small screen, dark colours, another language."""

from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe

from sandbox.partner_center import answers
from scripts.browser_tab import DONE, NEW, REVIEW, SIGNED_OUT, OpenTab, Tab
from update_profile import approval_page

LINK = {**NEW, "email": "help@contos\u03bf.example", "from": "Zendesk ticket 4711"}
LONG = {
    "email": f"{'a' * 120}@{'b' * 60}.{'c' * 60}.example",
    "telephone": "+1 425 555 0100 extension 99999999999999999999999999999999",
    "website": f"https://contoso.example/{'path' * 150}",
    "from": "W" * 100,
}


async def focused(tab: Tab) -> str:
    """Return the text of what has the focus."""
    text: str = await tab.page.evaluate("document.activeElement.textContent")
    return text


async def test_the_keyboard_is_enough(tab: Tab) -> None:
    """Tab and Enter lead from the link to the end. The heading has the focus first, so Enter approves nothing."""
    press = tab.page.keyboard.press
    await tab.open(LINK)
    assert await focused(tab) == SIGNED_OUT
    await press("Tab")
    await press("Enter")
    await tab.choose()
    await tab.sees(REVIEW)
    assert await focused(tab) == REVIEW
    order = []
    for _ in range(3):
        await press("Tab")
        order.append(await focused(tab))
    assert order == ["Sign in with another account", "Update the support profile", "Do nothing"]
    await press("Shift+Tab")
    await tab.page.locator("button.primary[aria-disabled=false]").wait_for()
    assert await focused(tab) == "Update the support profile"
    await press("Enter")
    await tab.sees(DONE)
    assert await focused(tab) == DONE


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(tabs: OpenTab, scheme: str) -> None:
    """On every kind of screen; on the review, which is laid out anew there, at 360 pixels too."""

    async def check(screen: str) -> None:
        for width in (360, 1000) if screen == "review" else (1000,):
            await tab.page.set_viewport_size({"width": width, "height": 800})
            found = await Axe().run(tab.page)
            assert found.violations_count == 0, f"{screen}, {width} px: {found.generate_report()}"

    async with tabs(color_scheme=scheme, bypass_csp=True) as tab:
        await tab.open(LINK)
        await check("signed out")
        await tab.sign_in()
        await tab.sees(REVIEW)
        await tab.page.locator("button.primary[aria-disabled=false]").wait_for()
        await check("review")
        await tab.approve()
        await check("done")
        tab.sandbox.partner_center.script(answers.throttled(600), times=None)
        await tab.open(NEW)
        await tab.press("Sign in to review")
        await tab.sees("Partner Center is busy")
        await check("throttled")
        tab.sandbox.partner_center.clear_script()
        await tab.open_raw(f"{tab.address}/api/approve#email=a%20b", SIGNED_OUT)
        await tab.press("Sign in to review")
        await tab.sees("The proposal cannot be used")
        await check("refused")
        await tab.open_raw(f"{tab.address}/api/approve#x=1", "This link cannot be used")
        await check("bad link")


async def test_a_screen_reader_hears_a_table_with_names(tab: Tab) -> None:
    """Every value has its field and its column, at every width; the page's title and language are set."""
    await tab.review(LINK)
    for width in (1000, 360):
        await tab.page.set_viewport_size({"width": width, "height": 800})
        table = await tab.page.get_by_role("table").aria_snapshot()
        assert 'rowheader "Email"' in table
        assert 'columnheader "Now"' in table
        assert 'cell "Now: help@contoso.example"' in table
        assert "New: help@contos\u03bf.example" in table
    assert await tab.page.title() == "Approve this change? · Partner Center support profile"
    assert await tab.page.locator("html").get_attribute("lang") == "en"
    assert await tab.page.get_by_role("main").count() == await tab.page.get_by_role("banner").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_sticks_out_at_360_pixels(tabs: OpenTab, scheme: str) -> None:
    """The longest values and labels break, and text twice as large fits too."""
    async with tabs(width=360, height=740, color_scheme=scheme) as tab:
        await tab.open(LONG)
        widths = [await tab.page.evaluate("document.documentElement.scrollWidth")]
        await tab.sign_in()
        await tab.sees(REVIEW)
        widths.append(await tab.page.evaluate("document.documentElement.scrollWidth"))
        await tab.page.evaluate("document.documentElement.style.fontSize = '32px'")
        widths.append(await tab.page.evaluate("document.documentElement.scrollWidth"))
        assert widths == [360, 360, 360]


@pytest.mark.parametrize(("motion", "moving"), [("reduce", 0), ("no-preference", 1)])
async def test_motion_is_reduced_where_a_person_wants_it(tabs: OpenTab, motion: str, moving: int) -> None:
    """The bar of a screen that waits moves only where motion is wanted."""
    async with tabs(reduced_motion=motion) as tab:
        await tab.page.route("**/api/update_profile**", lambda _: None)  # never answered
        await tab.review(heading="Reading the profile that is stored…")
        running = "document.getAnimations().filter((one) => one.animationName === 'slide').length"
        assert await tab.page.evaluate(running) == moving


async def test_the_colours_follow_the_system(tabs: OpenTab) -> None:
    """Dark text on light, and light text on dark."""
    colours = []
    for scheme in ("light", "dark"):
        async with tabs(color_scheme=scheme) as tab:
            await tab.open(NEW)
            colours.append(await tab.page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(28, 28, 34)"]


TRANSLATION = """
import { TEXT as english } from "./strings.en.js";
const mark = (text) => `⟦${text}⟧`;
const translated = (value) => {
  if (typeof value === "string") return mark(value);
  if (typeof value === "function") return (...given) => {
    const made = value(...given);
    return Array.isArray(made) ? made.map((one) => (typeof one === "string" ? mark(one) : one)) : mark(made);
  };
  return Array.isArray(value) ? value.map(translated)
    : Object.fromEntries(Object.entries(value).map(([name, one]) => [name, translated(one)]));
};
export const TEXT = translated(english);
"""
UNTRANSLATED = """
() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { textContent: text, parentElement: parent } = walker.currentNode;
    if (text.trim() && !text.includes("⟦") && !parent.closest(".value, code, noscript, script")) found.push(text);
  }
  return found;
}
"""


async def test_a_translation_is_one_more_file(tabs: OpenTab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser of that language shows it, every text of the page comes from it, and others get English."""
    for file in approval_page.FOLDER.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "strings.de.js").write_text(TRANSLATION, encoding="utf-8")
    monkeypatch.setattr(approval_page, "FOLDER", tmp_path)
    approval_page._files.cache_clear()
    try:
        async with tabs(locale="de-AT") as tab:
            await tab.open(LINK, f"⟦{SIGNED_OUT}⟧")
            left = await tab.page.evaluate(UNTRANSLATED)
            await tab.sign_in(button="⟦Sign in to review⟧")
            await tab.sees(f"⟦{REVIEW}⟧")
            left += await tab.page.evaluate(UNTRANSLATED)
            await tab.press("⟦Update the support profile⟧")
            await tab.sees(f"⟦{DONE}⟧")
            left += await tab.page.evaluate(UNTRANSLATED)
            assert await tab.page.locator("html").get_attribute("lang") == "de"
            assert left == []
        async with tabs(locale="fr-FR") as tab:
            await tab.open(LINK)
    finally:
        approval_page._files.cache_clear()
