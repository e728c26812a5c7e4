"""The other end of a line, scripted octet by octet."""

from __future__ import annotations

import os
import select
from types import TracebackType

from typed_frames import CLD, CLD_ANSWER, OWN_MSC, OWN_MSC_ANSWERED, SABM_0, SABM_1, UA_0, UA_1

from cmux.pty import Pty

PATIENCE = 30.0


class Typist:
    """The peer at the other end of `path`; use it as a context manager."""

    def __init__(self) -> None:
        self._pty = Pty()
        self.path = self._pty.path

    def type(self, octets: bytes) -> None:
        """Send octets."""
        while octets:
            select.select([], [self._pty.master], [], PATIENCE)
            octets = octets[os.write(self._pty.master, octets) :]

    def receives(self, octets: bytes) -> None:
        """Expect these octets to come next."""
        heard = b""
        while len(heard) < len(octets) and octets.startswith(heard):
            ready, _, _ = select.select([self._pty.master], [], [], PATIENCE)
            assert ready, f"{heard.hex(' ')}, and then nothing"
            heard += os.read(self._pty.master, len(octets) - len(heard))
        assert heard.hex(" ") == octets.hex(" ")

    def receives_until(self, octets: bytes) -> bytes:
        """Wait until these octets come, and return what came before."""
        heard = b""
        while not heard.endswith(octets):
            ready, _, _ = select.select([self._pty.master], [], [], PATIENCE)
            assert ready, f"{heard.hex(' ')}, and then nothing"
            heard += os.read(self._pty.master, 1)
        return heard.removesuffix(octets)

    def at(self, command: str, *lines: str) -> None:
        """Send an AT command, and expect its echo and these lines as the answer."""
        self.type(f"{command}\r".encode())
        self.receives(f"{command}\r".encode() + b"".join(f"\r\n{line}\r\n".encode() for line in lines))

    def hang_up(self) -> None:
        """Hang up."""
        self._pty.close()

    def __enter__(self) -> Typist:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pty.close()


def multiplex(peer: Typist) -> None:
    """Go from AT mode to a session with the basic option."""
    peer.at("AT+CMUX=0", "OK")
    peer.type(SABM_0)
    peer.receives(UA_0)


def open_1(peer: Typist) -> None:
    """Open DLCI 1, and answer the signals that come with it."""
    peer.type(SABM_1)
    peer.receives(UA_1 + OWN_MSC)
    peer.type(OWN_MSC_ANSWERED)


def end(peer: Typist) -> None:
    """Close the multiplexer down."""
    peer.type(CLD)
    peer.receives_until(CLD_ANSWER)
