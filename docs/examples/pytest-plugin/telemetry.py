"""A program for a Quectel module: it reports a temperature to a server over TCP."""

from __future__ import annotations

import serial


class ModuleError(Exception):
    """The module did not do what it was told."""


class Reporter:
    """Sends one line to a server.

    Args:
        port: the module's serial port.
        server: the server's address and port.
    """

    def __init__(self, port: serial.SerialBase, server: tuple[str, int]) -> None:
        self.port = port
        self.port.timeout = 5
        self.server = server

    def report(self, celsius: float) -> None:
        """Send one temperature and close the connection."""
        self._ask("ATE0")
        if "+CPIN: READY" not in self._ask("AT+CPIN?"):
            raise ModuleError("the SIM wants its PIN")
        self._ask("AT+QISDE=0")
        host, port = self.server
        self._ask(f'AT+QIOPEN="TCP","{host}",{port}')
        if self._line() != "CONNECT OK":
            self._ask("AT+QIDEACT", "DEACT OK")
            raise ModuleError(f"no way to {host}:{port}")
        text = f"{celsius:.1f}\n".encode()
        self.port.write(f"AT+QISEND={len(text)}\r".encode())
        if not self.port.read_until(b"> ").endswith(b"> "):
            raise ModuleError("no prompt")
        self.port.write(text)
        if self._line() != "SEND OK":
            raise ModuleError("not sent")
        self._ask("AT+QIDEACT", "DEACT OK")

    def _ask(self, command: str, end: str = "OK") -> list[str]:
        self.port.write(command.encode() + b"\r")
        lines = []
        while (line := self._line()) != end:
            if line == "ERROR" or line.startswith("+CME ERROR"):
                raise ModuleError(f"{command}: {line}")
            lines.append(line)
        return lines

    def _line(self) -> str:
        while True:
            line = self.port.read_until(b"\r\n")
            if not line.endswith(b"\r\n"):
                raise ModuleError(f"the module says nothing more than {line!r}")
            if text := line.decode().strip():
                return text
