"""The commands that send and write messages: AT+CMGS, CMGW, CMSS, CMGC, and AT+CNMA (27.005 §3.4.4 and §3.5)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from ..interpreter.commandline import Form
from ..interpreter.entry import Entry, MessageEntry
from ..interpreter.replies import ANSWERED, ERROR, OK, Reply, Result, cms
from ..interpreter.table import CommandTable
from ..modem import ModemCall
from ..sms.addresses import Address, read_centre
from ..sms.errors import Cms, MessageError
from ..sms.settings import TEXT_MODE
from ..sms.store import Status, StoredMessage
from ..sms.text_mode import STATUS_BY_WORDS, entered, submit_of, typed
from ..sms.tpdu import Command, Deliver, Sent, Submit, read_sent
from .message_stores import parsed, with_messages

sending_commands: CommandTable[ModemCall] = CommandTable()
_command = sending_commands.command
_text = sending_commands.text

_MOST_TEXT = 1024  # octets at the prompt; 160 characters of UCS-2 are 640
_MOST_PDU = 512
_LONGEST_TPDU = 255
_LONGEST_NUMBER = 999_999_999
_OCTET = (0, 255)
_REFUSED = 2  # AT+CNMA

#: Takes what was typed at the prompt; returns how the command ends, None when that is later.
Taker = Callable[[bytes], Reply | None]


# The prompt


def _prompt(call: ModemCall, take: Taker) -> None:
    """Ask for a message; what is typed beyond the most that a message has is no message."""
    in_text = call.uart.messages.format == TEXT_MODE
    entry = MessageEntry(_MOST_TEXT if in_text else _MOST_PDU, continued=in_text)

    def done(typed_in: Entry) -> None:
        if typed_in.cancelled:
            reply: Reply | None = OK if call.modem.environment.behaviour.message_escape == "OK" else ERROR
        elif typed_in.dropped:
            reply = cms(_wrong(call))
        else:
            reply = _taken(call, take, typed_in.data)
        if reply is not None:
            call.finish(reply)

    call.uart.prompt(entry, done)


def _taken(call: ModemCall, take: Taker, data: bytes) -> Reply | None:
    try:
        return take(data)
    except MessageError as error:
        return cms(error.code)
    except ValueError:
        return cms(_wrong(call))


def _wrong(call: ModemCall) -> Cms:
    """Return the error of a parameter or a message that makes no sense."""
    return Cms.INVALID_TEXT_PARAMETER if call.uart.messages.format == TEXT_MODE else Cms.INVALID_PDU_PARAMETER


def _pdu(data: bytes, length: int) -> tuple[bytes, bytes]:
    """Return the service centre's address and the TPDU of what was typed in PDU mode.

    Raises:
        ValueError: it is not hexadecimal, or not as long as was said.
    """
    octets = bytes.fromhex("".join(data.decode("ascii").split()))
    _, count = read_centre(octets)
    if len(octets) - count != length:
        raise ValueError("the TPDU is not as long as was said")
    return octets[:count], octets[count:]


def _length(call: ModemCall) -> int | None:
    return call.number(0, 1, _LONGEST_TPDU)


def _address(call: ModemCall, index: int) -> Address:
    """Return the number at a place, and behind it perhaps its type.

    Raises:
        ValueError: it is no number.
    """
    kind = call.number(index + 1, 128, 255) if _has(call, index + 1) else None
    if kind is None and _has(call, index + 1):
        raise ValueError("the type is no number")
    text, charset = call.texts[index], call.uart.messages.charset
    if charset == "HEX":
        with suppress(ValueError):
            return Address.parse(typed(text, charset), kind)
        return Address.parse(text, kind)  # as TinyGSM gives it to Quectel modules; only the text is hexadecimal
    return Address.parse(typed(text, charset), kind)


def _has(call: ModemCall, index: int) -> bool:
    return len(call.texts) > index and bool(call.texts[index])


# Sending

for _name in ("CMGS", "CMGW", "CMSS", "CMGC"):
    _text(_name, Form.TEST, "")


@_command("CMGS", Form.WRITE)
@with_messages
def send(call: ModemCall) -> Reply | None:
    """Answer AT+CMGS=: a number in text mode, the length of the TPDU in PDU mode."""
    settings = call.uart.messages
    if settings.format == TEXT_MODE:
        try:
            destination = _address(call, 0)
        except ValueError:
            return cms(Cms.INVALID_TEXT_PARAMETER)
        if len(call.texts) > 2:
            return ERROR

        def take_text(data: bytes) -> Reply | None:
            parameters = settings.parameters
            body = entered(data, settings.charset, parameters.first, parameters.dcs)
            return _hand_over(call, submit_of(destination, body, parameters), None)

        _prompt(call, take_text)
        return None
    length = _length(call)
    if length is None or len(call.texts) != 1:
        return cms(Cms.INVALID_PDU_PARAMETER)

    def take_pdu(data: bytes) -> Reply | None:
        centre, tpdu = _pdu(data, length)
        message = read_sent(tpdu)
        if not isinstance(message, Submit):
            raise ValueError("an SMS-COMMAND is for AT+CMGC")
        if not message.destination.number:
            raise ValueError("there is no destination")
        return _hand_over(call, message, centre, tpdu)

    _prompt(call, take_pdu)
    return None


def _hand_over(
    call: ModemCall,
    message: Sent,
    centre: bytes | None,
    written: bytes | None = None,
    then: Callable[[], None] = lambda: None,
) -> Reply | None:
    """Hand a message to the service centre once the network has had its time, and call a function when that has it."""
    environment = call.modem.environment
    behaviour = environment.behaviour
    seconds = behaviour.message_timeout if environment.network.silent else behaviour.result_time

    def send() -> Reply:
        try:
            reference = call.modem.messages.send(message, centre, written)
        except MessageError as error:
            return cms(error.code)
        then()
        return Reply(Result.OK, f"+{call.command.name}: {reference}")

    if not seconds:
        return send()

    def cut() -> None:  # what was typed meanwhile is for the module that has restarted
        environment.loop.call_soon(call.finish, ANSWERED)

    call.modem.messages.later(seconds, lambda: call.finish(send()), cut)
    return None


@_command("CMSS", Form.WRITE)
@with_messages
def send_stored(call: ModemCall) -> Reply | None:
    """Answer AT+CMSS=: a message that AT+CMGW has written, perhaps to another number."""
    index = call.number(0, 0, _LONGEST_NUMBER)
    if index is None or len(call.texts) > 3:
        return ERROR
    store = call.modem.messages.store(1)
    stored = store.get(index)
    if stored is None:
        return cms(Cms.INVALID_INDEX)
    message = parsed(stored)
    if not isinstance(message, Submit | Command):
        return cms(Cms.NOT_ALLOWED)
    try:
        destination = _address(call, 1) if _has(call, 1) else message.destination
    except ValueError:
        return cms(_wrong(call))
    if not destination.number:
        return cms(_wrong(call))

    def mark() -> None:
        if store.get(index) is stored and stored.status is Status.STO_UNSENT:
            store.put(index, stored.marked(Status.STO_SENT))

    written = stored.tpdu if destination == message.destination else None
    return _hand_over(call, replace(message, destination=destination), stored.centre, written, mark)


# Writing


@with_messages
def write(call: ModemCall) -> Reply | None:
    """Answer AT+CMGW and AT+CMGW=: a message is stored, to be sent by AT+CMSS, or as if it had been received."""
    if call.uart.messages.format == TEXT_MODE:
        return _write_text(call)
    length = _length(call)
    status = call.number(1, 0, 3) if _has(call, 1) else Status.STO_UNSENT
    if length is None or status is None or len(call.texts) > 2:
        return cms(Cms.INVALID_PDU_PARAMETER)

    def take(data: bytes) -> Reply:
        centre, tpdu = _pdu(data, length)
        message = StoredMessage(Status(status), centre, tpdu)
        parsed(message)
        return _stored(call, message)

    _prompt(call, take)
    return None


_command("CMGW", Form.EXECUTE)(write)
_command("CMGW", Form.WRITE)(write)


def _write_text(call: ModemCall) -> Reply | None:
    settings, messages = call.uart.messages, call.modem.messages
    status = STATUS_BY_WORDS.get(call.texts[2]) if _has(call, 2) else Status.STO_UNSENT
    if status is None or len(call.texts) > 3:
        return ERROR
    try:
        address = _address(call, 0) if _has(call, 0) else Address("")
    except ValueError:
        return cms(Cms.INVALID_TEXT_PARAMETER)

    def take(data: bytes) -> Reply:
        parameters = settings.parameters
        body = entered(data, settings.charset, parameters.first, parameters.dcs)
        message: Submit | Deliver = submit_of(address, body, parameters)
        if status.received:
            message = Deliver(address, parameters.pid, parameters.dcs, call.modem.wall_clock.text(), body)
        return _stored(call, StoredMessage(status, messages.centre.encode_centre(), message.encode()))

    _prompt(call, take)
    return None


def _stored(call: ModemCall, message: StoredMessage) -> Reply:
    index = call.modem.messages.store(1).add(message)
    return Reply(Result.OK, f"+CMGW: {index}")


# Commands to the service centre


@_command("CMGC", Form.WRITE)
@with_messages
def command_centre(call: ModemCall) -> Reply | None:
    """Answer AT+CMGC=: an SMS-COMMAND about a message that was sent; its data is hexadecimal."""
    if call.uart.messages.format == TEXT_MODE:
        return _command_text(call)
    length = _length(call)
    if length is None or len(call.texts) != 1:
        return cms(Cms.INVALID_PDU_PARAMETER)

    def take(data: bytes) -> Reply | None:
        centre, tpdu = _pdu(data, length)
        message = read_sent(tpdu)
        if not isinstance(message, Command):
            raise ValueError("an SMS-SUBMIT is for AT+CMGS")
        return _hand_over(call, message, centre)

    _prompt(call, take)
    return None


def _command_text(call: ModemCall) -> Reply | None:
    """Take <fo>, <ct>, <pid>, <mn>, <da>, <toda>; only the first two are wanted."""
    if not 2 <= len(call.texts) <= 6:
        return ERROR
    values = [call.number(place, *_OCTET) if _has(call, place) or place < 2 else 0 for place in range(4)]
    first, kind, pid, number = (-1 if value is None else value for value in values)
    try:
        destination = _address(call, 4) if _has(call, 4) else Address("")
    except ValueError:
        return cms(Cms.INVALID_TEXT_PARAMETER)
    if None in values:
        return cms(Cms.INVALID_TEXT_PARAMETER)

    def take(data: bytes) -> Reply | None:
        message = Command(first, 0, pid, kind, number, destination, bytes.fromhex(data.decode("ascii")))
        message.encode()
        return _hand_over(call, message, None)

    _prompt(call, take)
    return None


# Acknowledging


@_command("CNMA", Form.TEST)
def acknowledgements(call: ModemCall) -> Reply:
    """Answer AT+CNMA=?: the values of PDU mode."""
    if call.uart.messages.format != TEXT_MODE:
        call.line("+CNMA: (0-2)")
    return OK


def _acknowledge(call: ModemCall, *, received: bool) -> Reply:
    if call.modem.messages.router.acknowledge(call.uart, received=received):
        return OK
    return cms(Cms.NO_ACKNOWLEDGEMENT_EXPECTED)


@_command("CNMA", Form.EXECUTE)
def acknowledge(call: ModemCall) -> Reply:
    """Answer AT+CNMA: what was passed on has been received."""
    return _acknowledge(call, received=True)


@_command("CNMA", Form.WRITE)
def acknowledge_with(call: ModemCall) -> Reply | None:
    """Answer AT+CNMA=, in PDU mode only: 2 refuses; with a length the TPDU of the acknowledgement follows."""
    if call.uart.messages.format == TEXT_MODE:
        return ERROR
    number = call.number(0, 0, 2)
    length = call.number(1, 1, _LONGEST_TPDU) if len(call.texts) == 2 else 0
    if number is None or length is None or len(call.texts) > 2:
        return ERROR
    if not length:
        return _acknowledge(call, received=number < _REFUSED)

    def take(data: bytes) -> Reply:
        if len(bytes.fromhex("".join(data.decode("ascii").split()))) != length:
            raise ValueError("the TPDU is not as long as was said")
        return _acknowledge(call, received=number < _REFUSED)

    _prompt(call, take)
    return None
