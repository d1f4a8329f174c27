"""One approval from the link to the stored profile, and the ends that it can have."""

import json
from typing import Any

import pytest

from sandbox.partner_center import answers
from sandbox.partner_center.profiles import START
from sandbox.script import Answer, Fault
from scripts.browser_tab import DONE, NEW, REVIEW, SIGNED_OUT, OpenTab, Tab

LINK = {**NEW, "from": "Zendesk ticket 4711"}
OLD = {field: str(START[field]) for field in NEW}


async def test_a_person_reviews_and_approves(tab: Tab) -> None:
    """What is written is what was shown. Nothing stays in the address bar or in storage."""
    await tab.open(LINK)
    assert tab.page.url == f"{tab.address}/api/approve"
    offered = await tab.text()
    assert all(value in offered for value in LINK.values())
    await tab.sign_in()
    await tab.sees(REVIEW)
    assert tab.page.url == f"{tab.address}/api/approve"
    shown = await tab.text()
    assert all(
        value in shown for value in (*NEW.values(), OLD["email"], "alice@partner.example", "Zendesk ticket 4711")
    )
    await tab.approve()
    stored = await tab.text()
    assert all(value in stored for value in NEW.values())
    (written,) = tab.writes
    assert {field: written[field.title()] for field in NEW} == NEW
    assert await tab.stored() == [{}, {}, ""]
    assert tab.said == []


async def test_the_page_asks_only_its_own_origin_and_the_authority(tab: Tab) -> None:
    """No other server is asked. No server but the function sees the proposal, and that only after the sign-in."""
    await tab.open(LINK)
    before = [request for request in tab.requests if "update_profile" in request.url]
    await tab.sign_in()
    await tab.sees(REVIEW)
    await tab.approve()
    entra = tab.sandbox.entra
    assert before == []
    assert tab.origins == {tab.address, entra.base_url}
    assert "contoso" not in str([(entry.path, entry.headers, entry.body) for entry in entra.journal])
    assert [header for entry in entra.journal for header in entry.headers if tab.address in header[1]] == [
        ("Origin", tab.address)
    ]  # of the request for the token: no referrer
    (sign_in,) = [entry for entry in entra.journal if "/authorize?" in entry.path]
    scope = f"scope={entra.client_id}%2Fuser_impersonation&"
    assert scope in sign_in.path


async def test_one_field_changes_and_the_rest_stays(tab: Tab) -> None:
    """The whole profile is shown and written. The blank in the link is a plus, as from a sender without an encoder."""
    await tab.open_raw(f"{tab.address}/api/approve#telephone=+49 30 555 0100", SIGNED_OUT)
    await tab.sign_in()
    await tab.sees(REVIEW)
    assert OLD["email"] in await tab.text()
    await tab.approve()
    (written,) = tab.writes
    assert (written["Email"], written["Telephone"]) == (OLD["email"], "+49 30 555 0100")


async def test_doing_nothing_writes_nothing(tab: Tab) -> None:
    """The proposal is forgotten in this tab. A reload says that there is nothing to approve."""
    await tab.review()
    await tab.press("Do nothing")
    await tab.sees("Nothing was changed")
    await tab.page.reload()
    await tab.sees("There is nothing to approve")
    assert (tab.writes, await tab.stored()) == ([], [{}, {}, ""])


async def test_a_profile_that_is_as_proposed_needs_no_approval(tab: Tab) -> None:
    """There is no button that writes."""
    await tab.review(OLD, heading="Nothing to change")
    assert await tab.page.get_by_role("button").all_inner_texts() == ["Sign in with another account"]


async def test_a_field_that_is_not_set_is_shown_as_such(tab: Tab) -> None:
    """A first profile has nothing to compare with."""
    tab.sandbox.partner_center.profiles[tab.sandbox.entra.tenants[0]] = {"profileType": "support_profile"}
    await tab.review()
    assert (await tab.text()).count("not set") == 3
    await tab.approve()


async def test_a_reload_keeps_the_proposal_and_drops_the_sign_in(tab: Tab) -> None:
    """The token is in the memory of the page alone."""
    await tab.review()
    kept = json.dumps(await tab.stored())
    assert "eyJ" not in kept
    await tab.page.reload()
    await tab.sees(SIGNED_OUT)
    assert NEW["email"] in await tab.text()


async def test_another_account_can_be_chosen(tab: Tab) -> None:
    """The proposal is kept."""
    await tab.review()
    await tab.press("Sign in with another account")
    await tab.choose("bob")
    await tab.sees(REVIEW)
    assert "bob@partner.example" in await tab.text()


