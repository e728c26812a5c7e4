"""The state of a listener: the clients that have not been accepted yet, and its end. No I/O, no waiting."""

from __future__ import annotations

import collections

from ...errors import SessionClosed, SessionReset
from ...wording import retold
from .openable import Openable
from .socket_state import SocketId, SocketState

BACKLOG = 8


class ListenerState(Openable):
    """One listener: the clients that have not been accepted yet, and its end.

    Args:
        name: its name in messages.
        protocol: TCP or UDP.
        port: the port on which it listens.
        id: its id in the module.
        clients: the most clients at once.
        receive: the receive mode of its clients, with the words of ``receive=``.
    """

    def __init__(
        self,
        *,
        name: str,
        protocol: str,
        port: int,
        id: SocketId,
        clients: int = 1,
        receive: str = "buffered",
    ) -> None:
        super().__init__()
        self.name = name
        self.id = id
        self.protocol = protocol
        self.port = port
        self.timeout: float | None = None
        """Seconds that `accept` waits; None: without limit."""
        self.clients = clients
        self.receive: str = receive
        """The receive mode of its clients, with the words of ``receive=``."""
        self.refused: int = 0
        """Number of clients that were refused because too many were waiting."""
        self.full: int = 0
        """How often the module has reported that it refused a client by itself, because it had no socket for it."""
        self._waiting: collections.deque[SocketState] = collections.deque()
        self.unfinished: bool = False
        """Whether this side has closed it, but perhaps not the module."""
        self._closed = False

    def __repr__(self) -> str:
        return f"<ListenerState {self.id.number} of {self.name}: {self.protocol} port {self.port}, {self.condition}>"

    @property
    def open(self) -> bool:
        """Whether it is still listening."""
        return not (self._closed or self._ended)

    @property
    def broken(self) -> bool:
        """Whether it has ended without having been closed on this side."""
        return self._ended is not None

    @property
    def condition(self) -> str:
        """Its state, in words."""
        if self._closed:
            return "closed here"
        return "listening" if self._ended is None else f"broken ({self._ended})"

    def offer(self, session: SocketState) -> bool:
        """Add a client to those that wait; return False if there are too many, or the listener has ended.

        Args:
            session: the session of the client.
        """
        with self.changes:
            if not self.open or len(self._waiting) >= BACKLOG:
                self.refused += 1
                return False
            self._waiting.append(session)
            self.changes.notify()
            return True

    def break_off(self, cause: Exception) -> None:
        """Note that the server has ended.

        Args:
            cause: why; accepting raises it.
        """
        with self.changes:
            self._ended = self._ended or cause
            self.changes.notify()

    def close_here(self) -> bool:
        """Close it on this side; return False if it was closed already."""
        with self.changes:
            first, self._closed = not self._closed, True
            self.changes.notify()
            return first

    def take_waiting(self) -> list[SocketState]:
        """Return all clients that wait, and keep none."""
        with self.changes:
            waiting = list(self._waiting)
            self._waiting.clear()
            return waiting

    def take_client(self) -> SocketState | None:
        """Return the next client that waits, or None.

        Raises:
            drivers.errors.SessionClosed: the server has ended.
        """
        with self.changes:
            if self._waiting:
                return self._waiting.popleft()
            if self._ended is not None:
                raise self._again(self._ended)
            if self._closed:
                raise SessionClosed(f"{self.name}: the server was closed here")
            return None

    def _again(self, cause: Exception) -> Exception:
        """See `Openable`."""
        kind = SessionReset if isinstance(cause, SessionReset) else SessionClosed
        fresh = kind(retold(self.name, cause, "the server has ended: "), code=getattr(cause, "code", None))
        fresh.__cause__ = cause
        return fresh
