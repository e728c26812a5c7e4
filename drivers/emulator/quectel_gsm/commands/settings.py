"""The TCP/IP commands that read or change settings of the foreground context."""

from __future__ import annotations

from collections.abc import Callable

from ...environment import is_address
from ...interpreter.commandline import Form
from ...interpreter.number_setting import NumberSetting, always
from ...interpreter.replies import ERROR, OK, Reply
from ...interpreter.table import CommandTable
from ..call import Call, needs
from ..context_session import Role
from ..ownership import CONTEXTS, Need
from ..states import ACTIVE, ContextState

settings_commands: CommandTable[Call] = CommandTable()
_command = settings_commands.command
_text = settings_commands.text

Check = Callable[[Call, int], bool]  # whether a new value is allowed now
Holder = Callable[[Call], object]  # whose setting it is

# Which context


_text("QIFGCNT", Form.TEST, "+QIFGCNT: (0,1)")


@_command("QIFGCNT", Form.READ, needs(Need.READ))
def read_foreground(call: Call) -> Reply:
    """Answer AT+QIFGCNT?: the UART's foreground context and the channel that controls it."""
    number = call.context.number
    blank = " " if call.modem.environment.behaviour.qifgcnt_blank else ""
    call.line(f"+QIFGCNT: {number},{blank}{call.modem.ownership.channel(number)}")
    return OK


@_command("QIFGCNT", Form.WRITE)
def select_foreground(call: Call) -> Reply:
    """Answer AT+QIFGCNT=."""
    number = call.number(0, CONTEXTS[0], CONTEXTS[-1])
    if number is None or len(call.texts) != 1:
        return ERROR
    return OK if call.modem.select(call.uart.number, number) else ERROR


# The bearer

_text(
    "QICSGP",
    Form.TEST,
    "+QICSGP: 0-CSD,DIAL NUMBER,USER NAME,PASSWORD,RATE(0-3)\r\n+QICSGP: 1-GPRS,APN,USER NAME,PASSWORD",
)


@_command("QICSGP", Form.READ, needs(Need.READ))
def read_bearer(call: Call) -> Reply:
    """Answer AT+QICSGP?."""
    call.line(f"+QICSGP: {call.context.settings.bearer}")
    return OK


@_command("QICSGP", Form.WRITE, needs(Need.SET))
def set_bearer(call: Call) -> Reply:
    """Answer AT+QICSGP=."""
    bearer, values, settings = call.number(0, 0, 1), call.texts[1:], call.context.settings
    strict = call.modem.environment.behaviour.qicsgp_outside_initial == "error"
    if bearer is None or not values or (call.context.in_use and strict):
        return ERROR
    if bearer == 1:
        if len(values) > 3:
            return ERROR
        settings.apn, settings.user, settings.password = [*values, "", ""][:3]
    else:
        rate = call.number(4, 0, 3) if len(values) == 4 else 2
        if len(values) not in (3, 4) or rate is None:
            return ERROR
        settings.number, settings.csd_user, settings.csd_password = values[:3]
        settings.rate = rate
    settings.bearer = bearer
    return OK


# Numbers


def _of_context(call: Call) -> object:
    return call.context.settings


def _of_sending(call: Call) -> object:
    return call.sending


def _setting(name: str, shown: str, low: int, high: int, check: Check = always, of: Holder = _of_context) -> None:
    """Add a setting that is one number.

    Args:
        name: the command, and in lower case without QI the name of the setting.
        shown: what the test form shows behind the colon.
        low: the least value.
        high: the greatest value.
        check: what else a new value needs.
        of: whose setting it is.
    """
    field = name.removeprefix("QI").lower()

    def put(call: Call, value: int) -> None:
        setattr(of(call), field, value)

    setting = NumberSetting[Call](
        lambda call: getattr(of(call), field),
        put,
        low,
        high,
        allows=check,
        readable=needs(Need.READ),
        writable=needs(Need.SET),
    )
    setting.add(settings_commands, name, shown)


def _only_initial(call: Call, same: bool) -> bool:
    """Return whether QIMUX or QIMODE may be set now."""
    if not call.context.in_use:
        return True
    reading = call.modem.environment.behaviour.qimux_outside_initial
    return reading == "ok" or (reading == "same" and same)


def _mux(call: Call, value: int) -> bool:
    settings = call.context.settings
    return _only_initial(call, value == settings.mux) and not (value and settings.mode)


