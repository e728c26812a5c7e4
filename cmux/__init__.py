"""The GSM 07.10 / 3GPP TS 27.010 multiplexer: one serial line becomes one virtual UART per DLCI."""

from .errors import (
    CmuxError,
    CmuxRefused,
    ConfigError,
    DlcClosed,
    DlcError,
    DlcRefused,
    DlcTimeout,
    InvalidDlci,
    ModuleSilent,
    NoMultiplexer,
    PortBusy,
    PortError,
    PortNotFound,
    SessionEnded,
    StartupError,
)
from .mux import Mux, open
from .virtual_uart import VirtualUart

__all__ = [
    "CmuxError",
    "CmuxRefused",
    "ConfigError",
    "DlcClosed",
    "DlcError",
    "DlcRefused",
    "DlcTimeout",
    "InvalidDlci",
    "ModuleSilent",
    "Mux",
    "NoMultiplexer",
    "PortBusy",
    "PortError",
    "PortNotFound",
    "SessionEnded",
    "StartupError",
    "VirtualUart",
    "open",
]

__version__ = "0.1.0"
