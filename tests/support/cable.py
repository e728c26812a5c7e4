"""Two computers and one cable: two ptys, and a thread that carries octets between them."""

from __future__ import annotations

import os
import select
import threading
from types import TracebackType

from cmux.pty import Pty


class Cable:
    """A null-modem cable; use it as a context manager, and open `ends` like serial ports."""

    def __init__(self) -> None:
        self._ptys = Pty(), Pty()
        self.ends = self._ptys[0].slave_name, self._ptys[1].slave_name
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._carry, name="cable")

    def _carry(self) -> None:
        masters = [pty.master for pty in self._ptys]
        waiting = dict.fromkeys(masters, b"")
        other = dict(zip(masters, reversed(masters), strict=True))
        while True:
            readers = [master for master in masters if not waiting[other[master]]]
            writers = [master for master in masters if waiting[master]]
            ready, writable, _ = select.select([*readers, self._wake_read], writers, [])
            if self._wake_read in ready:
                return
            for master in ready:
                waiting[other[master]] = os.read(master, 65536)
            for master in writable:
                waiting[master] = waiting[master][os.write(master, waiting[master]) :]

    def __enter__(self) -> Cable:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.write(self._wake_write, b"x")
        self._thread.join()
        for pty in self._ptys:
            pty.close()
        os.close(self._wake_read)
        os.close(self._wake_write)
