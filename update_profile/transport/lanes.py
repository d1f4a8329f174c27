"""Who may use which connection again (docs/adr/0011-one-connection-one-user.md).

A connection serves one user only, so that no surplus answer can reach another one. Nobody waits for a connection that
another call uses: who finds none opens one, so no wait can lose a slot.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from contextvars import ContextVar
from typing import NamedTuple

from ..deadline import Deadline
from .connection import Connection, TooLate
from .messages import CallerKey
from .network import Network

IDLE_SECONDS = 30.0
MAX_IDLE = 64


class Origin(NamedTuple):
    """Where a connection leads."""

    scheme: str
    host: str
    port: int


Lane = tuple[Origin, CallerKey]
Opening = asyncio.Task[Connection | BaseException]


class Chain:
    """The connections of one call that no caller has. The call closes them.

    Idle ones lead to Entra ID, for one request after another; ``ahead`` has those that open for another host.
    """

    def __init__(self) -> None:
        self.ahead: dict[Origin, Opening] = {}
        self._idle: dict[Origin, Connection] = {}
        self.is_open = True

    def take(self, origin: Origin) -> Connection | None:
        """Return the connection to this origin, if it is idle."""
        connection = self._idle.pop(origin, None)
        if connection is None or connection.is_idle:
            return connection
        connection.close()
        return None

    def keep(self, origin: Origin, connection: Connection) -> None:
        """Keep a connection for the call's next request."""
        replaced = self._idle.pop(origin, None) if self.is_open else connection
        if replaced is not None:
            replaced.close()
        if self.is_open:
            self._idle[origin] = connection

    def close(self) -> None:
        """Close every connection."""
        self.is_open = False
        while self.ahead:
            _give_up(self.ahead.popitem()[1])
        while self._idle:
            self._idle.popitem()[1].close()


# A task inherits the chain of the call that started it: a fetch of keys hands its connection to that call's exchange.
_chain: ContextVar[Chain | None] = ContextVar("chain", default=None)


@contextlib.contextmanager
def call_chain() -> Iterator[None]:
    """Give the call inside this block a chain of connections. They are closed at its end."""
    chain = Chain()
    token = _chain.set(chain)
    try:
        yield
    finally:
        _chain.reset(token)
        chain.close()


class _Idle:
    __slots__ = ("connection", "timer")
    timer: asyncio.TimerHandle  # ends the wait for another request

    def __init__(self, connection: Connection) -> None:
        self.connection = connection


