"""Run the whole flow once, for a first-time reader: `python -m sandbox.demo`, or `make demo`.

The demo shows one update, one refusal and one outage over real HTTP and TLS. It measures its times: when requests
reached the stand-ins (from their journals) and when the function wrote its audit record. It exits with status 1 when
a check fails.
"""

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

import httpx

from .local_function import EXAMPLE, ROUTE, local_function, surroundings
from .narration import Hop, NotAsItShouldBe, check, heading, tell, tell_hops, tell_problem, tell_profiles
from .sandbox import Sandbox
from .script import Answer, Fault

USER = "alice"
OUTAGE_BUDGET_SECONDS = 2
AUDIT_EVENT = "update_profile.completed"


class FunctionLog(logging.Handler):
    """Stores the function's log lines, its last audit record and the record's time on the monotonic clock."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.audit: dict[str, Any] = {}
        self.answered_at = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Store the record."""
        line = record.getMessage()
        self.lines.append(f"{record.levelname} {line}")
        if line.startswith(AUDIT_EVENT):
            self.answered_at = time.monotonic()
            self.audit = json.loads(line.removeprefix(AUDIT_EVENT))


class Demo:
    """The steps of the demo, in order. Each step prints what it does and checks the result."""

    def __init__(self, sandbox: Sandbox, client: httpx.AsyncClient, log: FunctionLog) -> None:
        self._sandbox = sandbox
        self._client = client
        self._log = log
        self._token = sandbox.entra.sign_in(USER)
        self._tenant = sandbox.entra.users[USER].tenant_id

    async def update(self) -> None:
        """Send Microsoft's example from the caller to Partner Center and back."""
        heading(f"1  An update: {USER} signs in to Entra ID and posts Microsoft's example with her token.")
        before = self._profile()
        sent_at = time.monotonic()
        response = await self._post(EXAMPLE)
        ended = time.monotonic()
        check(that=f"the answer is 200, not {response.status_code}", holds=response.status_code == 200)
        self._tell_hops(sent_at, ended, response)
        after = self._profile()
        tell()
        tell_profiles(before, after)
        written = {name.lower(): value for name, value in EXAMPLE.items()}
        check(that="the profile differed from the example before", holds=not written.items() <= before.items())
        check(that="the profile equals the example now", holds=written.items() <= after.items())
        check(that="the answer equals the stored profile", holds=response.json() == after)

    async def update_again(self) -> None:
        """Show that a second call uses the cached keys and the cached token."""
        keys, exchanges = (len(self._sandbox.entra.journal.of(endpoint)) for endpoint in ("keys", "token"))
        response = await self._post(EXAMPLE)
        check(that="a second call succeeds as well", holds=response.status_code == 200)
        check(that="it fetches no key", holds=len(self._sandbox.entra.journal.of("keys")) == keys)
        check(that="it exchanges no token", holds=len(self._sandbox.entra.journal.of("token")) == exchanges)
        tell()
        tell(f"The same call again takes {self._log.audit['duration_ms']} ms: the keys and the token are cached.")

    async def refusal(self) -> None:
        """Show that the function refuses an invalid email address and sends nothing to Partner Center."""
        heading("2  A refusal: the same profile with an email address that has no @.")
        puts = len(self._sandbox.partner_center.journal)
        response = await self._post({**EXAMPLE, "Email": "email.sample.com"})
        tell_problem(response)
        problem = response.json()
        check(that="the answer is 422", holds=response.status_code == 422)
        check(that="its code is invalid_profile", holds=problem["code"] == "invalid_profile")
        check(that="it names Email", holds=[error["field"] for error in problem["errors"]] == ["Email"])
        check(that="nothing was sent upstream", holds=len(self._sandbox.partner_center.journal) == puts)

    async def outage(self) -> None:
        """Show that the caller gets an answer in time even though Partner Center never answers."""
        heading(
            f"3  An outage: Partner Center reads the PUT and never answers. The budget is {OUTAGE_BUDGET_SECONDS} s."
        )
        os.environ["REQUEST_BUDGET_SECONDS"] = str(OUTAGE_BUDGET_SECONDS)
        self._sandbox.partner_center.script(Answer.trouble(Fault.HANG))
        before = self._profile()
        response = await self._post({**EXAMPLE, "Telephone": "+1 425 555 0199"})
        tell_problem(response)
        problem = response.json()
        check(that="the answer is 504", holds=response.status_code == 504)
        check(that="its code is partner_center_timeout", holds=problem["code"] == "partner_center_timeout")
        check(that="the outcome is unknown", holds=problem["outcome"] == "unknown")
        check(that="it may be retried", holds=problem["retryable"] and "retry-after" in response.headers)
        check(that="the stand-in wrote nothing", holds=self._profile() == before)
        tell(f"The answer came after {self._log.audit['duration_ms'] / 1000:.1f} s.")

    async def silence_after_writing(self) -> None:
        """Show the same outage with a PUT that was stored: the read-back confirms it and the caller gets a 200."""
        tell()
        tell("The same outage again, but this time Partner Center stores the profile before it stops answering.")
        self._sandbox.partner_center.script(Answer(fault=Fault.HANG, apply=True))
        puts = len(self._sandbox.partner_center.journal.of(method="PUT"))
        response = await self._post({**EXAMPLE, "Telephone": "+1 425 555 0199"})
        outcome = response.headers.get("update-outcome")
        tell(f"-> {response.status_code}, Update-Outcome: {outcome}")
        check(that="the answer is 200", holds=response.status_code == 200)
        check(that="Update-Outcome is confirmed-by-read", holds=outcome == "confirmed-by-read")
        check(that="the answer equals the stored profile", holds=response.json() == self._profile())
        check(that="there was one PUT", holds=len(self._sandbox.partner_center.journal.of(method="PUT")) == puts + 1)

    def _tell_hops(self, sent_at: float, ended: float, response: httpx.Response) -> None:
        entra, partner_center = self._sandbox.entra.journal, self._sandbox.partner_center.journal
        (exchange,), (put,) = entra.of("token"), partner_center.of(method="PUT")
        audit, answered_at = self._log.audit, self._log.answered_at
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

    def _profile(self) -> dict[str, Any]:
        return self._sandbox.partner_center.profiles.read(self._tenant)

    async def _post(self, profile: Mapping[str, str]) -> httpx.Response:
        return await self._client.post(ROUTE, json=profile, headers={"Authorization": f"Bearer {self._token}"})


