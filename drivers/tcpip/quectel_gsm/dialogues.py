"""The dialogues with the TCP/IP stack of the module: commands in their order, answers as the M10 gives them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress

from ...at.core import Dialogue, LinePattern, Response, command, expect
from ...at.core.patterns import any_match
from ...at.core.values import ADDRESS, number
from ...errors import (
    AtTimeout,
    CommandError,
    SettingRefused,
    UnexpectedAnswer,
)
from ..core.socket_state import Role
from .timeouts import deadline
from .unsolicited import CONNECT_FAIL, DEACTIVATED, indexed

INITIAL = "IP INITIAL"
"""The state of a context that is not in use."""
BROKEN = "PDP DEACT"
"""The state of a context that the network has deactivated."""

SERVICE: dict[Role, int] = {"client": 1, "server": 2}
"""The value of AT+QISRVC for each role: 1 with a remote server (we are the client), 2 with a remote client."""

DEFAULT_PORT = 2020  # app note 8.2 connects to this port without having set it
DEACTIVATIONS = 3  # of the other context, while this one is activated
_CHANNELS = range(4)  # VIRTUAL_UART_1 to 4
_NO_CHANNEL = 255  # in the answer to AT+QIFGCNT?: no UART controls the context
CONNECT_LIMIT = 75.0  # seconds after which the module gives up connecting (M66 AT manual, QIOPEN)

_ADDRESS = LinePattern("", ADDRESS, 15)
_STATE = LinePattern("STATE: ", r"(?P<state>[A-Z ]+)", 20)
_SESSION_LINE = LinePattern("+QISTAT:", r" ?(?P<value>.*)", 80)
_SERVING = LinePattern("SERVER OK")
_CLOSE_OK = indexed("CLOSE OK")
_DEACT_OK = LinePattern("DEACT OK")
_OK = LinePattern("OK")

ACTIVE_STATES = frozenset(
    {"IP GPRSACT", "IP STATUS", "TCP CONNECTING", "UDP CONNECTING", "IP CLOSE", "CONNECT OK", "IP PROCESSING"}
)
_ONE_OPEN = frozenset({"TCP CONNECTING", "UDP CONNECTING", "CONNECT OK"})


def _info(name: str) -> tuple[LinePattern, ...]:
    return (LinePattern(f"+{name}: ", r"(?P<value>.*)", 200), LinePattern(f"+{name}:", r"(?P<value>[^ ].*)", 200))


def put(name: str, value: str) -> Dialogue[None]:
    """Set a value: AT+NAME=value."""
    yield from command(f"AT+{name}={value}", timeout=deadline(name), info=())


def read_lines(name: str, forms: tuple[LinePattern, ...]) -> Dialogue[tuple[str, ...]]:
    """Return the lines of the answer to AT+NAME? that have one of these forms."""
    response = yield from command(f"AT+{name}?", timeout=deadline(name), info=forms)
    return response.lines


def read(name: str) -> Dialogue[str]:
    """Return the value of a setting: the text behind ``+NAME: ``."""
    response = yield from command(f"AT+{name}?", timeout=deadline(name), info=_info(name))
    if not response.lines:
        raise UnexpectedAnswer(f"AT+{name}? was answered {response.final} without +{name}: …")
    return response.lines[0].removeprefix(f"+{name}:").strip()


# -- the context (app note 3.1, 8.2) ---------------------------------------------------------------------------------


def select_context(context: int) -> Dialogue[None]:
    """Make a context the foreground context of this UART: AT+QIFGCNT."""
    yield from put("QIFGCNT", str(context))


def read_foreground() -> Dialogue[tuple[int, int | None]]:
    """Return the foreground context of this UART and the channel (DLCI - 1) that controls it, or None."""
    text = yield from read("QIFGCNT")
    first, _, second = (part.strip() for part in text.partition(","))
    context, channel = number(first, 0, 1), number(second, 0, _NO_CHANNEL)
    if context is None or (channel is None and second) or channel not in (None, *_CHANNELS, _NO_CHANNEL):
        raise UnexpectedAnswer(f"AT+QIFGCNT? was answered {text!r}, which is not <context>, <channel>")
    return context, None if channel == _NO_CHANNEL else channel


def state() -> Dialogue[str]:
    """Return the state of the foreground context: AT+QISTAT is answered OK first and STATE after it.

    With MUXIP on, AT+QISTAT lists sessions instead, and only AT+QISTATE reports the state.
    """
    answer = yield from command("AT+QISTAT", timeout=deadline("QISTAT"), info=(_SESSION_LINE,))
    if answer.lines:
        word, _ = yield from read_sockets()
        return word
    came = yield from expect(_STATE, timeout=deadline("STATE"), what="STATE after AT+QISTAT", after="AT+QISTAT")
    return came.final.removeprefix("STATE: ")


def await_unless_deactivated(
    *lines: LinePattern,
    timeout: float,
    what: str,
    after: str,
    abandon: Callable[[], Dialogue[None]] | None = None,
) -> Dialogue[Response]:
    """Wait for a line that cannot come once the context is deactivated; return +PDP DEACT if that comes instead.

    +PDP DEACT does not name the context: the module is asked for the state of this one.

    Args:
        lines: the lines that end the wait.
        timeout: seconds until `AtTimeout`.
        what: the name of the line in messages.
        after: the command that was answered OK before.
        abandon: creates the dialogue that recovers the channel when the wait is given up.
    """
    for _ in range(DEACTIVATIONS):
        came = yield from expect(
            *lines, timeout=timeout, what=f"{what} after {after}", after=after, ends_on=DEACTIVATED, abandon=abandon
        )
        if not any_match(DEACTIVATED, came.final):
            break
        word, meanwhile = yield from _state_beside(lines)
        if meanwhile or word in (BROKEN, INITIAL):
            return Response((), meanwhile or came.final, came.elapsed)
    return came


def _state_beside(lines: tuple[LinePattern, ...]) -> Dialogue[tuple[str, str]]:
    """Return the state of the context as `state` does, and which of these lines came meanwhile."""
    answer = yield from command("AT+QISTAT", timeout=deadline("QISTAT"), info=(_SESSION_LINE, *lines))
    came = next((line for line in answer.lines if any_match(lines, line)), "")
    if len(answer.lines) > bool(came):
        word, _ = yield from read_sockets()
        return word, came
    said = yield from expect(_STATE, *lines, timeout=deadline("STATE"), what="STATE", after="AT+QISTAT")
    if _STATE.match(said.final) is None:
        came = said.final
        said = yield from expect(_STATE, timeout=deadline("STATE"), what="STATE", after="AT+QISTAT")
    return said.final.removeprefix("STATE: "), came


_BEFORE_ACTIVATION = frozenset({"QICSGP", "QIMUX", "QIMODE", "QIDNSIP", "QITCFG"})
"""The settings that are made in IP INITIAL (app note 3.1)."""
_EXCLUSIVE = {("QIMUX", "1"): "QIMODE", ("QIMODE", "1"): "QIMUX"}
"""The settings that exclude another one (app note 4.1): transparent mode and MUXIP."""


def setting(name: str, value: str, read_state: Callable[[], Dialogue[str]]) -> Dialogue[bool]:
    """Set a value; ERROR is accepted if the module has that value already.

    Args:
        name: the name of the command, such as ``QIMUX``.
        value: the text behind the equals sign.
        read_state: reads the state of the context.

    Returns:
        Whether the module has taken it; False: it has it already, of AT+QICSGP only as far as can be read.

    Raises:
        SettingRefused: the module refuses the value and has another one.
    """
    try:
        yield from put(name, value)
    except CommandError as refusal:
        word = yield from read_state()
        current = yield from read(name)
        known = 1 if name == "QICSGP" else None  # AT+QICSGP? tells only the bearer
        if current.replace(" ", "").split(",")[:known] != value.split(",")[:known]:
            why = yield from _why_refused(name, value, word)
            raise SettingRefused(f"{refusal} (it is {current}, the context is in {word}{why})") from refusal
        return False
    return True


def _why_refused(name: str, value: str, word: str) -> Dialogue[str]:
    """Return the rule by which the module has refused a setting, as far as it can be known."""
    if word != INITIAL:
        needed = name in _BEFORE_ACTIVATION
        return f"; AT+{name} needs {INITIAL}: deactivate the context first (app note 3.1)" if needed else ""
    other = _EXCLUSIVE.get((name, value))
    if other is not None and (yield from read(other)) == "1":
        return f"; AT+{other} is 1, and transparent mode and MUXIP exclude each other (app note 4.1)"
    if (name, value) == ("QIMODE", "1"):
        return "; is another context of this UART in use? It excludes transparent mode (app note 7.2)"
    return ""


def activate() -> Dialogue[str]:
    """Activate the foreground context step by step: AT+QIREGAPP, AT+QIACT, AT+QILOCIP (app note 3.2, method 1).

    Returns:
        The local address.
    """
    try:
        yield from command("AT+QIREGAPP", timeout=deadline("QIREGAPP"))
        yield from command("AT+QIACT", timeout=deadline("QIACT"), lost_on=DEACTIVATED)
    except CommandError as refusal:
        word = yield from state()
        if word == "IP START" and refusal.command == "AT+QIREGAPP":
            yield from _activate_or_leave()
        elif word not in ACTIVE_STATES:
            yield from deactivate()  # a context must not stay in IP IND: no other UART could claim it
            raise
    address = yield from local_address()
    return address


def _activate_or_leave() -> Dialogue[None]:
    try:
        yield from command("AT+QIACT", timeout=deadline("QIACT"), lost_on=DEACTIVATED)
    except CommandError:
        yield from deactivate()
        raise


def local_address() -> Dialogue[str]:
    """Return the local address of the foreground context: AT+QILOCIP, which is answered without OK."""
    response = yield from command("AT+QILOCIP", timeout=deadline("QILOCIP"), success=(_ADDRESS,), info=())
    return response.final


def deactivate() -> Dialogue[None]:
    """Close all sessions and deactivate the foreground context: AT+QIDEACT, which is answered DEACT OK without OK."""
    yield from command("AT+QIDEACT", timeout=deadline("QIDEACT"), success=(_DEACT_OK,), info=(), lost_on=DEACTIVATED)


def take_down() -> Dialogue[None]:
    """Bring the foreground context to IP INITIAL from any state; its sessions are closed first (app note 3.5)."""
    word = yield from state()
    if word == INITIAL:
        return
    for role, indexes in (yield from _left_open(word)).items():
        yield from put("QISRVC", str(SERVICE[role]))
        for index in indexes:
            yield from close_only(index)
    yield from deactivate()


def _left_open(word: str) -> Dialogue[dict[Role, Sequence[int | None]]]:
    """Return the sessions that another host has left open, with MUXIP by their indexes."""
    if word not in ACTIVE_STATES:
        return {}
    left: dict[Role, Sequence[int | None]] = {}
    if word in _ONE_OPEN:
        left["client"] = [None]
    elif word == "IP PROCESSING":
        left["client"] = sorted((yield from read_sockets())[1])
    with suppress(CommandError, UnexpectedAnswer):  # not every module has AT+QISERVER?
        _, clients = yield from read_server()
        if not clients:
            return left
        muxip = (yield from read("QIMUX")) == "1"
        left["server"] = sorted((yield from read_clients())) if muxip else [None]
    return left


# -- server and client (app note 3.2, 5.2) ---------------------------------------------------------------------------


class ConnectFail(Exception):
    """CONNECT FAIL, which comes without a reason: the state of the context tells what has failed.

    Args:
        text: the command.
        answer: the answer of the module.
        elapsed: the seconds that it took.
        possible: the reasons that it may have in an active context.
    """

    def __init__(self, text: str, answer: str, elapsed: float, possible: str) -> None:
        super().__init__(f"{text} was answered {answer}")
        self.elapsed: float = elapsed
        self.possible: str = possible


def listening_port(protocol: str, port: int) -> Dialogue[None]:
    """Set the port for listening: AT+QILPORT."""
    yield from put("QILPORT", f'"{protocol}",{port}')


def listen(protocol: str, clients: int | None, ends: tuple[LinePattern, ...] = ()) -> Dialogue[None]:
    """Enter listening state: AT+QISERVER, OK, SERVER OK.

    Args:
        protocol: TCP or UDP.
        clients: the most clients at once, with MUXIP on; None with MUXIP off.
        ends: further lines that say that it has failed.

    Raises:
        ConnectFail: the module reports CONNECT FAIL.
    """
    kind = int(protocol == "UDP")
    arguments = "=1" if kind else ""
    if clients is not None:
        arguments = f"={kind},{clients}"
    text = f"AT+QISERVER{arguments}"
    yield from command(text, timeout=deadline("QISERVER"), info=())
    came = yield from await_unless_deactivated(
        _SERVING, *CONNECT_FAIL, *ends, timeout=deadline("SERVER OK"), what=_SERVING.prefix, after=text
    )
    if came.final != _SERVING.prefix:
        raise ConnectFail(text, came.final, came.elapsed, "")


# -- closing (app note 3.5, 5.5, 6.4) --------------------------------------------------------------------------------


def read_service() -> Dialogue[int]:
    """Return what AT+QISEND and AT+QICLOSE apply to: 1 a remote server, 2 a remote client (AT+QISRVC?)."""
    text = yield from read("QISRVC")
    if not re.fullmatch(r"[12]", text):
        raise UnexpectedAnswer(f"AT+QISRVC? was answered {text!r}, which is neither 1 nor 2")
    return int(text)


def close_only(index: int | None = None) -> Dialogue[bool]:
    """Send AT+QICLOSE; ERROR means that the session has already been closed."""
    text = "AT+QICLOSE" if index is None else f"AT+QICLOSE={index}"
    try:
        yield from command(text, timeout=deadline("QICLOSE"), success=_CLOSE_OK, info=())
    except CommandError:
        return False
    return True


# -- open sessions (app note 5.2; M66 AT manual, QISTATE, QISSTAT) -----------------------------------------------------

_SERVER = re.compile(r"([01]) *, *([0-5])")
_SOCKET = re.compile(r"([0-5]) *, *\"([A-Z]*)\".*\"([A-Z]+)\"")
_CLIENT = re.compile(r"C: *([0-4]) *, *\"?([A-Z]+)\"?")


def read_server() -> Dialogue[tuple[bool, int]]:
    """Return whether the server listens, and how many clients are connected: AT+QISERVER?."""
    text = yield from read("QISERVER")
    found = _SERVER.fullmatch(text)
    if found is None:
        raise UnexpectedAnswer(f"AT+QISERVER? was answered {text!r}, which is not <listening>, <clients>")
    return found[1] == "1", int(found[2])


def read_sockets() -> Dialogue[tuple[str, frozenset[int]]]:
    """Return the state and the indexes of the open sessions with remote servers, with MUXIP on: AT+QISTATE."""
    yield from command("AT+QISTATE", timeout=deadline("QISTATE"), info=())
    came = yield from expect(_STATE, timeout=deadline("STATE"), what="STATE after AT+QISTATE", after="AT+QISTATE")
    standing = set()
    for _ in range(6):
        line = yield from expect(
            LinePattern("+QISTATE:", r" ?(?P<value>.*)", 80),
            timeout=deadline("STATE"),
            what="+QISTATE: …",
            after="AT+QISTATE",
        )
        found = _SOCKET.match(line.final.removeprefix("+QISTATE:").strip())
        if found is not None and found[3] in ("CONNECTED", "CONNECTING"):
            standing.add(int(found[1]))
    with suppress(AtTimeout):  # the manual shows a second OK, which not every firmware sends
        yield from expect(_OK, timeout=1.0)
    return came.final.removeprefix("STATE: "), frozenset(standing)


def read_clients() -> Dialogue[frozenset[int]]:
    """Return the indexes of the remote clients that are connected, with MUXIP on: AT+QISSTAT."""
    yield from command("AT+QISSTAT", timeout=deadline("QISSTAT"), info=())
    yield from expect(
        LinePattern("S: ", r"[A-Z]+", 20), timeout=deadline("STATE"), what="S: after AT+QISSTAT", after="AT+QISSTAT"
    )
    standing = set()
    with suppress(AtTimeout):
        while True:
            line = yield from expect(LinePattern("C:", r" ?(?P<value>.*)", 80), timeout=0.5, what="C: …")
            found = _CLIENT.match(line.final)
            if found is not None and "INITIAL" not in line.final:
                standing.add(int(found[1]))
    return frozenset(standing)
