"""How a UART speaks: results and lines in its own verbosity, and octets that wait for the line."""

from __future__ import annotations

from typing import Protocol

from .replies import CME_TEXTS, Reply, Result
from .uart_settings import UartSettings

TX_HIGH = 4096
"""Octets that wait for the line before nothing more is said or read."""


class Outlet(Protocol):
    """Where a UART's octets go."""

    def send(self, data: bytes) -> int:
        """Take octets; returns how many were taken, and `Uart.writable` follows when there is room again."""

    def pause_input(self) -> None:
        """Ask the other side to stop sending."""

    def resume_input(self) -> None:
        """Let the other side send again."""


class Transmitter:
    """The speaking half of a UART."""

    def __init__(self) -> None:
        self.settings: UartSettings = UartSettings()
        self._outlet: Outlet | None = None
        self._tx = bytearray()
        self._flushing = False

    @property
    def attached(self) -> bool:
        """Whether anybody is at the other end."""
        return self._outlet is not None

    def line(self, text: str) -> None:
        """Say an information line, a final text or an unsolicited line."""
        start = "\r\n" if self.settings.verbose else ""
        self._write(f"{start}{text}\r\n".encode("latin-1", "replace"))

    def result(self, result: Result) -> None:
        """Say a result code."""
        if self.settings.quiet:
            return
        self._write((f"\r\n{result.words}\r\n" if self.settings.verbose else f"{int(result)}\r").encode("ascii"))

    def payload(self, data: bytes) -> None:
        """Say received data, without anything around it."""
        self._write(data)

    def reply(self, reply: Reply) -> None:
        """Say the end of a command."""
        if reply.text is not None:
            self.line(reply.text)
        if reply.cme is not None and self.settings.cmee:
            shown = reply.cme if self.settings.cmee == 1 else CME_TEXTS.get(reply.cme, "unknown")
            self.line(f"+CME ERROR: {shown}")
        elif reply.cme is not None:
            self.result(Result.ERROR)
        if reply.result is not None:
            self.result(reply.result)

    def _write(self, data: bytes) -> None:
        self._tx += data
        self._flush()

    def _flush(self) -> None:
        if self._outlet is None:
            self._tx.clear()
        if self._flushing:
            return
        self._flushing = True
        try:
            while self._tx and self._outlet is not None:
                said = bytes(self._tx[:TX_HIGH])
                taken = self._outlet.send(said)
                if not taken:
                    return
                del self._tx[:taken]
                self._told(said[:taken])
        finally:
            self._flushing = False

    def _told(self, data: bytes) -> None:
        """Note that octets have left."""
