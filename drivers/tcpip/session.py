"""Sessions on threads: what the user of the driver reads and writes."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from ..at import Dialogue
from ..clock import Clock
from ..errors import SessionTimeout
from . import exchange
from .endpoint import RECEIVE_LIMIT, Address, Endpoint, Role, check_how
from .files import open_file
from .keepalive import KeepAlive, examine
from .plans import Plan, Rest
from .stack import Stack
from .transfer import Acknowledged, Ending, pieces

T = TypeVar("T")


class Runner(Protocol):
    """Who runs what sessions and listeners need: the driver."""

    stack: Stack

    def run(self, dialogue: Dialogue[T]) -> T:
        """Run one dialogue on the channel."""

    def carry_out(self, plan: Plan[T], rest: Callable[[Rest], None] | None = None) -> T:
        """Carry out a plan."""

    def room_made(self) -> None:
        """Learn that a reader has made room."""


class Session(Endpoint):
    """A session with a remote host, with the manners of a socket.

    Made by `TcpipDriver.connect` and `Listener.accept`.

    Args:
        runner: runs its dialogues.
        name: what messages call it.
        protocol: TCP or UDP.
        role: which side we are.
        remote: address and port of the other side; port 0 where the module does not tell it.
        clock: the source of time.
        index: its number, 0 with MUXIP off.
        datagrams: whether data comes in datagrams that are to be kept apart.
        limit: octets kept for a reader that does not read; what comes beyond is an error.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        name: str,
        protocol: str,
        role: Role,
        remote: Address,
        clock: Clock,
        index: int = 0,
        datagrams: bool = False,
        limit: int = RECEIVE_LIMIT,
    ) -> None:
        self._changed = threading.Condition()
        super().__init__(
            self._changed,
            name=name,
            protocol=protocol,
            role=role,
            remote=remote,
            index=index,
            datagrams=datagrams,
            limit=limit,
        )
        self._runner = runner
        self._clock = clock

    @property
    def _send_size(self) -> int:
        return self._runner.stack.options.dialect.send_size

    def changed(self) -> None:
        """See `Endpoint.changed`."""
        self._changed.notify_all()

    # -- sending ---------------------------------------------------------------------------------------------------

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Send up to 1460 octets.

        Args:
            data: the octets.

        Returns:
            How many of them the module has taken.

        Raises:
            SessionFinished: the other side has closed it, or `shutdown` has been called (a `BrokenPipeError`).
            SessionReset: the session broke (a `ConnectionResetError`).
            SendFailed: the module could not take them.
        """
        chunk = bytes(data[: self._send_size])
        if chunk:
            self._send(chunk, "length", 0)
        return len(chunk)

    def sendall(self, data: bytes | bytearray | memoryview, *, end: Ending = "length", period: int = 1) -> None:
        """Send all octets, in pieces of up to 1460.

        Args:
            data: the octets.
            end: ``length`` tells the module the length beforehand (AT+QISEND=<length>) and takes any octets;
                ``ctrl-z`` ends each piece with Ctrl-Z (AT+QISEND); ``timer`` lets the module send each piece when
                the period is over (AT+QIAUTOS). In transparent mode there are no pieces and no ends.
            period: seconds, for ``timer``.

        Raises:
            ValueError: Ctrl-Z or ESC in data that is not sent by its length.
            SessionFinished: the other side has closed it, or `shutdown` has been called (a `BrokenPipeError`).
            SessionReset: the session broke (a `ConnectionResetError`).
            SendFailed: the module could not take a piece.
        """
        for piece in pieces(data, end, period, self._send_size):
            self._send(piece, end, period)

    def _send(self, piece: bytes, ending: Ending, period: int) -> None:
        with self._changed:
            self.check_sendable()
        self._runner.run(exchange.send(self._runner.stack, self, piece, ending, period))

    def acknowledged(self) -> Acknowledged:
        """Return how much was sent, acknowledged, and not: AT+QISACK (app note 3.3).

        In transparent mode the UART has to be in command mode for it.
        """
        return self._runner.run(exchange.acknowledged(self._runner.stack, self))

    def check(self, settings: KeepAlive | None = None, *, stopped: Callable[[], bool] | None = None) -> Acknowledged:
        """Find out whether the connection still is one; for a session that has been idle (app note 10.2).

        It takes up to ``first + repeats * then`` seconds, during which the channel is free for others.

        Args:
            settings: what is sent and how long is waited.
            stopped: asked now and then whether to give up waiting.

        Returns:
            What has been acknowledged: all.

        Raises:
            SessionReset: it is dead; it is not closed for that.
        """
        plan = examine(self._runner.stack, self, settings or KeepAlive())
        return self._runner.carry_out(plan, lambda rest: self.rest(rest.seconds, stopped))

    def rest(self, seconds: float, stopped: Callable[[], bool] | None = None, *, even_closed: bool = False) -> None:
        """Wait while the session stands.

        Args:
            seconds: how long at most.
            stopped: asked whenever the session changes or is nudged: True ends the wait.
            even_closed: whether to wait also when it does not stand.
        """
        deadline = self._clock.now() + seconds
        with self._changed:
            while (even_closed or self.open) and not (stopped and stopped()):
                left = deadline - self._clock.now()
                if left <= 0:
                    return
                self._clock.wait(self._changed, left)

    # -- receiving -------------------------------------------------------------------------------------------------

    def recv(self, size: int) -> bytes:
        """Return what has come, waiting for at least one octet.

        Args:
            size: the most octets to return. Of a UDP datagram that is longer the rest is lost, as on any socket.

        Returns:
            1 to ``size`` octets, or nothing once the other side has closed and all has been read.

        Raises:
            SessionTimeout: nothing came within the session's timeout.
            drivers.errors.SessionClosed: we closed it, or the context or the line is gone.
            ReceiveOverflow: more came than is kept; what was kept has been read.
        """
        return self.recvfrom(size)[0]

    def recvfrom(self, size: int) -> tuple[bytes, Address]:
        """Return what has come and whence; see `recv`.

        The module tells the sender with AT+QIRD (``receive="buffered"``) and AT+QISHOWRA; else it is `remote_address`.
        """
        with self._changed:
            was_congested = self.congested
            taken = self._wait(size)
            relieved = was_congested and not self.congested
        if relieved:
            self._runner.room_made()  # outside the lock: the channel's comes first
        return taken

    def recv_into(self, buffer: bytearray | memoryview, size: int = 0) -> int:
        """Fill a buffer with what has come; see `recv`.

        Args:
            buffer: where it goes.
            size: the most octets, 0 for as many as fit.

        Returns:
            How many octets were put into it.
        """
        view = memoryview(buffer).cast("B")
        data = self.recv(size or len(view))
        view[: len(data)] = data
        return len(data)

    def _wait(self, size: int) -> tuple[bytes, Address]:
        deadline = None if self._timeout is None else self._clock.now() + self._timeout
        while True:
            taken = self.take(size)
            if taken is not None:
                return taken
            left = None if deadline is None else deadline - self._clock.now()
            if left is not None and left <= 0:
                raise SessionTimeout(f"{self._name}: nothing came within {self._timeout:g} s")
            self._clock.wait(self._changed, left)

    # -- the rest of a socket's manners ----------------------------------------------------------------------------

    def makefile(
        self,
        mode: str = "r",
        buffering: int | None = None,
        *,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> io.IOBase:
        """Return a file over the session, as `socket.socket.makefile` does; closing it leaves the session open.

        Args:
            mode: of ``r``, ``w`` and ``b``.
            buffering: octets, 0 for none (binary only), None for the usual.
            encoding: see `open`.
            errors: see `open`.
            newline: see `open`.
        """
        return open_file(self, mode, buffering, encoding=encoding, errors=errors, newline=newline)

    def shutdown(self, how: int) -> None:
        """Receive or send no more; the session stays until `close`.

        What was sent has gone to the module by then. The module has no command for half a close: no FIN goes out
        before AT+QICLOSE, so the other side does not see this.

        Args:
            how: ``socket.SHUT_RD``, ``SHUT_WR`` or ``SHUT_RDWR``.
        """
        self.shut(**check_how(how))
        self._runner.room_made()

    def close(self) -> None:
        """Close the session: AT+QICLOSE, unless the other side has closed it; idempotent."""
        if self.close_here():
            self._runner.room_made()
            with self.unless_interrupted():
                self._runner.carry_out(self._runner.stack.end_session(self))

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
