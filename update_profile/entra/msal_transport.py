"""What msal is given to send with: its requests travel over the same connections as everything else.

msal runs in a thread and waits; the request itself is sent on the event loop, with the loop's deadlines, TLS context
and rules. One client serves one exchange, so nothing of it is ever shared by two users. What msal would log or trip
over (a body that is not JSON, a 5xx) ends here as an error of ours.
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import Coroutine, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from ..deadline import Deadline
from ..errors import EntraFailed, EntraTimeout, EntraUnavailable, EntraUnexpected
from ..strict_json import parse_object
from ..transport.messages import Http, HttpAnswer, HttpRequest, TransportError, read_retry_after
from .ask import no_answer

logger = logging.getLogger("update_profile")
ATTEMPT_SECONDS = 10.0  # so that a budget of 20 s has room for a second attempt after a hang
LONGEST_PAUSE_SECONDS = 0.3
GRACE_SECONDS = 1.0
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class MsalAnswer:
    """The answer in the form msal reads. It bears no headers: msal would throttle by them, across users."""

    status_code: int
    text: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    def raise_for_status(self) -> None:
        """Part of msal's interface; failures never get this far."""


class MsalHttpClient:
    """msal's ``http_client`` for one exchange (msal/oauth2cli/http.py describes the interface)."""

    def __init__(
        self, http: Http, *, loop: asyncio.AbstractEventLoop, deadline: Deadline, discovery: Mapping[str, Any]
    ) -> None:
        """``discovery`` is the tenant's document that came with its keys: msal would only fetch it again."""
        self._http = http
        self._loop = loop
        self._deadline = deadline
        self._discovery = dict(discovery)
        self._sending: Future[HttpAnswer] | None = None
        self._abandoned = False
        self.answer: HttpAnswer | None = None

    def get(self, url: str, **_: object) -> MsalAnswer:
        """Give msal the tenant's discovery document, the one thing it gets."""
        if not url.endswith("/.well-known/openid-configuration"):
            raise EntraUnexpected("The token library asked for something unforeseen.")
        return MsalAnswer(200, json.dumps(self._discovery))

    def post(
        self, url: str, *, data: Mapping[str, Any], headers: Mapping[str, str] | None = None, **_: object
    ) -> MsalAnswer:
        """Send msal's form to the token endpoint; a second time when the first was cut off or met a 5xx.

        Asking twice for a token harms nobody, and msal never does it.

        Raises:
            EntraUnavailable, EntraTimeout, EntraUnexpected: No answer that msal could read.
        """
        # urlencode takes bytes too: msal gives a client assertion as bytes, which httpx would send as "b'...'".
        request = HttpRequest(
            method="POST",
            url=url,
            headers={**(headers or {}), "Content-Type": FORM},
            body=urlencode(data).encode("ascii"),
        )
        self.answer = self._send_repeating(request)
        return MsalAnswer(self.answer.status, _json_text(self.answer))

    def close(self) -> None:
        """Nothing is held open."""

    def abandon(self) -> None:
        """Nobody waits for the answer any more: send nothing further, and drop what is being sent."""
        self._abandoned = True
        if self._sending is not None:
            self._sending.cancel()

    def _send_repeating(self, request: HttpRequest) -> HttpAnswer:
        try:
            return self._send(request, self._deadline.within(ATTEMPT_SECONDS))
        except _Transient as failure:
            pause = random.uniform(0, LONGEST_PAUSE_SECONDS)  # noqa: S311  spreads load, guards nothing
            if self._deadline.remaining_seconds() <= pause:
                raise failure.error from failure
        time.sleep(pause)
        try:
            return self._send(request, self._deadline)
        except _Transient as failure:
            raise failure.error from failure

    def _send(self, request: HttpRequest, deadline: Deadline) -> HttpAnswer:
        """Send once.

        Raises:
            _Transient: It may go better a second time.
            EntraUnavailable: Nothing was sent, or Entra asks to wait.
        """
        try:
            answer = self._on_loop(self._send_logged(request, deadline), deadline)
        except TransportError as error:
            failure = no_answer(error, "Entra ID")
            raise (_Transient(failure) if error.sent else failure) from error
        if answer.body is None and not deadline.remaining_seconds():  # its body dripped
            raise _Transient(EntraTimeout("Entra ID did not answer in time."))
        if answer.status < 500:
            return answer
        seconds = read_retry_after(answer.header("retry-after"))
        unavailable = EntraUnavailable("Entra ID failed.", retry_after_seconds=seconds)
        raise _Transient(unavailable) if seconds is None else unavailable

    async def _send_logged(self, request: HttpRequest, deadline: Deadline) -> HttpAnswer:
        """Send, and log on the event loop why no answer came: a record from a thread would lose its invocation."""
        try:
            return await self._http.send(request, deadline=deadline)
        except TransportError as error:
            logger.warning("update_profile.no_answer entra %s", error.reason)
            raise
        except (SystemExit, KeyboardInterrupt) as error:  # out of this task either would end the event loop
            raise EntraUnavailable("Entra ID cannot be reached.") from error

    def _on_loop(self, sending: Coroutine[Any, Any, HttpAnswer], deadline: Deadline) -> HttpAnswer:
        """Send on the event loop, and wait in this thread.

        Raises:
            EntraUnavailable: Nobody waits any more, or the loop is closed.
            EntraTimeout: The loop does not get to it.
        """
        abandoned = EntraUnavailable("The exchange was given up.")
        if self._abandoned:
            sending.close()
            raise abandoned
        try:
            self._sending = asyncio.run_coroutine_threadsafe(sending, self._loop)
        except RuntimeError:  # the loop is closed
            sending.close()
            raise abandoned from None
        try:
            return self._sending.result(deadline.remaining_seconds() + GRACE_SECONDS)
        except TimeoutError:
            self._sending.cancel()
            raise EntraTimeout("This function was too busy to ask Entra ID in time.") from None
        except CancelledError:
            raise abandoned from None


class _Transient(Exception):
    """A failure of one attempt that the next may not meet, and the error it is if there is no next."""

    def __init__(self, error: EntraFailed) -> None:
        super().__init__(error.detail)
        self.error = error


def _json_text(answer: HttpAnswer) -> str:
    """Return the body if it is a JSON object; msal would log anything else."""
    document = parse_object(answer.body)
    if document is None or 300 <= answer.status < 400:
        raise EntraUnexpected("Entra ID's answer cannot be read.")
    return json.dumps(document)
