"""Every procedure of the modem's TCP/IP stack, once. Commands in their order, answers as the M10 gives them."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

from ..at import Dialogue, LinePattern, command, expect, payload
from ..errors import AtTimeout, CommandError, ConnectFailed, SettingRefused, UnexpectedAnswer
from .context import INITIAL
from .unsolicited import CLOSED, DEACTIVATED

MARGIN = 5.0
"""Seconds on top of the module's own limit: the line, the multiplexer, a module that is busy with the network."""

LIMITS: dict[str, float] = {
    "QIFGCNT": 0.3,
    "QICSGP": 0.3,
    "QIMUX": 0.3,
    "QIMODE": 0.3,
    "QIDNSIP": 0.3,
    "QISDE": 0.3,
    "QIHEAD": 0.3,
    "QISHOWRA": 0.3,
    "QILPORT": 0.3,
    "QIREGAPP": 0.3,
    "QIACT": 150.0,
    "QILOCIP": 0.3,
    "QISERVER": 0.3,
    "SERVER OK": 150.0,
    "QIOPEN": 0.3,
    "CONNECT OK": 225.0,  # 75 for the connection, 150 for the activation that it may need first
    "QISRVC": 0.3,
    "QISEND": 0.3,
    "SEND OK": 10.0,
    "QICLOSE": 0.3,
    "QIDEACT": 40.0,
    "QISTAT": 0.3,
    "STATE": 0.3,
}
"""Seconds that the manual (M66 V1.0 chapter 11) gives the module for each answer."""

MAX_SEND = 1460  # app note 3.4
DEFAULT_PORT = 2020  # app note 8.2 connects to it without having set it
CTRL_Z, ESC = b"\x1a", b"\x1b"

