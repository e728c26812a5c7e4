"""The other end of a line, typed by hand octet by octet."""

from __future__ import annotations

import os
import select
from types import TracebackType

from cmux.pty import Pty

PATIENCE = 30.0


class Typist:
    """Whoever sits at the other end of `path`; use it as a context manager."""

    def __init__(self) -> None:
        self._pty = Pty()
        self.path = self._pty.path

    def type(self, octets: bytes) -> None:
        """Send octets."""
        while octets:
            select.select([], [self._pty.master], [], PATIENCE)
            octets = octets[os.write(self._pty.master, octets) :]

    def hears(self, octets: bytes) -> None:
        """Want these octets to come next."""
        heard = b""
        while len(heard) < len(octets) and octets.startswith(heard):
            ready, _, _ = select.select([self._pty.master], [], [], PATIENCE)
            assert ready, f"{heard.hex(' ')}, and then nothing"
            heard += os.read(self._pty.master, len(octets) - len(heard))
        assert heard.hex(" ") == octets.hex(" ")

    def hears_at_last(self, octets: bytes) -> bytes:
        """Wait until these octets come, and return what came before."""
        heard = b""
        while not heard.endswith(octets):
            ready, _, _ = select.select([self._pty.master], [], [], PATIENCE)
            assert ready, f"{heard.hex(' ')}, and then nothing"
            heard += os.read(self._pty.master, 1)
        return heard.removesuffix(octets)

    def at(self, command: str, *lines: str) -> None:
        """Say an AT command, and want its echo and these lines for an answer."""
        self.type(f"{command}\r".encode())
        self.hears(f"{command}\r".encode() + b"".join(f"\r\n{line}\r\n".encode() for line in lines))

    def hang_up(self) -> None:
        """Pull the plug."""
        self._pty.close()

    def __enter__(self) -> Typist:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pty.close()
