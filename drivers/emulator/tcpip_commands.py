"""The TCP/IP commands that work on the context, its sessions and its server."""

from __future__ import annotations

from .call import Call
from .commandline import Form
from .context import PROFILES, Context
from .delivery import MAXIMUM
from .entry import Entry
from .environment import is_address
from .ownership import Need
from .replies import ANSWERED, ERROR, OK, Reply, Result, final
from .server import CLIENTS
from .sessions import Role, Session, SessionState
from .states import ACTIVE, STATE_NUMBERS, ContextState, Trigger
from .table import CommandTable

session_commands = CommandTable()
_command = session_commands.command
_text = session_commands.text

# Up and down

_text("QIACT", Form.TEST, "")


@_command("QIACT", Form.EXECUTE, Need.CONTROL)
def activate(call: Call) -> Reply | None:
    """AT+QIACT: OK or ERROR once the network has answered."""
    if not call.context.may(Trigger.ACTIVATE) or call.context.activating:
        return ERROR
    call.context.activate(lambda accepted: call.finish(OK if accepted else ERROR))
    return None


_text("QIDEACT", Form.TEST, "")


@_command("QIDEACT", Form.EXECUTE, Need.CONTROL)
def deactivate(call: Call) -> Reply:
    """AT+QIDEACT: DEACT OK, and no OK."""
    context = call.context
    if not context.deactivate():
        return ERROR
    call.modem.ownership.released(context.number)
    return final("DEACT OK")


@_command("QILOCIP", Form.EXECUTE, Need.CONTROL)
def local_address(call: Call) -> Reply:
    """AT+QILOCIP: the address, and no OK."""
    if not call.context.fire(Trigger.READ_ADDRESS):
        return ERROR
    return final(call.context.local_address)


_text("QILOCIP", Form.TEST, "")

# Client sessions

_text(
    "QIOPEN",
    Form.TEST,
    '+QIOPEN: ("TCP","UDP"),(0-255).(0-255).(0-255).(0-255),(1-65535)\r\n'
    '+QIOPEN: ("TCP","UDP"),(domain name),(1-65535)',
)


@_command("QIOPEN", Form.WRITE, Need.ACTIVATE)
def open_session(call: Call) -> Reply:
    """AT+QIOPEN=: OK, and later CONNECT OK or CONNECT FAIL."""
    context, values = call.context, call.texts
    index = 0
    if context.settings.mux:
        number = call.number(0, 0, PROFILES - 1)
        if number is None:
            return ERROR
        index, values = number, values[1:]
    if len(values) != 3:
        return ERROR
    kind, host = values[0].upper(), values[1]
    port = call.number(len(call.texts) - 1, 1, 65535)
    if kind not in ("TCP", "UDP") or port is None or not host or len(host) > 100:
        return ERROR
    if not is_address(host) and (not context.settings.dnsip or host.replace(".", "").isdigit()):
        return ERROR
    if context.profile_state(index) is SessionState.CONNECTED:
        return _already(call, index)
    if not _may_open(context, index, kind):
        return ERROR
    context.open(index, kind, host, port)
    return OK


def _may_open(context: Context, index: int, kind: str) -> bool:
    if context.profile_state(index) is SessionState.CONNECTING:
        return False
    if context.state is ContextState.INITIAL:
        return True
    if context.activating:
        return bool(context.settings.mux)
    if context.settings.mux:
        return context.may(Trigger.OPEN_PROFILE)
    return context.may(Trigger.OPEN_TCP if kind == "TCP" else Trigger.OPEN_UDP)


def _already(call: Call, index: int) -> Reply:
    text = call.context.with_index(index, "ALREADY CONNECT")
    where = call.modem.environment.behaviour.already_connect
    if where == "after_ok":
        call.uart.result(Result.OK)
    if where == "then_error":
        call.line(text)
        return ERROR
    return final(text)


_text("QICLOSE", Form.TEST, "")


