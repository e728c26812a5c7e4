"""The control channel: our commands with T2 and N2, and answers to the peer's (27.010 §5.4.6, §5.7.3, §5.7.5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from . import negotiation
from .commands import (
    CLD,
    MSC,
    NSC,
    PN,
    PSC,
    RLS,
    RPN,
    SNC,
    Command,
    FCoff,
    FCon,
    PortMask,
    Signals,
    Test,
    parity_kind,
)
from .config import Config
from .dlc import Dlc
from .events import (
    CommandDone,
    Event,
    FlowChanged,
    LineStatus,
    Outcome,
    ParametersChanged,
    PortChanged,
    ServiceChanged,
    UnknownCommand,
)
from .messages import Message, encode_message, encode_value, parse_messages
from .ports import merge
from .wire import BAUD_RATES, MessageType

MAX_WAITING = 256
"""Commands of the owner that may wait for their turn. The session adds few of its own: one PSC, one CLD, one of FCon
and FCoff, one MSC without break for each DLC."""

_ONE_WISH = {MessageType.FCON: MessageType.FCOFF, MessageType.FCOFF: MessageType.FCON}


class ControlOwner(Protocol):
    """What the control channel needs from the session that it belongs to."""

    config: Config
    ended: int
    """How many sessions have ended on this line."""

    def emit(self, event: Event) -> None:
        """Report something to the owner of the multiplexer."""

    def dlc(self, dlci: int) -> Dlc:
        """Return a DLC, open or not."""

    def send_control(self, info: bytes, timed: Outstanding | None) -> None:
        """Queue an information field for DLCI 0."""

    def hold(self, *, held: bool) -> None:
        """Stop all channels, or release them."""

    def take_signals(self, dlc: Dlc, signals: Signals, break_length: float | None) -> None:
        """Record the signals that the peer sent for a DLC."""

    def closed_down_by_peer(self) -> None:
        """End the session: the peer sent CLD."""

    def command_done(self, done: CommandDone) -> None:
        """Act on the result of one of our commands."""

    def resync(self, dlci: int, said: MessageType) -> None:
        """Repeat what the peer got wrong about a DLC or, with DLCI 0, about all of them."""

    def peer_sleeps(self) -> None:
        """Fall asleep as soon as everything due has been sent."""


@dataclass(slots=True)
class Outstanding:
    """A command that has been sent, or is about to be."""

    command: Command
    t2: float
    tries: int = 0
    deadline: float | None = None
    left: bool = False
    """The command has been handed to the line; an answer that came before belongs to another command."""

    def handed_out(self, now: float) -> None:
        """Start T2: the command is on its way."""
        self.left = True
        self.deadline = now + self.t2


class ControlChannel:
    """DLCI 0 of one session.

    Args:
        session: the session that it belongs to.
    """

    def __init__(self, session: ControlOwner) -> None:
        self._session = session
        self._outstanding: dict[tuple[MessageType, int], Outstanding] = {}
        self._waiting: list[Command] = []
        self._holding = False  # the latest request was FCoff
        self.counters: Counter[str] = Counter()

    # --- Our commands ---------------------------------------------------------------------------------------------

    def submit(self, command: Command) -> None:
        """Send a command as soon as no other of its type is outstanding (MSC: of its DLC); `CommandDone` follows.

        Args:
            command: the command; its values can be coded. It replaces a waiting MSC without break for the same DLC.
                FCon and FCoff replace each other, even one that has been sent: only the latest request matters.
        """
        for one in [one for one in self._waiting if _superseded(one, command)]:
            self._waiting.remove(one)
            if not isinstance(one, MSC):
                self._session.emit(CommandDone(one, Outcome.SUPERSEDED, None))
        if (other := _ONE_WISH.get(command.type)) is not None:
            self._holding = isinstance(command, FCoff)
            # If the other one were repeated after this one, it would undo it; and some answer FCoff only after FCon.
            mine = self._outstanding.pop((other, 0), None)
            if mine is not None:
                self._session.emit(CommandDone(mine.command, Outcome.SUPERSEDED, None))
        self._waiting.append(command)
        self._advance()

    @property
    def full(self) -> bool:
        """Whether so many commands wait that the owner may not add another."""
        return len(self._waiting) >= MAX_WAITING

    def clear(self) -> None:
        """Forget everything: the session is over, or restarts. Each command that was asked for gets its result."""
        commands = [*(one.command for one in self._outstanding.values()), *self._waiting]
        self._outstanding.clear()
        self._waiting.clear()
        self._holding = False
        for command in commands:
            if not isinstance(command, CLD):
                self._session.emit(CommandDone(command, Outcome.CANCELLED, None))

    def holds(self, command: Command) -> bool:
        """Tell whether this command object still waits to be sent or answered; a newer MSC replaces a waiting one."""
        return any(one is command for one in (*self._waiting, *(one.command for one in self._outstanding.values())))

    def awaits(self, kind: MessageType, dlci: int) -> bool:
        """Tell whether a command about a DLC waits to be sent or answered."""
        commands = [*self._waiting, *(one.command for one in self._outstanding.values())]
        return any(one.type is kind and getattr(one, "dlci", None) == dlci for one in commands)

    def next_timeout(self) -> float | None:
        """Return when the first T2 runs out."""
        return min((one.deadline for one in self._outstanding.values() if one.deadline is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Repeat the commands whose T2 has run out, or give up after N2 repetitions (27.010 §5.7.3, §5.7.5)."""
        for mine in list(self._outstanding.values()):
            if mine.deadline is None or mine.deadline > now or mine is not self._outstanding.get(_key(mine.command)):
                continue  # the last condition: an earlier result has ended the session
            if self._may_repeat(mine):
                self._transmit(mine)
            else:
                self._finish(mine, Outcome.TIMEOUT, None)

    def _advance(self) -> None:
        for command in list(self._waiting):
            if _key(command) not in self._outstanding:
                self._waiting.remove(command)
                mine = self._outstanding[_key(command)] = Outstanding(command, self._session.config.t2)
                self._transmit(mine)

    def _transmit(self, mine: Outstanding) -> None:
        mine.tries += 1
        mine.deadline = None
        self._session.send_control(encode_message(mine.command, command=True), mine)

    def _finish(self, mine: Outstanding, outcome: Outcome, answer: Command | None) -> None:
        del self._outstanding[_key(mine.command)]
        self._session.command_done(CommandDone(mine.command, outcome, answer))
        self._advance()

    # --- What is received -----------------------------------------------------------------------------------------

    def receive(self, info: bytes, *, echo: bool = False) -> None:
        """Handle an information field of DLCI 0 with any number of messages; no content raises.

        Args:
            info: the field.
            echo: it has our own C/R bit, like our own frames when a module in AT mode echoes them.
        """
        ended = self._session.ended
        for message in parse_messages(info):
            if self._session.ended != ended:  # after CLD nothing is multiplexed any more (27.010 §5.8.2)
                self.counters["control_ignored"] += 1
                continue
            if message.problem is not None:
                self.counters["control_malformed"] += 1
            if message.problem is not None and message.body is None:  # too short to be understood: dropped
                continue
            # NSC with the C/R bit of a command can only be the answer that NSC is, where it names what we have sent.
            if message.type is MessageType.NSC and self._not_supported(message):
                continue
            if message.command:
                self._command(message)
            elif message.type is MessageType.NSC:
                self.counters["control_ignored"] += 1
            else:
                self.counters["control_ignored"] += not self._answer(message, echo)

    def _answer(self, message: Message, echo: bool) -> bool:
        mine = None if message.body is None else self._outstanding.get(_key(message.body))
        if mine is None or getattr(message.body, "dlci", None) != getattr(mine.command, "dlci", None):
            if not echo:
                self._unasked(message.body)
            return False
        if not mine.left:
            return False
        if isinstance(mine.command, Test) and message.value != mine.command.value():  # 27.010 5.4.6.3.4: exactly
            return False  # a late answer to an earlier Test, or a damaged one
        if isinstance(mine.command, MSC) and not _echoes(message.value, mine.command) and self._may_repeat(mine):
            self._transmit(mine)
            return True
        self._finish(mine, Outcome.ANSWERED, message.body)
        return True

    def _unasked(self, answer: Command | None) -> None:
        """Detect from an unexpected answer that the peer acts on something that was never sent.

        27.010 5.2.1.6: the FCS of UIH does not cover the message. One wrong bit turns FC = 1 for one DLC into FC = 1
        for another, or MSC into FCoff; the peer would stay silent for ever.
        """
        if isinstance(answer, FCoff):
            if not self._holding and (MessageType.FCON, 0) not in self._outstanding:
                self._session.resync(0, MessageType.FCON)
        elif isinstance(answer, MSC):
            dlc = self._session.dlc(answer.dlci)
            if dlc.dlci and dlc.is_open and answer.signals != dlc.own_signals:
                self._session.resync(dlc.dlci, MessageType.MSC)

    def _may_repeat(self, mine: Outstanding) -> bool:
        """Tell whether N2 allows a repetition, and count it (27.010 §5.7.3)."""
        repeat = mine.tries <= self._session.config.n2
        self.counters["command_retransmissions"] += repeat
        return repeat

    def _not_supported(self, message: Message) -> bool:
        """Match an NSC: as specified, else shifted right by one as Linux sends it, else as the type of a response."""
        octet = message.value[0]
        for matches in _NSC_FORMS:
            for mine in self._outstanding.values():
                if mine.left and matches(octet, mine.command.type << 2 | 3):
                    self._finish(mine, Outcome.NOT_SUPPORTED, None)
                    return True
        return False

    def _command(self, message: Message) -> None:
        body = message.body
        handler = _HANDLERS.get(type(body)) if body is not None else None
        if body is None or handler is None:  # 27.010 5.4.6.3.8
            self._session.send_control(encode_message(NSC(message.type_octet), command=False), None)
            self._session.emit(UnknownCommand(message.type_octet, message.value))
        else:
            handler(self, message, body)

    def _respond(self, message: Message, body: Command | None = None) -> None:
        """Answer a message; without a `body`, with the value that was received, octet for octet (27.010 §5.4.6.3)."""
        if message.type is not None:
            value = message.value if body is None else body.value()
            self._session.send_control(encode_value(message.type, value, command=False), None)

    def _echo(self, message: Message, body: Command) -> None:
        self._respond(message)

    def _close_down(self, message: Message, body: Command) -> None:
        self._respond(message)
        self._session.closed_down_by_peer()

    def _modem_status(self, message: Message, body: MSC) -> None:
        self._respond(message)
        self._session.take_signals(self._session.dlc(body.dlci), body.signals, body.break_length)

    def _flow(self, message: Message, body: Command) -> None:
        held = isinstance(body, FCoff)
        self._session.hold(held=held)
        self._respond(message)
        self._session.emit(FlowChanged(held))

    def _power_saving(self, message: Message, body: Command) -> None:
        self._respond(message)
        self._session.peer_sleeps()

    def _negotiate(self, message: Message, body: PN) -> None:
        ours = self._outstanding.get(_key(body))
        if ours is not None and isinstance(ours.command, PN) and ours.command.dlci == body.dlci:
            body = negotiation.collide(body, ours.command)  # both asked at once: both have to grant the same
        granted = negotiation.grant(body, self._session.config)
        self._respond(message, granted)
        if self._session.config.carries_data(body.dlci):
            parameters = negotiation.parameters(granted)
            self._session.dlc(body.dlci).agree(parameters)
            self._session.emit(ParametersChanged(body.dlci, parameters))

    def _port(self, message: Message, body: RPN) -> None:
        dlc = self._session.dlc(body.dlci)
        if body.settings is None:  # 27.010 5.4.6.3.9: one octet asks
            self._respond(message, RPN(body.dlci, dlc.port))
            return
        accepted = body.mask if body.settings.baudrate in BAUD_RATES.values() else body.mask & ~PortMask.BAUDRATE
        dlc.set_port(merge(dlc.port, body.settings, parity_kind(message.value), accepted))
        self._respond(message, RPN(body.dlci, dlc.port, accepted))
        self._tell_of_channel(PortChanged(body.dlci, dlc.port, accepted))

    def _line_status(self, message: Message, body: RLS) -> None:
        self._respond(message)
        self._tell_of_channel(LineStatus(body.dlci, body.overrun, body.parity, body.framing))

    def _service(self, message: Message, body: SNC) -> None:
        dlc = self._session.dlc(body.dlci)
        if body.service is not None:
            dlc.set_service(body.service, body.codec)
            self._tell_of_channel(ServiceChanged(body.dlci, *dlc.service))
        self._respond(message, SNC(body.dlci, dlc.service[0], dlc.service[1] or SNC.NO_CODEC))

    def _tell_of_channel(self, event: PortChanged | LineStatus | ServiceChanged) -> None:
        """Emit an event about a channel, if it is one that the owner can use."""
        if self._session.config.carries_data(event.dlci):
            self._session.emit(event)


