"""A channel for programs of other processes: what ptys and TCP ports have in common."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from .virtual_uart import VirtualUart

_JOIN_TIMEOUT = 5.0

_log = logging.getLogger("cmux.bridge")


class Bridge(ABC):
    """One channel and one way to it for other programs, joined by threads.

    While the channel may come back, the bridge waits for it; when it does not, the bridge ends.

    Args:
        uart: the open channel; closing it is left to the caller.
        on_end: called from one of the threads when the channel is gone.
        work: what each thread does, by a name for it: it returns when it is to be called again.
    """

    def __init__(self, uart: VirtualUart, on_end: Callable[[], object], **work: Callable[[], None]) -> None:
        self.uart = uart
        """The channel."""
        self.error: Exception | None = None
        """Why it ended, unless `close` ended it."""
        self._on_end = on_end
        self._stopping = False
        uart.timeout = uart.write_timeout = None
        self._threads = [
            threading.Thread(
                target=self._guard, args=(one,), name=f"cmux {name.replace('_', ' ')} {self.path}", daemon=True
            )
            for name, one in work.items()
        ]

    @property
    @abstractmethod
    def path(self) -> str:
        """What clients open."""

    def __repr__(self) -> str:
        state = f"ended: {self.error}" if self.error else "stopped" if self._stopping else "alive"
        return f"<{type(self).__name__} DLCI {self.uart.dlci} {self.path} {state}>"

    def start(self) -> None:
        """Start carrying octets."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop, and hang up on the clients."""
        self._stop()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(_JOIN_TIMEOUT)
        self._release()

    def _stop(self) -> None:
        self._stopping = True
        self._wake()
        self.uart.cancel_read()
        self.uart.cancel_write()

    @abstractmethod
    def _wake(self) -> None:
        """End the waits of the threads for clients, now that `_stopping` is set."""

    @abstractmethod
    def _release(self) -> None:
        """Release what the threads have used."""

    def _guard(self, work: Callable[[], None]) -> None:
        while not self._stopping:
            try:
                work()
            except OSError as error:  # SerialException is one
                _log.debug("%s: %s", self.path, error)
                if self._stopping or self.uart.wait_up(lambda: self._stopping):
                    continue
                self.error = self.error or error
                self._stop()
                self._on_end()
