"""The interface of a line: reads that can be stopped, writes that can give up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final, Protocol, runtime_checkable

from ..errors import StartupError
from ..protocol.hints import Hint
from .facts import Fact

_SHOWN = 80  # octets of what a line said before it hung up


@runtime_checkable
class SerialLike(Protocol):
    """The minimum that a port object must have."""

    def read(self, size: int, /) -> bytes | None:
        """Return up to `size` octets; none when none come for a while."""

    def write(self, data: bytes, /) -> int | None:
        """Write octets, and return how many were taken."""

    def close(self) -> None:
        """Release the port."""


class HungUp(OSError):
    """The line is gone; the text says how that was noticed."""


def hung_up(error: Exception | None) -> HungUp:
    """Create the exception for a line that is gone.

    Args:
        error: the error that showed it; None for an end of file.
    """
    if isinstance(error, HungUp):
        return error
    return HungUp(f"hung up: {'end of file' if error is None else getattr(error, 'strerror', None) or error}")


HEARD: Final = 4096
"""How many of the octets that came first are kept for `hung_up_after`."""


def hung_up_after(heard: bytes, error: HungUp) -> HungUp:
    """Return an error with what was heard before it: some servers of ports say why they hang up.

    Args:
        heard: the octets that came since something was sent.
        error: the error that showed that the line is gone.
    """
    lines = (line.strip() for line in heard.splitlines())
    said = next((line[:_SHOWN] for line in lines if line and not line.startswith(b"AT")), b"")  # no echo of ours
    return HungUp(f"{error}, after {said.decode()!r}") if said and said.isascii() else error


class SharedReading(Protocol):
    """A line that one thread waits for and another may read meanwhile; see `SharedRead`."""

    fd: int

    def wait(self) -> None:
        """Wait until there is something to read and nobody leads, or `cancel` or `nudge` came; for the thread."""

    def take(self) -> None:
        """Become the one who leads."""

    def give_back(self) -> None:
        """Let the thread wait again."""

    def lead(self, timeout: float | None, others: Mapping[int, int] = ...) -> dict[int, int]:
        """Wait for octets in place of the thread, or for other descriptors; return those that are ready."""

    def interrupt(self) -> None:
        """End the wait of who leads, or of who leads next."""

    def nudge(self) -> None:
        """End the wait of the thread once."""

    def read(self, octets: deque[bytes]) -> None:
        """Read what is there, without waiting."""


class Line(ABC):
    """One open line.

    Args:
        name: the name for messages.
        rate: bits per second at 10 bits per octet; None for a line that has no rate of its own.
    """

    def __init__(self, name: str, rate: int | None) -> None:
        self.name = name
        self.rate = rate

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} rate={self.rate}>"

    @property
    def has_baudrate(self) -> bool:
        """Whether the line can be set to another baud rate."""
        return False

    def set_baudrate(self, baudrate: int) -> None:
        """Set the line to another baud rate.

        Args:
            baudrate: bits per second.

        Raises:
            HungUp: the line is gone, or has no baud rate.
        """
        raise HungUp(f"a line without a baud rate cannot be set to {baudrate}")

    def facts(self) -> Iterable[Fact]:
        """Look for facts of the physical line; none where the system tells none."""
        return ()

    def explained(self, hint: Hint) -> Hint:
        """Return the fact that is the answer to a hint, or else the hint."""
        return next((fact.hint for fact in self.facts() if hint.id in fact.explains), hint)

    def explain(self, error: StartupError) -> None:
        """Let an error tell the fact that explains it, if there is one."""
        error.hint = self.explained(error.hint)

    @abstractmethod
    def read(self, timeout: float | None) -> bytes:
        """Wait for octets.

        Args:
            timeout: seconds; None: as long as it takes.

        Returns:
            The octets that came; empty when the time ran out or `cancel` was called.

        Raises:
            HungUp: the line is gone.
        """

    @abstractmethod
    def write(self, data: bytes, timeout: float) -> int:
        """Write octets.

        Args:
            data: at least one octet.
            timeout: seconds to wait until the line takes any.

        Returns:
            How many were taken; 0 when the time ran out or `cancel` was called.

        Raises:
            HungUp: the line is gone.
        """

    writes_at_once: bool = False
    """Whether `write_at_once` is there."""

    def write_at_once(self, data: bytes, taken: deque[int]) -> None:
        """Write octets without waiting; only where `writes_at_once` says so.

        Args:
            data: at least one octet.
            taken: gets how many were taken, in the same moment: an interrupt cannot come in between. Nothing is added
                when the line takes nothing now.

        Raises:
            HungUp: the line is gone.
        """
        raise NotImplementedError

    def shared_read(self) -> SharedReading | None:
        """Return how to read in place of the thread that waits for octets; None where that is not possible."""
        return None

    def nudge(self) -> bool:
        """Have a `read` for as long as it takes return nothing once, so that its thread shows that it lives.

        Returns:
            Whether the line can do that.
        """
        return False

    @abstractmethod
    def cancel(self) -> None:
        """End reads and writes that wait, or will wait, until `rearm`."""

    @abstractmethod
    def rearm(self) -> None:
        """Let reads and writes wait again."""

    @abstractmethod
    def close(self) -> None:
        """Release the port; errors of a line that is gone are ignored."""

    @abstractmethod
    def abandon(self) -> None:
        """Release descriptors without touching the port, in the child after a fork."""
