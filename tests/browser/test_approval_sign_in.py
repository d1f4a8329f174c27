"""Signing in to the approval page, and what can go wrong there."""

import time

import pytest
from live_function import LiveFunction

from sandbox.entra import errors
from sandbox.script import Answer
from scripts.browser_tab import NEW, REVIEW, SIGNED_OUT, Tab
from update_profile import http_trigger

AGAIN = "Sign in again"
NOT_ACCEPTED = "Your sign-in is not accepted"
NOTHING = "There is nothing to approve"


def redeemed(tab: Tab) -> int:
    """Return how many codes Entra was asked to redeem."""
    return len(tab.sandbox.entra.journal.of("code"))


async def test_a_cancelled_sign_in_keeps_the_proposal(tab: Tab) -> None:
    """The person can sign in again."""
    await tab.open(NEW)
    await tab.press("Sign in to review")
    await tab.press("Cancel")
    await tab.sees("You did not sign in")
    await tab.sign_in(button=AGAIN)
    await tab.sees(REVIEW)
    assert NEW["email"] in await tab.text()


async def test_a_claims_challenge_is_answered(tab: Tab) -> None:
    """The claims go to Entra's sign-in as they came, for the same account, and the review follows."""
    entra = tab.sandbox.entra
    entra.second_factor_at_sign_in = False
    entra.required_context = "c1"
    await tab.open(NEW)
    await tab.sign_in(factor=False)
    await tab.sees("One more step to sign in")
    assert "Nothing was changed." in await tab.text()
    await tab.press(AGAIN)
    await tab.approve_factor()
    await tab.sees(REVIEW)
    asked = [entry.path for entry in entra.journal if "/authorize?" in entry.path][-1]
    assert "claims=%7B%22access_token%22" in asked
    assert "login_hint=alice%40partner.example" in asked
    await tab.approve()


async def test_a_challenge_at_the_write_leads_back_to_the_review(tab: Tab) -> None:
    """The person approves again what is shown again."""
    await tab.review()
    tab.sandbox.entra.script(errors.interaction_required(), times=None)
    http_trigger._service._held = None  # the exchanged token is forgotten
    await tab.approve("One more step to sign in")
    tab.sandbox.entra.clear_script()
    await tab.press(AGAIN)
    await tab.sees(REVIEW)
    await tab.approve()
    assert len(tab.writes) == 1


async def test_partner_centers_own_refusal_asks_for_a_second_factor(tab: Tab) -> None:
    """A sign-in that again has none is said to be not enough; one that has it leads to the review."""
    entra = tab.sandbox.entra
    entra.second_factor_at_sign_in = False
    await tab.open(NEW)
    await tab.sign_in(factor=False)
    await tab.sees("Partner Center asks for a second factor")
    assert "it was not enough" not in await tab.text()
    await tab.sign_in(button=AGAIN, factor=False)
    await tab.sees("Partner Center asks for a second factor")
    assert "it was not enough" in await tab.text()
    entra.second_factor_at_sign_in = True
    await tab.sign_in(button=AGAIN)
    await tab.sees(REVIEW)


async def test_with_one_tenant_entra_keeps_another_organization_out(tab: Tab) -> None:
    """The person is told on Entra's page, and can choose another account there."""
    await tab.open(NEW)
    await tab.press("Sign in to review")
    await tab.choose("carol", factor=False)
    assert "AADSTS50020" in await tab.page.get_by_role("alert").inner_text()
    await tab.choose("alice")
    await tab.sees(REVIEW)


async def test_with_several_tenants_the_function_keeps_another_organization_out(
    tab: Tab, function: LiveFunction
) -> None:
    """The person can sign in with another account."""
    entra = tab.sandbox.entra
    function.set(ENTRA_ALLOWED_TENANTS=f"{entra.tenants[0]},11111111-1111-4111-8111-111111111111")
    await tab.review(user="carol", heading="This account cannot be used here")
    await tab.sign_in(button="Sign in with another account")
    await tab.sees(REVIEW)
    assert any("/organizations/oauth2/v2.0/authorize" in entry.path for entry in entra.journal)


