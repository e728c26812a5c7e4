"""A module with calls: its DV is the carrier of a call, and the host's RTC ends it; and the clients of a path."""

from __future__ import annotations

import os
import select
from types import TracebackType
from typing import Self

from mux_module import Module

from cmux.protocol.commands import Signals
from cmux.protocol.events import DataReceived, SignalsChanged

PATIENCE = 20.0


class CallModule(Module):
    """A module on whose channels the test begins and ends calls."""

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def carrier(self, dlci: int, *, on: bool) -> None:
        """Tell the host whether there is a carrier."""
        self.run(lambda core, now: core.set_signals(dlci, Signals(dv=on), now))

    def say(self, dlci: int, text: bytes) -> None:
        """Send a text."""
        self.run(lambda core, now: self.feed(dlci, text))

    def heard(self, dlci: int) -> list[str | bytes]:
        """What the host has said on a channel, in order: octets, and changes of its RTC."""
        said: list[str | bytes] = []
        for event in list(self.events):
            if isinstance(event, DataReceived) and event.dlci == dlci:
                said.append(event.data)
            elif isinstance(event, SignalsChanged) and event.dlci == dlci:
                said.append("RTC on" if event.signals.rtc else "RTC off")
        return said

    def until(self, dlci: int, *expected: str | bytes) -> None:
        """Wait until that is what the host has said last."""
        self.wait(lambda: self.heard(dlci)[-len(expected) :] == [*expected])


class PathClient:
    """A program that has opened a path; use it as a context manager."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def write(self, octets: bytes) -> None:
        """Write octets."""
        os.write(self.fd, octets)

    def read(self, size: int) -> bytes:
        """Read so many octets."""
        octets = b""
        while len(octets) < size:
            assert select.select([self.fd], [], [], PATIENCE)[0], octets
            piece = os.read(self.fd, size - len(octets))
            assert piece, octets
            octets += piece
        return octets

    def hung_up(self) -> bool:
        """Wait until something comes, and say whether it is the end."""
        assert select.select([self.fd], [], [], PATIENCE)[0], "it is neither hung up nor told anything"
        try:
            return os.read(self.fd, 100) == b""
        except OSError:
            return True

    def close(self) -> None:
        """Leave."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
