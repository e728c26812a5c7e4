"""Control messages in words, for readers of ``decode`` who do not know the specification by heart."""

from __future__ import annotations

from typing import Final

from ..capture.describe import fields_of, messages
from ..protocol import Frame
from ..protocol.messages import Message
from ..protocol.wire import FrameType

_MESSAGES: Final = {
    "PN": "parameter negotiation: how a channel is to be used, before its SABM (27.010 §5.4.6.3.1)",
    "PSC": "power saving: the sender wants to sleep (27.010 §5.4.6.3.2)",
    "CLD": "close down: the multiplexer ends, and the line is for AT commands again (27.010 §5.4.6.3.3)",
    "Test": "test: the other side sends the same octets back (27.010 §5.4.6.3.4)",
    "FCon": "flow control on: the sender can take data on all channels again (27.010 §5.4.6.3.5)",
    "FCoff": "flow control off: the sender takes no data on any channel but 0 (27.010 §5.4.6.3.6)",
    "MSC": "modem status: the signals that wires of a serial port would have (27.010 §5.4.6.3.7)",
    "NSC": "not supported: the sender does not know this command (27.010 §5.4.6.3.8)",
    "RPN": "remote port: the settings of the serial port behind a channel (27.010 §5.4.6.3.9)",
    "RLS": "remote line status: errors of the serial port behind a channel (27.010 §5.4.6.3.10)",
    "SNC": "service negotiation: data or voice on a channel (27.010 §5.4.6.3.11)",
}
"""What each message is for."""

_ANSWERS: Final = {
    True: "a command: the other side answers it",
    False: "a response: it repeats what the command said, or says what applies",
}

_YES: Final = {
    "fc": "flow control: the sender cannot take data on this channel",
    "rtc": "ready to communicate: DTR of a terminal, DSR of a module",
    "rtr": "ready to receive: RTS of a terminal, CTS of a module",
    "ic": "incoming call: RI of a module",
    "dv": "data valid: DCD of a module",
    "break_octet": "a break octet is sent",
    "overrun": "a character was overwritten before it was read",
    "parity": "a parity bit was wrong",
    "framing": "a stop bit was missing",
}
"""What a bit of MSC and RLS means when it is 1."""

_NO: Final = {
    "fc": "no flow control: the sender can take data on this channel",
    "rtc": "not ready to communicate: DTR or DSR is off",
    "rtr": "not ready to receive: RTS or CTS is off",
    "ic": "no incoming call",
    "dv": "no valid data: DCD is off",
    "break_octet": "no break octet",
    "overrun": "no character was overwritten",
    "parity": "no parity bit was wrong",
    "framing": "no stop bit was missing",
}

_VALUES: Final = {
    "dlci": "the channel that it is about",
    "break_length": "seconds of break",
    "frame_type": "the frames of its data",
    "convergence": "convergence layer: 1 carries the data alone, 2 the signals of the port as well",
    "priority": "0 is the highest, 63 the lowest",
    "t1": "seconds until a frame that is not answered is sent again",
    "n1": "the most octets of data in a frame",
    "n2": "how often a frame is sent again",
    "k": "frames that may wait for an acknowledgement, with error recovery",
    "baudrate": "bits per second",
    "data_bits": "data bits of a character",
    "stop_bits": "stop bits",
    "flow": "which sides use which flow control",
    "xon": "the XON character",
    "xoff": "the XOFF character",
    "mask": "which of the settings are meant, or accepted",
    "type_octet": "the type octet of that command",
    "service": "the service octet, coded: 3 is data, 5 is voice",
    "codec": "the codec octet, coded",
    "data": "the octets",
    "octets": "octets that some modules add",
}
"""What any other field has."""


def spelled_out(frame: Frame) -> str:
    """Return what the control messages of a frame mean, a line for each of their fields; empty if it has none."""
    return "\n\n".join(_message(message) for message in messages(frame))


def _message(message: Message) -> str:
    what = _MESSAGES.get(message.name)
    lines = [f"{message.name}, {what}" if what else f"{message.name}: the specification knows no such message"]
    lines.append(_ANSWERS[message.command])
    if message.problem:
        lines.append(f"not readable: {message.problem}")
    elif message.body is not None and message.value:
        lines += [f"{name}={value}: {_field(name, value, message.name)}" for name, value in fields_of(message.body)]
    return "\n".join(lines)


def _field(name: str, value: str, message: str) -> str:
    if message == "RPN" and name == "parity":
        return "the parity bit"
    if name == "frame_type":
        return f"{_VALUES[name]}: {FrameType(int(value)).name}"
    return (_YES if value == "1" else _NO).get(name) or _VALUES.get(name, "")