def _mode(call: Call, value: int) -> bool:
    settings = call.context.settings
    forbidden = value and (settings.mux or call.modem.other_on_same_uart(call.context))
    return _only_initial(call, value == settings.mode) and not forbidden


def _in_time(call: Call, value: int = 0) -> bool:
    """Return whether QIDNSIP or QITCFG may be set now."""
    return not call.context.in_use or call.modem.environment.behaviour.late_settings == "ok"


_setting("QIMUX", "(0,1)", 0, 1, check=_mux)
_setting("QIMODE", "", 0, 1, check=_mode)
_setting("QIDNSIP", "(0,1)", 0, 1, check=_in_time)
_setting("QISRVC", "(1,2)", int(Role.CLIENT), int(Role.SERVER))
_setting("QISHOWRA", "(0,1)", 0, 1)
_setting("QISHOWLA", "(0,1)", 0, 1)
_setting("QIHEAD", "(0,1)", 0, 1)
_setting("QISHOWPT", "(0,1)", 0, 1)
_setting("QINDI", "(0-2)", 0, 2)  # 2 is the MC60's
_setting("QISDE", "(0,1)", 0, 1, of=_of_sending)
_setting("QIPROMPT", "(0-3)", 0, 3, of=_of_sending)


@_command("QIMODE", Form.TEST)
def modes(call: Call) -> Reply:
    """Answer AT+QIMODE=?."""
    blank = " " if call.modem.environment.behaviour.qimode_blank else ""
    call.line(f"+QIMODE:{blank}(0-NORMAL MODE,1-TRANSPARENT MODE)")
    return OK


# Several values

_text("QITCFG", Form.TEST, "+QITCFG: (3-8),(2-10),(1-1460),(0,1)")


@_command("QITCFG", Form.READ, needs(Need.READ))
def read_transparent(call: Call) -> Reply:
    """Answer AT+QITCFG?."""
    call.line("+QITCFG: {},{},{},{}".format(*call.context.settings.tcfg))
    return OK


@_command("QITCFG", Form.WRITE, needs(Need.SET))
def set_transparent(call: Call) -> Reply:
    """Answer AT+QITCFG=."""
    ranges = ((3, 8), (2, 10), (1, 1460), (0, 1))
    values = [call.number(index, *limits) for index, limits in enumerate(ranges)]
    if len(call.texts) != 4 or None in values or not _in_time(call):
        return ERROR
    resends, wait, size, escape = (value or 0 for value in values)
    call.context.settings.tcfg = (resends, wait, size, escape)
    return OK


_text("QIAUTOS", Form.TEST, "+QIAUTOS: (0,1), (1-100)")


@_command("QIAUTOS", Form.READ, needs(Need.READ))
def read_auto_send(call: Call) -> Reply:
    """Answer AT+QIAUTOS?."""
    period = call.context.settings.autos
    call.line(f"+QIAUTOS: {int(period > 0)},{period}")
    return OK


@_command("QIAUTOS", Form.WRITE, needs(Need.SET))
def set_auto_send(call: Call) -> Reply:
    """Answer AT+QIAUTOS=: 1 wants a period, 0 none."""
    mode = call.number(0, 0, 1)
    period = call.number(1, 1, 100) if mode == 1 else 0
    if mode is None or period is None or len(call.texts) != 1 + mode:
        return ERROR
    call.context.settings.autos = period
    return OK


_text("QILPORT", Form.TEST, "+QILPORT: (0-65535)")


@_command("QILPORT", Form.READ, needs(Need.READ))
def read_ports(call: Call) -> Reply:
    """Answer AT+QILPORT?."""
    ports = call.context.settings.ports
    call.line(f"TCP: {ports['TCP']}\r\nUDP: {ports['UDP']}")
    return OK


@_command("QILPORT", Form.WRITE, needs(Need.SET))
def set_port(call: Call) -> Reply:
    """Answer AT+QILPORT=; not while listening."""
    port = call.number(1, 0, 65535)
    kind = call.texts[0].upper()
    if len(call.texts) != 2 or kind not in ("TCP", "UDP") or port is None or call.context.server.listening:
        return ERROR
    call.context.settings.ports[kind] = port
    return OK


_text("QIDNSCFG", Form.TEST, "")


@_command("QIDNSCFG", Form.READ, needs(Need.READ))
def read_dns(call: Call) -> Reply:
    """Answer AT+QIDNSCFG?."""
    primary, secondary = call.context.settings.dns
    call.line(f"PrimaryDns: {primary}\r\nSecondaryDns: {secondary}")
    return OK


