"""The settings about short messages: AT+CMGF, CNMI, CSMP, CSCS, CSCA, CSDH, CSMS, CMMS, CSAS, CRES (27.005 §3)."""

from __future__ import annotations

import re
from dataclasses import replace

from ..interpreter.commandline import Argument, Form
from ..interpreter.number_setting import NumberSetting
from ..interpreter.replies import ERROR, OK, Reply
from ..interpreter.table import CommandTable
from ..modem import ModemCall
from ..sms.addresses import Address
from ..sms.messages import CENTRE
from ..sms.settings import Parameters, Routing
from ..sms.text_mode import CHARSETS, encode_validity, shown, typed

message_settings: CommandTable[ModemCall] = CommandTable()
_command = message_settings.command
_text = message_settings.text

_PROFILES = (0, 3)
_HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2}){7}")
_ABSOLUTE, _ENHANCED = 0x18, 0x08  # TP-VPF


def _number(name: str, values: str, field: str, highest: int) -> None:
    """Add a number that each UART has for itself."""

    def put(call: ModemCall, value: int) -> None:
        call.uart.messages = replace(call.uart.messages, **{field: value})  # type: ignore[arg-type]

    setting = NumberSetting[ModemCall](lambda call: getattr(call.uart.messages, field), put, 0, highest)
    setting.add(message_settings, name, values)


_number("CMGF", "(0,1)", "format", 1)
_number("CSDH", "(0,1)", "details", 1)
_number("CMMS", "(0-2)", "link", 2)

# Who is told of messages

_ROUTING = {"mode": (0, 3), "messages": (0, 3), "broadcasts": (0, 3), "reports": (0, 2), "flush": (0, 1)}
_text("CNMI", Form.TEST, "+CNMI: (0-3),(0-3),(0,2,3),(0-2),(0,1)")


def _shown_routing(call: ModemCall) -> Routing:
    """Return how the UART is told of messages, as it has set, or without that."""
    return call.modem.messages.router.routing(call.uart)


@_command("CNMI", Form.READ)
def read_routing(call: ModemCall) -> Reply:
    """Answer AT+CNMI?."""
    call.line(f"+CNMI: {_shown_routing(call)}")
    return OK


@_command("CNMI", Form.WRITE)
def set_routing(call: ModemCall) -> Reply:
    """Answer AT+CNMI=: for this UART; values that are left out stay as they are."""
    if len(call.texts) > len(_ROUTING):
        return ERROR
    values: dict[str, int] = {}
    for index, (field, (low, high)) in enumerate(_ROUTING.items()):
        if index < len(call.texts) and call.texts[index]:
            value = call.number(index, low, high)
            if value is None:
                return ERROR
            values[field] = value
    call.modem.messages.router.set_routing(call.uart, replace(_shown_routing(call), **values))
    call.modem.messages.room_made()
    return OK


_text("CSMS", Form.TEST, "+CSMS: (0,1)")


@_command("CSMS", Form.READ)
def read_service(call: ModemCall) -> Reply:
    """Answer AT+CSMS?: the service, and that messages can be received, sent and broadcast."""
    call.line(f"+CSMS: {call.uart.messages.service},1,1,1")
    return OK


@_command("CSMS", Form.WRITE)
def set_service(call: ModemCall) -> Reply:
    """Answer AT+CSMS=: with 1 the host acknowledges what is passed on to it (AT+CNMA)."""
    service = call.number(0, 0, 1)
    if service is None or len(call.texts) != 1:
        return ERROR
    call.uart.messages = replace(call.uart.messages, service=service)
    call.line("+CSMS: 1,1,1")
    return OK


# Text mode

_text("CSCS", Form.TEST, "+CSCS: ({})".format(",".join(f'"{charset}"' for charset in CHARSETS)))


@_command("CSCS", Form.READ)
def read_charset(call: ModemCall) -> Reply:
    """Answer AT+CSCS?."""
    call.line(f'+CSCS: "{call.uart.messages.charset}"')
    return OK


