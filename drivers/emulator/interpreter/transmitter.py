"""The transmitting half of a UART: results and lines in its own verbosity, and octets that wait for the line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from ..sms.settings import MessageSettings
from .replies import CME_TEXTS, Reply, Result
from .uart_settings import UartSettings

TX_HIGH = 4096
"""Octets waiting for the line above which nothing more is written or read."""


class Outlet(Protocol):
    """Takes the octets that a UART transmits."""

    def send(self, data: bytes) -> int:
        """Take octets; return how many were taken. `Uart.writable` follows when there is room again."""

    def pause_input(self) -> None:
        """Ask the other side to stop sending."""

    def resume_input(self) -> None:
        """Let the other side send again."""

    def carrier(self, on: bool) -> None:
        """Show whether there is a carrier (DCD), where the line can."""


class Transmitter:
    """Transmits results, lines and data as one UART."""

    def __init__(self) -> None:
        self._settings = UartSettings()
        self.unacknowledged: Callable[[], object] = lambda: None
        """Called when the host acknowledges messages no longer: other settings, AT+CSMS=0, nobody there."""
        self.dead: bool = False
        """Whether it hears and says nothing, though somebody is there."""
        self._outlet: Outlet | None = None
        self._tx = bytearray()
        self._flushing = self._collecting = False

    @property
    def attached(self) -> bool:
        """Whether it has an outlet."""
        return self._outlet is not None

    @property
    def outlet(self) -> Outlet | None:
        """Where it transmits, None for nowhere."""
        return self._outlet

    def item(self, item: str | Result) -> None:
        """Write an unsolicited line or result code.

        Args:
            item: the line without CR LF, or the result code.
        """
        if isinstance(item, Result):
            self.result(item)
        else:
            self.line(item)

    @property
    def settings(self) -> UartSettings:
        """What AT commands have set."""
        return self._settings

    @settings.setter
    def settings(self, settings: UartSettings) -> None:
        self._settings = settings
        self.unacknowledged()

    @property
    def messages(self) -> MessageSettings:
        """What it has set about short messages."""
        return self.settings.messages

    @messages.setter
    def messages(self, settings: MessageSettings) -> None:
        self.settings.messages = settings
        if not settings.service:
            self.unacknowledged()

    def line(self, text: str) -> None:
        """Write an information line, a final text or an unsolicited line.

        Args:
            text: the line without CR LF.
        """
        self._write(f"{self.line_start}{text}\r\n".encode("latin-1", "replace"))

    @property
    def line_start(self) -> str:
        """What stands before a line: CR LF with ATV1, nothing with ATV0."""
        return "\r\n" if self.settings.verbose else ""

    def next_line(self, text: str) -> None:
        """Write another line behind one, with the line end of that between them.

        Args:
            text: the line without CR LF.
        """
        self._write(f"{text}\r\n".encode("latin-1", "replace"))

    def result(self, result: Result, more: str = "") -> None:
        """Write a result code.

        Args:
            result: the code.
            more: what stands behind its words with ATV1 and ATX1 to ATX4 (V.250 §6.2.7).
        """
        if self.settings.quiet:
            return
        words = f"{result.words} {more}" if more and self.settings.x else result.words
        self._write((f"\r\n{words}\r\n" if self.settings.verbose else f"{int(result)}\r").encode("ascii"))

    def payload(self, data: bytes) -> None:
        """Write received data, with nothing around it.

        Args:
            data: the octets.
        """
        self._write(data)

    def reply(self, reply: Reply) -> None:
        """Write the end of a command.

        Args:
            reply: how it ends.
        """
        if reply.text is not None:
            self.line(reply.text)
        if self.settings.quiet and (reply.cme is not None or reply.cms is not None):
            return  # 27.007 §9.2, 27.005 §3.2.5: they are result codes
        if reply.cme is not None and self.settings.cmee:
            shown = reply.cme if self.settings.cmee == 1 else CME_TEXTS.get(reply.cme, "unknown")
            self.line(f"+CME ERROR: {shown}")
        elif reply.cme is not None:
            self.result(Result.ERROR)
        if reply.cms is not None:
            self.line(f"+CMS ERROR: {reply.cms}")
        if reply.result is not None:
            self.result(reply.result)

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Send what is written inside of the ``with`` block at once: fewer frames, each of which the host handles."""
        outermost, self._collecting = not self._collecting, True
        try:
            yield
        finally:
            if outermost:
                self._send_collected()

    def _send_collected(self) -> None:
        self._collecting = False
        self._flush()

    def _write(self, data: bytes) -> None:
        self._tx += data
        if not self._collecting or len(self._tx) > TX_HIGH:
            self._flush()

    def _flush(self) -> None:
        if self._outlet is None or self.dead:
            self._tx.clear()
        if self._flushing:
            return
        self._flushing = True
        try:
            while self._tx and self._outlet is not None:
                data = bytes(self._tx[:TX_HIGH])
                taken = self._outlet.send(data)
                if not taken:
                    return
                del self._tx[:taken]
                self._sent(data[:taken])
        finally:
            self._flushing = False

    def _sent(self, data: bytes) -> None:
        """Called when octets have been sent."""
