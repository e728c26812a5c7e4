"""What the shells raise: the tree of `cmux.protocol.errors`, with pyserial's exceptions grafted on.

::

    CmuxError
    ├── LocalError … StartupError …         as in cmux.protocol.errors
    ├── PortError                           (SerialException) the line could not be opened; carries ``port``
    │   ├── PortNotFound                    there is no such port
    │   └── PortBusy                        another program or another Mux has it
    ├── DlcError
    │   ├── DlcRefused                      (SerialException) the peer answered DM
    │   ├── DlcTimeout                      (SerialException) the peer did not answer
    │   └── DlcClosed                       (SerialException) it was closed while in use
    └── SessionEnded                        (SerialException) the line died or the peer closed the multiplexer

A program that was written for a serial port catches `serial.SerialException` and is served by all of them.
"""

from __future__ import annotations

from typing import Final

import serial

from .protocol import errors as core
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
from .protocol.events import Cause, Closed

__all__ = [
    "AcceptTimeout",
    "CmuxError",
    "CmuxRefused",
    "ConfigError",
    "DlcClosed",
    "DlcError",
    "DlcRefused",
    "DlcTimeout",
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
        port: what was to be opened.
        detail: the sentence for people.
    """

    def __init__(self, port: str, detail: str) -> None:
        super().__init__(f"{port}: {detail}")
        self.port = port


class PortNotFound(PortError):
    """There is no such port."""


class PortBusy(PortError):
    """Another program, or another `Mux`, has the port."""


class DlcRefused(core.DlcRefused, serial.SerialException):
    """The peer refused the DLC with DM (27.010 §5.3.3)."""


class DlcTimeout(core.DlcTimeout, serial.SerialException):
    """The peer left SABM unanswered, N2 retransmissions included (27.010 §5.4.1)."""


class DlcClosed(core.DlcClosed, serial.SerialException):
    """The DLC was closed while it was in use."""


class SessionEnded(core.SessionEnded, serial.SerialException):
    """The line died, or the multiplexer on it was closed."""


_CLASSES: Final[dict[Cause, type[DlcRefused | DlcTimeout]]] = {Cause.REFUSED: DlcRefused, Cause.TIMEOUT: DlcTimeout}


def dlc_error(event: Closed) -> DlcRefused | DlcTimeout | DlcClosed:
    """Make the exception that tells what an event told.

    Args:
        event: how the DLC ended.

    Returns:
        The exception, not raised.
    """
    return _CLASSES.get(event.cause, DlcClosed)(event.dlci, event.cause, event.detail)
