"""The unsolicited results of the stack and the headers of data, as patterns; blanks may be anywhere between values."""

from __future__ import annotations

from functools import lru_cache

from ...at.core import VOLTAGE_WARNING, Header, LinePattern
from ...at.core.results import RESTARTED
from ...at.core.values import PORT

SOCKETS = range(12)
"""The numbers of sockets, of the whole module."""

_ID = "(?P<id>1[01]|[0-9])"
_ADDRESS = r"[0-9A-Fa-f.:]{2,45}"
_NEXT = " *, *"


def _line(word: str, *values: str, room: int) -> LinePattern:
    return LinePattern("+QIURC:", f' *"{word}"' + "".join(_NEXT + value for value in values) + " *", room)


OPENED = LinePattern("+QIOPEN:", f" *{_ID}{_NEXT}(?P<code>[0-9]{{1,5}}) *", 30)
"""A socket was opened, or not."""
RECEIVED = _line("recv", f"{_ID}(?:{_NEXT}(?P<count>[0-9]{{1,5}})(?:{_NEXT}.*)?)?", room=100)
"""The module keeps data; some firmware adds the number of octets."""
CLOSED = _line("closed", _ID, room=30)
INCOMING = _line(
    "incoming", _ID, "(?P<listener>1[01]|[0-9])", f'"(?P<address>{_ADDRESS})"', f"(?P<port>{PORT})", room=110
)
FULL = _line("incoming full", room=30)
"""A client was refused by the module: all sockets are in use."""
LOST = _line("pdpdeact", "(?P<context>[0-9]{1,2})", room=30)
NAMES = _line("dnsgip", "(?P<code>[0-9]{1,5})" + f"(?:{_NEXT}(?P<count>[0-9]{{1,3}}){_NEXT}[0-9]*)?", room=60)
"""The result of AT+QIDNSGIP: a code, and how many addresses follow."""
ADDRESS = _line("dnsgip", f'"(?P<address>{_ADDRESS})"', room=80)

LINES = (OPENED, RECEIVED, CLOSED, INCOMING, FULL, LOST, NAMES, ADDRESS, *RESTARTED, *VOLTAGE_WARNING)
"""All lines that the stack may send unasked in command mode."""

NO_CARRIER = LinePattern("NO CARRIER")
ONLINE_LINES = (NO_CARRIER, CLOSED)
"""The lines that the module sends unasked in data mode; only a silence after them distinguishes them from data."""

_SOURCE = rb'(?: *, *"(?P<address>[0-9A-Fa-f.:]{2,45})" *, *(?P<port>[0-9]{1,5}))?'

READ = Header(b"+QIRD:", rb" *(?P<count>[0-9]{1,4})" + _SOURCE + rb" *\r\n", 80, breaks=1)
"""The answer to AT+QIRD: the length, for a UDP service the source, and the data."""


@lru_cache
def opened_line(id: int) -> LinePattern:
    """Return the form of `OPENED` for one socket."""
    return LinePattern("+QIOPEN:", f" *{id}{_NEXT}[0-9]{{1,5}} *", 30)


@lru_cache
def closed_line(id: int) -> LinePattern:
    """Return the form of `CLOSED` for one socket."""
    return _line("closed", str(id), room=30)


@lru_cache
def lost_line(context: int) -> LinePattern:
    """Return the form of `LOST` for one context."""
    return _line("pdpdeact", str(context), room=30)


def _any_of(ids: frozenset[int]) -> str:
    return "|".join(str(id) for id in sorted(ids, reverse=True))


@lru_cache
def lines_behind(ids: frozenset[int]) -> tuple[LinePattern, ...]:
    """Return the lines that may come behind the end of data mode: it is command mode already, if that was the end.

    Args:
        ids: the sockets whose data the module sends unasked, which is no line.
    """
    pushed = f'(?!QIURC: *"recv"{_NEXT}(?:{_any_of(ids)}){_NEXT}[0-9])' if ids else ""
    return NO_CARRIER, LinePattern("+", f"{pushed}[A-Z]{{2,12}}:.*", 200)


@lru_cache
def pushed_header(ids: frozenset[int]) -> Header:
    """Return the header of data that the module sends unasked: ``+QIURC: "recv",<id>,<length>``.

    Only of sockets in this receive mode: the same line about another socket tells that the module keeps data.

    Args:
        ids: the sockets whose data is sent in this way.
    """
    tail = (
        rb' *"recv" *, *(?P<id>' + _any_of(ids).encode("ascii") + rb") *, *(?P<count>[0-9]{1,5})" + _SOURCE + rb" *\r\n"
    )
    return Header(b"+QIURC:", tail, 110, breaks=1)
