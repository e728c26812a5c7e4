"""A module whose channel talks like one: text with the line ends of AT commands, to a terminal that shows it."""

from __future__ import annotations

import os
import select
import sys
from types import TracebackType
from typing import Self

from forked_programs import Forked
from mux_module import Module

PATIENCE = 20.0


class ChattyModule(Module):
    """A module that sends nothing back by itself; `say` sends a text on a channel."""

    def __init__(self) -> None:
        super().__init__(loopback=())

    def say(self, dlci: int, text: bytes) -> None:
        """Send a text."""
        self.run(lambda core, now: self.feed(dlci, text))

    def __enter__(self) -> Self:
        super().__enter__()
        return self


class Screen:
    """``gsm0710 terminal`` on a pty; use it as a context manager."""

    def __init__(self, *arguments: str) -> None:
        self.master, slave = os.openpty()
        command = [sys.executable, "-m", "cmux", "terminal", *arguments]
        self.process = Forked(command, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self.seen = b""

    def wait_for(self, text: bytes) -> bytes:
        """Wait until a text is shown, and return what was shown before it since the last call."""
        while text not in self.seen:
            assert select.select([self.master], [], [], PATIENCE)[0], self.seen
            self.seen += os.read(self.master, 4096)
        before, _, self.seen = self.seen.partition(text)
        return before

    def leave(self) -> int:
        """Type Ctrl-], and return the exit code."""
        os.write(self.master, b"\x1d")
        return self.process.wait(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
