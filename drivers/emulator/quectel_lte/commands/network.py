"""The TCP/IP commands that ask the network without a socket: AT+QIDNSGIP, AT+QPING, AT+QNTP."""

from __future__ import annotations

from functools import partial

from ...interpreter.commandline import Form
from ...interpreter.replies import OK, Reply
from ...interpreter.table import CommandTable
from ..call import Call
from ..codes import Code
from ..context import CONTEXTS
from ..services import Announce

network_commands: CommandTable[Call] = CommandTable()
_command = network_commands.command
_text = network_commands.text

_CONTEXTS = f"({CONTEXTS[0]}-{CONTEXTS[-1]})"
_LONGEST_HOST = 200
_PING_WAIT = 4  # seconds
_PING_COUNT = 4
_NTP_PORT = 123


def _host(call: Call) -> str | None:
    """Return the name or address that is the second value, or None where there is none."""
    texts = call.texts
    return texts[1] if len(texts) > 1 and 0 < len(texts[1]) <= _LONGEST_HOST else None


def _announce(call: Call) -> Announce:
    return partial(call.modem.announce, call.uart.number)


_text("QIDNSGIP", Form.TEST, f"+QIDNSGIP: {_CONTEXTS},<hostname>")


@_command("QIDNSGIP", Form.WRITE)
def look_up(call: Call) -> Reply:
    """Answer AT+QIDNSGIP=: OK, and later how many addresses there are, and a line for each."""
    host = _host(call)
    if host is None or len(call.texts) != 2:
        return call.refuse()
    context = call.active_context()
    if isinstance(context, Reply):
        return context
    return OK if call.modem.services.look_up(host, _announce(call)) else call.refuse(Code.DNS_BUSY)


_text("QPING", Form.TEST, f"+QPING: {_CONTEXTS},<host>,(1-255),(1-10)")


@_command("QPING", Form.WRITE)
def ping(call: Call) -> Reply:
    """Answer AT+QPING=: OK, and later a line for each reply and a summary."""
    host, texts = _host(call), call.texts
    timeout = call.number(2, 1, 255) if len(texts) > 2 and texts[2] else _PING_WAIT
    count = call.number(3, 1, 10) if len(texts) > 3 and texts[3] else _PING_COUNT
    if host is None or timeout is None or count is None or len(texts) > 4:
        return call.refuse()
    context = call.active_context()
    if isinstance(context, Reply):
        return context
    return OK if call.modem.services.ping(host, timeout, count, _announce(call)) else call.refuse(Code.BUSY)


_text("QNTP", Form.TEST, f"+QNTP: {_CONTEXTS},<server>,(1-65535),(0,1)")


@_command("QNTP", Form.READ)
def time_server(call: Call) -> Reply:
    """Answer AT+QNTP?: which server is being asked, if one is."""
    services = call.modem.services
    if services.asking_time:
        call.line('+QNTP: "{}",{}'.format(*services.time_server))
    return OK


@_command("QNTP", Form.WRITE)
def ask_time(call: Call) -> Reply:
    """Answer AT+QNTP=: OK, and later the time of a server, which the module's clock takes over unless 0 says no."""
    server, texts = _host(call), call.texts
    port = call.number(2, 1, 65535) if len(texts) > 2 and texts[2] else _NTP_PORT
    taken = call.number(3, 0, 1) if len(texts) > 3 else 1
    if server is None or port is None or taken is None or len(texts) > 4:
        return call.refuse()
    context = call.active_context()
    if isinstance(context, Reply):
        return context
    done = call.modem.wall_clock.set if taken else lambda moment: None
    asked = call.modem.services.ask_time((server, port), _announce(call), done)
    return OK if asked else call.refuse(Code.BUSY)