@_command("CSCS", Form.WRITE)
def set_charset(call: ModemCall) -> Reply:
    """Answer AT+CSCS=."""
    if len(call.texts) != 1 or call.texts[0] not in CHARSETS:
        return ERROR
    call.uart.messages = replace(call.uart.messages, charset=call.texts[0])
    return OK


_text("CSMP", Form.TEST, "")


@_command("CSMP", Form.READ)
def read_parameters(call: ModemCall) -> Reply:
    """Answer AT+CSMP?."""
    call.line(f"+CSMP: {call.uart.messages.parameters}")
    return OK


@_command("CSMP", Form.WRITE)
def set_parameters(call: ModemCall) -> Reply:
    """Answer AT+CSMP=; values that are left out stay as they are."""
    own, arguments = call.uart.messages.parameters, call.command.arguments
    if len(arguments) > 4:
        return ERROR
    numbers = {"first": own.first, "pid": own.pid, "dcs": own.dcs}
    for index, field in ((0, "first"), (2, "pid"), (3, "dcs")):
        if index < len(arguments) and arguments[index].text:
            value = call.number(index, 0, 255)
            if value is None:
                return ERROR
            numbers[field] = value
    validity = own.validity
    if len(arguments) > 1 and arguments[1].text:
        if not _is_validity(arguments[1]):
            return ERROR
        validity = arguments[1].text
    call.uart.messages = replace(call.uart.messages, parameters=Parameters(validity=validity, **numbers))
    return OK


def _is_validity(argument: Argument) -> bool:
    """Return whether a value is a number, a time or hexadecimal digits; which one is wanted, says the first octet."""
    if argument.number(0, 255) is not None:
        return True
    if _HEXADECIMAL.fullmatch(argument.text):
        return True
    try:
        encode_validity(argument.text, _ABSOLUTE)
    except ValueError:
        return False
    return True


# The service centre

_text("CSCA", Form.TEST, "")


@_command("CSCA", Form.READ)
def read_centre(call: ModemCall) -> Reply:
    """Answer AT+CSCA?."""
    centre = call.modem.messages.centre
    call.line(f'+CSCA: "{shown(centre.number, call.uart.messages.charset)}",{centre.kind}')
    return OK


@_command("CSCA", Form.WRITE)
def set_centre(call: ModemCall) -> Reply:
    """Answer AT+CSCA=: a number, and perhaps its type."""
    kind = call.number(1, 128, 255) if len(call.texts) > 1 else None
    if len(call.texts) > 2 or (len(call.texts) == 2 and kind is None):
        return ERROR
    try:
        call.modem.messages.centre = Address.parse(typed(call.texts[0], call.uart.messages.charset), kind)
    except ValueError:
        return ERROR
    return OK


# Saving


def _profile(call: ModemCall) -> int | None:
    """Return the profile of AT+CSAS and AT+CRES, which is 0 unless it is given."""
    if len(call.texts) > 1:
        return None
    return call.number(0, *_PROFILES) if call.texts else _PROFILES[0]


def save(call: ModemCall) -> Reply:
    """Answer AT+CSAS: service centre and parameters of text mode outlive the power (27.005 §3.3.5)."""
    profile = _profile(call)
    if profile is None:
        return ERROR
    call.modem.messages.profiles[profile] = (call.modem.messages.centre, call.uart.messages.parameters)
    return OK


def restore(call: ModemCall) -> Reply:
    """Answer AT+CRES (27.005 §3.3.6)."""
    profile = _profile(call)
    if profile is None:
        return ERROR
    centre, parameters = call.modem.messages.profiles.get(profile, (CENTRE, Parameters()))
    call.modem.messages.centre = centre
    call.uart.messages = replace(call.uart.messages, parameters=parameters)
    return OK


for _name, _answer in (("CSAS", save), ("CRES", restore)):
    _text(_name, Form.TEST, f"+{_name}: ({_PROFILES[0]}-{_PROFILES[1]})")
    _command(_name, Form.EXECUTE)(_answer)
    _command(_name, Form.WRITE)(_answer)
