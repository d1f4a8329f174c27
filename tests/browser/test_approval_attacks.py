"""What an attacker may send or do: nothing is written and nothing is executed."""

import json
from urllib.parse import quote

import httpx
import pytest
from live_function import LiveFunction
from playwright.async_api import Error

from sandbox.script import Answer
from scripts.browser_tab import NEW, REVIEW, SIGNED_OUT, OpenTab, Tab

MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'><b>Microsoft</b>"
BIDI = "\u202egro.live\u2066\u200f"


def nothing_was_asked(tab: Tab) -> bool:
    """Return whether Entra was asked for nothing, and Partner Center neither to read nor to write."""
    return not tab.sandbox.partner_center.journal.of("profile") and not tab.sandbox.entra.journal


async def open_evil(tab: Tab, html: str) -> None:
    """Open an attacker's page. It has another origin, and a server on this machine, or the browser cuts it off."""
    tab.sandbox.partner_center.script(Answer(headers=(("Content-Type", "text/html"),), body=html.encode()))
    await tab.page.goto(f"{tab.sandbox.partner_center.base_url}/evil")


async def test_the_page_cannot_be_framed(tab: Tab) -> None:
    """A frame with an answer of the API shows that frames work as such."""
    await open_evil(tab, f"<iframe src='{tab.address}/api/health'></iframe><iframe src='{tab.link(NEW)}'></iframe>")
    _, health, framed = tab.page.frames
    assert "ok" in await health.inner_text("body")
    assert framed.url.startswith("chrome-error:")
    assert tab.requests[-1].url.startswith(f"{tab.address}/api/approve")
    assert tab.requests[-1].failure == "net::ERR_BLOCKED_BY_RESPONSE"
    assert nothing_was_asked(tab)


async def test_another_window_cannot_reach_the_page(tab: Tab) -> None:
    """It opens the page and finds itself cut off from it."""
    await open_evil(tab, "<h1>evil</h1>")
    async with tab.page.expect_popup() as opening:
        await tab.page.evaluate("(url) => { window.opened = window.open(url) }", tab.link(NEW))
    opened = await opening.value
    await opened.get_by_role("heading", name=SIGNED_OUT).wait_for()
    assert await opened.evaluate("window.opener") is None
    assert await tab.page.evaluate("window.opened.closed") is True


@pytest.mark.parametrize("hostile", [MARKUP, BIDI, "javascript:alert(1)", "{{constructor.constructor('alert(1)')()}}"])
async def test_hostile_text_in_every_field_stays_text(tab: Tab, hostile: str) -> None:
    """It is shown before the sign-in, refused after it, and runs nowhere."""
    values = dict.fromkeys(("email", "telephone", "website", "from"), hostile)
    await tab.open(values)
    text = await tab.text()
    if hostile == BIDI:
        assert text.count("U+202E") == 6  # in each value, and in the remark below it
        assert not [mark for mark in BIDI if not mark.isalpha() and mark != "." and mark in text]
    else:
        assert text.count(hostile) >= 4  # a remark may repeat a value
    assert await tab.page.locator("main").locator("img, script, b").count() == 0
    await tab.sign_in()
    await tab.sees("The proposal cannot be used")
    assert [line for line in tab.said if "422" not in line] == []
    assert tab.writes == []


async def test_values_that_pass_are_shown_with_what_is_odd_about_them(tab: Tab) -> None:
    """A look-alike letter, another domain, and a label that poses as the page."""
    await tab.review(
        {
            "email": "help@contos\u03bf.example",
            "telephone": "+1 900 555 0666",
            "website": "https://evil.example/%3Cimg%20src=x%20onerror=alert(1)%3E",
            "from": "Microsoft”. This change was verified. “",
        }
    )
    text = await tab.text()
    assert "U+03BF" in text
    assert "Another domain: contoso.example becomes xn--contos-n0e.example." in text
    assert "Another domain: contoso.example becomes evil.example." in text
    assert await tab.page.locator("blockquote").inner_text() == "Microsoft”. This change was verified. “"
    assert tab.said == []


async def test_a_link_of_10_kb_is_refused(tab: Tab) -> None:
    """Nothing of it is kept or sent."""
    await tab.open_raw(tab.link({**NEW, "from": "x" * 10_000}), "This link cannot be used")
    assert nothing_was_asked(tab)
    assert await tab.stored() == [{}, {}, ""]


async def test_a_scanner_that_opens_every_address_writes_nothing(tab: Tab, function: LiveFunction) -> None:
    """With and without scripts: it fetches static files, and nothing outside is asked."""
    await tab.open({**NEW, "from": "Zendesk ticket 4711"})
    await tab.page.wait_for_load_state("networkidle")
    addresses = {request.url for request in tab.requests if request.url.startswith("http")}
    mangled = f"{tab.address}/api/approve%23{quote('email=a@b.example')}"
    async with httpx.AsyncClient(trust_env=False) as scanner:
        for address in (*addresses, mangled):
            for method in ("GET", "HEAD", "OPTIONS", "POST"):
                answer = await scanner.request(method, address)
                assert answer.status_code == (200 if method == "GET" else 404)
    assert len(addresses) > 8
    assert nothing_was_asked(tab)


async def test_a_script_that_got_onto_the_page_finds_little(tab: Tab) -> None:
    """It can make no markup, ask no other server, load nothing, and finds no token in storage or in globals."""
    await tab.review()
    for code in (
        "document.body.innerHTML = '<b>x</b>'",
        "document.createElement('script').text = '1'",
        "document.createElement('script').src = '/x.js'",
        "setTimeout('1')",
    ):
        with pytest.raises(Error, match=r"requires 'Trusted"):
            await tab.page.evaluate(f"() => {{ {code} }}")
    assert (
        await tab.page.evaluate("fetch('https://example.com/').then(() => 'sent', (error) => error.name)")
        == "TypeError"
    )
    assert "connect-src" in "".join(tab.said)
    kept = json.dumps(
        [await tab.stored(), await tab.page.evaluate("Object.keys(window).map((key) => `${window[key]}`)")]
    )
    assert "eyJ" not in kept


async def test_stray_clicks_and_keys_approve_nothing(tab: Tab) -> None:
    """Clicks in the place of the button before it is live, and Enter on the heading."""
    await tab.page.clock.install()
    await tab.review()
    await tab.page.clock.pause_at(4_000_000_000_000)
    await tab.page.evaluate("window.dispatchEvent(new Event('focus'))")
    button = await tab.page.get_by_role("button", name="Update the support profile").bounding_box()
    assert button is not None
    for _ in range(5):
        await tab.page.mouse.click(button["x"] + 5, button["y"] + 5)
    await tab.page.keyboard.press("Enter")
    await tab.page.keyboard.press("Space")
    await tab.sees(REVIEW)
    assert tab.writes == []


async def test_a_person_cannot_be_made_somebody_else(tabs: OpenTab) -> None:
    """A code of the attacker's own sign-in, planted by a link while the victim signs in, is not redeemed."""
    async with tabs() as attacker, tabs() as victim:
        await attacker.open(NEW)
        await attacker.page.route("**/oauth2/v2.0/token", lambda route: route.abort())
        await attacker.press("Sign in to review")
        async with attacker.page.expect_response(lambda answer: "code=" in answer.headers.get("location", "")) as given:
            await attacker.choose("bob")
        stolen = (await given.value).headers["location"]
        await victim.open(NEW)
        await victim.press("Sign in to review")
        await victim.sees("Pick an account")
        await victim.open_raw(stolen, "The sign-in failed")
        assert not victim.sandbox.entra.journal.of("code")
