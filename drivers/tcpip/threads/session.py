"""Sessions on threads: what the user of the driver reads and writes."""

from __future__ import annotations

import io
from collections.abc import Callable

from ..core import operations
from ..core.keepalive import KeepAlive, examine
from ..core.makefile import open_file
from ..core.session_base import SessionBase
from ..core.socket_state import Acknowledged, Address, Ending
from .runner import ThreadRunner


class Session(SessionBase[ThreadRunner]):
    """A session with a remote host, with the manners of a socket.

    Made by `TcpipDriver.connect` and `Listener.accept`.

    Args:
        runner: runs its procedures.
        context: whose session it is.
        state: its rules.
    """

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
        return self._runner.run(operations.send(self._context, self._state, data))

    def sendall(self, data: bytes | bytearray | memoryview, *, end: Ending = "length", period: int = 1) -> None:
        """Send all octets, in pieces of up to 1460.

        Args:
            data: the octets.
            end: ``length`` tells the module the length beforehand and takes any octets;
                ``ctrl-z`` ends each piece with Ctrl-Z; ``timer`` lets the module send each piece when
                the period is over. In transparent mode there are no pieces and no ends.
            period: seconds, for ``timer``.

        Raises:
            ValueError: Ctrl-Z or ESC in data that is not sent by its length.
            SessionFinished: the other side has closed it, or `shutdown` has been called (a `BrokenPipeError`).
            SessionReset: the session broke (a `ConnectionResetError`).
            SendFailed: the module could not take a piece.
        """
        self._runner.run(operations.send_all(self._context, self._state, data, end, period))

    def acknowledged(self) -> Acknowledged:
        """Return how much was sent, acknowledged, and not (app note 3.3).

        In transparent mode the UART has to be in command mode for it.
        """
        return self._runner.run(operations.acknowledged(self._context, self._state))

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
        return self._runner.run(examine(self._context, self._state, settings or KeepAlive(), stopped))

    def rest(self, seconds: float, stopped: Callable[[], bool] | None = None, *, even_closed: bool = False) -> None:
        """Wait while the session stands.

        Args:
            seconds: how long at most.
            stopped: asked whenever the session changes: True ends the wait.
            even_closed: whether to wait also when it does not stand.
        """
        self._runner.run(operations.rest(self._state, seconds, stopped, even_closed=even_closed))

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

        The module tells the sender with ``receive="buffered"`` and ``show="QISHOWRA"``; else it is `remote_address`.
        """
        return self._runner.run(operations.receive(self._context, self._state, size))

    def recv_into(self, buffer: bytearray | memoryview, size: int = 0) -> int:
        """Fill a buffer with what has come; see `recv`.

        Args:
            buffer: where it goes.
            size: the most octets, 0 for as many as fit.

        Returns:
            How many octets were put into it.
        """
        return self._runner.run(operations.receive_into(self._context, self._state, buffer, size))

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

    def close(self) -> None:
        """Close the session, where it has to be closed after the other side has closed it, too; idempotent."""
        self._runner.run(operations.close(self._context, self._state))

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
