"""The TCP/IP commands that carry data: AT+QISEND, AT+QISACK, AT+QIRD."""

from __future__ import annotations

from ...interpreter.commandline import Form
from ...interpreter.entry import Entry
from ...interpreter.replies import ANSWERED, ERROR, OK, Reply, final
from ...interpreter.table import CommandTable
from ..call import Call, needs
from ..client import PROFILES
from ..context_session import ContextSession, Role
from ..ownership import CONTEXTS, Need
from ..server import CLIENTS
from ..states import ACTIVE

data_commands: CommandTable[Call] = CommandTable()
_command = data_commands.command
_text = data_commands.text

_READ_RANGES = ((CONTEXTS[0], CONTEXTS[-1]), (1, 2), (0, PROFILES - 1), (1, 1500))

# Sending


@_command("QISEND", Form.TEST)
def lengths(call: Call) -> Reply:
    """Answer AT+QISEND=?."""
    call.line(f"+QISEND: (1-{_longest(call)})")
    return OK


def _longest(call: Call) -> int:
    return int(call.modem.environment.behaviour.longest_send)


def _addressed(call: Call, index: int) -> ContextSession | None:
    """Return the session that QISEND and QISACK are for: QISRVC tells the side, the index the session."""
    context = call.context
    side = context.client.profiles if context.settings.srvc == Role.CLIENT else context.server.clients
    return side.get(index)


@_command("QISEND", Form.EXECUTE, needs(Need.CONTROL))
def send(call: Call) -> Reply | None:
    """Answer AT+QISEND: data until Ctrl-Z."""
    if call.context.settings.mux:
        return ERROR
    return _prompt(call, 0, None)


@_command("QISEND", Form.WRITE, needs(Need.CONTROL))
def send_to(call: Call) -> Reply | None:
    """Answer AT+QISEND=: a length with QIMUX=0, an index and perhaps a length with QIMUX=1."""
    if not call.context.settings.mux:
        length = call.number(0, 1, _longest(call))
        return ERROR if length is None or len(call.texts) != 1 else _prompt(call, 0, length)
    index = call.number(0, 0, PROFILES - 1)
    if index is None or len(call.texts) > 2:
        return ERROR
    length = call.number(1, 1, _longest(call)) if len(call.texts) == 2 else None
    if length is None and len(call.texts) == 2:
        return ERROR
    return _prompt(call, index, length)


def _prompt(call: Call, index: int, length: int | None) -> Reply | None:
    session = _addressed(call, index)
    if session is None or not session.connected or session.transparent:
        return ERROR
    environment = call.modem.environment
    esc_cancels = length is None or environment.behaviour.esc_cancels_fixed
    entry = Entry(length, most=_longest(call), esc_cancels=esc_cancels)
    timer = None
    if length is None and (period := call.context.settings.autos):

        def expire() -> None:
            entry.expire()
            call.uart.entry_ended(entry)

        timer = environment.clock.call_later(environment.loop, period, expire)

    def entered(done: Entry) -> None:
        if timer is not None:
            timer.cancel()
        if done.cancelled:
            call.finish(_cancelled(environment.behaviour.esc_answer))
        elif not done.data:
            call.finish(final("SEND FAIL"))
        else:
            session.send(done.data, sent)

    def sent(handed_over: bool) -> None:
        text = "SEND OK" if handed_over else "SEND FAIL"
        if handed_over and (call.sending.prompt == 3 or environment.behaviour.send_ok_index):
            text = call.context.with_index(index, text)
        blank = handed_over and call.context.sent_first() and environment.behaviour.send_ok_blank
        call.finish(final(f"{text}\r\n" if blank and call.context.settings.mux else text))

    call.uart.prompt(entry, entered)
    return None


def _cancelled(answer: str) -> Reply:
    if answer == "none":
        return ANSWERED
    return {"OK": OK, "ERROR": ERROR}.get(answer) or final(answer)


_text("QISACK", Form.TEST, "")


@_command("QISACK", Form.EXECUTE, needs(Need.CONTROL))
def acknowledged(call: Call) -> Reply:
    """Answer AT+QISACK: how much was sent, acknowledged, and not."""
    return ERROR if call.context.settings.mux else _acknowledged(call, 0)


@_command("QISACK", Form.WRITE, needs(Need.CONTROL))
def acknowledged_by(call: Call) -> Reply:
    """Answer AT+QISACK=: the same for one session with QIMUX=1."""
    settings = call.context.settings
    index = call.number(0, 0, (PROFILES if settings.srvc == Role.CLIENT else CLIENTS) - 1)
    if index is None or not settings.mux or len(call.texts) != 1:
        return ERROR
    return _acknowledged(call, index)


def _acknowledged(call: Call, index: int) -> Reply:
    session = _addressed(call, index)
    if session is None and call.context.state not in ACTIVE:
        return ERROR
    counters = session.network.counters() if session is not None else (0, 0, 0)
    call.line("+QISACK: {}, {}, {}".format(*counters))
    return OK


# Reading with AT+QINDI

_text("QIRD", Form.TEST, "+QIRD: (0,1),(1,2),(0-5),(1-1500)")


@_command("QIRD", Form.WRITE)
def read(call: Call) -> Reply:
    """Answer AT+QIRD=: what has come for a session of any context that the UART controls, the foreground or not."""
    values = [call.number(place, *limits) for place, limits in enumerate(_READ_RANGES)]
    if None in values or len(call.texts) != len(_READ_RANGES):
        return ERROR
    number, role, index, most = (value or 0 for value in values)
    if call.modem.ownership.owner(number) != call.uart.number:
        return ERROR
    context = call.modem.contexts[number]
    session = (context.client.profiles if role == Role.CLIENT else context.server.clients).get(index)
    if session is None or session.transparent or not (session.connected or session.held):
        return ERROR
    if data := session.read(most):
        host, port = session.remote
        call.line(f"+QIRD: {host}:{port},{session.kind},{len(data)}")
        call.uart.payload(data)
    return OK
