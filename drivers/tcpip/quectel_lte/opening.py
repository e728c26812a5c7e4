"""Opens sessions, listeners and UDP services: sockets of one table of the module, each in its receive mode."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeVar

from ...errors import (
    AnswerLost,
    AtError,
    AtTimeout,
    CommandError,
    ConnectFailed,
    ConnectTimeout,
    ContextLost,
    DriverError,
    InvalidArgument,
)
from ...wording import retold
from ..core import events
from ..core.listener_state import ListenerState
from ..core.ownership import ContextState
from ..core.procedure import Procedure, on_channel, wait
from ..core.socket_state import ANYWHERE, SocketId, SocketState
from . import dialogues
from .classifier import BROKEN
from .codes import DEACTIVATED, IN_USE, failed_opening, stack_command
from .data_mode import DataMode
from .dialogues import CONNECTED
from .settings import MODES
from .state import StackState
from .timeouts import deadline
from .unsolicited import SOCKETS, opened_line

Socket = TypeVar("Socket", SocketState, ListenerState)
LOCAL = "127.0.0.1"
"""The address in the command for what listens (BG96 TCP/IP AT Commands Manual V1.0, QIOPEN)."""
LOOK = 10.0
"""Seconds without ``+QIOPEN`` after which the module is asked once: it may have gone to another port."""


class Opening:
    """Opens the sessions and the listeners of one context, which is active.

    Args:
        state: the state that the parts of the stack share.
        data_mode: the data mode of transparent sessions.
    """

    def __init__(self, state: StackState, data_mode: DataMode) -> None:
        self._state = state
        self._table = state.table
        self._data_mode = data_mode

    def connect(
        self, protocol: str, host: str, port: int, *, index: int | None, timeout: float | None, receive: str
    ) -> Procedure[SocketState]:
        """Open a session to a remote server.

        Raises:
            NameNotFound: the module has no address for the host.
            ConnectFailed: it could not be opened.
            ContextLost: the network has deactivated the context.
        """

        def reserve(ids: Iterable[SocketId]) -> SocketState | None:
            return self._table.reserve(
                ids, "client", protocol, (host, port), datagrams=protocol == "UDP", receive=receive
            )

        what = f'"{protocol}","{host}",{port},0,{MODES[receive]}'
        return self._open(what, reserve, index=index, timeout=timeout)

    def listen(self, protocol: str, port: int, receive: str) -> Procedure[ListenerState]:
        """Start to listen for TCP clients."""
        if protocol != "TCP":
            raise InvalidArgument(f"{self._state.settings.dialect.title} has no {protocol} listener: use udp_service()")
        if receive == "transparent":
            raise InvalidArgument("a listener has no receive='transparent': set_receive() of each client does that")

        def reserve(ids: Iterable[SocketId]) -> ListenerState | None:
            return self._table.reserve_listener(ids, "TCP", port, len(SOCKETS) - 1, receive=receive)

        return self._open(f'"TCP LISTENER","{LOCAL}",0,{port},{MODES[receive]}', reserve)

    def serve(self, port: int, receive: str) -> Procedure[SocketState]:
        """Open a UDP service, which exchanges datagrams with any address."""
        if receive == "transparent":
            raise InvalidArgument("a UDP service has no receive='transparent': each datagram has its own address")

        def reserve(ids: Iterable[SocketId]) -> SocketState | None:
            return self._table.reserve(ids, "server", "UDP", ANYWHERE, datagrams=True, receive=receive, service=port)

        return self._open(f'"UDP SERVICE","{LOCAL}",0,{port},{MODES[receive]}', reserve)

    # -- one socket --------------------------------------------------------------------------------------------------

    def _open(
        self,
        what: str,
        reserve: Callable[[Iterable[SocketId]], Socket | None],
        *,
        index: int | None = None,
        timeout: float | None = None,
    ) -> Procedure[Socket]:
        """Open a socket under the first number that is free, in the module too."""
        limit = deadline("+QIOPEN") if timeout is None else timeout
        numbers = [SocketId(id) for id in (SOCKETS if index is None else (index,))]
        refused, code = "", None
        made = reserve(numbers)
        if made is None:  # as far as is known here
            yield from self._make_room()
            made = reserve(numbers)
        while made is not None:
            text = f"AT+QIOPEN={self._state.settings.context},{made.id.number},{what}"
            code = yield from self._ask(made, text, limit)
            if code == 0:
                return made
            if code not in IN_USE:
                yield from self._free(made)
                raise self._failure(text, code)
            self._table.drop(made)  # it is somebody else's, so it is not closed
            self._table.note_foreign([made.id])
            numbers.remove(made.id)
            refused = f" ({text} was answered {code})"
            made = reserve(numbers)
        which = f"all {len(SOCKETS)} sockets are" if index is None else f"socket {index} is"
        raise ConnectFailed(f"{self._state.name}: {which} open already{refused}; close one first", code=code)

    def _make_room(self) -> Procedure[None]:
        """Ask the module what it has, and close what was closed here while it did not answer."""
        listed = yield from on_channel(dialogues.read_sockets())
        for session in list(self._table.sessions.values()):
            if not session.closed or session.released or session.ending:
                continue
            if listed.pop(session.index, None) is not None:
                yield from on_channel(dialogues.close(session.index, 0))
            session.released = True
        self._table.survey({SocketId(one.id): one.context for one in listed.values()})

    def _free(self, made: SocketState | ListenerState) -> Procedure[None]:
        """Free the number of a socket that was not opened: the module keeps it until it is closed."""
        yield from on_channel(dialogues.close(made.id.number, 0))
        self._table.drop(made)

    def _give_up(self, made: SocketState | ListenerState) -> Procedure[None]:
        """Free the number of a socket that was not answered; what says nothing may not close it, either."""
        if isinstance(made, SocketState) and made.receive == "transparent":
            if made.released:  # on the way out of data mode
                self._table.drop(made)
            return
        with suppress(AtError):
            yield from self._free(made)

    def _failure(self, text: str, code: int | None) -> DriverError:
        """Return the exception for a socket that was not opened."""
        claim, answer = self._state.claim, "ERROR" if code is None else str(code)
        if code == DEACTIVATED:
            claim.note(BROKEN, ContextState.BROKEN)
            reason = f"the network has deactivated it ({text} was answered {answer})"
            return ContextLost(claim.context, reason, port=claim.port, code=code)
        return failed_opening(f"{self._state.name}: {text} was answered {answer}", code)

    def _ask(self, made: SocketState | ListenerState, text: str, limit: float) -> Procedure[int | None]:
        """Open a socket; return 0, or the code of the module, or None if it has answered ERROR without one."""
        try:
            if made.receive == "transparent" and isinstance(made, SocketState):
                yield from on_channel(self._data_mode.open(made, text, limit))
                return 0
            return (yield from self._await_result(made, text, limit))
        except CommandError as refusal:
            return refusal.code
        except AtTimeout as silence:
            yield from self._give_up(made)
            raise ConnectTimeout(retold(self._state.name, silence)) from silence

    def _await_result(self, made: SocketState | ListenerState, text: str, limit: float) -> Procedure[int]:
        """Open a socket whose result comes as ``+QIOPEN``, maybe on another channel, before OK, or without OK."""
        yield from self._begin(made, text)
        what = f"+QIOPEN after {text}"
        code = yield from wait(min(limit, LOOK), made.changes, made.outcome, what=what)
        if code is None:
            code = yield from self._look(made)
        if code is None and limit > LOOK:
            code = yield from wait(limit - LOOK, made.changes, made.outcome, what=what)
        if code is not None:
            return code
        came = self._state.port._came
        raise AtTimeout(
            f"{self._state.claim.port}: {what} did not come within {limit:g} s (came: {came})", command=what
        )

    def _begin(self, made: SocketState | ListenerState, text: str) -> Procedure[None]:
        result = opened_line(made.id.number)
        try:
            yield from on_channel(stack_command(text, timeout=deadline("QIOPEN"), lost_on=(result,)))
        except (AnswerLost, AtTimeout) as missing:
            if made.outcome() is None and not (yield from self._has_begun(made)):
                raise missing from None

    def _has_begun(self, made: SocketState | ListenerState) -> Procedure[bool]:
        """Ask whether the module opens a socket although it did not answer; without an answer to that it does not."""
        with suppress(AtTimeout):
            return (yield from on_channel(dialogues.read_socket(made.id.number))) is not None
        return False

    def _look(self, made: SocketState | ListenerState) -> Procedure[int | None]:
        """Ask the module whether a socket is open although ``+QIOPEN`` has not come; then it goes to another port."""
        listed = yield from on_channel(dialogues.read_socket(made.id.number))
        code = made.outcome()
        if code is not None or listed is None or listed.state not in CONNECTED:
            return code
        if isinstance(made, SocketState):
            self._state.emit(events.Readable(made.id))  # that may have gone there, too
        if self._state.claim.dlci is None and listed.uart:
            yield from on_channel(dialogues.try_to_put("QURCCFG", f'"urcport","{listed.uart}"'))
        return 0
