"""Which exceptions may leave the public API: those of the documented trees, and what docs/shells.md names besides.

Every fuzz target, and the fault campaign, ask here.
"""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path
from typing import Final

import serial

from cmux.errors import CmuxError
from drivers.errors import DriverError

TREES: Final = (CmuxError, DriverError)
"""The roots of `cmux.errors`, `cmux.protocol.errors` and `drivers.errors`."""

OF_PORTS: Final = (serial.SerialTimeoutException, serial.PortNotOpenError)
"""pyserial's own, which a port raises as every port of pyserial does."""

OF_STREAMS: Final = (asyncio.IncompleteReadError, ConnectionResetError)
"""asyncio's own: at the end of a stream, and when octets are written to one that this side has closed."""

KINDS: Final = {"threads": (*TREES, *OF_PORTS), "aio": (*TREES, *OF_STREAMS)}
"""What each shell may raise."""
_STREAMS: Final = Path(asyncio.streams.__file__)


def is_documented(error: BaseException, shell: str) -> bool:
    """Tell whether an exception may have left a call of the public API.

    Args:
        error: what has left it.
        shell: ``"threads"`` or ``"aio"``.
    """
    if type(error) is ConnectionResetError:  # that of asyncio's own writers, and no other
        raised = traceback.extract_tb(error.__traceback__)
        return shell == "aio" and bool(raised) and Path(raised[-1].filename) == _STREAMS
    return isinstance(error, KINDS[shell])


def assert_documented(error: BaseException, shell: str, call: str = "a call") -> None:
    """Want an exception to be one that the documentation names, and to say something.

    Args:
        error: what has left the API.
        shell: ``"threads"`` or ``"aio"``.
        call: what has raised it.
    """
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    if not is_documented(error, shell):
        raise AssertionError(f"{call} raises {kind}, which is of no documented tree: {error}") from error
    if not str(error):
        raise AssertionError(f"{call} raises {kind} without a message") from error
