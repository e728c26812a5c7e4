"""The final results that a command can have, the lines that end any wait, and the exceptions for them."""

from __future__ import annotations

from ...errors import CallFailed, CmeError, CmsError, CommandError
from .module_news import POWER_DOWN
from .patterns import LinePattern, any_match
from .values import number

OK = LinePattern("OK")
ERROR = LinePattern("ERROR")
CME_ERROR = LinePattern("+CME ERROR:", r" ?(?P<code>.*)", 80)
CMS_ERROR = LinePattern("+CMS ERROR:", r" ?(?P<code>.*)", 80)
ERRORS = (ERROR, CME_ERROR, CMS_ERROR)
_LAST_CODE = 65535

CONNECT = LinePattern("CONNECT")
CONNECTED = (CONNECT, LinePattern("CONNECT ", r"[0-9][ -~]{0,39}", 40))
"""The beginning of data mode, maybe with the rate (V.250 5.7.1): the result of ATD, ATA, ATO and AT+CGDATA only."""

CALL_RESULTS = tuple(map(LinePattern, ("NO CARRIER", "BUSY", "NO ANSWER", "NO DIALTONE", "NO DIAL TONE")))
"""The ends of a call, or of the attempt at one (V.250 5.7.1)."""

RINGS = (LinePattern("RING"), LinePattern("+CRING:", ".*", 40))

RESTARTED = (
    LinePattern("RDY"),
    LinePattern("^SYSSTART", ".*", 40),
    *POWER_DOWN,
)
"""The lines of a module that has restarted or is switched off: no command of before is answered any more."""

# 27.007 9.2: those that a client of the TCP/IP stack may receive
CME_TEXTS = {
    3: "operation not allowed",
    4: "operation not supported",
    10: "SIM not inserted",
    11: "SIM PIN required",
    12: "SIM PUK required",
    13: "SIM failure",
    14: "SIM busy",
    16: "incorrect password",
    30: "no network service",
    107: "GPRS services not allowed",
}


def is_error(line: str) -> bool:
    """Tell whether a line ends a command with an error."""
    return any_match(ERRORS, line)


def error_for(line: str, command: str, name: str) -> CommandError:
    """Return the exception for a line that ended a command with an error.

    Args:
        line: the final result, one of `ERRORS` or `CALL_RESULTS`.
        command: the command as it was sent.
        name: the name of the port.
    """
    message = f"{name}: {command} was answered {line}"
    if any_match(CALL_RESULTS, line):
        return CallFailed(message, command=command, answer=line)
    for pattern, kind in ((CME_ERROR, CmeError), (CMS_ERROR, CmsError)):
        found = pattern.match(line)
        if found:
            code = number(found["code"], 0, _LAST_CODE)
            meaning = CME_TEXTS.get(code) if code is not None and kind is CmeError else None
            return kind(f"{message} ({meaning})" if meaning else message, command=command, answer=line, code=code)
    return CommandError(message, command=command, answer=line)
