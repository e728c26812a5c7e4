"""Data mode, as all families have it (V.250): all octets are data of one session until ``+++`` or DTR ends that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from ..at.core import Dialogue, LinePattern, command, expect, pause
from ..at.core.results import CONNECTED
from ..errors import AtTimeout, CommandError, SessionFinished, TcpipError
from .core import events
from .core.events import Event
from .core.options import Transparent
from .core.socket_state import SocketState
from .shared_state import SharedState

ESCAPE = b"+++"
ATTEMPTS = 3

_OK = LinePattern("OK")


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of data mode in a family, in seconds.

    Args:
        guard: the silence before and after ``+++``.
        answer: until OK, from the end of the silence.
        resumption: until CONNECT after ATO.
        kept: whether nothing may be sent before the silence after ``+++`` is over, also if OK comes earlier.
        always: whether ``+++`` leaves data mode also where dropping DTR does, but between two silences only: other plus
            signs are data.
    """

    guard: float
    answer: float
    resumption: float
    kept: bool = False
    always: bool = False


def stream(data: bytes, rate: int | None = None) -> Dialogue[None]:
    """Write data in data mode, where there is no answer.

    Args:
        data: the octets.
        rate: bits per second of a line whose port does not know it.
    """
    yield from pause(0.0, write=data, rate=rate)


def silence(timing: Timing) -> Dialogue[None]:
    """Keep the silence that has to be before ``+++``: it begins when the last octet has left for the module."""
    yield from pause(timing.guard, drained=True)


def escape_by_plus(timing: Timing, left: Callable[[], None], over: Callable[[], bool]) -> Dialogue[bool]:
    """Go from data mode to command mode by ``+++`` between two silences; repeated if there is no answer.

    Args:
        timing: the times of the family.
        left: called when command mode is reached, before any later octet is parsed.
        over: tells whether there is a sign that the module was not in data mode any more, so that it is not repeated.

    Returns:
        Whether the module answered OK; if not, it was not in data mode, or does not respond.
    """
    for _ in range(ATTEMPTS):
        yield from silence(timing)
        if (yield from escape_once(timing, left)):
            return True
        if over():
            break
    return False


def escape_once(timing: Timing, left: Callable[[], None]) -> Dialogue[bool]:
    """Send ``+++`` after `silence`; see `escape_by_plus`."""
    # OK cannot come before the end of the silence behind the last plus: until then, a line that looks like OK is data.
    deaf = timing.guard * 0.75
    yield from pause(deaf, write=ESCAPE, whole=True)
    try:
        came = yield from expect(_OK, timeout=timing.answer, what="OK after +++", whole=True, drained=True)
    except AtTimeout:
        return False
    left()
    if timing.kept and came.elapsed < timing.guard - deaf:
        yield from pause(timing.guard - deaf - came.elapsed, whole=True)
    return True


def clear_line() -> Dialogue[None]:
    """Make the module discard what it took for the beginning of a command line."""
    yield from pause(0.3, write=b"\r")
    for _ in range(2):
        with suppress(CommandError):
            yield from command("AT", timeout=2.0)
            return


def in_command_mode() -> Dialogue[bool]:
    """Tell whether the module answers commands; in data mode the command is sent to the other side."""
    try:
        yield from command("AT", timeout=1.0)
    except AtTimeout:
        return False
    except CommandError:
        return True
    return True


def escape_by_dtr(timing: Timing, set_dtr: Callable[[bool], None], left: Callable[[], None]) -> Dialogue[bool]:
    """Go from data mode to command mode by dropping DTR; AT&D1 has to be set before.

    Args:
        timing: the times of the family.
        set_dtr: sets DTR.
        left: called when command mode is reached, before any later octet is parsed.

    Returns:
        Whether the module answered OK.
    """
    yield from pause(0.0, drained=True)  # what comes behind the drop would be a command
    set_dtr(False)
    try:
        yield from expect(_OK, timeout=timing.answer, what="OK after DTR was dropped", whole=True)
    except AtTimeout:
        return False
    finally:
        set_dtr(True)
    left()
    return True


def back_online(timing: Timing, resumed: Callable[[], None]) -> Dialogue[bool]:
    """Go back to data mode: ATO.

    Args:
        timing: the times of the family.
        resumed: called when data mode is reached, before any later octet is parsed.

    Returns:
        False if the module has no session to go back to (NO CARRIER, ERROR).
    """
    try:
        yield from command("ATO", timeout=timing.resumption, success=CONNECTED, info=(), whole=True)
    except CommandError:
        return False
    resumed()
    return True


def suspicious(state: SharedState, text: str) -> Event:
    """Handle a line in data mode that ends the session if no data follows; otherwise it is data.

    Args:
        state: the state that the parts of the stack share.
        text: the line.
    """
    before, state.suspect = state.suspect, f"\r\n{text}\r\n".encode("latin-1")
    state.table.wake()
    if before and state.table.online is not None:
        return events.Pushed(state.table.online.id, before)
    return events.Nothing()


