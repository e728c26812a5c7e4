"""Sessions and listeners: what the user of the driver reads and writes."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable
from typing import Literal

from ..clock import Clock
from ..errors import ReceiveOverflow, SessionClosed, SessionTimeout
from .dialogues import CTRL_Z, ESC, MAX_SEND

Role = Literal["client", "server"]
Ending = Literal["length", "ctrl-z"]
RECEIVE_LIMIT = 4 * 1024 * 1024
CONGESTED = 256 * 1024  # octets beyond which the line is read only for answers
BACKLOG = 8

SERVICE: dict[Role, int] = {"client": 1, "server": 2}
"""What AT+QISRVC calls a session: 1 with a remote server (we are the client), 2 with a remote client."""


class Session:
    """A session with a remote host, with the manners of a socket; made by `TcpipDriver.connect` and `Listener.accept`.

    Args:
        transmit: sends one chunk of up to 1460 octets, ended by Ctrl-Z or by its length.
        end: closes the session on the module.
        room_made: called when it is no longer congested.
        name: what messages call it.
        protocol: TCP or UDP.
        role: which side we are.
        remote: address and port of the other side; port 0 where the module does not tell it.
        clock: the source of time.
        limit: octets kept for a reader that does not read; what comes beyond is an error.
    """

    def __init__(
        self,
        transmit: Callable[[Session, bytes, bool], None],
        end: Callable[[Session], None],
        room_made: Callable[[], None],
        *,
        name: str,
        protocol: str,
        role: Role,
        remote: tuple[str, int],
        clock: Clock,
        limit: int = RECEIVE_LIMIT,
    ) -> None:
        self.protocol = protocol
        self.role: Role = role
        self._transmit = transmit
        self._end = end
        self._room_made = room_made
        self._name = name
        self._remote = remote
        self._clock = clock
        self._limit = limit
        self._changed = threading.Condition()
        self._received = bytearray()
        self._timeout: float | None = None
        self._ended: Exception | None = None
        self._remote_closed = False
        self._closed = False
        self._dropped = 0

    @property
    def remote_address(self) -> tuple[str, int]:
        """Address and port of the other side; port 0 where the module does not tell it (``REMOTE IP:``)."""
        return self._remote

    @property
    def open(self) -> bool:
        """Whether neither side has closed it and the line lives."""
        return not (self._closed or self._remote_closed or self._ended)

    @property
    def dropped(self) -> int:
        """Octets that came beyond what is kept."""
        return self._dropped

    def settimeout(self, seconds: float | None) -> None:
        """Set how long `recv` waits.

        Args:
            seconds: the limit; None: as long as the session lives. What is sent has the module's own limits.
        """
        if seconds is not None and seconds < 0:
            raise ValueError(f"a timeout is 0 or more seconds, not {seconds}")
        self._timeout = seconds

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Send up to 1460 octets.

        Args:
            data: the octets.

        Returns:
            How many of them the module has taken.

        Raises:
            SessionClosed: the session has ended.
            SendFailed: the module could not take them.
        """
        chunk = bytes(data[:MAX_SEND])
        if chunk:
            self._check_open()
            self._transmit(self, chunk, False)
        return len(chunk)

    def sendall(self, data: bytes | bytearray | memoryview, *, end: Ending = "length") -> None:
        """Send all octets, in pieces of up to 1460.

        Args:
            data: the octets.
            end: ``length`` tells the module the length beforehand (AT+QISEND=<length>) and takes any octets;
                ``ctrl-z`` ends each piece with Ctrl-Z (AT+QISEND).

        Raises:
            ValueError: Ctrl-Z or ESC in data that Ctrl-Z is to end.
            SessionClosed: the session has ended.
            SendFailed: the module could not take a piece.
        """
        octets = bytes(data)
        if end == "ctrl-z":
            for octet, word in ((CTRL_Z, "Ctrl-Z (0x1A), which would end it"), (ESC, "ESC (0x1B), which cancels it")):
                if octet in octets:
                    raise ValueError(f"data ended by Ctrl-Z cannot contain {word}; send it by length")
        elif end != "length":
            raise ValueError(f"end is 'length' or 'ctrl-z', not {end!r}")
        for start in range(0, len(octets), MAX_SEND):
            self._check_open()
            self._transmit(self, octets[start : start + MAX_SEND], end == "ctrl-z")

    def recv(self, size: int) -> bytes:
        """Return what has come, waiting for at least one octet.

        Args:
            size: the most octets to return.

        Returns:
            1 to ``size`` octets, or nothing once the other side has closed and all has been read.

        Raises:
            SessionTimeout: nothing came within the session's timeout.
            SessionClosed: we closed it, or the context or the line is gone.
            ReceiveOverflow: more came than is kept; what was kept has been read.
        """
        if size < 0:
            raise ValueError(f"a size is 0 or more octets, not {size}")
        with self._changed:
            was_congested = self.congested
            data = self._fetch(size)
            relieved = was_congested and not self.congested
        if relieved:
            self._room_made()  # outside the lock: the channel's comes first
        return data

    def _fetch(self, size: int) -> bytes:
        deadline = None if self._timeout is None else self._clock.now() + self._timeout
        with self._changed:
            while True:
                if self._received or size == 0:
                    data = bytes(self._received[:size])
                    del self._received[:size]
                    return data
                if self._ended is not None:
                    raise self._again(self._ended)
                if self._closed:
                    raise SessionClosed(f"{self._name}: the session was closed here")
                if self._remote_closed:
                    return b""
                left = None if deadline is None else deadline - self._clock.now()
                if left is not None and left <= 0:
                    raise SessionTimeout(f"{self._name}: nothing came within {self._timeout:g} s")
                self._clock.wait(self._changed, left)

    def close(self) -> None:
        """Close the session: AT+QICLOSE, unless the other side has closed it; idempotent."""
        with self._changed:
            first, self._closed = not self._closed, True
            ask = first and not self._remote_closed
            self._changed.notify_all()
        if first:
            self._room_made()
        if ask:
            self._end(self)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- what the reader of the channel does; returns at once -----------------------------------------------------

    @property
    def remote_closed(self) -> bool:
        """Whether the other side has closed it."""
        return self._remote_closed

    @property
    def congested(self) -> bool:
        """Whether more waits for `recv` than should."""
        return len(self._received) > CONGESTED

    def deliver(self, data: bytes) -> None:
        """Take what came from the other side."""
        with self._changed:
            if self._closed:
                self._dropped += len(data)
                return
            room = max(0, self._limit - len(self._received))
            self._received += data[:room]
            if len(data) > room:
                self._dropped += len(data) - room
                self._ended = self._ended or ReceiveOverflow(
                    f"{self._name}: more than {self._limit} octets were not read; from there on they were dropped"
                )
            self._changed.notify_all()

    def learn_remote(self, remote: tuple[str, int]) -> None:
        """Learn the full address of the other side."""
        self._remote = remote

    def end_by_remote(self) -> None:
        """Learn that the other side has closed."""
        with self._changed:
            self._remote_closed = True
            self._changed.notify_all()

    def break_off(self, cause: Exception) -> None:
        """Learn that the session has ended with an error."""
        with self._changed:
            self._ended = self._ended or cause
            self._changed.notify_all()

    def _check_open(self) -> None:
        if self._ended is not None:
            raise self._again(self._ended)
        if self._closed or self._remote_closed:
            side = "here" if self._closed else "by the other side"
            raise SessionClosed(f"{self._name}: the session was closed {side}")

    def _again(self, cause: Exception) -> Exception:
        """An exception for this caller; the first cause stays chained."""
        if isinstance(cause, ReceiveOverflow):
            return ReceiveOverflow(str(cause))
        fresh = SessionClosed(f"{self._name}: the session has ended: {cause}")
        fresh.__cause__ = cause
        return fresh


