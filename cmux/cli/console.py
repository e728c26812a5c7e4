"""pyserial's miniterm as a window that can be ended from outside, and shows no traceback."""

from __future__ import annotations

import atexit
import codecs
import contextlib
import os
import select
import sys
from collections import deque

import serial
from serial.tools import miniterm

from ..threads.virtual_uart import VirtualUart

EXIT = "\x1d"
"""Ctrl-], the key that ends the window."""
_MENU = "\x14"
_BACKSPACE, _DELETE = "\b", "\x7f"


class LineEnds(miniterm.CR):
    """Enter sends CR; whatever ends a line of the module, CR, LF, CR LF or CR CR LF, ends one line on the screen."""

    def __init__(self) -> None:
        self._ended = False

    def rx(self, text: str) -> str:
        """Return what the screen gets for a text of the module; CR and LF may come in texts of their own."""
        shown = []
        for character in text:
            ended, self._ended = self._ended, character == "\r"
            if character not in "\r\n":
                shown.append(character)
            elif not ended:
                shown.append("\n")
        return "".join(shown)


class Window(miniterm.Miniterm):
    """A terminal on a port.

    Args:
        port: the open port.
        echo: show what is typed.
        eol: what Enter sends: ``cr``, ``crlf`` or ``lf``.
    """

    def __init__(self, port: VirtualUart, *, echo: bool, eol: str) -> None:
        super().__init__(port, echo=echo, eol=eol, filters=["default"])  # type: ignore[arg-type]  # any port works
        self._port = port
        self.exit_character: str = EXIT
        self.menu_character: str = _MENU
        self.set_rx_encoding("utf-8", errors="replace")
        self.set_tx_encoding("utf-8", errors="replace")
        if os.name == "posix":
            atexit.unregister(self.console.cleanup)
            self.console: Keys = Keys()

    def update_transformations(self) -> None:
        """Choose what is done to the text in both directions, as the menu changes it."""
        super().update_transformations()
        for transformations in (self.tx_transformations, self.rx_transformations):
            transformations[:] = [LineEnds() if type(one) is miniterm.CR else one for one in transformations]

    def reader(self) -> None:
        """Show what comes; the end of the port ends the window, and the owner of the port knows the reason."""
        with contextlib.suppress(serial.SerialException):
            super().reader()

    def writer(self) -> None:
        """Send what is typed."""
        with contextlib.suppress(serial.SerialException):
            super().writer()

    def wait(self) -> None:
        """Wait until Ctrl-] was typed or the port has ended."""
        self.join(True)

    def end(self) -> None:
        """End the window, and restore the terminal."""
        self.stop()
        self.console.cancel()
        self._port.cancel_read()
        self.join()
        self.console.cleanup()


if os.name == "posix":
    import termios

    class Keys(miniterm.Console):
        """The keys of a terminal; a wait for a key can be cancelled without permission to fake one (TIOCSTI)."""

        def __init__(self) -> None:
            super().__init__()
            self._wake_read, self._wake_write = os.pipe()
            self._typed: deque[str] = deque()
            self._decoder = codecs.getincrementaldecoder(sys.stdin.encoding or "utf-8")("replace")

        def getkey(self) -> str:  # type: ignore[override]  # the stubs say that it returns nothing
            """Wait for a key."""
            while not self._typed:
                if self._wake_read in select.select([self.fd, self._wake_read], [], [])[0]:
                    return ""
                try:
                    octets = os.read(self.fd, 1024)
                except OSError:  # the terminal is gone
                    octets = b""
                self._typed.extend(self._decoder.decode(octets) if octets else EXIT)
            key = self._typed.popleft()
            return _BACKSPACE if key == _DELETE else key

        def cancel(self) -> None:
            """End `getkey`, both the call that waits and later ones."""
            os.write(self._wake_write, b"x")

        def cleanup(self) -> None:
            """Restore the terminal; a second call, or one for a terminal that is gone, does nothing."""
            with contextlib.suppress(termios.error):
                super().cleanup()
            for fd in (self._wake_read, self._wake_write):
                if fd >= 0:
                    os.close(fd)
            self._wake_read = self._wake_write = -1
