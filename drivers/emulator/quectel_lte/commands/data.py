"""The TCP/IP commands that carry data: AT+QISEND, AT+QISENDEX, AT+QIRD."""

from __future__ import annotations

import re
from collections.abc import Callable

from ...environment import is_address
from ...interpreter.commandline import Form
from ...interpreter.entry import Entry
from ...interpreter.replies import ANSWERED, INCORRECT_PARAMETERS, OK, Reply, cme, final
from ...interpreter.table import CommandTable
from ..call import Call
from ..codes import Code
from ..data_socket import DataSocket, place
from ..sockets import LARGEST, Kind, State
from ..table import SOCKETS
from ..udp_service import UdpService

data_commands: CommandTable[Call] = CommandTable()
_command = data_commands.command
_text = data_commands.text

_LONGEST = 1460  # octets of one AT+QISEND
_LONGEST_HEX = 512  # characters of one AT+QISENDEX
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")

#: Hands data to a socket; the function is called with whether it was taken.
Send = Callable[[bytes, Callable[[bool], None]], None]

# Sending

_text("QISEND", Form.TEST, f"+QISEND: (0-{SOCKETS - 1}),(0-{_LONGEST})")


@_command("QISEND", Form.WRITE)
def send(call: Call) -> Reply | None:
    """Answer AT+QISEND=: a prompt for data until Ctrl-Z or of a length, or with a length of 0 the counts."""
    texts, socket = call.texts, call.data_socket()
    if isinstance(socket, Reply):
        return socket
    if len(texts) == 2 and call.number(1, 0, 0) == 0:
        call.line("+QISEND: {},{},{}".format(*socket.counters))
        return OK
    length = call.number(1, 1, _LONGEST) if len(texts) > 1 else None
    if length is None and len(texts) > 1:
        return call.refuse()
    if not socket.connected:
        return call.refuse(_lost(socket))
    if socket.online():
        return call.refuse(Code.NOT_ALLOWED)
    give = _way(call, socket)
    if give is None:
        return call.refuse()
    _prompt(call, socket, length, give)
    return None


def _way(call: Call, socket: DataSocket) -> Send | None:
    """Return how the data goes out: to the peer or, of a UDP service, to an address; None where the values differ.

    With an address, a UDP socket sends to its peer all the same: mbed-os gives one for either kind.
    """
    if len(call.texts) <= 2:
        return None if isinstance(socket, UdpService) else socket.send
    port = call.number(3, 1, 65535)
    if len(call.texts) != 4 or port is None or not is_address(call.texts[2]):
        return None
    if not isinstance(socket, UdpService):
        accepted = call.modem.environment.behaviour.udp_send_address == "accepted"
        return socket.send if accepted and socket.kind is Kind.UDP else None
    to = (call.texts[2], port)
    return lambda data, done: socket.send_to(data, to, done)


def _lost(socket: DataSocket) -> Code:
    """Return why a socket cannot send."""
    if socket.state is State.OPENING:
        return Code.NOT_ALLOWED
    return socket.context.problem or Code.CLOSED


def _prompt(call: Call, socket: DataSocket, length: int | None, give: Send) -> None:
    environment, uart = call.modem.environment, call.uart
    entry = Entry(length, most=_LONGEST, esc_cancels=length is None or environment.behaviour.esc_cancels_fixed)
    late = False

    def expire() -> None:
        nonlocal late
        late = True
        entry.expire()
        uart.entry_ended(entry)

    seconds = call.modem.configuration.number("qisend/timeout")
    timer = environment.clock.call_later(environment.loop, seconds, expire) if seconds else None

    def entered(done: Entry) -> None:
        if timer is not None:
            timer.cancel()
        if done.cancelled:
            call.finish(_cancelled(call, environment.behaviour.esc_answer))
        elif late:
            call.error = Code.TIMEOUT
            call.finish(final("SEND FAIL"))
        elif data := _typed(call, done.data):
            _hand_over(call, socket, data, give)
        else:
            call.finish(call.refuse())

    uart.prompt(entry, entered)


def _typed(call: Call, octets: bytes) -> bytes:
    """Return what is to be sent: what was typed, or what it stands for after AT+QICFG="dataformat"."""
    if not call.modem.configuration.number("dataformat"):
        return octets
    text = octets.decode("latin-1")
    return bytes.fromhex(text) if _HEX.fullmatch(text) else b""


def _cancelled(call: Call, answer: str) -> Reply:
    call.error = Code.CANCELLED
    if answer == "none":
        return ANSWERED
    return {"OK": OK, "ERROR": call.refuse(Code.CANCELLED)}.get(answer) or final(answer)


def _hand_over(call: Call, socket: DataSocket, data: bytes, give: Send) -> None:
    """End a command with what becomes of its data."""

    def sent(handed_over: bool) -> None:
        if handed_over:
            call.finish(final("SEND OK"))
        elif socket.connected:
            call.error = Code.WRITE_FAILED
            call.finish(final("SEND FAIL"))
        else:
            error = call.refuse(_lost(socket))
            call.finish(error if call.modem.environment.behaviour.send_lost == "ERROR" else final("SEND FAIL"))

    give(data, sent)


_text("QISENDEX", Form.TEST, f"+QISENDEX: (0-{SOCKETS - 1}),<hex_string>")


@_command("QISENDEX", Form.WRITE)
def send_hex(call: Call) -> Reply | None:
    """Answer AT+QISENDEX=: SEND OK for data that stands in the command as hexadecimal text."""
    socket, texts = call.data_socket(), call.texts
    if isinstance(socket, Reply):
        return socket
    if socket.kind is Kind.SERVICE:
        return call.refuse(Code.NOT_SUPPORTED)
    if len(texts) != 2 or len(texts[1]) > _LONGEST_HEX or not _HEX.fullmatch(texts[1]):
        return call.refuse()
    if len(texts[1]) > call.modem.environment.behaviour.sendex_max:
        call.error = Code.BAD_PARAMETERS
        return cme(INCORRECT_PARAMETERS)
    if not socket.connected:
        return call.refuse(_lost(socket))
    if socket.online():
        return call.refuse(Code.NOT_ALLOWED)
    _hand_over(call, socket, bytes.fromhex(texts[1]), socket.send)
    return None


# Reading

_text("QIRD", Form.TEST, f"+QIRD: (0-{SOCKETS - 1}),(0-{LARGEST})")


@_command("QIRD", Form.WRITE)
def read(call: Call) -> Reply:
    """Answer AT+QIRD=: what has come, of datagrams one; with a length of 0 the counts."""
    socket = call.data_socket()
    most = call.number(1, 0, LARGEST) if len(call.texts) > 1 else LARGEST
    if most is None or len(call.texts) > 2:
        return call.refuse()
    if isinstance(socket, Reply):
        return socket
    if socket.online():
        return call.refuse(Code.NOT_ALLOWED)
    if not most:
        call.line(f"+QIRD: {socket.received},{socket.received - socket.held},{socket.held}")
        return OK
    if socket.pushes and call.modem.environment.behaviour.qird_pushed == "ERROR":
        return call.refuse(Code.NOT_ALLOWED)
    data, sender = (b"", None) if socket.pushes else socket.read(most)
    if not data:
        call.line("+QIRD: 0")
        return OK
    header = f"+QIRD: {len(data)}{place(sender)}"
    if call.modem.configuration.number("viewmode"):
        call.uart.payload(f"{call.uart.line_start}{header},".encode("ascii"))
    else:
        call.line(header)
    call.uart.payload(socket.form(data))
    call.uart.payload(b"\r\n")
    return OK