class Lanes:
    """The connections that are kept, by caller. Belongs to one event loop."""

    def __init__(self, ssl_context: ssl.SSLContext, network: Network) -> None:
        """``network`` opens TCP connections."""
        self._ssl_context = ssl_context
        self._network = network
        self._idle: dict[Lane, list[_Idle]] = {}
        self._count = 0
        self._opening: dict[Lane, Opening] = {}

    def connect_ahead(self, origin: Origin, deadline: Deadline) -> None:
        """Begin to open a connection before this call's caller is known. Does nothing outside a call."""
        chain = _chain.get()
        if chain is not None and chain.is_open and origin not in chain.ahead:
            chain.ahead[origin] = asyncio.ensure_future(self._open_or_error(origin, deadline))

    def prepare(self, origin: Origin, caller: CallerKey, deadline: Deadline) -> None:
        """Begin to open a connection for a caller, unless there is one. The caller's next request takes it."""
        lane = (origin, caller)
        if lane in self._opening or lane in self._idle:
            return
        chain = _chain.get()
        ahead = chain.ahead.pop(origin, None) if chain else None
        task = ahead or asyncio.ensure_future(self._open_or_error(origin, deadline))
        self._opening[lane] = task
        task.add_done_callback(lambda done: self._opened(lane, done))

    async def take_chained(self, origin: Origin, deadline: Deadline) -> Connection:
        """Return the connection of the same call's earlier request to Entra ID; open one if there is none.

        Raises as `take` does.
        """
        chain = _chain.get()
        return (chain.take(origin) if chain else None) or await self.open(origin, deadline)

    async def take(self, origin: Origin, caller: CallerKey, request_id: str, deadline: Deadline) -> Connection:
        """Return a connection that this caller's request may use; open one if there is none.

        Raises:
            OSError, ValueError: It cannot be opened.
            TooLate: It is not open by the deadline.
        """
        lane = (origin, caller)
        idle = self._take_idle(lane, request_id)
        if idle is not None:
            return idle
        opening = self._opening.pop(lane, None)
        if opening is None:
            return await self.open(origin, deadline)
        try:
            with _ends_by(deadline):
                async with asyncio.timeout_at(deadline.at):
                    opened = await opening
        except BaseException:
            _give_up(opening)
            raise
        if isinstance(opened, BaseException):
            raise opened
        return opened

    async def open(self, origin: Origin, deadline: Deadline) -> Connection:
        """Open a connection. Raises as `take` does."""
        with _ends_by(deadline):
            async with asyncio.timeout_at(deadline.at):
                raw = await self._network.connect(origin.host, origin.port)
                tls = self._ssl_context if origin.scheme == "https" else None
                return await Connection.over(raw, tls=tls, host=origin.host, seconds=deadline.remaining_seconds())

    def keep(self, origin: Origin, caller: CallerKey, connection: Connection) -> None:
        """Keep an idle connection for this caller's next request, for half a minute. The oldest one makes room."""
        if self._count >= MAX_IDLE:
            lane = next(iter(self._idle))
            self._drop(lane, self._idle[lane][0])
        lane = (origin, caller)
        loop = asyncio.get_running_loop()
        idle = _Idle(connection)
        idle.timer = loop.call_later(IDLE_SECONDS, self._drop, lane, idle)
        self._idle.setdefault(lane, []).append(idle)
        self._count += 1

    def keep_chained(self, origin: Origin, connection: Connection) -> None:
        """Keep an idle connection for the same call's next request to Entra ID."""
        chain = _chain.get()
        if chain is None:
            connection.close()
        else:
            chain.keep(origin, connection)

    def close(self) -> None:
        """Close every idle connection, and those that are being opened."""
        for opening in self._opening.values():
            _give_up(opening)
        self._opening.clear()
        for lane, kept in list(self._idle.items()):
            for idle in list(kept):
                self._drop(lane, idle)

    def _take_idle(self, lane: Lane, request_id: str) -> Connection | None:
        for idle in reversed(list(self._idle.get(lane, ()))):
            if not idle.connection.is_idle:
                self._drop(lane, idle)
            elif request_id.lower() not in idle.connection.carried:
                self._forget(lane, idle)
                return idle.connection
        return None

    def _drop(self, lane: Lane, idle: _Idle) -> None:
        self._forget(lane, idle)
        idle.connection.close()

    def _forget(self, lane: Lane, idle: _Idle) -> None:
        idle.timer.cancel()
        kept = self._idle[lane]
        kept.remove(idle)
        self._count -= 1
        if not kept:
            del self._idle[lane]

    async def _open_or_error(self, origin: Origin, deadline: Deadline) -> Connection | BaseException:
        """Return an error instead of raising it: a task that raises SystemExit would end the event loop."""
        try:
            return await self.open(origin, deadline)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  it is raised where the connection is awaited
            return error

    def _opened(self, lane: Lane, task: Opening) -> None:
        if self._opening.get(lane) is not task:
            return  # the caller's request has taken it
        del self._opening[lane]
        if not task.cancelled() and isinstance(connection := task.result(), Connection):
            self.keep(*lane, connection)


def _give_up(opening: Opening) -> None:
    """Cancel the task. It may be done already, with a connection that nobody takes any more."""
    opening.add_done_callback(_close_opened)
    opening.cancel()


def _close_opened(opening: Opening) -> None:
    """Close a connection that was opened just as its request gave up."""
    if not opening.cancelled() and isinstance(connection := opening.result(), Connection):
        connection.close()


@contextlib.contextmanager
def _ends_by(deadline: Deadline) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        if deadline.remaining_seconds():  # the system's own: the other side did not answer the connection attempt
            raise
        raise TooLate from error
