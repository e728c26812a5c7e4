"""The commands about stored messages: AT+CPMS, CMGR, CMGL, CMGD (27.005 §3.2.2, §3.4.2, §3.4.3, §3.5.4)."""

from __future__ import annotations

from ..interpreter.commandline import Form
from ..interpreter.replies import ERROR, OK, Reply, cms
from ..interpreter.table import CommandTable, Handler
from ..modem import ModemCall
from ..sms.addresses import read_centre
from ..sms.errors import Cms, MessageError
from ..sms.settings import TEXT_MODE
from ..sms.store import Status, StoredMessage
from ..sms.text_mode import STATUS_BY_WORDS, TextForms
from ..sms.tpdu import Received, Sent, read_received, read_sent

store_commands: CommandTable[ModemCall] = CommandTable()
_command = store_commands.command
_text = store_commands.text

_STORES = ("SM", "ME", "MT")
_ALL = 4  # AT+CMGL in PDU mode
_LISTED = ("ALL", *STATUS_BY_WORDS)
_LONGEST_NUMBER = 999_999_999
_READ, _SENT, _UNSENT = Status.REC_READ, Status.STO_SENT, Status.STO_UNSENT
#: What <delflag> of AT+CMGD deletes.
_DELETED: dict[int, tuple[Status, ...]] = {
    1: (_READ,),
    2: (_READ, _SENT),
    3: (_READ, _SENT, _UNSENT),
    4: tuple(Status),
}


def with_messages(handler: Handler[ModemCall]) -> Handler[ModemCall]:
    """Return a handler that ends with +CMS ERROR where there is no SIM that is ready, or where messages say so."""

    def answer(call: ModemCall) -> Reply | None:
        try:
            call.modem.messages.check_sim()
            return handler(call)
        except MessageError as error:
            return cms(error.code)

    answer.__doc__ = handler.__doc__
    return answer


# Where messages are

_text("CPMS", Form.TEST, "+CPMS: " + ",".join(["({})".format(",".join(f'"{store}"' for store in _STORES))] * 3))


@_command("CPMS", Form.READ)
@with_messages
def read_stores(call: ModemCall) -> Reply:
    """Answer AT+CPMS?."""
    stores = [call.modem.messages.store(purpose) for purpose in range(3)]
    call.line("+CPMS: " + ",".join(f'"{store.name}",{store.used},{store.places}' for store in stores))
    return OK


@_command("CPMS", Form.WRITE)
@with_messages
def set_stores(call: ModemCall) -> Reply:
    """Answer AT+CPMS=: where messages are read, written and received."""
    wanted, messages = call.texts, call.modem.messages
    if len(wanted) > 3 or not set(wanted) <= set(_STORES):
        return ERROR
    messages.preferred[: len(wanted)] = wanted
    stores = [messages.store(purpose) for purpose in range(3)]
    call.line("+CPMS: " + ",".join(f"{store.used},{store.places}" for store in stores))
    messages.room_made()
    return OK


# Reading

_text("CMGR", Form.TEST, "")


def parsed(message: StoredMessage) -> Sent | Received:
    """Return a stored message as what it is; what is stored was read before."""
    return read_received(message.tpdu) if message.status.received else read_sent(message.tpdu)


@_command("CMGR", Form.WRITE)
@with_messages
def read_message(call: ModemCall) -> Reply:
    """Answer AT+CMGR=; with a second value of 1 an unread message stays unread."""
    index = _index(call)
    mode = call.number(1, 0, 1) if len(call.texts) == 2 else 0
    if index is None or mode is None or len(call.texts) > 2:
        return ERROR
    messages = call.modem.messages
    store = messages.store(0)
    message = store.get(index)
    if message is None:
        empty = call.modem.environment.behaviour.cmgr_empty
        return OK if empty == "OK" else cms(Cms.INVALID_INDEX)
    if call.uart.messages.format == TEXT_MODE:
        centre = read_centre(message.centre)[0] or messages.centre
        forms = TextForms(call.uart.messages, messages.shown_time)
        call.line("+CMGR: " + forms.read(message, parsed(message), centre))
    else:
        call.line(f"+CMGR: {_pdu(message)}")
    if not mode:
        _mark_read(call, index, message)
    return OK


