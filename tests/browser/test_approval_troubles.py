"""What the page says when the function or Partner Center refuses, waits or does not answer."""

import asyncio
import re
from typing import Any

import pytest
from live_function import LiveFunction

from sandbox.entra import errors
from sandbox.partner_center import answers
from sandbox.script import Answer, Fault
from scripts.browser_tab import DONE, NEW, REVIEW, SIGNED_OUT, Tab
from update_profile import http_trigger

CHANGED = "The profile was changed at the same time"
NOT_KNOWN = "A change was sent from this tab"
UNKNOWN = "It is not known whether the profile was updated"
CUT = Answer.trouble(Fault.RESET_AFTER_REQUEST)


async def lose_the_answer(tab: Tab) -> None:
    """Let the next write through, and drop the answer on its way to the page."""

    async def lose(route: Any) -> None:
        await route.fetch()
        await route.abort()

    await tab.page.route("**/api/update_profile", lose, times=1)


def store(tab: Tab, **values: str) -> None:
    """Change the stored profile, as another person does."""
    profiles, tenant = tab.sandbox.partner_center.profiles, tab.sandbox.entra.tenants[0]
    profiles[tenant] = {**profiles[tenant], **values}


async def live_again(tab: Tab, seconds: int) -> None:
    """Check that "Try again" rests, and let its wait pass."""
    again = tab.page.get_by_role("button", name="Try again", exact=True)
    assert await again.get_attribute("aria-disabled") == "true"
    await again.click(force=True)  # does nothing
    assert await tab.page.get_by_role("status").inner_text() == ""
    await tab.page.clock.run_for(seconds * 1000)
    assert await again.get_attribute("aria-disabled") == "false"
    assert await tab.page.get_by_role("status").inner_text() == "You can try again now."


async def test_a_throttled_read_counts_down(tab: Tab) -> None:
    """The wait is the one that Partner Center asked for, and then the review comes."""
    await tab.page.clock.install()
    tab.sandbox.partner_center.script(answers.throttled(125), times=None)
    await tab.review(heading="Partner Center is busy")
    assert re.search(r"Try again in 2 min \d s", await tab.text())
    heard = await tab.page.get_by_role("button").evaluate("(one) => document.getElementById('wait').textContent")
    assert heard == "You can try again in 2 min 5 s."
    assert await tab.page.get_by_role("button").get_attribute("aria-describedby") == "wait"
    tab.sandbox.partner_center.clear_script()
    await live_again(tab, 125)
    await tab.press("Try again")
    await tab.sees(REVIEW)


async def test_a_write_whose_end_is_not_known_can_be_looked_up(tab: Tab) -> None:
    """It was applied: the check says that the profile is updated."""
    await tab.review()
    await lose_the_answer(tab)
    await tab.approve(UNKNOWN)
    assert "Nothing was changed" not in await tab.text()
    await tab.press("Check what is stored")
    await tab.sees(DONE)
    assert "Reading the profile again showed these values." in await tab.text()
    assert await tab.stored() == [{}, {}, ""]


async def test_trying_again_finds_that_the_write_was_done(tab: Tab) -> None:
    """It is not written twice."""
    await tab.page.clock.install()
    await tab.review()
    await lose_the_answer(tab)
    await tab.approve(UNKNOWN)
    await tab.page.clock.run_for(5_000)
    await tab.press("Try again")
    await tab.sees(DONE)
    assert len(tab.writes) == 1


async def test_a_change_of_another_field_since_the_review_is_not_undone(tab: Tab) -> None:
    """The page does not write the old email that it showed."""
    await tab.review({"telephone": "111"})
    store(tab, email="urgent@contoso.example")
    await tab.approve(CHANGED)
    assert "Nothing was changed." in await tab.text()
    assert tab.writes == []
    await tab.press("Review again")
    await tab.sees(REVIEW)
    await tab.approve()
    (written,) = tab.writes
    assert (written["Email"], written["Telephone"]) == ("urgent@contoso.example", "111")


async def test_trying_again_does_not_undo_what_came_after_the_lost_answer(tab: Tab) -> None:
    """The write was applied, and somebody else has changed another field since."""
    await tab.page.clock.install()
    await tab.review({"telephone": "111"})
    await lose_the_answer(tab)
    await tab.approve(UNKNOWN)
    store(tab, email="urgent@contoso.example")
    await tab.page.clock.run_for(5_000)
    await tab.press("Try again")
    await tab.sees(CHANGED)
    assert "still not known" in await tab.text()
    assert len(tab.writes) == 1


async def test_somebody_else_made_the_same_change_meanwhile(tab: Tab) -> None:
    """There is nothing left to write."""
    await tab.review({"telephone": "111"})
    store(tab, telephone="111")
    await tab.approve("Nothing to change")
    assert tab.writes == []


