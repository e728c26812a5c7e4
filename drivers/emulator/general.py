"""The general commands: identification, settings of the UART, the line, AT+CMUX, ATO."""

from __future__ import annotations

from .call import Call
from .commandline import Form
from .replies import ERROR, NO_CARRIER, NOT_ALLOWED, NOT_SUPPORTED, OK, Reply, cme
from .settings import UartSettings
from .table import CommandTable

general: CommandTable = CommandTable()

MANUFACTURER = "Quectel_Ltd"
MODEL = "Quectel_M10"
REVISION = "M10R04A02M32_SST"
IMEI = "861001001234560"
RATES = (75, 150, 300, 600, 1200, 2400, 4800, 9600, 14400, 19200, 28800, 38400, 57600, 115200)

_HARDWARE = 2  # of AT+IFC: RTS and CTS

# Who it is


@general.command("I", Form.EXECUTE)
def identify(call: Call) -> Reply:
    """ATI."""
    blank = "\r\n" if call.modem.environment.behaviour.ati_blank_line else ""
    call.line(f"{MANUFACTURER}\r\n{blank}{MODEL}\r\nRevision:{REVISION}")
    return OK


for _name in ("GMI", "CGMI"):
    general.text(_name, Form.EXECUTE, f"{MANUFACTURER}\r\n{MODEL}\r\nRevision: MTK 0828")
    general.text(_name, Form.TEST, "")
for _name in ("GMM", "CGMM"):
    general.text(_name, Form.EXECUTE, MODEL)
    general.text(_name, Form.TEST, "")
for _name in ("GMR", "CGMR"):
    general.text(_name, Form.EXECUTE, f"Revision: {REVISION}")
    general.text(_name, Form.TEST, "")
for _name in ("GSN", "CGSN"):
    general.text(_name, Form.EXECUTE, IMEI)
    general.text(_name, Form.TEST, "")
general.text("H", Form.EXECUTE, "")

# The UART's own settings


def _basic(name: str, field: str, highest: int, default: int = 0) -> None:
    """Enter a basic command whose digit is a setting of the UART."""

    @general.command(name, Form.EXECUTE)
    def change(call: Call) -> Reply:
        value = call.number(0, 0, highest) if call.command.arguments else default
        if value is None:
            return ERROR
        former = getattr(call.uart.settings, field)
        setattr(call.uart.settings, field, bool(value) if isinstance(former, bool) else value)
        return OK


_basic("E", "echo", 1)
_basic("V", "verbose", 1)
_basic("Q", "quiet", 1)
_basic("X", "x", 4)
_basic("&D", "dtr", 2)
_basic("&C", "dcd", 1)


@general.command("&W", Form.EXECUTE)
def store_settings(call: Call) -> Reply:
    """AT&W."""
    call.uart.stored = call.uart.settings.copy()
    return OK


@general.command("Z", Form.EXECUTE)
def stored_settings(call: Call) -> Reply:
    """ATZ: the settings that AT&W has stored; contexts and their owners stay."""
    call.uart.settings = call.uart.stored.copy()
    return OK


@general.command("&F", Form.EXECUTE)
def factory_settings(call: Call) -> Reply:
    """AT&F: the UART's settings as they left the factory."""
    call.uart.settings = UartSettings()
    return OK


@general.command("&V", Form.EXECUTE)
def view(call: Call) -> Reply:
    """AT&V."""
    own = call.uart.settings
    registers = "\r\n".join(f"S{number}: {value:03d}" for number, value in sorted(own.registers.items()))
    call.line(
        f"ACTIVE PROFILE\r\nE: {own.echo:d}\r\nQ: {own.quiet:d}\r\nV: {own.verbose:d}\r\nX: {own.x}\r\n{registers}"
    )
    return OK


def _register(number: int, highest: int) -> None:
    @general.command(f"S{number}", Form.READ)
    def read(call: Call) -> Reply:
        call.line(f"{call.uart.settings.registers[number]:03d}")
        return OK

    @general.command(f"S{number}", Form.WRITE)
    def write(call: Call) -> Reply:
        value = call.number(0, 0, highest)
        if value is None:
            return ERROR
        call.uart.settings.registers[number] = value
        return OK


