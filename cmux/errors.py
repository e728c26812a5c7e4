"""The exceptions of the shells: the tree of `cmux.protocol.errors`, combined with pyserial's exceptions.

::

    CmuxError
    ├── LocalError          the caller broke a rule; nothing was sent
    │   ├── ConfigError     (ValueError) a parameter is out of its range
    │   ├── InvalidDlci     (ValueError) a DLCI that cannot carry data
    │   └── StateError      the call does not fit the state of session or DLC
    ├── PortError           (SerialException) the line could not be opened
    │   ├── PortNotFound    there is no such port
    │   └── PortBusy        another program or another Mux uses it
    ├── StartupError        entering multiplexer mode failed
    │   ├── ModuleSilent    (TimeoutError) no answer to AT
    │   ├── CmuxRefused     ERROR to AT+CMUX, or DM for DLCI 0
    │   └── NoMultiplexer   (TimeoutError) OK to AT+CMUX, no UA for DLCI 0
    ├── DlcError            one DLC is not usable
    │   ├── DlcRefused      (SerialException) the peer answered DM
    │   ├── DlcTimeout      (SerialException) the peer did not answer
    │   └── DlcClosed       (SerialException) it was closed while in use
    ├── SessionEnded        (SerialException) line or session is over
    └── AcceptTimeout       (TimeoutError) the peer opened no channel in time

A program that was written for a serial port and catches `serial.SerialException` catches all that are marked with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import serial

from .protocol import errors as core
from .protocol.cause import Cause
from .protocol.errors import (
    AcceptTimeout,
    CmuxError,
    CmuxRefused,
    ConfigError,
    DlcError,
    InvalidDlci,
    LocalError,
    ModuleSilent,
    NoMultiplexer,
    StartupError,
    StateError,
)
from .protocol.hints import HINTS, Hint

if TYPE_CHECKING:  # else whoever imports the exceptions would load the whole core
    from .protocol.events import Closed

__all__ = [
    "AcceptTimeout",
    "CmuxError",
    "CmuxRefused",
    "ConfigError",
    "DlcClosed",
    "DlcError",
    "DlcRefused",
    "DlcTimeout",
    "Hint",
    "InvalidDlci",
    "LocalError",
    "ModuleSilent",
    "NoMultiplexer",
    "PortBusy",
    "PortError",
    "PortNotFound",
    "SessionEnded",
    "StartupError",
    "StateError",
]


class PortError(CmuxError, serial.SerialException):
    """The line could not be opened.

    Args:
        port: the port that could not be opened.
        detail: the reason, as a sentence.
        id: the id of the hint that is about it; by default that of the class.
    """

    _usual_id: ClassVar[str] = "port-unusable"

    def __init__(self, port: str, detail: str, id: str = "") -> None:
        super().__init__(f"{port}: {detail}")
        self.port = port
        self.id: str = id or self._usual_id
        """The id of the hint that is about it."""

    @property
    def hint(self) -> Hint:
        """What to do about it."""
        return HINTS[self.id]


class PortNotFound(PortError):
    """There is no such port."""

    _usual_id = "port-not-found"


class PortBusy(PortError):
    """Another program, or another `Mux`, uses the port."""

    _usual_id = "port-busy"


class DlcRefused(core.DlcRefused, serial.SerialException):
    """The peer refused the DLC with DM (27.010 §5.3.3)."""


class DlcTimeout(core.DlcTimeout, serial.SerialException):
    """The peer did not answer SABM, nor its N2 repetitions (27.010 §5.4.1)."""


class DlcClosed(core.DlcClosed, serial.SerialException):
    """The DLC was closed while it was in use."""


class SessionEnded(core.SessionEnded, serial.SerialException):
    """The line died, or the multiplexer on it was closed."""


_CLASSES: Final[dict[Cause, type[DlcRefused | DlcTimeout]]] = {Cause.REFUSED: DlcRefused, Cause.TIMEOUT: DlcTimeout}


def dlc_error(event: Closed) -> DlcRefused | DlcTimeout | DlcClosed:
    """Create the exception for the end of a DLC.

    Args:
        event: how the DLC ended.

    Returns:
        The exception, not raised.
    """
    return _CLASSES.get(event.cause, DlcClosed)(event.dlci, event.cause, event.detail)
