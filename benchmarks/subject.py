"""One measured app in a process of its own, on the real Functions runtime: `python -m benchmarks.subject APP`.

Reads commands as lines of JSON from standard input and answers each with one line. All times are of this process alone.
Log records are formatted, as a worker formats them for the host, and then dropped.

calls     send calls; the CPU they took, their durations and statuses
stalls    send calls of new users; by how much the event loop was late meanwhile
beside    send calls of new users beside cached traffic; their durations
told      send calls one after the other for each user, with values of their own; what was answered
profile   send calls under cProfile; the largest rows
held      memory, tasks, descriptors, threads
"""

import asyncio
import contextlib
import json
import logging
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from sandbox.functions_host import FunctionsHost
from sandbox.worker import HttpAnswer

from .held import Held
from .profiling import largest_rows

ROUTE = "/api/update_profile"
TICK_SECONDS = 0.001
BLOCKED_SECONDS = 0.015

Answers = dict[str, Any]


class _Dropped(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        self.format(record)


class Subject:
    """The app, ready to be called."""

    def __init__(self, host: FunctionsHost) -> None:
        self._host = host

    async def calls(self, *, tokens: Sequence[str], count: int, in_flight: int, body: str) -> Answers:
        """Send `count` calls, `in_flight` at a time, with the tokens in turn."""
        numbers = iter(range(count))
        milliseconds: list[float] = []
        statuses: Counter[int] = Counter()
        sample: list[str] = []

        async def one_after_the_other() -> None:
            for number in numbers:
                begun = time.perf_counter()
                answer = await self._call(tokens[number % len(tokens)], body.encode())
                milliseconds.append((time.perf_counter() - begun) * 1000)
                statuses[answer.status] += 1
                if answer.status != 200:
                    sample[:] = [answer.body.decode("utf-8", "replace")]

        cpu, started_at = time.process_time(), time.perf_counter()
        await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))
        cpu, seconds = time.process_time() - cpu, time.perf_counter() - started_at
        return {
            "cpu_seconds": cpu,
            "seconds": seconds,
            "milliseconds": milliseconds,
            "statuses": {str(status): times for status, times in statuses.items()},
            "sample": sample[0] if sample else None,
        }

    async def stalls(self, *, tokens: Sequence[str], body: str, over_seconds: float) -> Answers:
        """Send one call for each token, spread over that time, and watch how late the event loop is meanwhile.

        `worst_ms` is by the clock: other processes on a busy machine count. `worst_cpu_ms` is the CPU time that the
        loop's thread spent between two ticks: they do not count there.
        """
        late: list[tuple[float, float]] = []

        async def watch() -> None:
            while True:
                clock, cpu = time.perf_counter(), time.thread_time()
                await asyncio.sleep(TICK_SECONDS)
                late.append((time.perf_counter() - clock - TICK_SECONDS, time.thread_time() - cpu))

        watching = asyncio.create_task(watch())
        await asyncio.sleep(0.05)
        arrived = await self._arrive(tokens, body, over_seconds)
        watching.cancel()
        return {
            "worst_ms": max(clock for clock, _ in late) * 1000,
            "worst_cpu_ms": max(cpu for _, cpu in late) * 1000,
            **arrived,
        }

    async def beside(
        self, *, tokens: Sequence[str], cached: Sequence[str], in_flight: int, body: str, over_seconds: float
    ) -> Answers:
        """Send one call for each token as `stalls` does, while `in_flight` calls of cached users follow one another."""
        others: list[float] = []
        failed = 0
        done = asyncio.Event()

        async def traffic(token: str) -> None:
            nonlocal failed
            while not done.is_set():
                begun = time.perf_counter()
                answer = await self._call(token, body.encode())
                others.append((time.perf_counter() - begun) * 1000)
                failed += answer.status != 200

        running = [asyncio.create_task(traffic(cached[number % len(cached)])) for number in range(in_flight)]
        await asyncio.sleep(0.2)
        others.clear()
        arrived = await self._arrive(tokens, body, over_seconds)
        during = list(others)
        done.set()
        await asyncio.gather(*running)
        cached_p50_ms = statistics.median(during) if during else None
        told = {"cached_calls": len(during), "cached_p50_ms": cached_p50_ms}
        return {**arrived, **told, "failed": arrived["failed"] + failed}

    async def _arrive(self, tokens: Sequence[str], body: str, over_seconds: float) -> Answers:
        """Send one call for each token, spread over that time. Returns their durations and how many failed."""
        milliseconds: list[float] = []

        async def arrive(after_seconds: float, token: str) -> HttpAnswer:
            if after_seconds:
                await asyncio.sleep(after_seconds)
            begun = time.perf_counter()
            answer = await self._call(token, body.encode())
            milliseconds.append((time.perf_counter() - begun) * 1000)
            return answer

        answers = await asyncio.gather(
            *(arrive(number * over_seconds / len(tokens), token) for number, token in enumerate(tokens))
        )
        return {
            "p50_ms": statistics.median(milliseconds),
            "max_ms": max(milliseconds),
            "failed": sum(answer.status != 200 for answer in answers),
        }

    async def told(self, *, tokens: Sequence[str], each: int, blocked: bool, mark: str) -> Answers:
        """Send `each` calls for each user, all users at once. Each call has an email of its own.

        `blocked` blocks the event loop after each call, so that what arrives meanwhile is in the socket and unread.
        """
        rows: list[dict[str, Any]] = []

        async def user(number: int, token: str) -> None:
            for call in range(each):
                email = f"{mark}-{number}-{call}@contoso.example"
                profile = {"Email": email, "Telephone": "4255555555", "Website": "www.microsoft.com"}
                answer = await self._call(token, json.dumps(profile).encode())
                rows.append({"sent": email, "status": answer.status, **_shown(answer)})
                if blocked:
                    time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251 - to block is what this is for
                elif call % 3 == 0:
                    await asyncio.sleep(0.01)  # now and then a pause, in which a connection is idle

        await asyncio.gather(*(user(number, token) for number, token in enumerate(tokens)))
        return {"rows": rows}

    async def profile(self, *, tokens: Sequence[str], count: int, in_flight: int, body: str) -> Answers:
        """Send calls under cProfile."""
        with largest_rows() as rows:
            await self.calls(tokens=tokens, count=count, in_flight=in_flight, body=body)
        return {"rows": rows}

    async def held(self) -> Answers:
        """Return what the process holds."""
        return vars(Held.now())

    async def _call(self, token: str, body: bytes) -> HttpAnswer:
        headers = [
            (b"Authorization", b"Bearer " + token.encode()),
            (b"Content-Type", b"application/json"),
            (b"Content-Length", str(len(body)).encode()),
        ]
        return await self._host.handle(method="POST", target=ROUTE, headers=headers, body=body)


def _shown(answer: HttpAnswer) -> dict[str, Any]:
    """Return the email that an answer shows, and what a failure says about the outcome."""
    with contextlib.suppress(ValueError):
        document = json.loads(answer.body)
        return {name: document.get(name) for name in ("email", "outcome", "code")}
    return {"email": None, "outcome": None, "code": None}


async def _main(app: Path) -> None:
    logging.getLogger().addHandler(_Dropped())
    logging.getLogger().setLevel(logging.INFO)
    subject = Subject(await FunctionsHost.load(app))
    commands: dict[str, Callable[..., Coroutine[Any, Any, Answers]]] = {
        name: getattr(subject, name) for name in ("calls", "stalls", "beside", "told", "profile", "held")
    }
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 28)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print(json.dumps({"ready": True}), flush=True)
    async for line in reader:
        command = json.loads(line)
        print(json.dumps(await commands[command.pop("command")](**command)), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