for _number_of_register, _highest in ((0, 255), (3, 127), (4, 127), (5, 127), (7, 255)):
    _register(_number_of_register, _highest)


def _number(name: str, values: str, field: str, highest: int) -> None:
    """Enter test, read and write of a number that belongs to the UART."""
    general.text(name, Form.TEST, f"+{name}: {values}")

    @general.command(name, Form.READ)
    def read(call: Call) -> Reply:
        call.line(f"+{name}: {getattr(call.uart.settings, field)}")
        return OK

    @general.command(name, Form.WRITE)
    def write(call: Call) -> Reply:
        value = call.number(0, 0, highest)
        if value is None or len(call.texts) != 1:
            return cme(NOT_SUPPORTED)
        setattr(call.uart.settings, field, value)
        return OK


_number("CMEE", "(0-2)", "cmee", 2)

# The line


@general.command("IPR", Form.READ)
def read_rate(call: Call) -> Reply:
    """AT+IPR?."""
    call.line(f"+IPR: {call.modem.rate}")
    return OK


general.text("IPR", Form.TEST, f"+IPR: (),(0,{','.join(map(str, RATES))})")


@general.command("IPR", Form.WRITE)
def set_rate(call: Call) -> Reply:
    """AT+IPR=; not in multiplexer mode."""
    value = call.number(0, 0, max(RATES))
    if call.modem.multiplexing or len(call.texts) != 1 or (value not in RATES and value != 0):
        return ERROR
    call.modem.rate = value
    if value and call.modem.change_rate is not None:
        call.modem.change_rate(value)
    return OK


@general.command("IFC", Form.READ)
def read_flow(call: Call) -> Reply:
    """AT+IFC?."""
    call.line("+IFC: {},{}".format(*call.modem.flow))
    return OK


general.text("IFC", Form.TEST, "+IFC: (0-2),(0-2)")


@general.command("IFC", Form.WRITE)
def set_flow(call: Call) -> Reply:
    """AT+IFC=."""
    first = call.number(0, 0, 2)
    second = call.number(1, 0, 2) if len(call.texts) == 2 else first
    if first is None or second is None or len(call.texts) > 2:
        return ERROR
    hardware = _HARDWARE in call.modem.flow
    call.modem.flow = (first, second)
    if hardware != (_HARDWARE in call.modem.flow) and call.modem.change_rts_cts is not None:
        call.modem.change_rts_cts(not hardware)
    return OK


general.text("ICF", Form.TEST, "+ICF: (1-6),(0-3)")
general.text("ICF", Form.READ, "+ICF: 3,3")


@general.command("ICF", Form.WRITE)
def set_framing(call: Call) -> Reply:
    """AT+ICF=; only the usual 8 data bits, no parity, 1 stop bit."""
    return OK if call.texts in (["3"], ["3", "3"]) else ERROR


@general.command("CMUX", Form.TEST)
def multiplexer_ranges(call: Call) -> Reply:
    """AT+CMUX=?."""
    describe = call.modem.describe_multiplexer
    if describe is None:
        return cme(NOT_SUPPORTED)
    call.line(describe(True))
    return OK


@general.command("CMUX", Form.READ)
def multiplexer_state(call: Call) -> Reply:
    """AT+CMUX?."""
    describe = call.modem.describe_multiplexer
    if describe is None:
        return cme(NOT_SUPPORTED)
    call.line(describe(False))
    return OK


@general.command("CMUX", Form.WRITE)
def multiplex(call: Call) -> Reply | None:
    """AT+CMUX=."""
    if call.modem.multiplexing or call.modem.multiplex is None:
        return cme(NOT_ALLOWED)
    return call.modem.multiplex(call.uart, call.command)


# Data mode


@general.command("O", Form.EXECUTE)
def online(call: Call) -> Reply | None:
    """ATO."""
    if call.texts not in ([], ["0"]):
        return ERROR
    return None if call.uart.resume_data_mode() else NO_CARRIER