def _ids(headers: Any) -> set[tuple[str, str]]:  # noqa: ANN401 - pairs, or httpx's headers
    pairs = headers.multi_items() if isinstance(headers, httpx.Headers) else headers
    return {(name.lower(), value) for name, value in pairs if name.lower() in ("ms-correlationid", "ms-requestid")}


async def _run(log: FunctionLog) -> None:
    with Sandbox() as sandbox:
        async with local_function(sandbox) as address, _client(address) as client:
            print("Updating a Microsoft Partner Center support profile on behalf of the signed-in user.")
            print(surroundings())
            for name, url in (
                ("caller", "this process"),
                ("function", address + ROUTE),
                ("Entra ID", f"{sandbox.entra.base_url} (stand-in)"),
                ("Partner Center", f"{sandbox.partner_center.base_url} (stand-in)"),
            ):
                tell(f"{name:<16}{url}")
            demo = Demo(sandbox, client, log)
            for act in (demo.update, demo.update_again, demo.refusal, demo.outage, demo.silence_after_writing):
                await act()


def _client(address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=address, trust_env=False, timeout=60)


def main() -> int:
    """Run the demo. Returns the exit status."""
    log = FunctionLog()
    logging.getLogger().addHandler(logging.NullHandler())
    logger = logging.getLogger("update_profile")
    logger.setLevel(logging.INFO)
    logger.addHandler(log)
    try:
        asyncio.run(_run(log))
    except NotAsItShouldBe as failure:
        print(f"\nThe demo failed. Expected: {failure}.\nThe function logged:", *log.lines, sep="\n  ", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
        return 130  # what a shell expects of a command that Ctrl+C ended
    print("\nEvery check passed. Next: `make serve` keeps the function running and prints a curl command.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
