"""The final results that every command can have, and the exceptions for those that are errors."""

from __future__ import annotations

from ...errors import CmeError, CmsError, CommandError
from .patterns import LinePattern, any_match

OK = LinePattern("OK")
ERROR = LinePattern("ERROR")
CME_ERROR = LinePattern("+CME ERROR:", r" ?(?P<code>.*)", 80)
CMS_ERROR = LinePattern("+CMS ERROR:", r" ?(?P<code>.*)", 80)
ERRORS = (ERROR, CME_ERROR, CMS_ERROR)

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
        line: the final result, one of `ERRORS`.
        command: the command as it was sent.
        name: the name of the port.
    """
    message = f"{name}: {command} was answered {line}"
    for pattern, kind in ((CME_ERROR, CmeError), (CMS_ERROR, CmsError)):
        found = pattern.match(line)
        if found:
            code = int(found["code"]) if found["code"].isdigit() else None
            meaning = CME_TEXTS.get(code) if code is not None and kind is CmeError else None
            return kind(f"{message} ({meaning})" if meaning else message, command=command, answer=line, code=code)
    return CommandError(message, command=command, answer=line)
