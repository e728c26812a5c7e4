"""What the stack sends by itself: unsolicited results and the headers of received data, as events."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..at import Header, LinePattern


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
    """The data that follows comes from this address (QISHOWRA, app note 3.4)."""

    address: str
    port: int


Event = ClientCame | RemoteClosed | ContextDeactivated | ServerEnded | DataFrom

_ADDRESS = r"(?P<address>[0-9]{1,3}(?:\.[0-9]{1,3}){3})"


def _indexed(text: str, tail: str = "", room: int = 0) -> tuple[LinePattern, ...]:
    """One form of line without a session's index, and with each."""
    return (LinePattern(text, tail, room), *(LinePattern(f"{n}, {text}", tail, room) for n in range(6)))


def _with_index(make: Callable[[re.Match[str], int | None], Event]) -> Callable[[re.Match[str]], Event]:
    def build(found: re.Match[str]) -> Event:
        text = found.string
        return make(found, int(text[0]) if text[:1].isdigit() else None)

    return build


CLOSED = _indexed("CLOSED")
DEACTIVATED = (LinePattern("+PDP DEACT"), LinePattern("+PDP: DEACT"))

_TABLE: tuple[tuple[tuple[LinePattern, ...], Callable[[re.Match[str]], Event]], ...] = (
    (
        _indexed("REMOTE IP: ", _ADDRESS, 15),
        _with_index(lambda found, index: ClientCame(found["address"], index)),
    ),
    (CLOSED, _with_index(lambda _found, index: RemoteClosed(index))),
    (DEACTIVATED, lambda _found: ContextDeactivated()),
    ((LinePattern("SERVER CLOSE"), LinePattern("SERVER CLOSED")), lambda _found: ServerEnded()),
    (
        tuple(LinePattern(f"{word} FROM:", rf" ?{_ADDRESS}:(?P<port>[0-9]{{1,5}})", 22) for word in ("RECV", "RCV")),
        lambda found: DataFrom(found["address"], int(found["port"])),
    ),
)

LINES: tuple[LinePattern, ...] = tuple(pattern for patterns, _ in _TABLE for pattern in patterns)
"""Every line that the stack may send by itself with MUXIP off or on."""

IPD = Header(b"IPD", rb"(?P<count>[0-9]{1,5})(?:TCP|UDP)?:", 9)
"""QIHEAD=1: ``IPD26:`` and the data; QISHOWPT=1 adds the transport, ``IPD26TCP:``."""


def parse(line: str) -> Event | None:
    """Return the event that a line is, or None when it is none of the stack's own."""
    for patterns, build in _TABLE:
        for pattern in patterns:
            found = pattern.match(line)
            if found is not None:
                return build(found)
    return None
