"""The one voice call of a module: made or coming in, with another module of the process or with an imagined party."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from ...clock import Timer
from ..environment import Environment
from ..interpreter.data_mode import Mode
from ..interpreter.replies import BUSY, NO_ANSWER, NO_CARRIER, OK, Reply, Result
from ..interpreter.uart import Uart
from ..subscribers import SUBSCRIBERS, Subscriber, dialled, type_of
from .signals import CallOffered, CallProgress
from .states import CALL_TRANSITIONS, CallAction, CallInput, CallState

log: logging.Logger = logging.getLogger(__name__)

_TOLD = {CallAction.TELL_BUSY: BUSY, CallAction.TELL_NO_ANSWER: NO_ANSWER, CallAction.TELL_NO_CARRIER: NO_CARRIER}
_BUSY_FROM = 3  # of ATX
_FATES = {"answered": CallInput.ACCEPTED, "busy": CallInput.BUSY, "no_answer": CallInput.RINGS}


@dataclass(slots=True)
class VoiceCall:
    """Represents one call.

    Args:
        number: of the other side, as it was dialled or is shown; empty where it is withheld.
        incoming: whether it came in.
        told: the UARTs where it was dialled or has rung, which are told how it ends.
        token: what only this call has, on both sides.
        peer: the module on the other side, or None.
        finish: ends the ATD that waits for the outcome, or None.
        withheld: whether the other side is not shown this one's number.
    """

    number: str
    incoming: bool
    told: set[Uart] = field(default_factory=set)
    token: object = field(default_factory=object)
    peer: Subscriber | None = None
    finish: Callable[[Reply], None] | None = None
    withheld: bool = False
    rings: int = 0
    """How often it has rung."""


class Calls:
    """Runs the voice calls of a module, one at a time, by `CALL_TRANSITIONS`.

    Args:
        environment: loop, clock, network, and the module's own number.
        uarts: where calls ring.
    """

    def __init__(self, environment: Environment, uarts: Sequence[Uart]) -> None:
        self.state: CallState = CallState.IDLE
        self.current: VoiceCall | None = None
        """The call that is not over."""
        self.on_end: Callable[[CallInput], None] = lambda what: None
        """Called with what has ended a call."""
        self._environment = environment
        self._uarts = uarts
        self._timers: list[Timer] = []
        self._do: dict[CallAction, Callable[[VoiceCall], None]] = {
            CallAction.SET_UP: self._set_up,
            CallAction.RING: self._start_ringing,
            CallAction.ACCEPT: partial(self._tell_peer, CallInput.ACCEPTED),
            CallAction.REFUSE: partial(self._tell_peer, CallInput.BUSY),
            CallAction.RELEASE: partial(self._tell_peer, CallInput.RELEASED),
            CallAction.TELL_CONNECTED: self._connected,
            **{action: partial(self._tell, reply) for action, reply in _TOLD.items()},
        }
        environment.subscriber.on(CallOffered, self._offered)
        environment.subscriber.on(CallProgress, self._progress)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state.name}>"

    # What commands do

    def dial(self, uart: Uart, number: str, *, withheld: bool, finish: Callable[[Reply], None] | None) -> bool:
        """Make a call.

        Args:
            uart: where it was dialled, and its end is told.
            number: as it was dialled.
            withheld: whether the other side is not shown this module's number.
            finish: ends the command once the call is answered, or is not; None where it ends at once.

        Returns:
            False while there is a call already.
        """
        if self.state is not CallState.IDLE:
            return False
        self.current = VoiceCall(number, incoming=False, told={uart}, finish=finish, withheld=withheld)
        if wait := uart.settings.registers[7]:
            self._later(wait, CallInput.EXPIRED)
        self.take(CallInput.DIAL)
        return True

    def answer(self) -> bool:
        """Answer the call that comes in; return False when there is none."""
        return self.take(CallInput.ANSWER)

    def hang_up(self) -> bool:
        """End the call, or refuse the one that comes in; return False when there is none."""
        return self.take(CallInput.HANG_UP)

    def lines(self) -> list[str]:
        """Return what AT+CLCC shows behind its name, for each call."""
        call = self.current
        if call is None:
            return []
        return [f'1,{call.incoming:d},{self.state.value},0,0,"{call.number}",{type_of(call.number)},""']

    # What happens outside

    def ring(self, number: str = "") -> None:
        """Let somebody call who is no module.

        Args:
            number: what is shown of the caller; empty where that is withheld.

        Raises:
            ValueError: it is no number, or the module cannot be reached or has a call already.
        """
        shown = dialled(number) if number else ""
        if not self._environment.network.service:
            raise ValueError("the module is not registered")
        if self.state is not CallState.IDLE:
            raise ValueError("there is a call already")
        self._take_in(VoiceCall(shown, incoming=True))

    def happen(self, what: CallInput) -> None:
        """Let the other side of the call do something: answer it, hang up, be busy.

        Raises:
            ValueError: there is no call to which that can happen.
        """
        call = self.current
        if call is None:
            raise ValueError("there is no call")
        if (self.state, what) not in CALL_TRANSITIONS:
            raise ValueError(f"a call that is {self.state.name.lower()} cannot {what.value}")
        if call.peer is not None and what is CallInput.ACCEPTED:
            raise ValueError("the module that is called answers it itself: ATA")
        self._tell_peer(CallInput.RELEASED, call)
        call.peer = None
        self.take(what)

    def network_changed(self) -> None:
        """End the call where there is no service any more."""
        if not self._environment.network.service:
            self.take(CallInput.LOST)

    def reset(self) -> None:
        """End the call because the module restarts or ends; nobody here is told."""
        call = self.current
        if call is not None:
            call.told.clear()
            call.finish = None
            self.take(CallInput.LOST)

    # By the table

    def take(self, what: CallInput) -> bool:
        """Go to the next state, and do what the table says; return False for an input that the state does not have."""
        call, step = self.current, CALL_TRANSITIONS.get((self.state, what))
        if call is None or step is None:
            return False
        log.debug("call: %s -> %s, %s", self.state.name, step[0].name, what.name)
        former, (self.state, actions) = self.state, step
        if self.state is CallState.IDLE or former is CallState.INCOMING or self.state is CallState.ACTIVE:
            self._stop_timers()
        if self.state is CallState.IDLE:
            self.current = None
            self.on_end(what)
        for action in actions:
            self._do[action](call)
        if self.state is CallState.IDLE and call.finish is not None:  # ended on another UART
            self._tell(NO_CARRIER, call)
        return True

    def _set_up(self, call: VoiceCall) -> None:
        environment, own = self._environment, self._environment.subscriber
        fate = _FATES.get(environment.network.calls)
        peer = SUBSCRIBERS.find(call.number) if fate is None else None
        if peer is own:
            fate = CallInput.BUSY
        elif peer is not None:
            call.peer = peer
            if not peer.send(CallOffered(call.token, own, "" if call.withheld else own.number)):
                call.peer, fate = None, CallInput.RELEASED
        elif fate is None:
            fate = CallInput.RELEASED  # nobody has the number
        if fate is not None:
            self._later(environment.behaviour.result_time, fate)

    def _start_ringing(self, call: VoiceCall) -> None:
        self._tell_peer(CallInput.RINGS, call)
        self._ring(call)

    def _ring(self, call: VoiceCall) -> None:
        """Ring once where somebody can hear it, and answer where S0 says so."""
        call.rings += 1
        heard = [uart for uart in self._uarts if uart.attached and uart.hears and uart.mode is not Mode.DATA]
        call.told.update(heard)
        for uart in heard:
            _announce(uart, call)
        environment = self._environment
        timer = environment.clock.call_later(
            environment.loop, environment.behaviour.ring_interval, partial(self._ring_again, call)
        )
        self._timers.append(timer)
        if any(0 < uart.settings.registers[0] <= call.rings for uart in heard):
            self.take(CallInput.ANSWER)

    def _ring_again(self, call: VoiceCall) -> None:
        self._timers.clear()  # the one that called this
        self._ring(call)

    def _tell_peer(self, what: CallInput, call: VoiceCall) -> None:
        if call.peer is not None:
            call.peer.send(CallProgress(call.token, what))

    def _connected(self, call: VoiceCall) -> None:
        finish, call.finish = call.finish, None
        if finish is not None:
            for uart in call.told:
                uart.line(f'+COLP: "{call.number}",{type_of(call.number)},"",0,""')
            finish(OK)

    def _tell(self, reply: Reply, call: VoiceCall) -> None:
        """Tell how a call has ended where it was dialled or has rung."""
        finish, call.finish = call.finish, None
        for uart in call.told:
            # V.250 §6.2.7: a busy line has a result code of its own with ATX3 and ATX4 only
            shown = NO_CARRIER if reply is BUSY and uart.settings.x < _BUSY_FROM else reply
            if finish is not None:
                finish(shown)
            elif uart.attached and shown.result is not None:
                uart.announce(shown.result)

    # From other modules

    def _offered(self, signal: CallOffered) -> None:
        if not self._environment.network.service:
            signal.caller.send(CallProgress(signal.call, CallInput.RELEASED))
        elif self.state is not CallState.IDLE:
            signal.caller.send(CallProgress(signal.call, CallInput.BUSY))
        else:
            self._take_in(VoiceCall(signal.number, incoming=True, token=signal.call, peer=signal.caller))

    def _progress(self, signal: CallProgress) -> None:
        if self.current is not None and self.current.token is signal.call:
            self.take(signal.what)

    def _take_in(self, call: VoiceCall) -> None:
        self.current = call
        self.take(CallInput.OFFERED)

    # Time

    def _later(self, seconds: float, what: CallInput) -> None:
        call, environment = self.current, self._environment

        def now() -> None:
            if self.current is call:
                self.take(what)

        if seconds:
            self._timers.append(environment.clock.call_later(environment.loop, seconds, now))
        else:
            self._timers.append(environment.loop.call_soon(now))

    def _stop_timers(self) -> None:
        while self._timers:
            self._timers.pop().cancel()


def _announce(uart: Uart, call: VoiceCall) -> None:
    """Announce a call on one UART as its settings want it (27.007 §6.11, §7.6)."""
    if uart.settings.crc:
        uart.announce("+CRING: VOICE")
    else:
        uart.announce(Result.RING)
    if uart.settings.clip:
        uart.announce(f'+CLIP: "{call.number}",{type_of(call.number)},"",,"",{int(not call.number)}')
