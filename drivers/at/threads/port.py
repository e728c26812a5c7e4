"""Ports that an AT channel runs on: anything that looks like a pyserial port."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from cmux.protocol.errors import LocalError
from cmux.protocol.events import Outcome

from ..outgoing import rate_of, waiting_in

POLL = 0.2  # seconds between looks at a stop flag where a read cannot be cancelled
WRITE_TIMEOUT = 30.0
MOST_READ = 65536
EMPTY_READS = 16
"""Reads without a time-out that return nothing, one after the other, after which a port has hung up."""
WANTED = "an open one, such as serial.Serial('/dev/ttyUSB0') or cmux.open('/dev/ttyUSB0').channel(1)"


class Port(Protocol):
    """The interface that a channel needs from a port; pyserial's ports and virtual UARTs have it.

    ``cancel_read``, ``cancel_write``, ``write_timeout``, ``out_waiting``, ``baudrate``, ``mux``, ``name``, ``is_open``
    and ``close`` are used if the port has them.
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
        """Read up to `size` octets, waiting for up to `timeout` seconds.

        Args:
            size: the most octets.

        Returns:
            The octets; none if the time is over.
        """

    def write(self, data: bytes, /) -> int | None:
        """Write octets.

        Args:
            data: the octets.

        Returns:
            How many were written; None: all of them.
        """


class UartSource(Protocol):
    """The part of a multiplexer that is needed to get the port of another virtual UART."""

    def channel(self, dlci: int) -> Port:
        """Open a DLC and return its port."""


def port_name(port: object) -> str:
    """Return the name of a port for messages."""
    name = getattr(port, "name", None) or getattr(port, "port", None)
    return str(name) if name else type(port).__name__


class Borrowed:
    """A port with the timeouts that reading and writing need, until `give_back` restores those it had.

    Args:
        port: the port; `take` changes it.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        self._before: dict[str, float | None] = {}
        self._empty = 0  # reads in a row that returned nothing, though they had no time-out
        self._cancel = getattr(port, "cancel_read", None)
        self._cancel_write = getattr(port, "cancel_write", None)

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

    def read(self) -> bytes:
        """Return the octets that have come; none if nothing came in time, or the read was cancelled.

        Raises:
            EOFError: the port has hung up, or was closed.
        """
        octets = self._port.read(1)
        if octets:
            if waiting := self._port.in_waiting:
                octets += self._port.read(min(waiting, MOST_READ))
            self._empty = 0
        elif self._port.timeout is None:
            self._empty += 1  # it was cancelled, or the port hung up
            if self._empty >= EMPTY_READS or not self._open:
                raise EOFError("the port gives nothing any more")
        elif not self._open:
            raise EOFError("the port was closed")
        return bytes(octets)

    @property
    def _open(self) -> bool:
        return bool(getattr(self._port, "is_open", True))

    def write(self, octets: bytes, given_up: Callable[[], bool]) -> None:
        """Write octets.

        Args:
            octets: the octets.
            given_up: asked before each part of them; True leaves the rest unwritten.
        """
        rest = memoryview(octets)
        while rest and not given_up():
            written = self._port.write(bytes(rest))
            rest = rest[len(rest) if written is None else written :]

    def cancel(self) -> None:
        """End a read that is waiting, if the port can do that."""
        if self._cancel is not None:
            with suppress(OSError, TypeError, ValueError):
                self._cancel()

    def cancel_write(self) -> None:
        """Make a write that is waiting return with what it has written, if the port can do that."""
        if self._cancel_write is not None:
            with suppress(OSError, TypeError, ValueError):
                self._cancel_write()

    def give_back(self) -> None:
        """Restore the timeouts that the port had."""
        for key, value in self._before.items():
            with suppress(OSError, ValueError, AttributeError):
                setattr(self._port, key, value)


class Outlet:
    """What is known about the octets that were written to a port.

    Args:
        port: the port. The baud rate of one with a ``mux`` is not that of the line.
    """

    def __init__(self, port: Port) -> None:
        self._port = port

    @property
    def _multiplexer(self) -> object:
        return getattr(self._port, "mux", None)

    def rate(self) -> int | None:
        """Return the bits per second of the line, if the port knows it."""
        return rate_of(self._port) if self._multiplexer is None else None

    def left(self, token: bytes) -> tuple[int, bool | None]:
        """Return how far the octets have come.

        Args:
            token: what a module behind a multiplexer is asked to send back, others for each wait.

        Returns:
            How many have not left, as far as the port knows; and when all of them have, whether such a module has
            answered: None if it cannot be asked.
        """
        waiting = waiting_in(self._port)
        return waiting, None if waiting else self._arrived(token)

    def _arrived(self, token: bytes) -> bool | None:
        """Ask the module behind a multiplexer to send a token back, which it gets behind everything that has left."""
        test = getattr(self._multiplexer, "test", None)
        if test is None:
            return None
        try:
            return test(token) is not Outcome.TIMEOUT
        except LocalError:  # there is no session: writing will say why
            return None
