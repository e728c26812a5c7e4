"""What an AT channel runs on: anything that looks like a pyserial port."""

from __future__ import annotations

from typing import Protocol


class Port(Protocol):
    """What a channel needs of a port; pyserial's ports and virtual UARTs have it.

    ``cancel_read``, ``write_timeout``, ``name``, ``is_open`` and ``close`` are used where there are such.
    """

    timeout: float | None

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
