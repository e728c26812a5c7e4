"""Data mode of a transparent session: what is sent and received is not looked at (app note 3.3)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ...at.core import Dialogue, pause
from ...errors import SessionClosed, SessionFinished, TcpipError
from ..core.procedure import Procedure, on_channel
from ..core.socket_state import SocketState
from . import transfer
from .session_table import SessionTable


class DataMode:
    """Entering and leaving data mode, and the one line in it that is not data.

    Args:
        table: the sessions of the context.
        set_dtr: sets DTR of the UART, where it has one.
    """

    def __init__(self, table: SessionTable, set_dtr: Callable[[bool], None]) -> None:
        self.tail = b""
        """The last octets sent: a ``+++`` may come in pieces."""
        self._table = table
        self._set_dtr = set_dtr

    def send(self, session: SocketState, data: bytes) -> Dialogue[None]:
        """Send some octets as they are.

        Raises:
            ValueError: they contain ``+++``, and that would leave data mode.
        """
        transparent = self._table.options.transparent
        if self._table.suspect:
            yield from self.verify_end()
            session.check_sendable()
        if self._table.online is not session or transparent is None:
            raise TcpipError(f"{self._table.name}: the UART is in command mode; resume() goes back to data mode")
        if transparent.escape == "+++" and transfer.ESCAPE in self.tail + data:
            raise ValueError(
                "data in transparent mode cannot contain +++, which leaves data mode; "
                "use transparent=Transparent(escape='dtr')"
            )
        yield from transfer.stream(data)
        self.tail = (self.tail + data)[-2:]

    def _escape(self) -> Dialogue[bool]:
        def left() -> None:
            self._table.online, self.tail = None, b""

        transparent = self._table.options.transparent
        if transparent is None:
            return False
        if transparent.escape == "dtr":
            return (yield from transfer.escape_by_dtr(self._set_dtr, left))
        return (yield from transfer.escape_by_plus(left))

    def abandon_opening(self, close: Callable[[], Dialogue[None]]) -> Dialogue[None]:
        """Give up a transparent session that is being opened; the UART may be in data mode by now, or may not.

        Args:
            close: makes the dialogue that closes it, in command mode.
        """
        transparent = self._table.options.transparent
        for _ in range(transfer.ATTEMPTS if transparent is not None else 0):
            yield from pause(0.3)  # the answer may be on its way
            if (yield from transfer.in_command_mode()):
                break
            if transparent is not None and transparent.escape == "dtr":
                yield from transfer.escape_by_dtr(self._set_dtr, lambda: None)
            else:
                yield from pause(transfer.GUARD)
                yield from transfer.escape_once(lambda: None)
        yield from close()

    def escape(self) -> Dialogue[None]:
        """Go from data mode to command mode; the session stands, and the module keeps what it receives."""
        session = self._table.online
        if session is None:
            return
        if self._table.suspect:
            yield from self.verify_end()
            return
        if not (yield from self._escape()):
            raise TcpipError(
                f"{self._table.name}: the module does not leave data mode (+++ or DTR was not answered OK)"
            )

    @property
    def resumable(self) -> bool:
        """Whether there is a session to go back to."""
        return bool(self._table.standing())

    def resume(self) -> Dialogue[None]:
        """Go back to data mode: ATO."""
        if self._table.online is not None:
            return
        standing = self._table.standing()
        if self._table.options.transparent is None or not standing:
            raise SessionClosed(f"{self._table.name}: there is no session to go back to")
        session = standing[0]

        def resumed() -> None:
            self._table.online, self.tail = session, b""

        if not (yield from self._table.hold.in_foreground(transfer.back_online(resumed))):
            session.end_by_remote()
            raise SessionFinished(f"{self._table.name}: ATO found no session: the other side has closed it")

    def leave(self) -> Procedure[None]:
        """Leave data mode where the UART is in it, so that commands can be sent."""
        if self._table.online is not None:
            yield from on_channel(self.escape())

    def verify_end(self) -> Dialogue[None]:
        """Find out whether CLOSED in data mode was the end of the session: a module in command mode ignores +++."""
        yield from pause(transfer.GUARD)
        if not self._table.suspect:
            return  # more has come meanwhile: it was data
        session = self._table.online

        def left() -> None:
            self._table.settle_suspicion(closed=False)
            self._table.online, self.tail = None, b""

        transparent = self._table.options.transparent
        if session is None or transparent is None:
            return
        if transparent.escape == "dtr":
            heard = yield from transfer.escape_by_dtr(self._set_dtr, left)
        else:
            heard = yield from transfer.escape_once(left)
        if heard:
            with suppress(SessionFinished):
                yield from self.resume()
            return
        if not self._table.suspect:
            return
        self._table.settle_suspicion(closed=True)
        yield from transfer.clear_line()
