"""Ports that an AT channel runs on: anything that looks like a pyserial port."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

POLL = 0.2  # seconds between looks at a stop flag where a read cannot be cancelled
WRITE_TIMEOUT = 30.0


class Port(Protocol):
    """The interface that a channel needs from a port; pyserial's ports and virtual UARTs have it.

    ``cancel_read``, ``write_timeout``, ``name``, ``is_open`` and ``close`` are used where there are such.
    """

    @property  # as pyserial has it: not every type checker takes a property for an attribute
    def timeout(self) -> float | None:
        """Seconds that `read` waits; None: as long as it takes."""

    @timeout.setter
    def timeout(self, seconds: float | None, /) -> None: ...

    @property
    def in_waiting(self) -> int:
        """How many octets can be read at once."""

    def read(self, size: int = 1, /) -> bytes:
        """Read up to so many octets, waiting for `timeout` seconds."""

    def write(self, data: bytes, /) -> int | None:
        """Write octets."""


def port_name(port: object) -> str:
    """Return what messages call a port."""
    name = getattr(port, "name", None) or getattr(port, "port", None)
    return str(name) if name else type(port).__name__


class Borrowed:
    """A port whose time-outs are those that a reader needs while it has it.

    Args:
        port: the port; nothing is done to it yet.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        self._before: dict[str, float | None] = {}
        self._cancel = getattr(port, "cancel_read", None)

    def take(self) -> None:
        """Set the time-outs: none for reading where a read can be cancelled, else a short one.

        Raises:
            OSError: the port cannot be used.
            ValueError: likewise.
        """
        wanted = {"timeout": None if self._cancel is not None else POLL}
        if getattr(self._port, "write_timeout", 0.0) is None:
            wanted["write_timeout"] = WRITE_TIMEOUT
        for key, value in wanted.items():
            self._before[key] = getattr(self._port, key)
            setattr(self._port, key, value)

    def cancel(self) -> None:
        """End a read that waits, where that is possible."""
        if self._cancel is not None:
            with suppress(OSError, TypeError, ValueError):
                self._cancel()

    def give_back(self) -> None:
        """Set the time-outs that it had."""
        for key, value in self._before.items():
            with suppress(OSError, ValueError, AttributeError):
                setattr(self._port, key, value)
