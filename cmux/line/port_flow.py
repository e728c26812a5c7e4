"""Flow control that is set on a port before it is opened, for instance by stty (POSIX only).

pyserial sets a port as it is told, and clears what it is not told: also CRTSCTS, which somebody has set who knows the
cable. That stays, unless the user says something else. XON/XOFF does not stay: frames contain these octets, and the
system itself sets IXON on every port that is new; where IXOFF is set as well, somebody has asked for it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import serial

from .descriptors import Descriptors

KEPT = "RTS/CTS flow control (crtscts) was set on the port before and stays in use, as rtscts says nothing else"
CLEARED = "XON/XOFF flow control (ixoff) was set on the port before and is switched off, as frames contain these octets"

_IFLAG, _CFLAG = 0, 2


class PortFlow:
    """What was set on the port of a line when it was first opened, kept for the time when it is opened again."""

    def __init__(self) -> None:
        self.rtscts: bool = False
        """CRTSCTS was set and stays; a device that was plugged in anew gets it back."""
        self.remarks: tuple[str, ...] = ()
        """What the user should know, as sentences."""
        self._told = False

    @contextmanager
    def inherited(self, port: serial.SerialBase, settings: Mapping[str, object]) -> Iterator[None]:
        """Open a port with this: it gets the flow control that it has, where the user says nothing of it.

        Args:
            port: a port that is not open yet.
            settings: the attributes that the user has set on it.
        """
        with _seen(port) as flags:
            if flags is not None:
                import termios

                if "rtscts" not in settings:
                    self.rtscts |= bool(flags[_CFLAG] & getattr(termios, "CRTSCTS", 0))
                cleared = bool(flags[_IFLAG] & termios.IXOFF)
                self.remarks = (*((KEPT,) if self.rtscts else ()), *((CLEARED,) if cleared else ()))
            if self.rtscts:
                port.rtscts = True
            yield

    def news(self) -> tuple[str, ...]:
        """Return the remarks, once."""
        told, self._told = self._told, True
        return () if told else self.remarks


@contextmanager
def _seen(port: serial.SerialBase) -> Iterator[list[int] | None]:
    """Give the flags of a port, if it is a terminal, and keep it open meanwhile: closing it may hang up."""
    flags = None
    opened = Descriptors()
    try:
        if os.name == "posix" and isinstance(port, serial.Serial) and port.port:
            import termios

            with contextlib.suppress(OSError, termios.error):
                found = termios.tcgetattr(opened.open(port.port, os.O_RDWR | os.O_NOCTTY))
                flags = [flag for flag in found[:3] if isinstance(flag, int)]
        yield flags
    finally:
        opened.close()