async def test_an_answer_with_other_values_is_no_success(tab: Tab) -> None:
    """Partner Center may store another form, or may not have written. The proposal is kept, and the check shows it."""
    await tab.review()
    stored = {**NEW, "telephone": "14255550100", "profileType": "support_profile"}
    tab.sandbox.partner_center.script(answers.json_answer(stored), method="PUT")
    await tab.approve("Partner Center shows other values")
    text = await tab.text()
    assert "14255550100" in text
    assert f"You approved: {NEW['telephone']}" in " ".join(text.split("\n"))
    await tab.press("Check what is stored")
    await tab.sees(REVIEW)
    await tab.press("Do nothing")
    await tab.sees("No other change was sent")


async def test_an_answer_with_a_part_of_the_profile_shows_that_part(tab: Tab) -> None:
    """Another email, the approved telephone, and no website: nothing is made up."""
    await tab.review()
    stored = {"email": "other@other.example", "telephone": NEW["telephone"], "profileType": "support_profile"}
    await answer_the_write(tab, {"status": 200, "json": stored})
    await tab.approve("Partner Center shows other values")
    assert await tab.page.get_by_role("term").all_inner_texts() == ["Email", "Telephone"]


async def answer_the_write(tab: Tab, answer: dict[str, Any]) -> None:
    """Answer writes in the function's place, under the call's own id."""

    async def fulfil(route: Any) -> None:
        call = await route.request.header_value("MS-CorrelationId")
        headers = {"MS-CorrelationId": call, "Update-Outcome": "differs"}
        await route.fulfill(**answer, headers=headers)

    await tab.page.route("**/api/update_profile", fulfil)


async def test_a_write_that_was_read_back_is_done(tab: Tab) -> None:
    """The page says that the answer was lost and that reading showed the values."""
    await tab.review()
    tab.sandbox.partner_center.script(Answer.trouble(Fault.RESET_AFTER_REQUEST, apply=True), method="PUT")
    await tab.approve()
    assert "Reading the profile again showed these values" in await tab.text()


async def test_a_success_without_a_body_is_done(tab: Tab) -> None:
    """The page shows what was approved, and does not say that Partner Center showed it."""
    await tab.review()
    tab.sandbox.partner_center.script(answers.json_answer({}, 204, framing="close"), method="PUT")
    await tab.approve()
    text = await tab.text()
    assert "did not show what it stores" in text
    assert NEW["email"] in text


@pytest.mark.parametrize("button", ["Sign in to review", "Update the support profile"])
async def test_a_double_click_counts_once(tab: Tab, button: str) -> None:
    """One sign-in begins, and one write is sent."""
    await tab.open(NEW)
    await tab.page.get_by_role("button", name="Sign in to review").click(
        click_count=2 if button == "Sign in to review" else 1
    )
    await tab.choose()
    await tab.sees(REVIEW)
    await tab.page.get_by_role("button", name="Update the support profile").click(
        click_count=2 if button == "Update the support profile" else 1
    )
    await tab.sees(DONE)
    assert len([request for request in tab.requests if "/authorize?" in request.url]) == 1
    assert len(tab.writes) == 1


async def test_the_button_waits_until_it_was_seen(tab: Tab) -> None:
    """It is not live at once, and it rests again after the window lost the focus: a stray click approves nothing."""
    await tab.page.clock.install()
    await tab.review()
    approve = tab.page.get_by_role("button", name="Update the support profile")
    await tab.page.clock.pause_at(4_000_000_000_000)
    await tab.page.evaluate("window.dispatchEvent(new Event('blur'))")
    await approve.click(force=True)
    assert await approve.get_attribute("aria-disabled") == "true"
    await tab.page.clock.run_for(1_000)
    assert await approve.get_attribute("aria-disabled") == "false"
    await tab.page.evaluate("window.dispatchEvent(new Event('focus'))")
    assert await approve.get_attribute("aria-disabled") == "true"
    await tab.sees(REVIEW)
    assert tab.writes == []


async def test_two_tabs_with_two_proposals_do_not_mix(tabs: OpenTab) -> None:
    """Their sign-ins overlap, each tab writes what it showed, and the later approval is reviewed again."""
    async with tabs() as first:
        second = Tab(await first.page.context.new_page(), first.address, first.sandbox)
        await first.open({"telephone": "111"})
        await second.open({"telephone": "222"})
        for tab in (first, second):
            await tab.press("Sign in to review")
        await second.choose()
        await first.page.bring_to_front()
        await first.choose()
        for tab, telephone in ((second, "222"), (first, "111")):
            await tab.page.bring_to_front()
            await tab.sees(REVIEW)
            assert telephone in await tab.text()
        await second.page.bring_to_front()
        await second.approve()
        await first.page.bring_to_front()
        await first.approve("The profile was changed at the same time")
        await first.press("Review again")
        await first.sees(REVIEW)
        await first.approve()
        assert [written["Telephone"] for written in first.writes] == ["222", "111"]
        await second.page.close()
