"""Which exceptions may leave the public API: those of the documented trees, and what two libraries raise themselves.

The trees are those of `cmux.errors` and `drivers.errors`. `docs/shells.md` names the rest: a port of pyserial raises
its own exceptions when it is closed or when `write_timeout` is over, and a stream of asyncio its own when it has ended.
"""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path

import serial

from cmux.errors import CmuxError
from drivers.errors import DriverError

_OF_PYSERIAL = (serial.PortNotOpenError, serial.SerialTimeoutException)
_STREAMS = Path(asyncio.streams.__file__)


def is_documented(error: BaseException) -> bool:
    """Tell whether an exception may have left a call of the public API."""
    if isinstance(error, (CmuxError, DriverError)) or type(error) in _OF_PYSERIAL:
        return True
    raised = traceback.extract_tb(error.__traceback__)
    return type(error) is ConnectionResetError and bool(raised) and Path(raised[-1].filename) == _STREAMS