@_command("QIDNSCFG", Form.WRITE, needs(Need.SET))
def set_dns(call: Call) -> Reply:
    """Answer AT+QIDNSCFG=; activation overwrites it, so it is allowed on an active context only."""
    servers = call.texts
    if len(servers) not in (1, 2) or not all(is_address(server) for server in servers):
        return ERROR
    if call.context.state not in ACTIVE:
        return ERROR
    call.context.settings.dns = (servers[0], servers[1] if len(servers) == 2 else call.context.settings.dns[1])
    return OK


_text("QIKALIVE", Form.TEST, "+QIKALIVE: (0,1),(60-1800),(10-20)")


@_command("QIKALIVE", Form.READ, needs(Need.READ))
def read_keepalive(call: Call) -> Reply:
    """Answer AT+QIKALIVE?."""
    call.line("+QIKALIVE: {},{},{}".format(*call.context.settings.kalive))
    return OK


@_command("QIKALIVE", Form.WRITE, needs(Need.SET))
def set_keepalive(call: Call) -> Reply:
    """Answer AT+QIKALIVE=: 0 lets TCP look after idle connections that are opened from now on, 1 does not (MC60)."""
    settings = call.context.settings
    switch = call.number(0, 0, 1)
    idle = call.number(1, 60, 1800) if len(call.texts) == 3 else settings.kalive[1]
    interval = call.number(2, 10, 20) if len(call.texts) == 3 else settings.kalive[2]
    if switch is None or idle is None or interval is None or len(call.texts) not in (1, 3):
        return ERROR
    settings.kalive = (switch, idle, interval)
    return OK


# Saving

_text("QISCON", Form.TEST, "")


@_command("QISCON", Form.READ, needs(Need.READ))
def read_saved(call: Call) -> Reply:
    """Answer AT+QISCON?."""
    own = call.context.settings
    lines = [
        "SHOW APPTCPIP CONTEXT",
        f"+QIDNSIP:{own.dnsip}",
        f"+QIPROMPT:{call.sending.prompt}",
        f"+QIHEAD:{own.head}",
        f"+QISHOWRA:{own.showra}",
        f"+QICSGP:{own.bearer}",
        f"Gprs Config APN:{own.apn}",
        f"Gprs Config UserId:{own.user}",
        f"Gprs Config Password:{own.password}",
        "Gprs Config inactivityTimeout:0",
        f"CSD Dial Number:{own.number}",
        f"CSD Config UserId:{own.csd_user}",
        f"CSD Config Password:{own.csd_password}",
        f"CSD Config rate:{own.rate}",
        f"App Tcpip Mode:{own.mode}",
    ]
    if own.mode:
        names = ("Number of Retry", "Wait Time", "Send Size", "esc")
        lines.append("In Transparent Transfer Mode")
        lines.extend(f"{name}:{value}" for name, value in zip(names, own.tcfg, strict=True))
    call.line("\r\n".join(lines))
    return OK


@_command("QISCON", Form.EXECUTE, needs(Need.SET))
def save(call: Call) -> Reply:
    """Answer AT+QISCON."""
    call.context.save()
    return OK


# Registering


_text("QIREGAPP", Form.TEST, '+QIREGAPP: "APN","USER","PWD"')


@_command("QIREGAPP", Form.READ, needs(Need.READ))
def read_registration(call: Call) -> Reply:
    """Answer AT+QIREGAPP?."""
    settings = call.context.settings
    call.line(f"+QIREGAPP: {settings.apn},{settings.user},{settings.password}")
    return OK


@_command("QIREGAPP", Form.WRITE, needs(Need.ACTIVATE))
def register_with(call: Call) -> Reply:
    """Answer AT+QIREGAPP=: the APN, and perhaps user and password, and perhaps a rate behind those."""
    values = call.texts
    if len(values) not in (1, 3, 4) or (len(values) == 4 and call.number(3, 0, 3) is None):
        return ERROR
    if call.context.state is not ContextState.INITIAL:
        return ERROR
    settings = call.context.settings
    settings.apn, settings.user, settings.password = [*values[:3], "", ""][:3]
    return OK if call.context.register() else ERROR


@_command("QIREGAPP", Form.EXECUTE, needs(Need.ACTIVATE))
def register(call: Call) -> Reply:
    """Answer AT+QIREGAPP."""
    return OK if call.context.register() else ERROR
