"""Lock files as minicom, pppd, gammu and older programs leave them, of a process that lives or one that is gone."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Self

FORMS: dict[str, Callable[[int], bytes]] = {
    "pppd": lambda process: b"%10d\n" % process,
    "minicom": lambda process: b"%10d minicom root\n" % process,
    "gammu": lambda process: b"%08d gammu" % process,
    "a string of C": lambda process: b"%10d\0" % process,
    "binary": lambda process: struct.pack("<i", process),
}
"""What stands in the file, by who writes it so."""

NAMES: dict[str, tuple[str, str]] = {
    "by its name": ("ttyUSB0", "LCK..ttyUSB0"),
    "in a folder, as minicom and pppd write it": ("serial/modem", "LCK..serial_modem"),
    "in a folder, as liblockdev writes it": ("serial/modem", "LCK..serial:modem"),
    "in a folder, as gammu writes it": ("serial/modem", "LCK..modem"),
}
"""A port below /dev, and its lock file."""


class OtherProgram:
    """Another process that does nothing but live; use it as a context manager."""

    def __enter__(self) -> Self:
        self._child = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        self.process = self._child.pid
        return self

    def end(self) -> None:
        """Let it end."""
        self._child.communicate()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
