"""The reference of rates and round trips: a program on the other side of a pty, with no multiplexer between.

``bare_peer.py LINK KIND``: blocking, as in `answering`; ``bare_peer.py LINK paced``: writes 92 octets every millisecond
and throws away what comes, as a module at 921,600 baud does.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import tty

from answering import LONGEST, Answerer


def pty(link: str) -> tuple[int, int]:
    """Make a raw pty under a link; returns the descriptors of both sides, so that it lives without a client."""
    master, slave = os.openpty()
    tty.setraw(slave)
    tty.setraw(master)
    os.symlink(os.ttyname(slave), link)
    return master, slave


def answer(master: int, kind: str) -> None:
    """Answer for ever."""
    answerer = Answerer(kind)
    while True:
        answerer.receive(os.read(master, LONGEST))
        while waiting := answerer.waiting(LONGEST):
            answerer.sent(os.write(master, waiting))


def echo(master: int) -> None:
    """Send back for ever, with nothing around the calls."""
    while True:
        data = os.read(master, LONGEST)
        while data:
            data = data[os.write(master, data) :]


def pace(master: int) -> None:
    """Write and read every millisecond, for ever."""
    os.set_blocking(master, False)
    due = time.monotonic()
    while True:
        due += 0.001
        time.sleep(max(0.0, due - time.monotonic()))
        with contextlib.suppress(BlockingIOError):
            os.write(master, b"y" * 92)
        with contextlib.suppress(BlockingIOError):
            os.read(master, 400)


def main() -> None:
    """Run it until it is terminated."""
    link, kind = sys.argv[1:]
    master, _ = pty(link)
    print("ready", flush=True)
    if kind == "paced":
        pace(master)
    elif kind == "echo":
        echo(master)
    else:
        answer(master, kind)


if __name__ == "__main__":
    main()
