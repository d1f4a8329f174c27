"""The first acts of the demo: an update from the sign-in to the audit record, the same again, and a dry run."""

import time
from typing import Any

import httpx

from .demo_stage import USER, Stage
from .local_function import EXAMPLE, ROUTE
from .narration import Hop, check, heading, tell, tell_hops, tell_line, tell_profiles, tell_request, tell_tokens
from .tokens import peek


async def update(stage: Stage) -> None:
    """Send Microsoft's example from the caller to Partner Center and back."""
    heading(f"1  An update: {USER} signs in to Entra ID with MSAL, and her program posts Microsoft's example.")
    pages = await stage.sign_in()
    tell(f"Pages of the sign-in: {', then '.join(pages)}.")
    tell()
    # The requests of the sign-in are not the function's.
    stage.sandbox.entra.journal.clear()
    before, sent_at = stage.profile(), time.monotonic()
    response = await stage.post(EXAMPLE)
    ended = time.monotonic()
    check(that=f"the answer is 200, not {response.status_code}", holds=response.status_code == 200)
    _tell_hops(stage, sent_at, ended, response)
    _tell_tokens(stage)
    after = stage.profile()
    tell("What Partner Center stores:")
    tell_profiles(before, after)
    written = {name.lower(): value for name, value in EXAMPLE.items()}
    check(that="the profile differed from the example before", holds=not written.items() <= before.items())
    check(that="the profile equals the example now", holds=written.items() <= after.items())
    check(that="the answer equals the stored profile", holds=response.json() == after)
    tell()
    tell("The function's audit record of this call:")
    tell_line(stage.log.lines[-1])


async def update_again(stage: Stage) -> None:
    """Show that a second call uses the cached keys and the cached token."""
    entra = stage.sandbox.entra.journal
    keys, exchanges = len(entra.of("keys")), len(entra.of("token"))
    response = await stage.post(EXAMPLE)
    check(that="a second call succeeds as well", holds=response.status_code == 200)
    check(that="it fetches no key", holds=len(entra.of("keys")) == keys)
    check(that="it exchanges no token", holds=len(entra.of("token")) == exchanges)
    tell()
    tell(f"The same call again takes {stage.log.audit['duration_ms']} ms: the keys and the token are cached.")


async def dry_run(stage: Stage) -> None:
    """Show what a change would do, without doing it."""
    heading("2  A dry run (?validate_only=true): a new telephone number.")
    before, puts = stage.profile(), stage.puts()
    response = await stage.post({**EXAMPLE, "Telephone": "+1 425 555 0199"}, validate_only=True)
    check(that=f"the answer is 200, not {response.status_code}", holds=response.status_code == 200)
    changes = response.json()["changes"]
    for change in changes:
        tell(f"{change['field']}: {change['current']} -> {change['proposed']}")
    check(that="only Telephone would change", holds=[change["field"] for change in changes] == ["Telephone"])
    check(that="nothing was written", holds=(stage.profile(), stage.puts()) == (before, puts))
    tell("Nothing was written.")


def _tell_hops(stage: Stage, sent_at: float, ended: float, response: httpx.Response) -> None:
    entra, partner_center = stage.sandbox.entra.journal, stage.sandbox.partner_center.journal
    (exchange,), (put,) = entra.of("token"), partner_center.of(method="PUT")
    audit, answered_at = stage.log.audit, stage.log.answered_at
    begun_at = min(max(answered_at - audit["duration_ms"] / 1000, sent_at), exchange.at)
    fetches = len(entra.of("discovery")) + len(entra.of("keys"))
    check(that="the answer carries the ids sent upstream", holds=_ids(put.headers) == _ids(response.headers))
    check(that="the audit record says ok", holds=(audit["code"], audit["exchange"]) == ("ok", "fetched"))
    body = len(response.request.content)
    hops = (
        Hop("request", sent_at, f"POST {ROUTE}, {body} bytes of JSON, through the host"),
        Hop("validation", begun_at, f"of her token with Entra ID's keys ({fetches} requests), then of the body"),
        Hop("exchange", exchange.at, "of her token for a Partner Center token, on her behalf (MSAL)"),
        Hop("PUT", put.at, f"{put.path}, {len(put.body)} bytes: {put.status}"),
        Hop("answer", answered_at, f"{response.status_code} with Partner Center's body, through the host"),
    )
    tell_hops(hops, ended=ended)
    tell("The times show when each request reached a stand-in and when the function wrote its audit record.")
    tell(f"MS-CorrelationId {response.headers['ms-correlationid']} is in the answer, the log and the PUT.")
    tell()


def _tell_tokens(stage: Stage) -> None:
    """Show what on-behalf-of means: another audience and another client, the same user."""
    (put,) = stage.sandbox.partner_center.journal.of(method="PUT")
    hers = peek(stage.token)
    exchanged = peek((put.header("Authorization") or "").removeprefix("Bearer "))
    tell("On behalf of her: the two tokens have another audience, and the same user.")
    tell_tokens(hers, exchanged)
    check(that="both tokens are alice's", holds=hers["oid"] == exchanged["oid"])
    check(that="each is for another API", holds=hers["aud"] != exchanged["aud"])
    tell()
    tell("The PUT as it goes out:")
    tell_request(put)
    tell()


def _ids(headers: Any) -> set[tuple[str, str]]:  # noqa: ANN401 - pairs, or httpx's headers
    pairs = headers.multi_items() if isinstance(headers, httpx.Headers) else headers
    return {(name.lower(), value) for name, value in pairs if name.lower() in ("ms-correlationid", "ms-requestid")}
