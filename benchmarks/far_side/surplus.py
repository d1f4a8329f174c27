"""Partner Center's answers that nobody asked for, at one of four moments.

A faulty gateway that sends one answer too many is what can hand a user another user's profile over a kept connection.
"""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any, Literal, get_args

from sandbox.http_request import Request
from sandbox.script import Answer
from sandbox.wire_faults import render

from .lean_server import Connection

Moment = Literal["with the answer", "while idle", "behind a blocked loop", "after the next request went out"]
MOMENTS: tuple[Moment, ...] = get_args(Moment)
IDLE_SECONDS = 0.005

# The ids in a surplus answer: those of the answer before it, none, or those of nobody.
IDS = ("same", "none", "other")


class Surplus:
    """Answers as Partner Center does, and a second time where a moment is set.

    Attributes:
        moment: When the second answer is sent. None means never.
        sent: The number of second answers so far.
        written: Each email that a PUT wrote, in order.
    """

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self.moment: Moment | None = None
        self.sent = 0
        self.written: list[str] = []
        self._answer = answer

    def respond(self, request: Request, connection: Connection) -> None:
        """Answer one request, with a surplus answer before or after it."""
        if self.moment is None:
            connection.send(self._answer(request))
            return
        if self.moment == "after the next request went out" and connection.answered:
            self._send_surplus(connection)
        answer = self._answer(request)
        if request.method == "PUT" and answer.status == 200:
            self.written.append(str(json.loads(request.body)["Email"]))
        copy = render(_with_ids(answer, IDS[self.sent % len(IDS)]))
        if self.moment == "with the answer":
            self.sent += 1
            connection.send_bytes(render(answer) + copy)
            return
        connection.send(answer)
        connection.last = copy
        if self.moment in ("while idle", "behind a blocked loop"):
            asyncio.get_running_loop().call_later(IDLE_SECONDS, self._send_surplus, connection)

    def told(self) -> dict[str, Any]:
        """Return what was sent and written since the last call, and forget it."""
        told = {"sent": self.sent, "written": self.written}
        self.sent, self.written = 0, []
        return told

    def _send_surplus(self, connection: Connection) -> None:
        self.sent += 1
        connection.push(connection.last)


def _with_ids(answer: Answer, ids: str) -> Answer:
    """Return the answer with the ids that are wanted in the surplus one."""
    others = tuple((name, value) for name, value in answer.headers if name.lower() != "ms-requestid")
    if ids == "none":
        return Answer(answer.status, others, answer.body)
    if ids == "other":
        return Answer(answer.status, (*others, ("MS-RequestId", str(uuid.uuid4()))), answer.body)
    return answer
