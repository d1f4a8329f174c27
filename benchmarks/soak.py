"""Run mixed traffic with random faults through the real runtime for a limited time and print the figures.

    python -m benchmarks.soak [--seconds 60] [--seed N]

The exit status is 1 if one of these conditions is breached: each call is answered within its budget; each write is
confirmed, refused or reported as unknown, and the stand-in's record then matches the answer; memory, tasks, sockets and
threads do not grow from the first third to the end.
"""

import argparse
import asyncio
import json
import logging
import os
import random
import secrets
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import Answer, Fault, Sandbox
from sandbox.entra import errors as entra
from sandbox.functions_host import FunctionsHost
from sandbox.partner_center import answers as pc
from sandbox.partner_center.profiles import START
from sandbox.users import User
from sandbox.worker import HttpAnswer
from update_profile import http_trigger

from .held import Held

ROOT = Path(__file__).parents[1]
ROUTE = "/api/update_profile"
BUDGET_SECONDS = 3.0
TENANTS = 12
TOKENS_PER_USER = 4
FAULT_SHARE = 0.4
SLACK_SECONDS = 0.5  # allowed on top of the budget, for the machine
GROWTH_MIB = 24.0

PUT_FAULTS = (
    Answer(fault=Fault.CLOSE, apply=True),
    Answer(fault=Fault.RESET_AFTER_REQUEST, apply=True),
    Answer(fault=Fault.HANG, apply=True),
    Answer(fault=Fault.CLOSE),
    Answer(fault=Fault.HANG),
    Answer(fault=Fault.RESET_AFTER_REQUEST),
    Answer(fault=Fault.RESET_AFTER_HEADERS, apply=True),
    Answer(fault=Fault.TRUNCATE, apply=True, headers=(("Content-Type", "application/json"),), body=b'{"a": 1}'),
    Answer(headers=(("Request Context", "a"),), apply=True),
    Answer(headers=(("Content-Length", "1"), ("Content-Length", "2")), body=b"{"),
    Answer.true(delay_seconds=0.4),
    Answer.true(body_byte_seconds=0.001),
    Answer.true(surplus=Answer(body=b"{}")),
    Answer(status=503),
    Answer(status=500),
    Answer(status=502, body=b"<html>"),
    pc.throttled(1),
    pc.throttled(57),
    pc.missing_role(),
    pc.mfa_required(),
    pc.claims_challenge("eyJhIjogMX0="),
    pc.fault(409, 2001),
    Answer(status=307),
)
GET_FAULTS = (Answer(fault=Fault.CLOSE), Answer(fault=Fault.HANG), Answer(status=503), Answer(body=b"<html>"))
ENTRA_FAULTS = (
    entra.unavailable(),
    entra.throttled(1),
    entra.consent_required(),
    entra.interaction_required(),
    Answer(fault=Fault.CLOSE),
    Answer(fault=Fault.HANG),
    Answer(body=b"<html>"),
)
UNCHANGED, WRITTEN, EITHER = "unchanged", "written", "either"


@dataclass
class Tally:
    """The observed codes, writes, breaches and durations."""

    codes: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def breach(self, what: str) -> None:
        """Record a breach."""
        self.breaches.append(what)


def _close_kept_connections() -> None:
    """Close what is kept for its user: the number of such connections is bounded, and differs from moment to moment."""
    http_trigger._service.get().partner_center._http._lanes.close()  # type: ignore[attr-defined]  # of the real client


