"""Data mode of a transparent session: all octets are data, in both directions (app note 3.3)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ...at.core import Dialogue, expect
from ...at.core.results import CONNECTED
from ...errors import AtTimeout, SessionClosed, SessionFinished, TcpipError
from ..core.events import ContextDropped, OnlineEnd
from ..core.socket_state import SocketState
from ..data_mode import DataModeBase, Timing, back_online, clear_line
from .dialogues import BROKEN
from .state import StackState
from .timeouts import LIMITS, deadline
from .unsolicited import DEACTIVATED

TIMING = Timing(guard=0.6, answer=LIMITS["+++"], resumption=deadline("ATO"))
"""The app note requires a silence of at least 0.5 s before and after ``+++``."""


class DataMode(DataModeBase):
    """See `DataModeBase`: CLOSED ends data mode, +PDP DEACT too.

    Args:
        state: the state that the parts of the stack share.
        set_dtr: sets DTR of the UART, if it has one.
    """

    def __init__(self, state: StackState, set_dtr: Callable[[bool], None]) -> None:
        super().__init__(state, TIMING, state.settings.transparent, set_dtr)
        self._state = state

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
        if self._transparent is None:
            raise TcpipError(f"{self._state.name}: there is no data mode without transparent=True")
        standing = self._table.standing()
        if not standing:
            raise SessionClosed(f"{self._state.name}: there is no session to go back to")
        session = standing[0]
        resuming = back_online(self._timing, lambda: self.enter(session))
        if not (yield from self._state.foreground.in_foreground(resuming)):
            session.end_by_remote()
            raise SessionFinished(f"{self._state.name}: ATO found no session: the other side has closed it")

    def _end(self) -> Dialogue[None]:
        text = self._state.suspected.decode("latin-1").strip()
        self._state.suspect = b""
        if any(pattern.match(text) for pattern in DEACTIVATED):
            self._left()
            self._state.emit(ContextDropped(f"the network deactivated the context ({text})", BROKEN))
        elif text:
            self._state.emit(OnlineEnd())
        yield from clear_line()
