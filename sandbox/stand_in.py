"""What both stand-ins share: a server, a journal, scripted answers and the control API."""

import logging
import ssl
from abc import ABC, abstractmethod
from typing import ClassVar

from . import control
from .http_request import Request
from .http_server import HttpServer
from .journal import Entry, Journal
from .rules import Asked, Rules
from .script import Answer

logger = logging.getLogger(__name__)


class StandIn(ABC):
    """A server that answers as the real one does, until told otherwise.

    Attributes:
        server: The listener, with switches for trouble before any request (http_server.py).
        journal: What was asked so far, the control API left out.
        known_as: The URL it goes by where clients are sent here under another name, such as a real host's; None means
            its own. Documents and tokens name it.
        scripted_endpoint: Where a script holds that names no endpoint; None means everywhere.
    """

    scripted_endpoint: ClassVar[str | None] = None

    def __init__(self, context: ssl.SSLContext | None) -> None:
        """None as `context` means plain HTTP."""
        self.journal = Journal()
        self.known_as: str | None = None
        self._rules = Rules()
        self._scheme = "https" if context else "http"
        self.server = HttpServer(self._respond, context=context, unread=self._rules.take_unread)

    @property
    def base_url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return self.known_as or f"{self._scheme}://localhost:{self.server.port}"

    def clear_script(self) -> None:
        """Give true answers again."""
        self._rules.clear()

    def reset(self) -> None:
        """As it was at the start: no script, an empty journal, every switch off."""
        self.clear_script()
        self.journal.clear()
        self.known_as = None
        self.server.idle_seconds = None
        self.server.hang_at_tls_hello = self.server.reset_at_tls_hello = False

    @abstractmethod
    def describe(self, entry: Entry) -> None:
        """Fill in what the request says about itself: endpoint, tenant, user, form."""

    @abstractmethod
    def true_answer(self, entry: Entry) -> Answer:
        """What the real one would answer; does what it would do."""

    @abstractmethod
    def control_routes(self) -> dict[tuple[str, str], control.Handler]:
        """The control API's own routes here: (method, path behind /_sandbox/) and what answers them."""

    def finish(self, answer: Answer, entry: Entry) -> Answer:
        """The last touch on a scripted answer."""
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
            # Not a behaviour of the real one but a fault of this one: say so where the test's author looks.
            logger.exception("The stand-in failed")
            return Answer(status=500, body=f"stand-in failed: {error!r}".encode(), close=True)

    def _answer(self, request: Request, connection: int) -> Answer:
        entry = Entry(request.method, request.target, request.headers, request.body, connection)
        self.describe(entry)
        self.journal.append(entry)
        scripted = self._rules.take(entry.asked)
        answer = self.true_answer(entry) if scripted is None else self._scripted(scripted, entry)
        entry.status = answer.status
        return answer

    def _scripted(self, scripted: Answer, entry: Entry) -> Answer:
        if scripted.pass_through:
            return scripted.over(self.true_answer(entry))
        if scripted.apply:
            self.true_answer(entry)
        return self.finish(scripted, entry)