async def test_a_reload_during_a_write_keeps_that_it_is_not_known(tab: Tab) -> None:
    """The link is still there, with a notice."""
    await tab.review()
    sent = asyncio.Event()
    await tab.page.route("**/api/update_profile", lambda _: sent.set())  # never answered
    await tab.press("Update the support profile")
    await asyncio.wait_for(sent.wait(), 60)
    await tab.page.reload()
    await tab.sees(SIGNED_OUT)
    assert NOT_KNOWN in await tab.text()
    await tab.press("Sign in to review")
    await tab.sees(REVIEW)


async def test_another_link_during_a_write_keeps_that_it_is_not_known(tab: Tab) -> None:
    """The earlier change can be opened again, and its review says how it ended."""
    await tab.review({"telephone": "111"})
    await lose_the_answer(tab)
    await tab.approve(UNKNOWN)
    await tab.open({"telephone": "222"})
    assert NOT_KNOWN in await tab.text()
    await tab.open_raw(f"{tab.address}/api/approve#zz=1", "This link cannot be used")
    assert "Nothing was changed" not in await tab.text()
    await tab.open({"telephone": "222"})
    await tab.press("Open that change")
    await tab.page.get_by_text("111", exact=True).wait_for()
    await tab.press("Sign in to review")
    await tab.sees(DONE)


async def test_a_new_sign_in_keeps_that_a_write_is_not_known(tab: Tab) -> None:
    """The page was left for the sign-in, and the read after it fails."""
    await tab.review()
    await lose_the_answer(tab)
    await tab.approve(UNKNOWN)
    tab.sandbox.entra.script(errors.interaction_required(), times=None)
    http_trigger._service._held = None  # the exchanged token is forgotten
    await tab.press("Check what is stored")
    await tab.sees("One more step to sign in")
    tab.sandbox.entra.clear_script()
    tab.sandbox.partner_center.script(answers.throttled(), method="GET", times=None)
    await tab.press("Sign in again")
    await tab.sees("Partner Center is busy")
    assert "still not known" in await tab.text()


async def test_a_write_that_was_not_done_is_reviewed_again(tab: Tab) -> None:
    """It was not applied: the check shows the change again, and it can be approved."""
    await tab.review()
    tab.sandbox.partner_center.script(CUT, method="PUT", times=None)
    await tab.approve(UNKNOWN)
    tab.sandbox.partner_center.clear_script()
    await tab.press("Check what is stored")
    await tab.sees(REVIEW)
    await tab.approve()


async def test_to_try_again_is_the_same_request(tab: Tab) -> None:
    """Partner Center sees one request id for every attempt of one approval, and another for the next approval."""
    await tab.page.clock.install()
    await tab.review()
    partner_center = tab.sandbox.partner_center
    partner_center.script(CUT, method="PUT", times=None)
    await tab.approve(UNKNOWN)
    await live_again(tab, 5)
    await tab.press("Try again")
    await tab.sees("Updating the profile…")
    await tab.sees(UNKNOWN)
    partner_center.clear_script()
    await tab.page.clock.run_for(5_000)
    await tab.press("Try again")
    await tab.sees(DONE)
    ids = {entry.header("MS-RequestId") for entry in partner_center.journal.of(method="PUT")}
    assert len(ids) == 1
    assert len(partner_center.journal.of(method="PUT")) >= 3


async def test_a_failure_after_an_unknown_write_does_not_say_that_nothing_changed(tab: Tab) -> None:
    """The check itself is throttled: it is still not known."""
    await tab.review()
    await lose_the_answer(tab)
    await tab.approve(UNKNOWN)
    tab.sandbox.partner_center.script(answers.throttled(), method="GET", times=None)
    await tab.press("Check what is stored")
    await tab.sees("Partner Center is busy")
    text = await tab.text()
    assert "still not known" in text
    assert "Nothing was changed" not in text


async def test_a_5xx_of_partner_center_proves_nothing(tab: Tab) -> None:
    """A gateway may answer for a write that was done."""
    await tab.review()
    tab.sandbox.partner_center.script(answers.fault(500, 800003), method="PUT", times=None)
    await tab.approve(UNKNOWN)


async def test_refused_fields_are_named(tab: Tab) -> None:
    """The function's own words say what is wrong with each."""
    wrong = {"email": "a b", "telephone": "x", "website": "javascript:alert(1)"}
    await tab.review(wrong, heading="The proposal cannot be used")
    items = await tab.page.get_by_role("listitem").all_inner_texts()
    assert [item.split()[0] for item in items] == ["Email", "Telephone", "Website"]
    assert "Whoever made the link must correct it." in await tab.text()
    assert tab.said == [message for message in tab.said if "422" in message]


async def test_a_stored_profile_that_is_not_complete_is_explained(tab: Tab) -> None:
    """One field cannot be changed then, and the page says what is missing."""
    tab.sandbox.partner_center.profiles[tab.sandbox.entra.tenants[0]] = {"email": "a@b.example"}
    await tab.review({"telephone": "1"}, heading="The change cannot be made as it is")
    text = await tab.text()
    assert "Website" in text
    assert "`errors`" not in text