async def test_a_token_that_expires_while_the_person_reads_asks_for_a_new_sign_in(
    tab: Tab, function: LiveFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proposal is kept and reviewed again; nothing was written."""
    await tab.review()
    function.restart()
    validator = http_trigger._service.get().token_validator
    with monkeypatch.context() as later:
        later.setattr(validator, "_wall_clock", lambda: time.time() + 7200)
        await tab.approve("Your sign-in has ended")
    assert tab.writes == []
    await tab.press(AGAIN)
    await tab.sees(REVIEW)
    asked = [entry.path for entry in tab.sandbox.entra.journal if "/authorize?" in entry.path][-1]
    assert "prompt=" not in asked
    await tab.approve()
    assert len(tab.writes) == 1


async def test_a_clock_that_is_wrong_does_not_ask_for_sign_ins_without_end(
    tab: Tab, function: LiveFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second new token that has expired is a fault of whoever runs the function."""
    await tab.open(NEW)
    function.restart()
    validator = http_trigger._service.get().token_validator
    monkeypatch.setattr(validator, "_wall_clock", lambda: time.time() + 7200)
    await tab.sign_in()
    await tab.sees("Your sign-in has ended")
    await tab.press(AGAIN)
    await tab.sees(NOT_ACCEPTED)
    assert "Whoever runs this page must act." in await tab.text()
    assert await tab.page.get_by_role("button").count() == 0


async def test_a_token_that_is_refused_at_once_is_not_called_ended(tab: Tab, function: LiveFunction) -> None:
    """The reason is shown, with who must act. Another sign-in would get the same token."""
    function.set(ENTRA_ALLOWED_AUDIENCES="api://another")
    await tab.review(heading=NOT_ACCEPTED)
    text = await tab.text()
    assert "Whoever runs this page must act." in text
    assert "Nothing was changed." in text
    assert await tab.page.get_by_role("button").count() == 0


async def test_an_old_token_that_is_refused_can_be_renewed_once(tab: Tab, function: LiveFunction) -> None:
    """Something may have changed since the sign-in."""
    await tab.page.clock.install()
    await tab.review()
    await tab.page.clock.run_for(61_000)
    function.set(ENTRA_ALLOWED_AUDIENCES="api://another")
    await tab.approve(NOT_ACCEPTED)
    function.set(ENTRA_ALLOWED_AUDIENCES=None)
    await tab.sign_in(button=AGAIN)
    await tab.sees(REVIEW)


async def test_a_second_step_up_after_a_review_is_not_called_a_repeat(tab: Tab) -> None:
    """The first step-up was enough for the review."""
    entra = tab.sandbox.entra
    entra.second_factor_at_sign_in = False
    entra.required_context = "c1"
    await tab.open(NEW)
    await tab.sign_in(factor=False)
    await tab.sees("One more step to sign in")
    await tab.press(AGAIN)
    await tab.approve_factor()
    await tab.sees(REVIEW)
    entra.script(errors.interaction_required(), times=None)
    http_trigger._service._held = None
    await tab.approve("One more step to sign in")
    assert "it was not enough" not in await tab.text()


async def test_a_sign_in_that_nobody_finishes_is_forgotten(tab: Tab) -> None:
    """After half an hour its verifier and its proposal are gone from the tab."""
    await tab.page.clock.install()
    await tab.open(NEW)
    await tab.press("Sign in to review")
    await tab.sees("Pick an account")
    await tab.page.go_back()
    await tab.sees(SIGNED_OUT)
    assert "approve:sign-in" in (await tab.stored())[0]
    await tab.page.clock.run_for(30 * 60_000 + 1_000)
    assert list((await tab.stored())[0]) == ["approve:link"]


async def test_the_button_is_live_again_where_the_page_was_not_left(tab: Tab) -> None:
    """The person stopped the navigation."""
    await tab.page.clock.install()
    await tab.open(NEW)
    await tab.page.route("**/authorize**", lambda route: route.abort("aborted"))
    await tab.press("Sign in to review")
    button = tab.page.get_by_role("button", name="Sign in to review")
    assert await button.get_attribute("aria-disabled") == "true"
    await tab.page.clock.run_for(6_000)
    assert await button.get_attribute("aria-disabled") == "false"


@pytest.mark.parametrize("answer", [errors.unavailable(), errors.refusal(400, "invalid_grant", (70008,))])
async def test_a_code_that_cannot_be_redeemed_is_told(tab: Tab, answer: Answer) -> None:
    """Entra's token endpoint fails or refuses; the next sign-in works."""
    tab.sandbox.entra.script(answer, path="code")
    await tab.open(NEW)
    await tab.sign_in()
    await tab.sees("The sign-in failed")
    assert ("AADSTS70008" if answer.status == 400 else "cannot be reached") in await tab.text()
    await tab.sign_in(button=AGAIN)
    await tab.sees(REVIEW)


async def test_a_code_that_nobody_waits_for_is_dropped(tab: Tab) -> None:
    """A forged link signs nobody in, and its code goes nowhere."""
    await tab.open_raw(f"{tab.address}/api/approve#code=abc&state=xyz", NOTHING)
    assert (redeemed(tab), tab.page.url) == (0, f"{tab.address}/api/approve")


async def test_a_forged_state_is_refused(tab: Tab) -> None:
    """The code goes nowhere, and neither does the true answer after it."""
    await tab.open(NEW)
    await tab.press("Sign in to review")
    await tab.sees("Pick an account")
    await tab.open_raw(f"{tab.address}/api/approve#code=abc&state=forged", "The sign-in failed")
    assert "belongs to another sign-in" in await tab.text()
    assert redeemed(tab) == 0
    await tab.sign_in(button=AGAIN)
    await tab.sees(REVIEW)


async def test_a_forged_refusal_is_no_refusal(tab: Tab) -> None:
    """A text in a link does not become a sentence of Entra's."""
    await tab.open_raw(f"{tab.address}/api/approve#error=x&error_description=Call+900&state=1", NOTHING)
    assert "900" not in await tab.text()


async def test_the_back_button_shows_no_review_of_an_old_sign_in(tab: Tab) -> None:
    """An old answer of Entra's signs nobody in; the proposal is still there."""
    await tab.review()
    await tab.page.evaluate("history.go(-2)")  # Entra's first page, which answers at once for who is signed in
    await tab.sees(SIGNED_OUT)
    assert redeemed(tab) == 1
    assert NEW["email"] in await tab.text()


async def test_after_the_end_the_back_button_writes_nothing(tab: Tab) -> None:
    """The pages before hold neither a token nor a proposal."""
    await tab.review()
    await tab.approve()
    await tab.page.evaluate("history.go(-2)")
    await tab.sees(NOTHING)
    assert (len(tab.writes), redeemed(tab)) == (1, 1)


async def test_a_sign_in_comes_back_with_its_own_proposal(tab: Tab) -> None:
    """Another link was opened in the same tab meanwhile. What is reviewed belongs to the sign-in that was finished."""
    await tab.open({"telephone": "111"})
    await tab.press("Sign in to review")
    await tab.sees("Pick an account")
    await tab.open({"telephone": "222"})
    await tab.page.go_back()
    await tab.choose()
    await tab.sees(REVIEW)
    text = await tab.text()
    assert "111" in text
    assert "222" not in text


async def test_another_link_in_the_same_tab_replaces_the_proposal(tab: Tab) -> None:
    """Only the fragment changes, and the token of the first sign-in is dropped."""
    await tab.review({"telephone": "111"})
    await tab.open({"telephone": "222"})
    assert "222" in await tab.text()


async def test_a_browser_that_keeps_nothing_is_told_so(tab: Tab) -> None:
    """Nothing fails in silence."""
    await tab.page.add_init_script("Object.defineProperty(window, 'sessionStorage', {get() { throw new Error() }})")
    await tab.open_raw(tab.link(NEW), "Something went wrong")
    assert "keeps data of this site" in await tab.text()
