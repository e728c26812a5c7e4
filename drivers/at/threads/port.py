"""Ports that an AT channel runs on: anything that looks like a pyserial port."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

POLL = 0.2  # seconds between looks at a stop flag where a read cannot be cancelled
WRITE_TIMEOUT = 30.0


class Port(Protocol):
    """The interface that a channel needs from a port; pyserial's ports and virtual UARTs have it.

    ``cancel_read``, ``write_timeout``, ``name``, ``is_open`` and ``close`` are used if the port has them.
    """

    @property  # as pyserial has it: not every type checker takes a property for an attribute
    def timeout(self) -> float | None:
        """Seconds that `read` waits; None: without limit."""

    @timeout.setter
    def timeout(self, seconds: float | None, /) -> None: ...

    @property
    def in_waiting(self) -> int:
        """The number of octets that can be read without waiting."""

    def read(self, size: int = 1, /) -> bytes:
        """Read up to `size` octets, waiting for up to `timeout` seconds."""

    def write(self, data: bytes, /) -> int | None:
        """Write octets."""


def port_name(port: object) -> str:
    """Return the name of a port for messages."""
    name = getattr(port, "name", None) or getattr(port, "port", None)
    return str(name) if name else type(port).__name__


class Borrowed:
    """A port with the timeouts that a reader needs, until `give_back` restores those it had.

    Args:
        port: the port; `take` changes it.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        self._before: dict[str, float | None] = {}
        self._cancel = getattr(port, "cancel_read", None)

    def take(self) -> None:
        """Set the timeouts: none for reading if a read can be cancelled, otherwise a short one.

        Raises:
            OSError: the port cannot be used.
            ValueError: the port cannot be used.
        """
        wanted = {"timeout": None if self._cancel is not None else POLL}
        if getattr(self._port, "write_timeout", 0.0) is None:
            wanted["write_timeout"] = WRITE_TIMEOUT
        for key, value in wanted.items():
            self._before[key] = getattr(self._port, key)
            setattr(self._port, key, value)

    def cancel(self) -> None:
        """End a read that is waiting, if the port can do that."""
        if self._cancel is not None:
            with suppress(OSError, TypeError, ValueError):
                self._cancel()

    def give_back(self) -> None:
        """Restore the timeouts that the port had."""
        for key, value in self._before.items():
            with suppress(OSError, ValueError, AttributeError):
                setattr(self._port, key, value)
