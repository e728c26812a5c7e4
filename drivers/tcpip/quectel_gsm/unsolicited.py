"""The unsolicited results of the stack and the headers of received data, parsed into events."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from ...at.core import VOLTAGE_WARNING, Header, LinePattern
from ...at.core.results import CALL_RESULTS, CONNECTED, ERRORS, RESTARTED
from ...at.core.values import ADDRESS, PORT, leading_index


@dataclass(frozen=True, slots=True)
class ClientCame:
    """A client has connected to our server (app note 5.2)."""

    address: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class RemoteClosed:
    """The other side has closed the session (app note 8.4)."""

    index: int | None = None


@dataclass(frozen=True, slots=True)
class ContextDeactivated:
    """The network has deactivated the context; its sessions are gone."""


@dataclass(frozen=True, slots=True)
class ServerEnded:
    """The network has ended the server."""


@dataclass(frozen=True, slots=True)
class DataFrom:
    """The source address of the data that follows (QISHOWRA, app note 3.4)."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class DataTo:
    """The local address of the data that follows (QISHOWLA, app note 7.3)."""

    address: str


@dataclass(frozen=True, slots=True)
class DataWaits:
    """The module keeps data for AT+QIRD (QINDI=1); reported once until all of it has been read.

    Args:
        context: the context that received the data.
        service: 1 for a session with a remote server, 2 with a remote client.
        index: the session; 0 with MUXIP off.
    """

    context: int
    service: int
    index: int


@dataclass(frozen=True, slots=True)
class ModuleReset:
    """The module has restarted or has been switched off."""


@dataclass(frozen=True, slots=True)
class VoltageWarning:
    """The supply of the module is about to be too low or too high; nothing has ended."""


Event = (
    ClientCame
    | RemoteClosed
    | ContextDeactivated
    | ServerEnded
    | DataFrom
    | DataTo
    | DataWaits
    | ModuleReset
    | VoltageWarning
)

_ADDRESS = rf"(?P<address>{ADDRESS})"


def indexed(text: str, tail: str = "", room: int = 0) -> tuple[LinePattern, ...]:
    """Return the pattern of one form of line without an index, and with each index."""
    return (LinePattern(text, tail, room), *(LinePattern(f"{n}, {text}", tail, room) for n in range(6)))


def _with_index(make: Callable[[re.Match[str], int | None], Event]) -> Callable[[re.Match[str]], Event]:
    def build(found: re.Match[str]) -> Event:
        return make(found, leading_index(found.string))

    return build


CLOSED = indexed("CLOSED")
DEACTIVATED = (LinePattern("+PDP DEACT"), LinePattern("+PDP: DEACT"))
FROM_LINES = tuple(
    LinePattern(f"{word} FROM:", rf" ?{_ADDRESS}:(?P<port>{PORT})", 22, heads=True) for word in ("RECV", "RCV")
)
TO_LINES = (LinePattern("TO:", rf" ?{_ADDRESS}", 16, heads=True),)
CONNECT_FAIL = indexed("CONNECT FAIL")
CONNECT_RESULTS = (*indexed("CONNECT OK"), *CONNECT_FAIL, *indexed("ALREADY CONNECT"))
"""The results of AT+QIOPEN; unsolicited where they are waited for outside of its turn."""

TRANSPARENT_RESULTS = (*CONNECT_RESULTS, *CONNECTED)
"""The results of AT+QIOPEN in transparent mode."""

OPENING_ENDS = (*CONNECT_RESULTS, *ERRORS, *CALL_RESULTS, *CLOSED)
"""The lines that end the wait for the result of AT+QIOPEN outside of its turn."""

FAILED = (*CONNECT_FAIL, *CLOSED, *DEACTIVATED)
"""The lines that say that a session could not be opened, without a reason."""

SERVER_CLOSED = (LinePattern("SERVER CLOSE"), LinePattern("SERVER CLOSED"))