class DataModeBase(ABC):
    """Enters and leaves data mode, and finds out whether a line in it is the end of the session.

    Args:
        state: the state that the parts of the stack share.
        timing: the times of the family.
        transparent: the settings of transparent sessions; None: there are none.
        set_dtr: sets DTR of the UART, if it has one.
    """

    def __init__(
        self, state: SharedState, timing: Timing, transparent: Transparent | None, set_dtr: Callable[[bool], None]
    ) -> None:
        self.tail: bytes = b""
        """The last octets sent: a ``+++`` may be divided between two calls."""
        self._alone: frozenset[int] = frozenset()
        """How many plus signs there may be since a silence, with nothing else; each call may have one before it."""
        self._shared = state
        self._table = state.table
        self._timing = timing
        self._transparent = transparent
        self._set_dtr = set_dtr

    @abstractmethod
    def resume(self) -> Dialogue[None]:
        """Go back to data mode.

        Raises:
            SessionFinished: the session has ended meanwhile.
        """

    @abstractmethod
    def _end(self) -> Dialogue[None]:
        """Note that the line in data mode was the end of the session, and make the module ready for commands."""

    def send(self, session: SocketState, data: bytes) -> Dialogue[None]:
        """Send octets in data mode.

        Raises:
            ValueError: they contain ``+++``, which may leave data mode of an M10.
        """
        transparent = self._transparent
        if self._shared.suspected:
            yield from self.verify_end()
            session.check_sendable()
        if self._table.online is not session or transparent is None:
            raise TcpipError(f"{self._shared.name}: the UART is in command mode; resume() goes back to data mode")
        if not self._timing.always and transparent.escape == "+++" and ESCAPE in self.tail + data:
            raise ValueError(
                "data in transparent mode cannot contain +++, which leaves data mode; "
                "use transparent=Transparent(escape='dtr')"
            )
        if self._timing.always and self._may_escape(data):
            yield from stream(data[:-1], transparent.line_rate)
            yield from silence(self._timing)  # three plus signs that are not sent within a second are data
            data, self._alone = data[-1:], frozenset({1})
        yield from stream(data, transparent.line_rate)
        self.tail = (self.tail + data)[-2:]

    def _may_escape(self, data: bytes) -> bool:
        """Tell whether a module could take the plus signs of this call, and of those before it, for ``+++``."""
        count = len(data)
        if data.strip(b"+") or count > len(ESCAPE):
            self._alone = frozenset()
            return False
        self._alone = frozenset({count, *(count + one for one in self._alone if count + one <= len(ESCAPE))})
        return len(ESCAPE) in self._alone

    def enter(self, session: SocketState) -> None:
        """Note that the UART has entered data mode, for a session."""
        self._table.online, self._shared.suspect, self.tail = session, b"", b""
        self._alone = frozenset()

    def _left(self) -> None:
        self._table.online, self.tail = None, b""

    @property
    def _by_dtr(self) -> bool:
        """Whether dropping DTR ends data mode, not ``+++``."""
        return self._transparent is not None and self._transparent.escape == "dtr"

    def _escape(self) -> Dialogue[bool]:
        if self._by_dtr:
            return (yield from escape_by_dtr(self._timing, self._set_dtr, self._still_online))
        return (yield from escape_by_plus(self._timing, self._still_online, self._ending))

    def _ending(self) -> bool:
        """Tell whether a line has come that may be the end of the session."""
        return bool(self._shared.suspected)

    def _still_online(self) -> None:
        """Note that data mode has been left by this side, so a line that might have ended it was data."""
        self._was_data()
        self._left()

    def abandon_opening(self, close: Callable[[], Dialogue[None]]) -> Dialogue[None]:
        """Give up a transparent session that is being opened; the UART may already be in data mode.

        Args:
            close: creates the dialogue that closes the session, in command mode; a module that says nothing at all
                is not told.
        """
        if self._transparent is None or (yield from self._to_command_mode()):
            yield from close()

    def _to_command_mode(self) -> Dialogue[bool]:
        """Make sure that the module takes commands, whether it is in data mode or not; False: it says nothing."""
        for _ in range(ATTEMPTS):
            yield from pause(0.3)  # the answer may be on its way
            if (yield from in_command_mode()):
                return True
            if self._by_dtr:
                yield from escape_by_dtr(self._timing, self._set_dtr, lambda: None)
            else:
                yield from silence(self._timing)
                yield from escape_once(self._timing, lambda: None)
        return (yield from in_command_mode())

    def escape(self) -> Dialogue[None]:
        """Go from data mode to command mode; the session stays open, and the module keeps the data that it receives."""
        session = self._table.online
        if session is None:
            return
        if self._shared.suspected:
            yield from self.verify_end()
            return
        if (yield from self._escape()):
            return
        if not self._ending():
            raise TcpipError(
                f"{self._shared.name}: the module does not leave data mode (+++ or DTR was not answered OK)"
            )
        yield from self._end()  # it came in the silence before +++

    def verify_end(self) -> Dialogue[None]:
        """Find out by ``+++`` whether a line in data mode was the end of the session or data."""
        if self._ending():  # otherwise that was found out before its turn came
            yield from silence(self._timing)
        if not self._ending():
            return  # more octets have come meanwhile: the line was data

        if self._by_dtr:
            heard = yield from escape_by_dtr(self._timing, self._set_dtr, self._still_online)
        else:
            heard = yield from escape_once(self._timing, self._still_online)
        if heard:
            with suppress(SessionFinished):
                yield from self.resume()
            return
        if self._shared.suspected:
            yield from self._end()

    def _was_data(self) -> None:
        """Note that the line in data mode was data of the session."""
        session, line = self._table.online, self._shared.suspected
        self._shared.suspect = b""
        if session is not None and line:
            self._shared.emit(events.Pushed(session.id, line))
