"""What a command line is about: which begin a call or end one, which answers mean success, and whether a call is up."""

from __future__ import annotations

import re
from functools import lru_cache

from .patterns import LinePattern, any_match
from .results import CALL_RESULTS, CONNECTED, OK, RESTARTED, RINGS

_PART = re.compile(
    r"""\s*(?:
        (?P<dial> D [^;]*)
      | S [0-9]+ (?: = [0-9]* | \? )?
      | (?P<extended> [+^$%*\#] [A-Z][A-Z0-9]* ) (?P<query> =?\? )? (?: [^";] | "[^"]*"? )*
      | (?P<basic> [&\\]? [A-Z] ) [0-9]*
    );?""",
    re.VERBOSE,
)
"""One command of a command line (V.250 5.3)."""

_CONNECTING = frozenset({"D", "A", "O", "+CGDATA"})
_ENDING = frozenset({"H", "Z", "+CHUP"})
_RESTARTING = frozenset({"+CFUN", "+QPOWD", "+CPOWD", "+CPOF", "+QRST"})


@lru_cache(maxsize=64)
def commands_of(line: str) -> frozenset[str]:
    """Return the names of the commands of a command line that are no questions: ``D``, ``&F``, ``+CGDATA``."""
    text, names = line.strip().upper(), set[str]()
    at = 2 if text.startswith("AT") else len(text)
    while at < len(text) and (found := _PART.match(text, at)) is not None and found.end() > at:
        if not found["query"]:
            names.add("D" if found["dial"] else found["extended"] or found["basic"] or "S")
        at = found.end()
    return frozenset(names)


def connects(line: str) -> bool:
    """Tell whether a command line may be answered CONNECT: ATD, ATA, ATO, AT+CGDATA."""
    return bool(_CONNECTING & commands_of(line))


def successes(line: str) -> tuple[LinePattern, ...]:
    """Return the final results that mean success for a command line."""
    names = commands_of(line)
    return (OK, *(CONNECTED if _CONNECTING & names else ()), *(RESTARTED if _RESTARTING & names else ()))


class Calls:
    """Whether a channel has a call, by what was sent and received on it."""

    def __init__(self) -> None:
        self.up: bool = False
        """Whether there is a call, or one is ringing: its end is reported unasked."""
        self.ended: bool = False
        """Whether the last of the lines that came unasked has ended it."""

    def answered(self, line: str, *, well: bool) -> None:
        """Note that a command line was answered.

        Args:
            line: the command line.
            well: whether the answer was no error.
        """
        names = commands_of(line)
        if _CONNECTING & names:
            self.up = well
        elif _ENDING & names and well:
            self.up = False

    def ended_by(self, line: str) -> bool:
        """Take a line that no command in flight has claimed; return True if it ends the call."""
        if any_match(RINGS, line):
            self.up = True
        self.ended = self.up and any_match(CALL_RESULTS, line)
        if self.ended or any_match(RESTARTED, line):
            self.up = False
        return self.ended
