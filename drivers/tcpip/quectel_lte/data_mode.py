"""Data mode of a transparent session: all octets are data, in both directions; NO CARRIER ends it."""

from __future__ import annotations

from collections.abc import Callable

from ...at.core import Dialogue
from ...at.core.results import CONNECTED
from ...errors import CommandError, SessionClosed, SessionFinished
from ..core.events import Closed, ContextDropped, Incoming, OnlineEnd, Opened, Pushed, Readable
from ..core.socket_state import SocketId, SocketState
from ..data_mode import DataModeBase, Timing, back_online, clear_line
from . import dialogues
from .classifier import BROKEN
from .codes import DEACTIVATED, stack_command
from .settings import MODES
from .state import Behind, StackState
from .timeouts import LIMITS, deadline

TIMING = Timing(guard=1.1, answer=LIMITS["+++"], resumption=deadline("ATO"), kept=True, always=True)
"""One second is required; exactly one is too short for an EG91-NAX (particle-iot/device-os)."""


class DataMode(DataModeBase):
    """See `DataModeBase`. A session that has left data mode has its data kept by the module.

    Args:
        state: the state that the parts of the stack share.
        set_dtr: sets DTR of the UART, if it has one.
    """

    def __init__(self, state: StackState, set_dtr: Callable[[bool], None]) -> None:
        super().__init__(state, TIMING, state.settings.transparent, set_dtr)
        self._state = state
        self._before: SocketState | None = None

    def enter(self, session: SocketState) -> None:
        """See `DataModeBase.enter`."""
        super().enter(session)
        self._state.behind.clear()
        session.receive, self._before = "transparent", session

    def _left(self) -> None:
        if self._table.online is not None:
            self._table.online.receive = "buffered"
        super()._left()

    def open(self, session: SocketState, text: str, limit: float) -> Dialogue[None]:
        """Open a session in data mode: AT+QIOPEN, which is answered CONNECT.

        If it is given up, it is closed again, and `SocketState.released` says whether the module has done so.

        Raises:
            CommandError: the module could not; `code` is the reason.
        """

        def close() -> Dialogue[None]:
            yield from dialogues.close(session.index, 0)
            session.released = True

        def abandon() -> Dialogue[None]:
            return self.abandon_opening(close)

        yield from stack_command(text, timeout=limit, success=CONNECTED, abandon=abandon)
        session.opened(0)
        self.enter(session)

    def switch(self, session: SocketState) -> Dialogue[None]:
        """Go to data mode with an open session: AT+QISWTMD."""
        text = f"AT+QISWTMD={session.index},{MODES['transparent']}"
        yield from stack_command(text, timeout=deadline("QISWTMD"), success=CONNECTED)
        self.enter(session)

    def resume(self) -> Dialogue[None]:
        """Go back to data mode, with the session that has left it last: ATO."""
        if self._table.online is not None:
            return
        session = self._before
        if session is None or not session.open:
            raise SessionClosed(f"{self._state.name}: there is no session to go back to")
        if not (yield from back_online(self._timing, lambda: self.enter(session))):
            try:  # another session has been in data mode since
                yield from self.switch(session)
            except CommandError:
                session.end_by_remote()
                raise SessionFinished(
                    f"{self._state.name}: ATO found no session: the other side has closed it"
                ) from None

    def _end(self) -> Dialogue[None]:
        """See `DataModeBase._end`; where nothing else is told it may have been the loss of the context."""
        session, behind = self._table.online, self._state.behind[:]
        self._state.suspect = b""
        self._state.behind.clear()
        self._left()
        active = None
        try:
            yield from clear_line()
            active = yield from dialogues.read_active()
        finally:
            if session is not None:
                self._tell_end(session, behind, active)

    def _tell_end(self, session: SocketState, behind: list[Behind], active: dict[int, str] | None) -> None:
        """Pass on the end of a session, and what has come behind it.

        Args:
            session: the session.
            behind: what has come behind it.
            active: the contexts that are active now, if the module has told them.
        """
        open_still, came = session.open, set[SocketId]()
        for one in behind:
            event = one.meaning()
            match event:
                case Incoming(_, id):
                    came.add(id)
                case ContextDropped() if not open_still:  # another channel has told it
                    continue
                case Closed(id) if id == session.id:
                    continue
                case Pushed(id) | Readable(id) | Closed(id) | Opened(id) if id not in came:
                    if not any(other.id == id for other in one.sessions & self._state.module.sessions()):
                        continue  # it is about one that has ended meanwhile
            if event is not None:
                self._state.hear(event)
        context = self._state.settings.context
        if session.open and active is not None and context not in active:
            reason = "the network deactivated the context (NO CARRIER, and AT+QIACT? does not list it)"
            self._state.emit(ContextDropped(reason, BROKEN, context, DEACTIVATED))
        if session.open:
            self._table.online = session
            self._state.emit(OnlineEnd())
