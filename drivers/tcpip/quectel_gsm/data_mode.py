"""Data mode of a transparent session: all octets are data, in both directions (app note 3.3)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ...at.core import Dialogue, expect, pause
from ...at.core.results import CONNECTED
from ...errors import AtTimeout, SessionClosed, SessionFinished, TcpipError
from ..core.events import ContextDropped, OnlineEnd, Pushed
from ..core.socket_state import SocketState
from . import transfer
from .dialogues import BROKEN
from .state import StackState
from .unsolicited import DEACTIVATED


class DataMode:
    """Enters and leaves data mode, and finds out whether CLOSED in it is the end of the session.

    Args:
        state: the state that the parts of the stack share.
        set_dtr: sets DTR of the UART, if it has one.
    """

    def __init__(self, state: StackState, set_dtr: Callable[[bool], None]) -> None:
        self.tail: bytes = b""
        """The last octets sent: a ``+++`` may be divided between two calls."""
        self._state = state
        self._table = state.table
        self._set_dtr = set_dtr

    def send(self, session: SocketState, data: bytes) -> Dialogue[None]:
        """Send octets in data mode.

        Raises:
            ValueError: they contain ``+++``, which would leave data mode.
        """
        transparent = self._state.settings.transparent
        if self._state.suspected:
            yield from self.verify_end()
            session.check_sendable()
        if self._table.online is not session or transparent is None:
            raise TcpipError(f"{self._state.name}: the UART is in command mode; resume() goes back to data mode")
        if transparent.escape == "+++" and transfer.ESCAPE in self.tail + data:
            raise ValueError(
                "data in transparent mode cannot contain +++, which leaves data mode; "
                "use transparent=Transparent(escape='dtr')"
            )
        yield from transfer.stream(data, transparent.line_rate)
        self.tail = (self.tail + data)[-2:]

    def enter(self, session: SocketState) -> None:
        """Note that the UART has entered data mode, for a session."""
        self._table.online, self._state.suspect, self.tail = session, b"", b""

    def _left(self) -> None:
        self._table.online, self.tail = None, b""

    @property
    def _by_dtr(self) -> bool:
        """Whether dropping DTR ends data mode, not ``+++``."""
        transparent = self._state.settings.transparent
        return transparent is not None and transparent.escape == "dtr"

    def _escape(self) -> Dialogue[bool]:
        if self._by_dtr:
            return (yield from transfer.escape_by_dtr(self._set_dtr, self._left))
        return (yield from transfer.escape_by_plus(self._left))

    def abandon_opening(self, close: Callable[[], Dialogue[None]]) -> Dialogue[None]:
        """Give up a transparent session that is being opened; the UART may already be in data mode.

        Args:
            close: creates the dialogue that closes the session, in command mode.
        """
        transparent = self._state.settings.transparent
        for _ in range(transfer.ATTEMPTS if transparent is not None else 0):
            yield from pause(0.3)  # the answer may be on its way
            if (yield from transfer.in_command_mode()):
                break
            if self._by_dtr:
                yield from transfer.escape_by_dtr(self._set_dtr, lambda: None)
            else:
                yield from transfer.silence()
                yield from transfer.escape_once(lambda: None)
        yield from close()

    def escape(self) -> Dialogue[None]:
        """Go from data mode to command mode; the session stays open, and the module keeps the data that it receives."""
        session = self._table.online
        if session is None:
            return
        if self._state.suspected:
            yield from self.verify_end()
            return
        if not (yield from self._escape()):
            raise TcpipError(
                f"{self._state.name}: the module does not leave data mode (+++ or DTR was not answered OK)"
            )

    def leave(self, client: SocketState) -> Dialogue[None]:
        """Leave data mode, which CONNECT begins after REMOTE IP, for a client that nobody takes (app note 5.2)."""
        if self._table.online is not client and not client.remote_closed:
            with suppress(AtTimeout):
                yield from expect(*CONNECTED, timeout=1.0, what="CONNECT after REMOTE IP")
                self.enter(client)
        with suppress(SessionClosed):  # it has left meanwhile
            yield from self.escape()

    def resume(self) -> Dialogue[None]:
        """Go back to data mode: ATO."""
        if self._table.online is not None:
            return
        if self._state.settings.transparent is None:
            raise TcpipError(f"{self._state.name}: there is no data mode without transparent=True")
        standing = self._table.standing()
        if not standing:
            raise SessionClosed(f"{self._state.name}: there is no session to go back to")
        session = standing[0]
        resuming = transfer.back_online(lambda: self.enter(session))
        if not (yield from self._state.foreground.in_foreground(resuming)):
            session.end_by_remote()
            raise SessionFinished(f"{self._state.name}: ATO found no session: the other side has closed it")

    def verify_end(self) -> Dialogue[None]:
        """Find out by ``+++`` whether CLOSED in data mode was the end of the session or data."""
        yield from transfer.silence()
        if not self._state.suspected:
            return  # more octets have come meanwhile: CLOSED was data

        def left() -> None:
            self._settle(closed=False)
            self._left()

        if self._by_dtr:
            heard = yield from transfer.escape_by_dtr(self._set_dtr, left)
        else:
            heard = yield from transfer.escape_once(left)
        if heard:
            with suppress(SessionFinished):
                yield from self.resume()
            return
        if not self._state.suspected:
            return
        self._settle(closed=True)
        yield from transfer.clear_line()

    def _settle(self, *, closed: bool) -> None:
        """Note whether the line in data mode was the end of the session."""
        session, line = self._table.online, self._state.suspected
        self._state.suspect = b""
        if session is None:
            return
        text = line.decode("latin-1").strip()
        if not closed:
            self._state.emit(Pushed(session.id, line))
        elif any(pattern.match(text) for pattern in DEACTIVATED):
            self._state.emit(ContextDropped(f"the network deactivated the context ({text})", BROKEN))
        else:
            self._state.emit(OnlineEnd())