_ADDRESS = LinePattern("", r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", 15)
_STATE = LinePattern("STATE: ", r"(?P<state>[A-Z ]+)", 20)
_CONNECTED = (LinePattern("CONNECT OK"), LinePattern("CONNECT"))
_FAILED = LinePattern("CONNECT FAIL")
_ALREADY = LinePattern("ALREADY CONNECT")
_SERVING = LinePattern("SERVER OK")
_SENT, _NOT_SENT = LinePattern("SEND OK"), LinePattern("SEND FAIL")
_CLOSE_OK = tuple(LinePattern(f"{index}CLOSE OK") for index in ("", *(f"{n}, " for n in range(6))))
_DEACT_OK = LinePattern("DEACT OK")
_OK, _ERROR = LinePattern("OK"), LinePattern("ERROR")

ACTIVE_STATES = frozenset(
    {"IP GPRSACT", "IP STATUS", "TCP CONNECTING", "UDP CONNECTING", "IP CLOSE", "CONNECT OK", "IP PROCESSING"}
)


def deadline(name: str) -> float:
    """Return how long to wait for an answer, in seconds; one table for all."""
    return LIMITS[name] + MARGIN


def _info(name: str) -> tuple[LinePattern, ...]:
    return (LinePattern(f"+{name}: ", r"(?P<value>.*)", 200), LinePattern(f"+{name}:", r"(?P<value>[^ ].*)", 200))


def _set(name: str, value: str) -> Dialogue[None]:
    yield from command(f"AT+{name}={value}", timeout=deadline(name), info=())


def _read(name: str) -> Dialogue[str]:
    """Read a setting: the text behind ``+NAME: ``."""
    response = yield from command(f"AT+{name}?", timeout=deadline(name), info=_info(name))
    if not response.lines:
        raise UnexpectedAnswer(f"AT+{name}? was answered {response.final} without +{name}: …")
    return response.lines[0].removeprefix(f"+{name}:").strip()


# -- the context (app note 3.1, 8.2) ---------------------------------------------------------------------------------


def select_context(context: int) -> Dialogue[None]:
    """Make a context the foreground context of this UART: AT+QIFGCNT."""
    yield from _set("QIFGCNT", str(context))


def read_foreground() -> Dialogue[tuple[int, int | None]]:
    """Return this UART's foreground context and the channel (DLCI - 1) that controls it, None for none."""
    text = yield from _read("QIFGCNT")
    context, _, channel = (part.strip() for part in text.partition(","))
    number = int(channel) if channel.isdigit() else 255
    return int(context), None if number == 255 else number


def state() -> Dialogue[str]:
    """Return the state of the foreground context: AT+QISTAT answers OK first and STATE after it."""
    yield from command("AT+QISTAT", timeout=deadline("QISTAT"), info=())
    came = yield from expect(_STATE, timeout=deadline("STATE"), what="STATE after AT+QISTAT")
    return came.final.removeprefix("STATE: ")


def setting(name: str, value: str, note: Callable[[str], None]) -> Dialogue[None]:
    """Make one setting; where the module says ERROR, having the value already is as good.

    Args:
        name: the command's name, ``QIMUX``.
        value: what follows the equals sign.
        note: told the context's state where that had to be read.

    Raises:
        SettingRefused: the module refuses it and has another value.
    """
    try:
        yield from _set(name, value)
    except CommandError as refusal:
        word = yield from state()
        note(word)
        current = yield from _read(name)
        # AT+QICSGP? tells the bearer only
        if current.split(",")[0].strip() != value.split(",")[0]:
            raise SettingRefused(
                f"{refusal} (it is {current}, the context is in {word}; "
                f"settings need {INITIAL}: deactivate the context first)"
            ) from refusal


def activate() -> Dialogue[str]:
    """Activate the foreground context step by step: AT+QIREGAPP, AT+QIACT, AT+QILOCIP (app note 3.2, method 1).

    Returns:
        The local address.
    """
    try:
        yield from command("AT+QIREGAPP", timeout=deadline("QIREGAPP"))
        yield from command("AT+QIACT", timeout=deadline("QIACT"))
    except CommandError as refusal:
        word = yield from state()
        if word == "IP START" and refusal.command == "AT+QIREGAPP":
            yield from _activate_or_leave()
        elif word not in ACTIVE_STATES:
            yield from deactivate()  # never leave a context in IP IND: nobody else could claim it
            raise
    address = yield from local_address()
    return address


def _activate_or_leave() -> Dialogue[None]:
    try:
        yield from command("AT+QIACT", timeout=deadline("QIACT"))
    except CommandError:
        yield from deactivate()
        raise


def local_address() -> Dialogue[str]:
    """Return the local address of the foreground context: AT+QILOCIP, answered without OK."""
    response = yield from command("AT+QILOCIP", timeout=deadline("QILOCIP"), success=(_ADDRESS,), info=())
    return response.final


def deactivate() -> Dialogue[None]:
    """Close all sessions and deactivate the foreground context: AT+QIDEACT, answered DEACT OK without OK."""
    yield from command("AT+QIDEACT", timeout=deadline("QIDEACT"), success=(_DEACT_OK,), info=())


# -- server and client (app note 3.2, 5.2) ---------------------------------------------------------------------------


def listening_port(protocol: str, port: int) -> Dialogue[None]:
    """Set the port for listening: AT+QILPORT."""
    yield from _set("QILPORT", f'"{protocol}",{port}')


def listen(protocol: str) -> Dialogue[None]:
    """Enter listening state: AT+QISERVER, OK, SERVER OK.

    Raises:
        ConnectFailed: the module says CONNECT FAIL.
    """
    text = "AT+QISERVER" if protocol == "TCP" else "AT+QISERVER=1"
    yield from command(text, timeout=deadline("QISERVER"), info=())
    came = yield from expect(_SERVING, _FAILED, timeout=deadline("SERVER OK"))
    if came.final != _SERVING.prefix:
        raise ConnectFailed(f"{text} was answered {came.final}: the context could not be activated")


def connect(protocol: str, host: str, port: int, connected: Callable[[], None]) -> Dialogue[None]:
    """Open a session to a remote server: AT+QIOPEN, OK, CONNECT OK.

    Args:
        protocol: TCP or UDP.
        host: a dotted address or a name.
        port: 1-65535.
        connected: called when the session stands, before any later octet is looked at.

    Raises:
        ConnectFailed: CONNECT FAIL, or the module has a session already.
    """
    text = f'AT+QIOPEN="{protocol}", "{host}",{port}'
    opened = yield from command(text, timeout=deadline("QIOPEN"), success=(_OK, _ALREADY), info=())
    final = opened.final
    if final == _OK.prefix:
        ends = (*_CONNECTED, _FAILED, _ALREADY)
        came = yield from expect(*ends, timeout=deadline("CONNECT OK"), what=f"CONNECT OK after {text}")
        final = came.final
    if final.startswith(_ALREADY.prefix):
        with suppress(AtTimeout):  # some firmware adds an ERROR
            yield from expect(_ERROR, timeout=0.3)
        raise ConnectFailed(f"{text} was answered {final}: close the session of this context first")
    if final == _FAILED.prefix:
        raise ConnectFailed(f"{text} was answered {final}: refused, unreachable, or no such name")
    connected()


# -- data (app note 3.4, 8.3) ----------------------------------------------------------------------------------------


def send(data: bytes, *, ctrl_z: bool, echo: bool) -> Dialogue[str]:
    """Send one chunk: AT+QISEND, the prompt, the data.

    Args:
        data: 1-1460 octets; without Ctrl-Z and ESC in them when ``ctrl_z`` is used.
        ctrl_z: end the data with Ctrl-Z; else the length is given beforehand.
        echo: whether the module may send the data back (AT+QISDE).

    Returns:
        ``SEND OK``, ``SEND FAIL``, or the unsolicited result that ended the session meanwhile.
    """
    text = "AT+QISEND" if ctrl_z else f"AT+QISEND={len(data)}"
    yield from command(text, timeout=deadline("QISEND"), success=(), info=(), prompt=True, abandon=leave_prompt)
    ending = (*CLOSED, *DEACTIVATED)
    came = yield from payload(
        data + (CTRL_Z if ctrl_z else b""),
        success=(_SENT, _NOT_SENT),
        timeout=deadline("SEND OK"),
        echo=data if echo else b"",
        ends_on=ending,
        shown=f"{len(data)} octets after {text}",
    )
    final = came.final
    if final not in (_SENT.prefix, _NOT_SENT.prefix):
        with suppress(AtTimeout):  # the session ended first; the module's own verdict may follow
            yield from expect(_SENT, _NOT_SENT, _ERROR, timeout=1.0)
    return final


def leave_prompt() -> Dialogue[None]:
    """Cancel an AT+QISEND whose prompt did not come in time: ESC, then whatever the module says to it."""
    try:
        yield from payload(ESC, success=(_OK, _SENT, _NOT_SENT), timeout=0.3, shown="ESC")
    except (AtTimeout, CommandError):
        return


def read_service() -> Dialogue[int]:
    """Return whom AT+QISEND and AT+QICLOSE mean: 1 a remote server, 2 a remote client (AT+QISRVC?)."""
    text = yield from _read("QISRVC")
    if not re.fullmatch(r"[12]", text):
        raise UnexpectedAnswer(f"AT+QISRVC? was answered {text!r}, which is neither 1 nor 2")
    return int(text)


def close(still_open: Callable[[], bool], service: int) -> Dialogue[bool]:
    """Close the session: AT+QISRVC?, AT+QISRVC where it differs, AT+QICLOSE (app note 8.4).

    Args:
        still_open: asked right before AT+QICLOSE, which would end the server when the client is gone already.
        service: 1 for a session with a remote server, 2 with a remote client.

    Returns:
        Whether AT+QICLOSE was answered CLOSE OK; False: it had been closed.
    """
    current = yield from read_service()
    if current != service:
        yield from _set("QISRVC", str(service))
    if not still_open():
        return False
    return (yield from close_only())


def close_only() -> Dialogue[bool]:
    """AT+QICLOSE; ERROR means that the session has been closed already."""
    try:
        yield from command("AT+QICLOSE", timeout=deadline("QICLOSE"), success=_CLOSE_OK, info=())
    except CommandError:
        return False
    return True
