"""A descriptor that one thread waits for and another may read meanwhile, without waking the first one (needs epoll)."""

from __future__ import annotations

import contextlib
import os
import select
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .base import HungUp, hung_up
from .descriptors import Descriptors

_MORE: Final = 15  # reads in a row of a line that always returns as much as it can
_NO_OTHERS: Final[Mapping[int, int]] = MappingProxyType({})


class SharedRead:
    """Waits for a descriptor in two places: the thread that reads the line, and whoever leads in its stead.

    While somebody leads, octets on the descriptor do not end the thread's wait; so nobody has to wake it.

    Args:
        fd: the descriptor, non-blocking.
        cancelled: readable when nobody is to wait any more.
        size: the most octets that one read asks for.

    Raises:
        OSError: the system cannot wait for such a descriptor in this way.
    """

    def __init__(self, fd: int, cancelled: int, size: int) -> None:
        self.fd: int = fd
        """The line's descriptor."""
        self._cancelled = cancelled
        self._size = size
        self._thread = select.epoll()
        self._descriptors = Descriptors()
        self._thread.register(cancelled, select.EPOLLIN)
        self._thread.register(fd, select.EPOLLIN)
        self._interrupt = self._descriptors.eventfd()
        self._nudge = self._descriptors.eventfd()
        self._thread.register(self._nudge, select.EPOLLIN | select.EPOLLET)  # once each time: nobody reads it
        self._others = _NO_OTHERS  # that are registered with the next one
        self._leader = select.poll()
        for other in (fd, cancelled, self._interrupt):
            self._leader.register(other, select.POLLIN)

    def wait(self) -> None:
        """Wait until there is something to read and nobody leads, or `cancel` or `nudge` came; for the thread."""
        self._thread.poll(maxevents=2)  # it takes memory for as many

    def take(self) -> None:
        """Become the one who leads."""
        # Not unregister(), which costs three times as much. A hang-up, which cannot be masked, wakes the thread once.
        self._thread.modify(self.fd, select.EPOLLONESHOT)

    def give_back(self) -> None:
        """Let the thread wait for the descriptor again."""
        if self._others:
            self._poll_too(_NO_OTHERS)
        with contextlib.suppress(OSError, ValueError):  # the line is closed
            self._thread.modify(self.fd, select.EPOLLIN)

    def lead(self, timeout: float | None, others: Mapping[int, int] = _NO_OTHERS) -> dict[int, int]:
        """Wait for octets in place of the thread.

        Args:
            timeout: seconds; None: as long as it takes.
            others: further descriptors that end the wait, each with its events.

        Returns:
            The descriptors that are ready, the line's own among them if there may be something to read, with their
            events; empty when the time ran out, or `interrupt` or a cancel came.

        Raises:
            HungUp: the descriptor was closed.
        """
        if others != self._others:
            self._poll_too(others)
        ready = dict(self._leader.poll(None if timeout is None else timeout * 1000.0))
        if ready.get(self.fd, 0) & select.POLLNVAL:
            raise HungUp("the descriptor was closed")
        ready.pop(self._cancelled, None)
        if ready.pop(self._interrupt, 0):
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._interrupt)
        return ready

    def _poll_too(self, others: Mapping[int, int]) -> None:
        for other in self._others:
            self._leader.unregister(other)
        self._others = others
        for other, events in others.items():
            self._leader.register(other, events)

    def interrupt(self) -> None:
        """End the wait of who leads, or of who leads next."""
        os.eventfd_write(self._interrupt, 1)

    def nudge(self) -> None:
        """End the wait of the thread once."""
        os.eventfd_write(self._nudge, 1)

    def read(self, octets: deque[bytes]) -> None:
        """Read what is there, without waiting; to be called when there is something.

        Args:
            octets: gets it, in the same moment: an interrupt cannot come in between.

        Raises:
            HungUp: the line is gone.
        """
        try:
            octets.extend(map(os.read, (self.fd,), (self._size,)))
            for _ in range(_MORE):
                if len(octets[-1]) < self._size:
                    break
                octets.extend(map(os.read, (self.fd,), (self._size,)))
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:  # EIO: the other side of a pty, or the USB device, is gone
            if not octets:
                raise hung_up(error) from error
        if octets and not octets[-1]:
            octets.pop()
            if not octets:  # else a terminal had no more
                raise hung_up(None)

    def close(self) -> None:
        """Release what it needs; in the child after a fork, too: closing changes nothing for the parent."""
        self._thread.close()
        self._descriptors.close()
        self._interrupt = self._nudge = -1