async def test_a_person_without_a_role_is_told_who_can_help(tab: Tab) -> None:
    """Partner Center refuses the write with 403."""
    await tab.review()
    tab.sandbox.partner_center.script(answers.fault(403, 900150), method="PUT")
    await tab.approve("This account may not change the profile")
    assert "Admin agent" in await tab.text()
    assert await tab.page.get_by_role("button").all_inner_texts() == ["Sign in with another account"]


@pytest.mark.parametrize("code", [900309, 900329, 1])
async def test_another_403_is_not_called_a_missing_role(tab: Tab, code: int) -> None:
    """The function's own words stand there, and who must act."""
    await tab.review()
    tab.sandbox.partner_center.script(answers.fault(403, code), method="PUT")
    await tab.press("Update the support profile")
    await tab.page.locator(".reference").wait_for()
    assert "Admin agent" not in await tab.text()
    assert "Nothing was changed." in await tab.text()


async def test_a_change_at_the_same_time_is_reviewed_again(tab: Tab) -> None:
    """Partner Center's code 2055 says that somebody else wrote meanwhile."""
    await tab.review()
    tab.sandbox.partner_center.script(answers.fault(400, 2055), method="PUT")
    await tab.approve("The profile was changed at the same time")
    await tab.press("Review again")
    await tab.sees(REVIEW)


@pytest.mark.parametrize(
    ("refusal", "heading", "words"),
    [
        (errors.access_blocked(50105), "This account may not do this", "a missing assignment"),
        (errors.consent_required(), "An administrator must agree first", "/adminconsent?client_id="),
        (errors.wrong_secret(), "This function is misconfigured.", "Whoever runs this page must act."),
        (errors.throttled(57), "Entra ID is throttling requests.", "Try again in 57 s"),
    ],
)
async def test_what_entra_refuses_is_told(tab: Tab, refusal: Answer, heading: str, words: str) -> None:
    """The exchange is refused, and the page says who must act."""
    tab.sandbox.entra.script(refusal, times=None)
    await tab.open(NEW)
    await tab.sign_in()
    await tab.page.locator(".reference").wait_for()
    assert await tab.page.get_by_role("heading", level=1).inner_text() == heading
    text = await tab.text()
    assert words in text
    assert "Nothing was changed." in text


async def test_offline_before_the_review(tab: Tab) -> None:
    """The page says so; back online, the review comes."""
    await tab.page.clock.install()
    await tab.page.route("**/api/update_profile**", lambda route: route.abort())
    await tab.review(heading="This page cannot reach its function")
    assert "Nothing was changed." in await tab.text()
    await tab.page.unroute("**/api/update_profile**")
    await live_again(tab, 5)
    await tab.press("Try again")
    await tab.sees(REVIEW)


async def test_offline_at_the_write_leaves_the_outcome_unknown(tab: Tab) -> None:
    """A request that got no answer may have arrived."""
    await tab.review()
    await tab.page.route("**/api/update_profile", lambda route: route.abort())
    await tab.approve(UNKNOWN)
    await tab.page.unroute("**/api/update_profile")
    await tab.press("Check what is stored")
    await tab.sees(REVIEW)
    await tab.approve()


@pytest.mark.parametrize(
    ("answer", "heading"),
    [
        ({"status": 502, "body": "<h1>Bad gateway</h1>"}, UNKNOWN),
        ({"status": 200, "body": "<h1>Sign in to the network</h1>"}, UNKNOWN),
        ({"status": 200, "body": ""}, UNKNOWN),
        ({"status": 200, "body": "{}"}, UNKNOWN),
        ({"status": 403, "body": "<h1>Blocked</h1>"}, "Something is in the way"),
        ({"status": 401, "body": ""}, "Something is in the way"),
    ],
)
async def test_an_answer_that_is_not_the_functions_is_not_taken_for_one(
    tab: Tab, answer: dict[str, Any], heading: str
) -> None:
    """A gateway's page in place of the answer to a write: only a 4xx says that nothing was written."""
    await tab.review()
    await tab.page.route("**/api/update_profile", lambda route: route.fulfill(**answer, content_type="text/html"))
    await tab.approve(heading)


async def test_a_dry_run_that_shows_another_profile_is_not_approved(tab: Tab) -> None:
    """Something between the page and the function changed a value."""

    async def altered(route: Any) -> None:
        response = await route.fetch()
        text = (await response.text()).replace("+1 425 555 0100", "+1 900 555 0666")
        await route.fulfill(response=response, body=text)

    await tab.page.route("**/api/update_profile?validate_only=true", altered)
    await tab.review(heading="Something went wrong")
    assert tab.writes == []


async def test_wrong_settings_of_the_function_are_told(tab: Tab, function: LiveFunction) -> None:
    """The page was loaded before the setting was broken."""
    await tab.review()
    function.set(ENTRA_CLIENT_SECRET=None)
    await tab.approve("This function is misconfigured.")
    assert "Nothing was changed." in await tab.text()
