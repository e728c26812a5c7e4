"""A channel as a pty: carries what clients write to the channel, and what comes on it to them (POSIX only)."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import threading
from collections.abc import Callable
from typing import Final

import serial

from ..line.descriptors import Descriptors
from ..pty import OWNER_ONLY, Pty
from .bridge_base import Bridge
from .virtual_uart import VirtualUart

_READ_SIZE = 4096
_CMSPAR = 0o10000000000  # mark and space parity; Python's termios does not name it

_log = logging.getLogger("cmux.bridge")


class PtyBridge(Bridge):
    """One channel and one pty, joined by a thread, which also reads the line if no other one does.

    What no client reads stays in the pty, when that is full in the channel's buffer, and when that is full too, the
    peer is asked to stop. In the other direction, a client's write waits while the peer takes nothing.

    Args:
        uart: the open channel; closing it is left to the caller.
        link: where to make a symbolic link; None: clients use the pty's own name.
        on_end: called from one of the threads when the channel is gone.
        mode: who may open the pty; see `Pty`.
        group: its group; see `Pty`.

    Raises:
        FileExistsError: `link` exists and is not a symbolic link.
        OSError: the system has no free pty, or is not POSIX.
    """

    _HELD = True
    """The pty's slave stays open while there is no client."""

    def __init__(
        self,
        uart: VirtualUart,
        link: str | os.PathLike[str] | None,
        on_end: Callable[[], object] = lambda: None,
        *,
        mode: int = OWNER_ONLY,
        group: int | None = None,
    ) -> None:
        self._pty = Pty(link, mode=mode, group=group, held=self._HELD)
        super().__init__(uart, on_end, **self._work())
        self._descriptors = Descriptors()
        self._wake_read, self._wake_write = self._descriptors.pipe()
        self._unsent = self._unread = b""  # what the channel, and what the pty has not taken
        self._settings = self._pty.attributes()

    def _work(self) -> dict[str, Callable[[], None]]:
        return {"carry": self._carry}

    @property
    def path(self) -> str:
        """The path that clients open."""
        return self._pty.path

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it is about to be awake anyhow
            os.write(self._wake_write, b"x")

    def _release(self) -> None:
        self._pty.close()
        self._descriptors.close()

    def _carry(self) -> None:
        own = threading.get_ident()
        unwatch = self.uart.watch(lambda: None if threading.get_ident() == own else self._wake())
        try:
            self.uart.timeout = self.uart.write_timeout = 0
            done = 0  # of what is unsent: if the line dies, all of it goes to the module that comes back
            while not self._stopping:
                if not self._unread and self.uart.in_waiting:
                    self._unread = self.uart.read1(_READ_SIZE)
                if self._unread:
                    self._unread = self._unread[self._write_pty(self._unread) :]
                if self._unsent:
                    done += self.uart.write(self._unsent[done:])
                    if done == len(self._unsent):
                        self._unsent, done = b"", 0
                ready = self._wait()
                if ready.get(self._wake_read):
                    os.read(self._wake_read, _READ_SIZE)
                if ready.get(self._pty.master, 0) & select.POLLIN:
                    self._read_pty()
        finally:
            unwatch()

    def _wait(self) -> dict[int, int]:
        events = (0 if self._unsent else select.POLLIN) | (select.POLLOUT if self._unread else 0)
        return self.uart.wait_with({self._pty.master: events, self._wake_read: select.POLLIN}, octets=not self._unread)

    def _write_pty(self, data: bytes) -> int:
        try:
            return os.write(self._pty.master, data)
        except BlockingIOError:
            return 0

    def _read_pty(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._unsent = os.read(self._pty.master, _READ_SIZE)
            self._follow()

    def _follow(self) -> None:
        """Apply to the channel the baud rate and the format that the client has set."""
        if not self._pty.changed():
            return
        settings = self._pty.attributes()
        if settings != self._settings:
            self._settings = settings
            changes = line_settings(*settings)
            _log.debug("%s: %s", self.path, changes)
            self.uart.apply_settings(changes)


def line_settings(control: int, speed: int) -> dict[str, object]:
    """Return the settings of a terminal as settings of pyserial.

    Args:
        control: the control flags of termios.
        speed: the termios code of the output speed.

    Returns:
        ``bytesize``, ``parity``, ``stopbits``, and ``baudrate`` where the code has a rate.
    """
    import termios

    sizes = {termios.CS5: 5, termios.CS6: 6, termios.CS7: 7, termios.CS8: 8}
    parities: Final = {
        (False, False): serial.PARITY_EVEN,
        (True, False): serial.PARITY_ODD,
        (False, True): serial.PARITY_SPACE,
        (True, True): serial.PARITY_MARK,
    }
    odd, sticky = bool(control & termios.PARODD), bool(control & _CMSPAR)
    rates = {getattr(termios, f"B{rate}", None): rate for rate in serial.SerialBase.BAUDRATES}
    settings: dict[str, object] = {
        "bytesize": sizes[control & termios.CSIZE],
        "parity": parities[odd, sticky] if control & termios.PARENB else serial.PARITY_NONE,
        "stopbits": serial.STOPBITS_TWO if control & termios.CSTOPB else serial.STOPBITS_ONE,
    }
    if speed in rates:
        settings["baudrate"] = rates[speed]
    return settings
