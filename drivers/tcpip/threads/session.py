"""Sessions on threads: sending and receiving."""

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
    """A session with a remote host, with the methods of a socket.

    `TcpipDriver.connect` and `Listener.accept` return it.

    Args:
        runner: runs its procedures.
        context: the context of the session.
        state: the state of the session.
    """

    # -- sending ---------------------------------------------------------------------------------------------------

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Send up to 1460 octets.

        Args:
            data: the octets.

        Returns:
            The number of octets that the module has accepted.

        Raises:
            ValueError: ESC in them, although the module takes it for a cancel; see `sendall`.
            SessionFinished: the other side has closed it, or `shutdown` has been called (a `BrokenPipeError`).
            SessionReset: the session broke (a `ConnectionResetError`).
            SendFailed: the module could not accept them.
        """
        return self._runner.run(operations.send(self._context, self._state, data))

    def sendall(self, data: bytes | bytearray | memoryview, *, end: Ending = "length", period: int = 1) -> None:
        """Send all octets, in pieces of up to 1460.

        Args:
            data: the octets.
            end: ``length`` announces the length and allows any octets; ``ctrl-z`` ends each piece with Ctrl-Z;
                ``timer`` lets the module send each piece when the period is over; ``hex`` sends it inside of a command,
                on LTE modules. In transparent mode there are no pieces and no ends.
            period: seconds, for ``timer``.

        Raises:
            ValueError: Ctrl-Z or ESC in data that is not sent by its length, or ESC although the module takes it for a
                cancel there, too.
            SessionFinished: the other side has closed it, or `shutdown` has been called (a `BrokenPipeError`).
            SessionReset: the session broke (a `ConnectionResetError`).
            SendFailed: the module could not accept a piece.
        """
        self._runner.run(operations.send_all(self._context, self._state, data, end, period))

    def sendto(self, data: bytes | bytearray | memoryview, address: Address) -> int:
        """Send a datagram of a UDP service.

        Args:
            data: the octets, 1 to 1460.
            address: the dotted address and the port that it goes to.

        Returns:
            The number of octets.

        Raises:
            TcpipError: the session has one remote host: use `send`.
            ValueError: the address has a name in it, or the datagram is empty or too long.
            SessionReset: the session broke (a `ConnectionResetError`).
            SendFailed: the module could not accept it.
        """
        return self._runner.run(operations.send_to(self._context, self._state, data, address))

    def acknowledged(self) -> Acknowledged:
        """Return how many octets were sent, acknowledged, and not acknowledged (app note 3.3).

        In transparent mode the UART has to be in command mode for this.
        """
        return self._runner.run(operations.acknowledged(self._context, self._state))

    def check(self, settings: KeepAlive | None = None, *, stopped: Callable[[], bool] | None = None) -> Acknowledged:
        """Examine whether the connection of an idle session still exists (app note 10.2).

        This takes up to ``first + repeats * then`` seconds, during which others may use the channel.

        Args:
            settings: the probe and the times.
            stopped: called at intervals; True ends the wait.

        Returns:
            The numbers of octets: all of them acknowledged.

        Raises:
            SessionReset: the connection is dead; the session is not closed.
        """
        return self._runner.run(examine(self._context, self._state, settings or KeepAlive(), stopped))

    def rest(self, seconds: float, stopped: Callable[[], bool] | None = None, *, even_closed: bool = False) -> None:
        """Wait while the session is open.

        Args:
            seconds: the most seconds to wait.
            stopped: called whenever the session changes; True ends the wait.
            even_closed: whether to wait also if the session is not open.
        """
        self._runner.run(operations.rest(self._state, seconds, stopped, even_closed=even_closed))

    # -- receiving -------------------------------------------------------------------------------------------------

    def recv(self, size: int) -> bytes:
        """Return received data, waiting for at least one octet.

        Args:
            size: the most octets to return. The rest of a longer UDP datagram is discarded, as by any socket.

        Returns:
            1 to ``size`` octets, or none once the other side has closed and everything has been read.

        Raises:
            SessionTimeout: nothing came within the timeout of the session.
            drivers.errors.SessionClosed: this side has closed it, or the context or the line is lost.
            ReceiveOverflow: the buffer overflowed, and everything in it has been read.
        """
        return self.recvfrom(size)[0]

    def recvfrom(self, size: int) -> tuple[bytes, Address]:
        """Return received data and the address that it came from, waiting for at least one octet.

        Args:
            size: the most octets to return, as for `recv`.

        Returns:
            The octets, and the address: the module reports the sender with ``receive="buffered"`` and
            ``show=("QISHOWRA",)``; otherwise it is `remote_address`.

        Raises:
            SessionTimeout: nothing came within the timeout of the session.
            drivers.errors.SessionClosed: this side has closed it, or the context or the line is lost.
            ReceiveOverflow: the buffer overflowed, and everything in it has been read.
        """
        return self._runner.run(operations.receive(self._context, self._state, size))

    def recv_into(self, buffer: bytearray | memoryview, size: int = 0) -> int:
        """Fill a buffer with received data, waiting for at least one octet.

        Args:
            buffer: the buffer.
            size: the most octets; 0: as many as fit.

        Returns:
            The number of octets; 0 once the other side has closed and everything has been read.

        Raises:
            SessionTimeout: nothing came within the timeout of the session.
            drivers.errors.SessionClosed: this side has closed it, or the context or the line is lost.
            ReceiveOverflow: the buffer overflowed, and everything in it has been read.
        """
        return self._runner.run(operations.receive_into(self._context, self._state, buffer, size))

    def set_receive(self, mode: str) -> None:
        """Change how received data comes, where each session has a receive mode of its own; data mode is left first.

        Args:
            mode: ``buffered``, ``pushed`` or ``transparent``, which takes the UART into data mode.

        Raises:
            ValueError: the modules do not have this mode for one session.
            drivers.errors.SessionClosed: the session has ended.
            CommandError: the module refuses.
        """
        self._runner.run(operations.set_receive(self._context, self._state, mode))

    # -- other methods of a socket ---------------------------------------------------------------------------------

    def makefile(
        self,
        mode: str = "r",
        buffering: int | None = None,
        *,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> io.IOBase:
        """Return a file for the session, like `socket.socket.makefile`; closing it leaves the session open.

        Args:
            mode: a combination of ``r``, ``w`` and ``b``.
            buffering: octets of the buffer; 0: no buffer (binary only); None: the default.
            encoding: see `open`.
            errors: see `open`.
            newline: see `open`.
        """
        return open_file(self, mode, buffering, encoding=encoding, errors=errors, newline=newline)

    def close(self) -> None:
        """Close the session, in the module too if it still has it; idempotent."""
        self._runner.close_by(operations.close(self._context, self._state))

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