class Soak:
    """The traffic: one writer for each tenant, and other calls that read, validate only or contain errors."""

    def __init__(self, sandbox: Sandbox, host: FunctionsHost, chance: random.Random) -> None:
        self.sandbox = sandbox
        self.host = host
        self.chance = chance
        self.tally = Tally()
        self.users = list(sandbox.entra.users.values())
        self.tokens = {
            user.name: [sandbox.entra.sign_in(user.name) for _ in range(TOKENS_PER_USER)] for user in self.users
        }

    async def run(self, seconds: float) -> tuple[Held, Held]:
        """Run the traffic for `seconds`. Return the resources held after a third of the time and at the end."""
        until = time.monotonic() + seconds
        writers = [asyncio.create_task(self._write_on(user, until)) for user in self.users]
        others = [asyncio.create_task(self._read_on(until)) for _ in range(6)]
        await asyncio.sleep(seconds / 3)
        early = Held.now()
        await asyncio.gather(*writers, *others)
        _close_kept_connections()
        await asyncio.sleep(1.0)  # sockets close on both sides
        return early, Held.now()

    async def _write_on(self, user: User, until: float) -> None:
        while time.monotonic() < until:
            self._make_trouble(user)
            await self._write(user)
            await asyncio.sleep(self.chance.uniform(0, 0.05))

    async def _read_on(self, until: float) -> None:
        while time.monotonic() < until:
            user = self.chance.choice(self.users)
            method, target, body = self.chance.choice(
                [
                    ("GET", ROUTE, b""),
                    ("POST", f"{ROUTE}?validate_only=true", json.dumps(START).encode()),
                    ("POST", ROUTE, b"{"),
                    ("POST", f"{ROUTE}?validate=true", b"{}"),
                    ("PATCH", ROUTE, b'{"Email": null}'),
                    ("GET", "/api/health", b""),
                ]
            )
            await self._call(user, method, target, body)
            self.sandbox.partner_center.journal.clear()
            self.sandbox.entra.journal.clear()

    async def _write(self, user: User) -> None:
        """Send one write for this tenant, and check that the stored record matches the answer."""
        before = dict(self.sandbox.partner_center.profiles[user.tenant_id])
        mark = secrets.token_hex(4)
        change = {"Email": f"{mark}@contoso.example", "Telephone": f"+1 {mark} 0", "Website": f"{mark}.example"}
        patch = self.chance.random() < 0.3
        if patch:
            change = {"Email": change["Email"]}
        answer = await self._call(user, "PATCH" if patch else "POST", ROUTE, json.dumps(change).encode())
        wanted = before | {name.lower(): value for name, value in change.items()}
        stored = self.sandbox.partner_center.profiles[user.tenant_id]
        said = _said(answer)
        self.tally.writes[said] += 1
        allowed = {UNCHANGED: [before], WRITTEN: [wanted], EITHER: [before, wanted]}[said]
        if stored not in allowed:
            self.tally.breach(f"{answer.status} reported {said}, but the stored record differs")

    def _make_trouble(self, user: User) -> None:
        if self.chance.random() > FAULT_SHARE:
            return
        kind = self.chance.random()
        if kind < 0.65:
            self.sandbox.partner_center.script(self.chance.choice(PUT_FAULTS), method="PUT", user=user.name)
        elif kind < 0.85:
            self.sandbox.partner_center.script(self.chance.choice(GET_FAULTS), method="GET", user=user.name)
        else:
            self.tokens[user.name][self.chance.randrange(TOKENS_PER_USER)] = self.sandbox.entra.sign_in(user.name)
            self.sandbox.entra.script(self.chance.choice(ENTRA_FAULTS), user=user.name)

    async def _call(self, user: User, method: str, target: str, body: bytes) -> HttpAnswer:
        token = self.chance.choice(self.tokens[user.name])
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        headers |= {"Content-Length": str(len(body)), "Idempotency-Key": str(uuid.uuid4())}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        started_at = time.monotonic()
        answer = await self.host.handle(method=method, target=target, headers=raw, body=body)
        took = time.monotonic() - started_at
        self.tally.seconds.append(took)
        self._check(answer, took)
        return answer

    def _check(self, answer: HttpAnswer, took: float) -> None:
        problem = _problem(answer)
        code = problem.get("code", "ok")
        self.tally.codes[code] += 1
        if took > BUDGET_SECONDS + SLACK_SECONDS:
            self.tally.breach(f"{code} took {took:.2f} s")
        if code == "unexpected" or (answer.status >= 400 and not problem):
            self.tally.breach(f"{answer.status} {code}")
        retry_after = any(name.lower() == "retry-after" for name, _ in answer.headers)
        if problem.get("retryable", False) != retry_after:
            self.tally.breach(f"{code}: retryable and Retry-After do not agree")


def _problem(answer: HttpAnswer) -> dict[str, Any]:
    document = json.loads(answer.body) if answer.status >= 400 and answer.body else {}
    return document if isinstance(document, dict) else {}


def _said(answer: HttpAnswer) -> str:
    """Return the outcome that the answer to a write reports."""
    if answer.status < 300:
        return WRITTEN
    return EITHER if _problem(answer).get("outcome") == "unknown" else UNCHANGED


def _more_tenants(sandbox: Sandbox) -> None:
    for number in range(TENANTS - 2):
        tenant = str(uuid.uuid4())
        user = User(f"user-{number}", str(uuid.uuid4()), tenant)
        sandbox.entra.tenants = (*sandbox.entra.tenants, tenant)  # type: ignore[assignment]  # more than two
        sandbox.entra.users[user.name] = user
        sandbox.partner_center.profiles[tenant] = dict(START)
    del sandbox.entra.users["bob"]  # each tenant has one writer


def _report(soak: Soak, early: Held, late: Held, *, seconds: float) -> int:
    tally = soak.tally
    took = sorted(tally.seconds)
    print(f"{len(took)} calls in {seconds:.0f} s, {len(took) / seconds:.0f} a second; {TENANTS} tenants")
    print(f"writes: {dict(tally.writes)}")
    print(f"codes: {dict(tally.codes.most_common())}")
    print(f"slowest call / budget: {took[-1] / BUDGET_SECONDS:.2f}; median: {took[len(took) // 2] * 1000:.0f} ms")
    print(f"held after a third: {early}")
    print(f"held at the end:    {late}")
    if late.mebibytes - early.mebibytes > GROWTH_MIB:
        tally.breach(f"memory grew by {late.mebibytes - early.mebibytes:.1f} MiB")
    for name in ("tasks", "descriptors", "threads"):
        if getattr(late, name) > getattr(early, name):
            tally.breach(f"{name} grew from {getattr(early, name)} to {getattr(late, name)}")
    if not (tally.writes[WRITTEN] and tally.writes[EITHER] and tally.writes[UNCHANGED]):
        tally.breach("the traffic did not reach every outcome")
    for what, times in Counter(tally.breaches).most_common(20):
        print(f"BREACH ({times} times): {what}")
    print("FAILED" if tally.breaches else "All conditions held.")
    return 1 if tally.breaches else 0


async def _main(seconds: float, seed: int) -> int:
    print(f"seed {seed}", flush=True)
    logging.disable(logging.CRITICAL)
    with Sandbox() as sandbox:
        _more_tenants(sandbox)
        os.environ.update(sandbox.settings(), REQUEST_BUDGET_SECONDS=str(BUDGET_SECONDS))
        host = await FunctionsHost.load(ROOT)
        try:
            soak = Soak(sandbox, host, random.Random(seed))  # noqa: S311  for traffic, not for secrets
            early, late = await soak.run(seconds)
        finally:
            await host.close()
    return _report(soak, early, late, seconds=seconds)


def main() -> int:
    """Run the soak from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options = parser.parse_args()
    return asyncio.run(_main(options.seconds, options.seed))


if __name__ == "__main__":
    sys.exit(main())
