"""The GSM 07.10 / 3GPP TS 27.010 multiplexer: one serial line becomes one virtual UART per DLCI."""

import logging
from typing import TYPE_CHECKING

import serial

from .errors import (
    AcceptTimeout,
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
from .lazy import loader
from .threads import lifetime

if TYPE_CHECKING:
    from .protocol.config import Config, KeepAlive
    from .protocol.profiles import Profile
    from .settings import LineSettings
    from .threads.public import Mux, VirtualUart, open, serve
else:
    __getattr__ = loader(
        __name__,
        {
            "Config": ".protocol.config",
            "KeepAlive": ".protocol.config",
            "LineSettings": ".settings",
            "Mux": ".threads.public",
            "Profile": ".protocol.profiles",
            "VirtualUart": ".threads.public",
            "open": ".threads.public",
            "serve": ".threads.public",
        },
    )

__all__ = [
    "AcceptTimeout",
    "CmuxError",
    "CmuxRefused",
    "Config",
    "ConfigError",
    "DlcClosed",
    "DlcError",
    "DlcRefused",
    "DlcTimeout",
    "InvalidDlci",
    "KeepAlive",
    "LineSettings",
    "ModuleSilent",
    "Mux",
    "NoMultiplexer",
    "PortBusy",
    "PortError",
    "PortNotFound",
    "Profile",
    "SessionEnded",
    "StartupError",
    "VirtualUart",
    "open",
    "serve",
]

__version__ = "0.2.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())  # else Python prints warnings if logging is not set up

lifetime.watch()

_HANDLERS = f"{__name__}.urlhandler"
if _HANDLERS not in serial.protocol_handler_packages:
    serial.protocol_handler_packages.append(_HANDLERS)  # serial_for_url finds cmux: URLs there


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