def _index(call: ModemCall) -> int | None:
    """Return the first value as an index, which may be one that no store has."""
    return call.number(0, 0, _LONGEST_NUMBER)


def _pdu(message: StoredMessage) -> str:
    """Return a message as PDU mode shows it."""
    return f'{int(message.status)},"",{len(message.tpdu)}\r\n{(message.centre + message.tpdu).hex().upper()}'


def _mark_read(call: ModemCall, index: int, message: StoredMessage) -> None:
    if message.status is Status.REC_UNREAD:
        call.modem.messages.store(0).put(index, message.marked(Status.REC_READ))


@_command("CMGL", Form.TEST)
def listable(call: ModemCall) -> Reply:
    """Answer AT+CMGL=?: texts or numbers, as AT+CMGF says."""
    in_text = call.uart.messages.format == TEXT_MODE
    call.line("+CMGL: ({})".format(",".join(f'"{kind}"' for kind in _LISTED) if in_text else f"0-{_ALL}"))
    return OK


@with_messages
def list_messages(call: ModemCall) -> Reply:
    """Answer AT+CMGL, which is about unread messages, and AT+CMGL=: messages of a kind, or all."""
    wanted = _wanted(call)
    mode = call.number(1, 0, 1) if len(call.texts) == 2 else 0
    if wanted is None or mode is None or len(call.texts) > 2:
        return ERROR
    messages = call.modem.messages
    forms = TextForms(call.uart.messages, messages.shown_time)
    for index, message in list(messages.store(0).items()):
        if message.status not in wanted:
            continue
        if call.uart.messages.format == TEXT_MODE:
            call.line(f"+CMGL: {index},{forms.listed(message, parsed(message))}")
        else:
            call.line(f"+CMGL: {index},{_pdu(message)}")
        if not mode:
            _mark_read(call, index, message)
    return OK


_command("CMGL", Form.EXECUTE)(list_messages)
_command("CMGL", Form.WRITE)(list_messages)


def _wanted(call: ModemCall) -> tuple[Status, ...] | None:
    """Return the statuses that AT+CMGL is for, or None when it names none."""
    if not call.texts:
        return (Status.REC_UNREAD,)
    if call.uart.messages.format == TEXT_MODE:
        if call.texts[0] == "ALL":
            return tuple(Status)
        status = STATUS_BY_WORDS.get(call.texts[0])
        return None if status is None else (status,)
    number = call.number(0, 0, _ALL)
    if number is None:
        return None
    return tuple(Status) if number == _ALL else (Status(number),)


# Deleting


@_command("CMGD", Form.TEST)
@with_messages
def deletable(call: ModemCall) -> Reply:
    """Answer AT+CMGD=?: the indices that have a message."""
    indices = ",".join(str(index) for index, _ in call.modem.messages.store(0).items())
    call.line(f"+CMGD: ({indices}),(0-4)")
    return OK


@_command("CMGD", Form.WRITE)
@with_messages
def delete(call: ModemCall) -> Reply:
    """Answer AT+CMGD=: the message of an index, or with a second value all of some kinds."""
    index = _index(call)
    flag = call.number(1, 0, max(_DELETED)) if len(call.texts) == 2 else 0
    if index is None or flag is None or len(call.texts) > 2:
        return ERROR
    store = call.modem.messages.store(0)
    if flag:  # the index is ignored
        for place, message in list(store.items()):
            if message.status in _DELETED[flag]:
                store.put(place, None)
    else:
        store.put(index, None)
    call.modem.messages.room_made()
    return OK