@_command("QICLOSE", Form.EXECUTE, Need.CONTROL)
def close(call: Call) -> Reply:
    """AT+QICLOSE: a client session, a remote client, or the listening state (QISRVC decides)."""
    context = call.context
    if context.settings.srvc == Role.CLIENT:
        if context.settings.mux or not context.may(Trigger.CLOSE_SESSION) or not context.close_profile(0):
            return ERROR
    elif context.settings.mux:
        context.server.close_clients()
        if not context.server.stop():
            return ERROR
    elif not context.server.close_client(0) and not context.server.stop():
        return ERROR
    return final("CLOSE OK")


@_command("QICLOSE", Form.WRITE, Need.CONTROL)
def close_index(call: Call) -> Reply:
    """AT+QICLOSE=: one session with QIMUX=1."""
    context = call.context
    client = context.settings.srvc == Role.CLIENT
    index = call.number(0, 0, (PROFILES if client else CLIENTS) - 1)
    if index is None or len(call.texts) != 1 or not context.settings.mux:
        return ERROR
    if not (context.close_profile(index) if client else context.server.close_client(index)):
        return ERROR
    return final(context.with_index(index, "CLOSE OK"))


# The server

_text("QISERVER", Form.TEST, "")


@_command("QISERVER", Form.READ, Need.READ)
def server_state(call: Call) -> Reply:
    """AT+QISERVER?: whether it listens, and how many clients are connected."""
    blank = " " if call.modem.environment.behaviour.qiserver_blank else ""
    context = call.context
    call.line(f"+QISERVER: {int(context.server.listening)},{blank}{context.server.connected}")
    return OK


def _listen(call: Call) -> Reply:
    context = call.context
    kind = call.number(0, 0, 1) if call.texts else 0
    maximum = call.number(1, 1, CLIENTS) if len(call.texts) == 2 else 1
    if kind is None or maximum is None or len(call.texts) > (2 if context.settings.mux else 1):
        return ERROR
    starting = context.state is ContextState.INITIAL or context.activating
    if context.server.listening or not (starting or context.may(Trigger.LISTEN)):
        return ERROR
    context.listen("UDP" if kind else "TCP", maximum)
    return OK


_command("QISERVER", Form.EXECUTE, Need.ACTIVATE)(_listen)
_command("QISERVER", Form.WRITE, Need.ACTIVATE)(_listen)

# Sending

_text("QISEND", Form.TEST, f"+QISEND: (1-{MAXIMUM})")


def _addressed(call: Call, index: int) -> Session | None:
    """Return the session that QISEND and QISACK are for: QISRVC tells the side, the index the session."""
    context = call.context
    side = context.profiles if context.settings.srvc == Role.CLIENT else context.server.clients
    return side.get(index)


@_command("QISEND", Form.EXECUTE, Need.CONTROL)
def send(call: Call) -> Reply | None:
    """AT+QISEND: data until Ctrl-Z."""
    if call.context.settings.mux:
        return ERROR
    return _prompt(call, 0, None)


@_command("QISEND", Form.WRITE, Need.CONTROL)
def send_to(call: Call) -> Reply | None:
    """AT+QISEND=: a length with QIMUX=0, an index and perhaps a length with QIMUX=1."""
    if not call.context.settings.mux:
        length = call.number(0, 1, MAXIMUM)
        return ERROR if length is None or len(call.texts) != 1 else _prompt(call, 0, length)
    index = call.number(0, 0, PROFILES - 1)
    if index is None or len(call.texts) > 2:
        return ERROR
    length = call.number(1, 1, MAXIMUM) if len(call.texts) == 2 else None
    if length is None and len(call.texts) == 2:
        return ERROR
    return _prompt(call, index, length)


def _prompt(call: Call, index: int, length: int | None) -> Reply | None:
    session = _addressed(call, index)
    if session is None or not session.connected or session.transparent:
        return ERROR
    environment = call.modem.environment
    entry = Entry(length, esc_cancels=length is None or environment.behaviour.esc_cancels_fixed)
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
        prompt = call.context.settings.prompt
        text = "SEND OK" if handed_over else "SEND FAIL"
        if handed_over and prompt == 3:
            text = call.context.with_index(index, text)
        call.finish(final(text))

    call.uart.prompt(entry, entered)
    return None


