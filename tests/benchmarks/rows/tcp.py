"""TCP through the stack of the emulated module: at the speed of a line, and as fast as it goes."""

from __future__ import annotations

import contextlib
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal

from answering import PATTERN, expected
from clients import Descriptor
from measuring import Rows, Run, row, share
from peers import HERE, Program, bare, descriptor, emulated

import cmux
from drivers.tcpip import Session, TcpipDriver

from .bulk import BARE, rated

RATE = 115_200
LATEST = 60.0
"""Seconds after the call by which all of an upload has come out."""
Receive = Literal["buffered", "header"]


@contextmanager
def session(run: Run, port: int, rate: int, receive: Receive | None, transparent: bool) -> Iterator[Session]:
    """Open a session through an emulated module of its own."""
    with (
        emulated(run.place, rate=rate) as peer,
        cmux.open(peer.link, n1=127, line_rate=rate or None, settle=0) as mux,
        TcpipDriver(mux.channel(1), 0, receive=receive, transparent=transparent) as driver,
        contextlib.closing(driver.connect("TCP", "127.0.0.1", port)) as opened,
    ):
        opened.settimeout(30)
        yield opened


def upload(
    run: Run, far: Program, octets: int, *, rate: int = 0, receive: Receive | None = None, transparent: bool = False
) -> float:
    """Return the octets/s of an upload: from the call until the last octet has come out of the network."""
    data = (PATTERN * (octets // len(PATTERN) + 1))[:octets]
    with session(run, int(far.lines[-1].split()[1]), rate, receive, transparent) as one:
        one.sendall(b"U%08x" % octets)
        time.sleep(0.3)  # until the request has arrived
        began = time.monotonic()
        one.sendall(data)
        try:
            came, crc = far.line(LATEST).split()
        except TimeoutError:  # some did not come out
            run.lose(octets)
            return octets / LATEST
        run.lose(octets if int(crc, 16) != zlib.crc32(data) else 0)
    return octets / (float(came) - began)


def download(run: Run, far: Program, octets: int, receive: Receive, rate: int = 0) -> float:
    """Return the octets/s of a download: from the request until all octets have been received."""
    with session(run, int(far.lines[-1].split()[1]), rate, receive, False) as one:
        began = time.monotonic()
        one.sendall(b"D%08x" % octets)
        got = crc = 0
        with contextlib.suppress(TimeoutError):  # what has not come by then is lost
            while got < octets and (data := one.recv(65536)):
                got += len(data)
                crc = zlib.crc32(data, crc)
        seconds = time.monotonic() - began
    run.lose(octets - got or octets if crc != expected(octets) else 0)
    return octets / seconds


@row
def tcp(run: Run) -> Rows:
    """Move 100 kB through a TCP session of the emulated module at 115,200 baud; against what frames leave of the line.

    At N1 127 that is 127/133 of 11,520 octets/s. Uploads by AT+QISEND with a length, and in transparent mode;
    downloads by AT+QIRD, and with a header before what is received.
    """
    octets, best = run.octets(100_000), RATE / 10 * 127 / 133
    with far_end() as far:
        ways: dict[str, tuple[Callable[[], float], float]] = {
            "upload, QISEND": (partial(upload, run, far, octets, rate=RATE), 94),
            "upload, transparent": (partial(upload, run, far, octets, rate=RATE, transparent=True), 98.5),
            "download, QIRD": (partial(download, run, far, octets, "buffered", RATE), 94),
            "download, header": (partial(download, run, far, octets, "header", RATE), 98.5),
        }
        seen = run.turns({name: way for name, (way, _) in ways.items()}, None)
    for name, (_, target) in ways.items():
        yield run.figure(name, "octets/s", seen[name], ("127/133 of the line", [best]), share(target))


@row
def tcp_unpaced(run: Run) -> Rows:
    """Move 2 MB through a TCP session, over a line that takes octets at once; against 16 MB one way over a bare pty."""
    with far_end() as far, bare(run.place, "transfer") as plain, descriptor(plain.link) as fd:
        octets, many, pty = run.octets(2 << 20), run.octets(16 << 20), Descriptor(fd)
        ways: dict[str, Callable[[], float]] = {
            "upload, QISEND": lambda: upload(run, far, octets) / 1e6,
            "upload, transparent": lambda: upload(run, far, octets, transparent=True) / 1e6,
            "download, QIRD": lambda: download(run, far, octets, "buffered") / 1e6,
            "download, header": lambda: download(run, far, octets, "header") / 1e6,
        }
        seen = run.turns({**ways, BARE: lambda: rated(run, lambda each: each.upload(many), pty)}, BARE)
    for name in ways:
        target = share(1.5) if name != "upload, transparent" else None
        yield run.figure(name, "MB/s", seen[name], (BARE, seen[BARE]), target)


def far_end() -> Program:
    """Start the server."""
    return Program(sys.executable, HERE / "tcp_peer.py")
