"""What all stand-ins share: a server, a journal, scripted answers and the control API."""

import logging
import ssl
from abc import ABC, abstractmethod

from . import control
from .http_request import Request
from .http_server import HttpServer
from .journal import Entry, Journal
from .rules import Asked, Rules
from .script import Answer

logger = logging.getLogger(__name__)


class StandIn(ABC):
    """A server that answers as the real service does, unless a script says otherwise.

    Attributes:
        server: The listener, with switches for faults before any request (http_server.py).
        journal: The requests so far, without those to the control API.
        known_as: The base URL when clients reach this server under another name, such as a real host's. None means
            its own URL. Documents and tokens contain this URL.
        scripted_endpoint: The endpoint of a script that names none. None means every endpoint.
    """

    scripted_endpoint: str | None = None

    def __init__(self, context: ssl.SSLContext | None) -> None:
        """Create the server. If `context` is None, it serves plain HTTP."""
        self.journal = Journal()
        self.known_as: str | None = None
        self._rules = Rules()
        self._scheme = "https" if context else "http"
        self.server = HttpServer(self._respond, context=context, unread=self._rules.take_unread)

    @property
    def base_url(self) -> str:
        """Scheme, host and port, without a trailing slash."""
        return self.known_as or f"{self._scheme}://localhost:{self.server.port}"

    def clear_script(self) -> None:
        """Remove all scripted answers, so that true answers are given again."""
        self._rules.clear()

    def reset(self) -> None:
        """Restore the initial state: no script, an empty journal, every switch off."""
        self.clear_script()
        self.journal.clear()
        self.known_as = None
        self.server.idle_seconds = None
        self.server.hang_at_tls_hello = self.server.reset_at_tls_hello = False

    @abstractmethod
    def describe(self, entry: Entry) -> None:
        """Fill in what the request reveals: endpoint, tenant, user and form."""

    @abstractmethod
    def true_answer(self, entry: Entry) -> Answer:
        """Return the answer of the real service, and do what the real service would do."""

    @abstractmethod
    def control_routes(self) -> dict[tuple[str, str], control.Handler]:
        """This stand-in's own control routes: (method, path after /_sandbox/) -> handler."""

    def finish(self, answer: Answer, entry: Entry) -> Answer:
        """Complete a scripted answer before it is sent."""
        return answer

    def with_additions(self, answer: Answer, entry: Entry) -> Answer:
        """Add what the real service adds to every answer of a kind, scripted or not."""
        return answer

    def add_rule(self, answers: tuple[Answer, ...], bound_to: Asked, *, times: int | None) -> None:
        """Script `answers`. See Rules.add."""
        self._rules.add(answers, bound_to, times=times)

    def _respond(self, request: Request, connection: int) -> Answer:
        try:
            if request.path.startswith(control.PREFIX):
                return control.answer(self, request)
            return self._answer(request, connection)
        except Exception as error:
            # This is a defect of the stand-in and not a behaviour of the real service. The answer says so.
            logger.exception("The stand-in failed")
            return Answer(status=500, body=f"stand-in failed: {error!r}".encode(), close=True)

    def _answer(self, request: Request, connection: int) -> Answer:
        entry = Entry(request.method, request.target, request.headers, request.body, connection)
        self.describe(entry)
        self.journal.append(entry)
        scripted = self._rules.take(entry.asked)
        answer = self.true_answer(entry) if scripted is None else self._scripted(scripted, entry)
        answer = self.with_additions(answer, entry)
        entry.status = answer.status
        return answer

    def _scripted(self, scripted: Answer, entry: Entry) -> Answer:
        if scripted.pass_through:
            return scripted.over(self.true_answer(entry))
        if scripted.apply:
            self.true_answer(entry)
        return self.finish(scripted, entry)