def _cancelled(answer: str) -> Reply:
    if answer == "none":
        return ANSWERED
    return {"OK": OK, "ERROR": ERROR}.get(answer) or final(answer)


_text("QISACK", Form.TEST, "")


@_command("QISACK", Form.EXECUTE, Need.CONTROL)
def acknowledged(call: Call) -> Reply:
    """AT+QISACK: how much was sent, acknowledged, and not."""
    return ERROR if call.context.settings.mux else _acknowledged(call, 0)


@_command("QISACK", Form.WRITE, Need.CONTROL)
def acknowledged_by(call: Call) -> Reply:
    """AT+QISACK=: the same for one session with QIMUX=1."""
    settings = call.context.settings
    index = call.number(0, 0, (PROFILES if settings.srvc == Role.CLIENT else CLIENTS) - 1)
    if index is None or not settings.mux or len(call.texts) != 1:
        return ERROR
    return _acknowledged(call, index)


def _acknowledged(call: Call, index: int) -> Reply:
    session = _addressed(call, index)
    if session is None and call.context.state not in ACTIVE:
        return ERROR
    counters = session.counters() if session is not None else (0, 0, 0)
    call.line("+QISACK: {}, {}, {}".format(*counters))
    return OK


# Looking

_text("QISTAT", Form.TEST, "")
_text("QISTATE", Form.TEST, "")
_text("QISSTAT", Form.TEST, "")


def _say_state(call: Call) -> None:
    """Answer OK first, then the state."""
    state = call.context.shown_state
    call.uart.result(Result.OK)
    call.line(f"STATE: {state.value}" if call.uart.settings.verbose else str(STATE_NUMBERS[state]))


@_command("QISTAT", Form.EXECUTE, Need.READ)
def state(call: Call) -> Reply:
    """AT+QISTAT."""
    context = call.context
    if not context.settings.mux:
        _say_state(call)
        return ANSWERED
    lines = []
    for index in range(PROFILES):
        session = context.profiles.get(index)
        if session is None or not session.connected:
            lines.append(f'+QISTAT: {index}, "", "",')
        else:
            lines.append(f'+QISTAT: {index}, "{session.kind}", "{session.remote[0]}", {session.remote[1]}')
    call.line("\r\n".join(lines))
    return OK


@_command("QISTATE", Form.EXECUTE, Need.READ)
def socket_states(call: Call) -> Reply:
    """AT+QISTATE."""
    context = call.context
    _say_state(call)
    if not context.settings.mux:
        return ANSWERED
    lines = []
    for index in range(PROFILES):
        session, word = context.profiles.get(index), context.profile_state(index).value
        if session is None or word == SessionState.INITIAL.value:
            lines.append(f'+QISTATE: {index}, "", "", 0,"{word}"')
        else:
            host, port = session.remote
            lines.append(f'+QISTATE: {index}, "{session.kind}", "{host}", {port},"{word}"')
    call.line("\r\n".join(lines))
    return OK


@_command("QISSTAT", Form.EXECUTE, Need.READ)
def server_states(call: Call) -> Reply:
    """AT+QISSTAT."""
    context = call.context
    call.uart.result(Result.OK)
    call.line(f"S: {context.server.state.value}")
    if not context.settings.mux:
        return ANSWERED
    lines = []
    for index in range(CLIENTS):
        session = context.server.clients.get(index)
        if session is None or not session.connected:
            lines.append(f'C: {index}, "", "", 0')
        else:
            lines.append(f'C: {index}, "{session.kind}", "{session.remote[0]}", {session.remote[1]}')
    call.line("\r\n".join(lines))
    return OK


# Names

_text("QIDNSGIP", Form.TEST, "")


@_command("QIDNSGIP", Form.WRITE, Need.ACTIVATE)
def look_up(call: Call) -> Reply:
    """AT+QIDNSGIP=: OK, and later the addresses; activates the context when that is needed."""
    if len(call.texts) != 1 or not 0 < len(call.texts[0]) <= 100:
        return ERROR
    context = call.context
    if context.state is not ContextState.INITIAL and not context.activating and context.state not in ACTIVE:
        return ERROR
    context.look_up(call.texts[0])
    return OK
