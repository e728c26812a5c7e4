"""Opens a session to a remote server: AT+QIOPEN, OK, CONNECT OK (app note 3.2, 5.2)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ...at.core import Dialogue, LinePattern, Response, command, expect
from ...at.core.patterns import any_match
from ...at.core.results import CALL_RESULTS, error_for, is_error
from ...at.core.values import leading_index
from ...errors import AtError, AtTimeout, ChannelClosed, ConnectFailed, SessionClosed, TcpipError
from ..core import events
from ..core.options import is_dotted
from ..core.procedure import Procedure, on_channel, wait
from ..core.socket_state import SocketState
from . import closing
from .dialogues import ConnectFail, await_unless_deactivated
from .state import StackState
from .timeouts import deadline
from .unsolicited import CLOSED, CONNECT_RESULTS, DEACTIVATED, FAILED, TRANSPARENT_RESULTS

_OK, _ERROR = LinePattern("OK"), LinePattern("ERROR")


class Connecting:
    """One session that is being opened.

    The module opens it by itself after OK, so others use the channel until CONNECT OK comes; only CONNECT, which begins
    data mode, is waited for in the turn of AT+QIOPEN.

    Args:
        state: the state that the parts of the stack share.
        session: the session, which is not in the table yet.
        timeout: seconds to wait for CONNECT OK; None: the longest time that the module may take.
        connected: called when the session is open, before any later octet is parsed.
        close: creates the dialogue that closes the session while it is half open.
    """

    def __init__(
        self,
        state: StackState,
        session: SocketState,
        *,
        timeout: float | None,
        connected: Callable[[], None],
        close: Callable[[], Dialogue[None]],
    ) -> None:
        self._state = state
        self._session = session
        self._index = state.number(session)
        self._limit = deadline("CONNECT OK") if timeout is None else timeout
        self._connected = connected
        self._close = close
        host, port = session.remote_address
        own = "" if self._index is None else f"{self._index},"
        self._text = f'AT+QIOPEN={own}"{session.protocol}", "{host}",{port}'
        self._possible = "refused or unreachable" if is_dotted(host) else "refused, unreachable, or no such name"
        self._results = CONNECT_RESULTS if state.settings.transparent is None else TRANSPARENT_RESULTS
        self._result = ""
        self._given_up = False
        self._begun = 0.0

    def run(self) -> Procedure[None]:
        """Open the session.

        Raises:
            ConnectFail: the module reports CONNECT FAIL, or the end of what is being opened.
            CommandError: it reports ERROR, maybe after OK.
            ConnectFailed: the module has an open session already.
        """
        came = yield from self._attempt()
        if came.final.endswith("ALREADY CONNECT"):  # no session of this driver: another host has left it there
            yield from self._state.foreground.on_channel(closing.close_half_open(self._state, self._index))
            came = yield from self._attempt()
        if came.final.endswith("ALREADY CONNECT"):
            raise ConnectFailed(f"{self._text} was answered {came.final}: close the session of this context first")
        if is_error(came.final) or any_match(CALL_RESULTS, came.final):
            yield from self._close_in_turn()  # it may be going on with it
            raise error_for(came.final, f"{self._text}, after OK,", self._state.claim.port)
        if any_match(FAILED, came.final):
            raise ConnectFail(self._text, came.final, came.elapsed, self._possible)

    def _attempt(self) -> Procedure[Response]:
        on_channel = self._state.foreground.on_channel
        if self._state.settings.transparent is not None:
            return (yield from on_channel(self._in_one_turn()))
        came = yield from on_channel(self._begin())
        return (yield from self._await_result()) if came.final == _OK.prefix else came

    def _ask(self) -> Dialogue[Response]:
        came = yield from command(  # the OK is missing in the app note's 10.1
            self._text,
            timeout=deadline("QIOPEN"),
            success=(_OK, *self._results),
            info=(),
            lost_on=DEACTIVATED,
            abandon=self._close,
        )
        if came.final.endswith("ALREADY CONNECT"):
            with suppress(AtTimeout):  # some firmware adds an ERROR, which is not for the next command
                yield from expect(_ERROR, timeout=0.3)
        elif came.final != _OK.prefix:
            self._note(came.final)
        return came

    def _note(self, result: str) -> None:
        if any_match(self._results, result) and not result.endswith(("CONNECT FAIL", "ALREADY CONNECT")):
            self._connected()

    def _in_one_turn(self) -> Dialogue[Response]:
        came = yield from self._ask()
        if came.final == _OK.prefix:
            came = yield from await_unless_deactivated(
                *self._results,
                *CLOSED,
                timeout=self._limit,
                what="CONNECT OK",
                after=self._text,
                abandon=self._close,
            )
            self._note(came.final)
        return came

    # -- outside of a turn -------------------------------------------------------------------------------------------

    def _begin(self) -> Dialogue[Response]:
        came = yield from self._ask()
        if came.final == _OK.prefix:
            self._result, self._given_up, self._begun = "", False, self._state.now()
            self._state.table.opening, self._state.take_connect_result = self._session, self._take_result
        return came

    def _take_result(self, line: str) -> events.Event | None:
        """Return the event for a line that ends the wait; called on the reader of the channel."""
        if self._index is not None and leading_index(line) not in (None, self._index):
            return None
        if not self._given_up:
            self._result = line
            self._note(line)
            self._session.nudge()
        return events.Nothing()

    def _came(self) -> str | None:
        self._session.outcome()  # raises if the context, the module or the line was lost
        return self._result or None

    def _forget(self) -> None:
        self._state.table.opening = self._state.take_connect_result = None

    def _await_result(self) -> Procedure[Response]:
        """Wait for the result, and give the opening up if that does not come."""
        try:
            what = f"CONNECT OK after {self._text}"
            if (yield from wait(self._limit, self._session.changes, self._came, what=what)) is None:
                said = f"{what} did not come within {self._limit:g} s (came: {self._state.port._came})"
                raise AtTimeout(f"{self._state.claim.port}: {said}", command=what)
        except SessionClosed as ended:
            cause = ended.__cause__
            if isinstance(cause, ChannelClosed):
                raise ChannelClosed(str(cause)) from cause.__cause__
            if self._state.claim.broken:
                elapsed = self._state.now() - self._begun
                raise ConnectFail(self._text, f"by the end of the context ({cause})", elapsed, "") from ended
            if cause is None:  # this call was abandoned, the session has not ended
                yield from self._give_up()
            raise
        except BaseException:
            yield from self._give_up()
            raise
        finally:
            self._forget()
        return Response((), self._result, self._state.now() - self._begun)

    def _give_up(self) -> Procedure[None]:
        """Close what is half open; a session that has just been opened is closed by the caller."""
        if not self._result:
            self._given_up = True
            yield from self._close_in_turn()

    def _close_in_turn(self) -> Procedure[None]:
        with suppress(AtError, TcpipError):
            yield from on_channel(self._close_mine())

    def _close_mine(self) -> Dialogue[None]:
        claim = self._state.claim
        if claim.valid and not claim.broken:
            yield from self._state.foreground.in_foreground(self._close())
