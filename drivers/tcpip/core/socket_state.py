"""The state of a session: received data, and how it ended. No I/O, no waiting."""

from __future__ import annotations

import collections
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ...errors import DriverError, InvalidType, ReceiveOverflow, SessionClosed, SessionFinished, SessionReset
from ...wording import retold
from .openable import Openable
from .pushes import Pushes

Role = Literal["client", "server"]
"""The role of this side of a session."""
Address = tuple[str, int]
"""A dotted address, and a port."""
Ending = Literal["length", "ctrl-z", "timer", "hex"]
"""How a piece of data ends: after the announced length, with Ctrl-Z, when a timer runs out; or as text in a command."""
ANYWHERE: Address = ("0.0.0.0", 0)  # noqa: S104 - the other side, not what is bound
"""The remote address of a UDP service, which has no remote host of its own."""

RECEIVE_LIMIT = 4 * 1024 * 1024
MOST_DATAGRAMS = 65536
CONGESTED = 256 * 1024  # octets beyond which no more is fetched


class SocketId(NamedTuple):
    """The id of a socket in a family of modules.

    Args:
        number: its number in commands.
        role: the role of this side, if clients and servers are numbered separately; None: they share one list.
    """

    number: int
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The amounts of data that were sent in one session (app note 3.3, 10.1).

    Args:
        sent: octets sent in total.
        acknowledged: octets that the other side has acknowledged.
        pending: octets that it has not acknowledged yet.
    """

    sent: int
    acknowledged: int
    pending: int


class SocketState(Openable):
    """One session: its received octets and its end.

    Args:
        name: its name in messages.
        protocol: TCP or UDP.
        role: the role of this side.
        remote: address and port of the other side; port 0 if the module does not report it.
        id: its id in the module.
        datagrams: whether data comes in datagrams that are kept apart.
        receive: its receive mode, with the words of ``receive=``.
        service: the local port, if it is a UDP service.
        limit: the most unread octets that are kept; more of them end the session with an error.
    """

    def __init__(
        self,
        *,
        name: str,
        protocol: str,
        role: Role,
        remote: Address,
        id: SocketId,
        datagrams: bool = False,
        receive: str = "buffered",
        service: int | None = None,
        limit: int = RECEIVE_LIMIT,
    ) -> None:
        super().__init__()
        self.name = name
        self.protocol = protocol
        self.role: Role = role
        self.id = id
        self.receive: str = receive
        """Its receive mode, with the words of ``receive=``."""
        self.service: int | None = service
        """The local port of a UDP service; None: it has one remote host."""
        self.pushes: Pushes = Pushes()
        """Its data that has been pushed, on whatever channel."""
        self.reserved: bool = False
        """Whether it is being opened, so that the module may still give its id to a client."""
        self.timeout: float | None = None
        """Seconds that a reader waits; None: without limit."""
        self.unread: bool = False
        """Whether the module keeps data that has not been fetched."""
        self.closing: bool = False
        """Whether the other side has closed it, but the module still keeps data that has to be fetched."""
        self.ending: bool = False
        """Whether this side has closed it, but the module has not yet."""
        self.half_closed: bool = False
        """Whether closing it was interrupted, so that it is not known whether the module has closed it."""
        self.released: bool = False
        """Whether the module has it no longer, so that another one may have its id."""
        self.used_at: float = 0.0
        """When the last octet was sent or received, on the driver's clock."""
        self.heard_at: float = 0.0
        """When the other side last gave a sign of life: an octet, or an acknowledgement, as far as known."""
        self.refusals: int = 0
        """How often the module has refused to give its data, since it last gave any."""
        self.readers: int = 0
        """How many readers wait for data."""
        self.fetched: int = 0
        """The number of the last fetch for it, among the fetches of its context."""
        self._remote = remote
        self._limit = limit
        self._datagrams = datagrams
        self._received = bytearray()
        self._packets: collections.deque[tuple[bytes, Address]] = collections.deque()
        self._size = 0
        self._sender: Address | None = None
        self._remote_closed = False
        self._closed = False
        self._shut_write = False
        self._shut_read = False
        self._dropped = 0

    def __repr__(self) -> str:
        return f"<SocketState {self.id.number} of {self.name}: {self.protocol} {self.role}, {self.condition}>"

    @property
    def remote_address(self) -> Address:
        """Address and port of the other side; port 0 if the module does not report it."""
        return self._remote

    @property
    def index(self) -> int:
        """Its number."""
        return self.id.number

    @property
    def open(self) -> bool:
        """Whether it is open: neither side has closed it, and it has not broken."""
        return not (self._closed or self._remote_closed or self._ended)

    @property
    def dropped(self) -> int:
        """Number of octets that were dropped: the buffer was full, or reading was shut down."""
        return self._dropped

    @property
    def pending(self) -> bool:
        """Whether it is being opened, and the module has not answered: what comes is about another one with its id."""
        return self.reserved and self._code is None

    @property
    def remote_closed(self) -> bool:
        """Whether the other side has closed it."""
        return self._remote_closed or self.closing

    @property
    def closed(self) -> bool:
        """Whether this side has closed it."""
        return self._closed

    @property
    def congested(self) -> bool:
        """Whether so much data is unread that no more should be received."""
        return self._size > CONGESTED

    def wants(self, ahead: int) -> bool:
        """Tell whether data that the module keeps is to be fetched.

        Args:
            ahead: see `TcpipStack.FETCH_AHEAD`.
        """
        return self._size <= ahead if ahead else self.readers > 0 and not self._size

    @property
    def condition(self) -> str:
        """Its state, in words."""
        if self._closed:
            return "closed here"
        if self._ended is not None:
            return f"broken ({self._ended})"
        if self.remote_closed:
            return "closed by the other side"
        return "open"

    # -- events of the module ------------------------------------------------------------------------------------

    def used(self, now: float, *, heard: bool) -> None:
        """Learn that an octet was sent or received.

        Args:
            now: the time.
            heard: whether it came from the other side.
        """
        self.used_at = now
        if heard:
            self.heard_at = now

    def deliver(self, data: bytes, sender: Address | None = None) -> None:
        """Add received data; the sender completes a remote address whose port is not known yet.

        Args:
            data: the octets.
            sender: where they came from, if the module tells.
        """
        with self.changes:
            if sender is not None and self._remote == (sender[0], 0) and self.service is None:
                self._remote = sender
            if self._closed or self._shut_read:
                self._dropped += len(data)
                return
            room = max(0, self._limit - self._size) if len(self._packets) < MOST_DATAGRAMS else 0
            kept = b"" if self._datagrams and room < len(data) else data[:room]
            if self._datagrams and kept:
                self._packets.append((kept, sender or self._remote))
            else:
                self._received += kept
            self._size += len(kept)
            self._sender = sender or self._sender
            if len(data) > len(kept):
                self._dropped += len(data) - len(kept)
                self._ended = self._ended or ReceiveOverflow(
                    f"{self.name}: more than {self._limit} octets were not read; from there on they were dropped"
                )
            self.changes.notify()

    def end_by_remote(self) -> None:
        """Note that the other side has closed it."""
        with self.changes:
            self._remote_closed = True
            self.changes.notify()

    def break_off(self, cause: Exception) -> None:
        """Note that it has ended with an error.

        Args:
            cause: why; calls raise it.
        """
        with self.changes:
            self._ended = self._ended or cause
            self.changes.notify()

    # -- calls of the user ---------------------------------------------------------------------------------------

    def take(self, size: int) -> tuple[bytes, Address] | None:
        """Return up to `size` octets and the address that they came from, or None if there are none yet.

        Args:
            size: the most octets.

        Raises:
            drivers.errors.SessionClosed: it has ended, and the other side has not closed it.
            ReceiveOverflow: the buffer overflowed, and everything in it has been read.
            InvalidType: the size is not a whole number.
            ValueError: it is less than 0.
        """
        if not isinstance(size, int):
            raise InvalidType(f"a size is a whole number of octets, not {size!r}")
        if size < 0:
            raise ValueError(f"a size is 0 or more octets, not {size}")
        with self.changes:
            if self._packets:
                data, sender = self._packets.popleft()
                self._size -= len(data)
                self._dropped += max(0, len(data) - size)  # the rest of a datagram is discarded, as by any socket
                return data[:size], sender
            if self._received or size == 0:
                data = bytes(self._received[:size])
                del self._received[:size]
                self._size -= len(data)
                return data, self._sender or self._remote
            if self._ended is not None:
                raise self._again(self._ended)
            if self._closed:
                raise SessionClosed(f"{self.name}: the session was closed here")
            if self._remote_closed or self._shut_read:
                return b"", self._remote
            return None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Count a reader that waits for data in the ``with`` block."""
        with self.changes:
            self.readers += 1
        try:
            yield
        finally:
            with self.changes:
                self.readers -= 1

    def shut(self, how: int) -> None:
        """Shut down receiving or sending.

        Args:
            how: ``socket.SHUT_RD``, ``SHUT_WR`` or ``SHUT_RDWR``.

        Raises:
            ValueError: it is none of them.
        """
        if how not in (socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR):
            raise ValueError(f"how is SHUT_RD, SHUT_WR or SHUT_RDWR, not {how!r}")
        read, write = how != socket.SHUT_WR, how != socket.SHUT_RD
        with self.changes:
            self._shut_write |= write
            if read and not self._shut_read:
                self._shut_read = True
                self._dropped += self._size
                self._received.clear()
                self._packets.clear()
                self._size = 0
            self.changes.notify()

    def close_here(self) -> bool:
        """Close it on this side; return False if it was closed already."""
        with self.changes:
            first, self._closed = not self._closed, True
            self.ending |= first and not self._remote_closed and not self._ended
            self.changes.notify()
            return first

    @contextmanager
    def unless_interrupted(self) -> Iterator[None]:
        """Allow another `close` if the ``with`` block, which closes it in the module, is interrupted or abandoned."""
        try:
            yield
        except BaseException as error:
            if not isinstance(error, DriverError):
                with self.changes:
                    self._closed, self.half_closed = False, True
            raise

    def nudge(self) -> None:
        """Make all waiters check again."""
        with self.changes:
            self.changes.notify()

    def check_sendable(self) -> None:
        """Raise an error if nothing can be sent any more.

        Raises:
            drivers.errors.SessionClosed: it has ended.
            SessionFinished: the other side has closed it, or sending was shut down here.
            SessionReset: it broke.
        """
        with self.changes:
            if self._ended is not None:
                raise self._again(self._ended)
            if self._closed:
                raise SessionClosed(f"{self.name}: the session was closed here")
            if self._remote_closed or self.closing:
                raise SessionFinished(f"{self.name}: the session was closed by the other side")
            if self._shut_write:
                raise SessionFinished(f"{self.name}: sending was shut down here")

    def _again(self, cause: Exception) -> Exception:
        """Return a new exception for this caller; the first cause stays chained to it."""
        if isinstance(cause, ReceiveOverflow):
            return ReceiveOverflow(str(cause))
        reset = isinstance(cause, SessionReset | ConnectionError | TimeoutError) and type(cause) is not SessionClosed
        kind = SessionReset if reset else SessionClosed
        fresh = kind(retold(self.name, cause, "the session has ended: "), code=getattr(cause, "code", None))
        fresh.__cause__ = cause
        return fresh