_HANDLERS: dict[type[Command], Callable[[ControlChannel, Message, Any], None]] = {
    CLD: ControlChannel._close_down,
    FCoff: ControlChannel._flow,
    FCon: ControlChannel._flow,
    MSC: ControlChannel._modem_status,
    PN: ControlChannel._negotiate,
    PSC: ControlChannel._power_saving,
    RLS: ControlChannel._line_status,
    RPN: ControlChannel._port,
    SNC: ControlChannel._service,
    Test: ControlChannel._echo,
}
"""The handler of each command from the peer; NSC has no meaning as a command, and is answered like an unknown one."""


def _key(command: Command) -> tuple[MessageType, int]:
    """Return the key under which one command can be outstanding: its type, and for MSC, due after each UA, its DLC."""
    return command.type, command.dlci if isinstance(command, MSC) else 0


def _superseded(waiting: Command, by: Command) -> bool:
    """Tell whether a newer command makes a waiting one pointless."""
    if isinstance(by, MSC):
        return isinstance(waiting, MSC) and waiting.dlci == by.dlci and waiting.break_length is None
    return by.type in _ONE_WISH and waiting.type in _ONE_WISH


def _echoes(value: bytes, command: MSC) -> bool:
    """Tell whether the answer to an MSC repeats what was sent; some peers leave the break octet out.

    The FCS of UIH does not cover the message: an echo that differs shows that one of the two was damaged.
    """
    said = command.value()
    return value[:1] == said[:1] and value[1] | 1 == said[1] | 1 and value[2:] in (said[2:], b"")


_NSC_FORMS: tuple[Callable[[int, int], bool], ...] = (
    lambda octet, sent: octet == sent,  # 27.010 5.4.6.3.8
    lambda octet, sent: octet == sent >> 1,
    lambda octet, sent: octet | 3 == sent,
)
"""How peers write the type octet that they do not know, the most certain form first."""
