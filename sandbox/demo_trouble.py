"""The later acts of the demo: a challenge, a refusal and an outage, and what the caller learns of each."""

import base64
import re

from .demo_stage import USER, Stage
from .local_function import EXAMPLE
from .narration import check, heading, tell, tell_problem
from .script import Answer, Fault
from .tokens import peek


async def challenge(stage: Stage) -> None:
    """Show how a caller meets a claims challenge: decode it, sign in again, repeat."""
    heading(f"3  A challenge: {USER} has signed in without a second factor, and a policy asks for one.")
    entra = stage.sandbox.entra
    entra.second_factor_at_sign_in, entra.required_context = False, "c1"
    await stage.sign_in()
    check(that="her token shows one factor", holds=peek(stage.token)["amr"] == ["pwd"])
    response = await stage.post(EXAMPLE)
    tell_problem(response)
    challenge = response.headers["www-authenticate"]
    found = re.search(r'claims="([^"]+)"', challenge)
    check(that="the answer is a claims challenge", holds=response.status_code == 401 and found is not None)
    claims = base64.b64decode(found[1] if found else "").decode()
    tell(f"claims in WWW-Authenticate, from base64: {claims}")
    pages = await stage.sign_in(claims)
    tell(f"Her program signs her in with these claims. Pages: {', then '.join(pages)}.")
    check(that="the second factor was asked for", holds=pages[-1] == "Approve sign in request")
    response = await stage.post(EXAMPLE)
    tell(f"-> {response.status_code}; her new token has acrs {peek(stage.token)['acrs']}")
    check(that="the repeated call succeeds", holds=response.status_code == 200)
    entra.second_factor_at_sign_in, entra.required_context = True, None


async def refusal(stage: Stage) -> None:
    """Show that the function refuses an invalid email address and sends nothing to Partner Center."""
    heading("4  A refusal: the same profile with an email address that has no @.")
    asked = len(stage.sandbox.partner_center.journal)
    response = await stage.post({**EXAMPLE, "Email": "email.sample.com"})
    tell_problem(response)
    problem = response.json()
    check(that="the answer is 422", holds=response.status_code == 422)
    check(that="its code is invalid_profile", holds=problem["code"] == "invalid_profile")
    check(that="it names Email", holds=[error["field"] for error in problem["errors"]] == ["Email"])
    check(that="nothing was sent upstream", holds=len(stage.sandbox.partner_center.journal) == asked)


async def outage(stage: Stage) -> None:
    """Show that the caller gets an answer in time even though Partner Center never answers."""
    heading("5  An outage: Partner Center reads the PUT and never answers.")
    stage.sandbox.partner_center.script(Answer.trouble(Fault.HANG))
    before = stage.profile()
    response = await stage.post({**EXAMPLE, "Telephone": "+1 425 555 0199"})
    tell_problem(response)
    problem = response.json()
    check(that="the answer is 504", holds=response.status_code == 504)
    check(that="its code is partner_center_timeout", holds=problem["code"] == "partner_center_timeout")
    check(that="the outcome is unknown", holds=problem["outcome"] == "unknown")
    check(that="it may be retried", holds=problem["retryable"] and "retry-after" in response.headers)
    check(that="the stand-in wrote nothing", holds=stage.profile() == before)
    tell(f"The answer came after {stage.log.audit['duration_ms'] / 1000:.1f} s.")


async def silence_after_writing(stage: Stage) -> None:
    """Show the same outage with a PUT that was stored: the read-back confirms it and the caller gets a 200."""
    tell()
    tell("The same outage again, but this time Partner Center stores the profile before it stops answering.")
    stage.sandbox.partner_center.script(Answer(fault=Fault.HANG, apply=True))
    puts = stage.puts()
    response = await stage.post({**EXAMPLE, "Telephone": "+1 425 555 0199"})
    outcome = response.headers.get("update-outcome")
    tell(f"-> {response.status_code}, Update-Outcome: {outcome}")
    check(that="the answer is 200", holds=response.status_code == 200)
    check(that="Update-Outcome is confirmed-by-read", holds=outcome == "confirmed-by-read")
    check(that="the answer equals the stored profile", holds=response.json() == stage.profile())
    check(that="there was one PUT", holds=stage.puts() == puts + 1)