_TABLE: tuple[tuple[tuple[LinePattern, ...], Callable[[re.Match[str]], Event]], ...] = (
    (
        indexed("REMOTE IP: ", _ADDRESS, 15),
        _with_index(lambda found, index: ClientCame(found["address"], index)),
    ),
    (CLOSED, _with_index(lambda _found, index: RemoteClosed(index))),
    (DEACTIVATED, lambda _found: ContextDeactivated()),
    (SERVER_CLOSED, lambda _found: ServerEnded()),
    (
        (LinePattern("+QIRDI:", r" ?(?P<context>[01]), ?(?P<service>[12]), ?(?P<index>[0-5])(?:,.*)?", 40),),
        lambda found: DataWaits(int(found["context"]), int(found["service"]), int(found["index"])),
    ),
    (TO_LINES, lambda found: DataTo(found["address"])),
    (RESTARTED, lambda _found: ModuleReset()),
    (VOLTAGE_WARNING, lambda _found: VoltageWarning()),
    (FROM_LINES, lambda found: DataFrom(found["address"], int(found["port"]))),
)

LINES: tuple[LinePattern, ...] = tuple(pattern for patterns, _ in _TABLE for pattern in patterns)
"""All lines that the stack may send unasked, with MUXIP off or on."""

ONLINE_LINES = (*CLOSED[:1], *DEACTIVATED)
"""The lines that the module may send unasked in data mode; only a silence after it distinguishes one from data."""

IPD = Header(b"IPD", rb"(?P<count>[0-9]{1,5})(?:TCP|UDP)?:", 9)
"""QIHEAD=1: ``IPD26:`` and the data; QISHOWPT=1 adds the transport, ``IPD26TCP:``."""

QIRD = Header(
    b"+QIRD: ",
    rb"(?P<address>[0-9.]{7,15}):(?P<port>[0-9]{1,5}), ?(?:TCP|UDP), ?(?P<count>[0-9]{1,5})\r\n",
    38,
    breaks=1,
)
"""The answer to AT+QIRD: the source of the data, its length, and the data."""

_FROM_LINE = rb"RE?CV FROM: ?[0-9.]{7,15}:[0-9]{1,5}\r\n"
_TO_LINE = rb"TO: ?[0-9.]{7,15}\r\n"


@lru_cache
def receive_header(*, remote: bool, local: bool, head: bool) -> Header:
    """Return the header of data with MUXIP on: ``+RECEIVE: <index>, <length>`` and the lines that were switched on.

    The lines that follow have to be known beforehand, because data may look like any of them.

    Args:
        remote: whether QISHOWRA is on.
        local: whether QISHOWLA is on; no source shows which of the two lines comes first, so both orders are accepted.
        head: whether QIHEAD is on.
    """
    lines = [_FROM_LINE] * remote + [_TO_LINE] * local
    between = b"".join(lines)
    if len(lines) > 1:
        between = b"(?:" + b"".join(lines) + b"|" + b"".join(reversed(lines)) + b")"
    ipd = rb"IPD[0-9]{1,5}(?:TCP|UDP)?:" if head else b""
    tail = rb"(?P<index>[0-5]), ?(?P<count>[0-9]{1,5})\r\n" + between + ipd
    return Header(b"+RECEIVE: ", tail, 10 + 36 * remote + 22 * local + 12 * head, breaks=1 + remote + local)


_INDEX = re.compile(r"\+RECEIVE: ([0-5])")
_FROM = re.compile(r"RE?CV FROM: ?([0-9.]+):([0-9]+)")
_TO = re.compile(r"TO: ?([0-9.]+)")
_READ = re.compile(r"\+QIRD: ([0-9.]+):([0-9]+)")


@dataclass(frozen=True, slots=True)
class Heading:
    """The contents of a header of received data.

    Args:
        index: the session, with MUXIP on.
        sender: the address that the data came from.
        local: the local address that it was sent to.
    """

    index: int | None = None
    sender: tuple[str, int] | None = None
    local: str | None = None


def read_header(header: str) -> Heading:
    """Parse a header of received data; see `receive_header`, `IPD`, `QIRD`."""
    index, sender, local = _INDEX.search(header), _FROM.search(header) or _READ.search(header), _TO.search(header)
    return Heading(
        None if index is None else int(index[1]),
        None if sender is None else (sender[1], int(sender[2])),
        None if local is None else local[1],
    )


def parse(line: str) -> Event | None:
    """Return the event for a line, or None if it is not an unsolicited result of the stack."""
    for patterns, build in _TABLE:
        for pattern in patterns:
            found = pattern.match(line)
            if found is not None:
                return build(found)
    return None