class Listener:
    """A server of the module; made by `TcpipDriver.listen`.

    Args:
        end: leaves the listening state on the module.
        name: what messages call it.
        protocol: TCP or UDP.
        port: the port it listens on.
        clock: the source of time.
    """

    def __init__(self, end: Callable[[Listener], None], *, name: str, protocol: str, port: int, clock: Clock) -> None:
        self.protocol = protocol
        self.port = port
        self._end = end
        self._name = name
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: collections.deque[Session] = collections.deque()
        self._ended: Exception | None = None
        self._closed = False
        self.refused = 0
        """Clients that came while too many waited."""

    @property
    def open(self) -> bool:
        """Whether it still listens."""
        return not (self._closed or self._ended)

    def accept(self, timeout: float | None = None) -> Session:
        """Wait for a client.

        Args:
            timeout: seconds; None: as long as the server lives.

        Returns:
            The session with it.

        Raises:
            SessionTimeout: no client came in time.
            SessionClosed: the listener was closed, or the context or the line is gone.
        """
        deadline = None if timeout is None else self._clock.now() + timeout
        with self._changed:
            while not self._waiting:
                if self._ended is not None:
                    raise SessionClosed(f"{self._name}: the server has ended: {self._ended}") from self._ended
                if self._closed:
                    raise SessionClosed(f"{self._name}: the server was closed here")
                left = None if deadline is None else deadline - self._clock.now()
                if left is not None and left <= 0:
                    raise SessionTimeout(f"{self._name}: no client came within {timeout:g} s (REMOTE IP)")
                self._clock.wait(self._changed, left)
            return self._waiting.popleft()

    def close(self) -> None:
        """Leave the listening state; a session that was accepted stays; idempotent."""
        with self._changed:
            first, self._closed = not self._closed, True
            ask = first and self._ended is None
            self._changed.notify_all()
        if ask:
            self._end(self)

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- what the reader of the channel does; returns at once -----------------------------------------------------

    def offer(self, session: Session) -> bool:
        """Take a client that has come; False: too many wait."""
        with self._changed:
            if not self.open or len(self._waiting) >= BACKLOG:
                self.refused += 1
                return False
            self._waiting.append(session)
            self._changed.notify_all()
            return True

    def break_off(self, cause: Exception) -> None:
        """Learn that the server has ended."""
        with self._changed:
            self._ended = self._ended or cause
            self._changed.notify_all()
