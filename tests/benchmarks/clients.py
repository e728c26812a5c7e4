"""Programs on a channel: the same measurements through a descriptor (a bare pty, or one that a multiplexer offers) and
through a `cmux.VirtualUart`.
"""

from __future__ import annotations

import os
import select
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from answering import LONGEST, PATTERN, expected

import cmux

TEXT = bytes(range(32, 127)) * 700
"""Printable octets: gsm0710muxd loses many of the others."""
DEADLINE = 10.0
"""Seconds without an octet after which the rest counts as lost."""


class Transfer(NamedTuple):
    """What a transfer took."""

    octets: int
    seconds: float
    lost: int
    """Octets that did not come; all of them when the checksum is wrong."""


class Channel(Protocol):
    """What is measured on a channel; its far end does as `answering` describes."""

    def trips(self, count: int) -> list[float]:
        """Send one octet and wait until it is back; returns the seconds of each."""

    def upload(self, octets: int) -> Transfer:
        """Send octets, until their checksum is back."""

    def download(self, octets: int) -> Transfer:
        """Ask for octets, until they are there."""

    def echo(self, octets: int, window: int | None = None, patience: float = DEADLINE) -> Transfer:
        """Send octets until they are back, with at most ``window`` of them under way."""


def _checked(octets: int, seconds: float, got: int, right: bool) -> Transfer:
    return Transfer(octets, seconds, octets - got if got < octets else (0 if right else octets))


def _pieces(octets: int) -> Iterator[bytes]:
    """Yield the pattern in pieces."""
    for start in range(0, octets, LONGEST):
        yield PATTERN[: min(LONGEST, octets - start)]


class Descriptor:
    """A channel behind a descriptor of a pty."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def trips(self, count: int) -> list[float]:
        """Send one octet and wait until it is back."""
        fd, write, read, clock = self._fd, os.write, os.read, time.perf_counter
        seen = []
        for _ in range(count):
            began = clock()
            write(fd, b"x")
            read(fd, 64)
            seen.append(clock() - began)
        return seen

    def _read(self, limit: int) -> bytes:
        return os.read(self._fd, limit) if select.select([self._fd], [], [], DEADLINE)[0] else b""

    def upload(self, octets: int) -> Transfer:
        """Send octets, until their checksum is back."""
        began = time.perf_counter()
        os.write(self._fd, b"U%08x" % octets)
        for piece in _pieces(octets):
            while piece:
                piece = piece[os.write(self._fd, piece) :]
        answer = b""
        while len(answer) < 8 and (data := self._read(64)):
            answer += data
        return _checked(octets, time.perf_counter() - began, octets, answer == b"%08x" % expected(octets))

    def download(self, octets: int) -> Transfer:
        """Ask for octets, until they are there."""
        began = time.perf_counter()
        os.write(self._fd, b"D%08x" % octets)
        got = crc = 0
        while got < octets and (data := self._read(LONGEST)):
            got += len(data)
            crc = zlib.crc32(data, crc)
        return _checked(octets, time.perf_counter() - began, got, crc == expected(octets))

    def echo(self, octets: int, window: int | None = None, patience: float = DEADLINE) -> Transfer:
        """Send octets until they are back; what is late is thrown away, so that the next transfer begins cleanly."""
        moved = echo_together([self._fd], octets, window, patience)
        if moved.lost:
            self.drain()
        return moved

    def drain(self) -> None:
        """Throw away what comes, until nothing has come for 0.3 s."""
        while select.select([self._fd], [], [], 0.3)[0]:
            os.read(self._fd, LONGEST)


def echo_together(fds: list[int], octets: int, window: int | None = None, patience: float = DEADLINE) -> Transfer:
    """Send octets on several descriptors at once until they are back, in one thread.

    Args:
        fds: where.
        octets: how many on each.
        window: how many may be under way on each; None: any number.
        patience: seconds without an octet after which the rest is lost.
    """
    sent, got, crcs = dict.fromkeys(fds, 0), dict.fromkeys(fds, 0), dict.fromkeys(fds, 0)
    poll = select.poll()
    for fd in fds:
        os.set_blocking(fd, False)
        poll.register(fd, select.POLLIN)
    began = last = time.perf_counter()
    while min(got.values()) < octets and time.perf_counter() - last < patience:
        for fd in fds:
            room = sent[fd] < octets and (window is None or sent[fd] - got[fd] < window)
            poll.modify(fd, select.POLLIN | (select.POLLOUT if room else 0))
        for fd, events in poll.poll(200):
            try:
                if events & select.POLLOUT:
                    limit = LONGEST if window is None else min(4096, window - (sent[fd] - got[fd]))
                    start = sent[fd] % 95
                    sent[fd] += os.write(fd, TEXT[start : start + min(limit, octets - sent[fd])])
                    last = time.perf_counter()
                if events & select.POLLIN:
                    data = os.read(fd, LONGEST)
                    got[fd] += len(data)
                    crcs[fd] = zlib.crc32(data, crcs[fd])
                    last = time.perf_counter()
            except BlockingIOError:
                continue
    for fd in fds:
        os.set_blocking(fd, True)
    right = crc_of_text(octets)
    lost = sum(_checked(octets, 0, got[fd], crcs[fd] == right).lost for fd in fds)
    return Transfer(octets * len(fds), last - began, lost)


def crc_of_text(octets: int) -> int:
    """Return the CRC-32 of that many octets of the text."""
    crc = 0
    for start in range(0, octets, len(TEXT)):
        crc = zlib.crc32(TEXT[: min(len(TEXT), octets - start)], crc)
    return crc


class Uart:
    """A channel that is a `cmux.VirtualUart`."""

    def __init__(self, port: cmux.VirtualUart) -> None:
        self._port = port
        port.timeout = DEADLINE

    def trips(self, count: int) -> list[float]:
        """Send one octet and wait until it is back."""
        write, read, clock = self._port.write, self._port.read, time.perf_counter
        seen = []
        for _ in range(count):
            began = clock()
            write(b"x")
            read(1)
            seen.append(clock() - began)
        return seen

    def _read_all(self, octets: int) -> tuple[int, int]:
        """Read what is there, until so many have come; returns how many did, and their CRC-32."""
        port, got, crc = self._port, 0, 0
        while got < octets and (data := port.read(1)):
            if there := min(port.in_waiting, octets - got - 1):
                data += port.read(there)
            got += len(data)
            crc = zlib.crc32(data, crc)
        return got, crc

    def upload(self, octets: int) -> Transfer:
        """Send octets, until their checksum is back."""
        began = time.perf_counter()
        self._port.write(b"U%08x" % octets)
        for piece in _pieces(octets):
            self._port.write(piece)
        answer = self._port.read(8)
        return _checked(octets, time.perf_counter() - began, octets, answer == b"%08x" % expected(octets))

    def download(self, octets: int) -> Transfer:
        """Ask for octets, until they are there."""
        began = time.perf_counter()
        self._port.write(b"D%08x" % octets)
        got, crc = self._read_all(octets)
        return _checked(octets, time.perf_counter() - began, got, crc == expected(octets))

    def echo(self, octets: int, window: int | None = None, patience: float = DEADLINE) -> Transfer:
        """Send octets until they are back; another thread reads."""
        return echo_on_uarts([self], octets, window, patience)

    def echo_once(self, octets: int, window: int | None, patience: float) -> int:
        """Send octets until they are back; returns how many were lost."""
        port, done = self._port, threading.Condition()
        port.timeout = patience
        got = crc = 0
        ended = False

        def read() -> None:
            nonlocal got, crc, ended
            while got < octets and (data := port.read(1)):
                if there := port.in_waiting:
                    data += port.read(there)
                crc = zlib.crc32(data, crc)
                with done:
                    got += len(data)
                    done.notify()
            with done:
                ended = True
                done.notify()

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        sent = 0
        while sent < octets:
            limit = LONGEST
            if window is not None:
                with done:
                    while sent - got >= window and not ended:
                        done.wait()
                    limit = window - (sent - got)
                if ended:
                    break
            start = sent % 95
            sent += port.write(TEXT[start : start + min(limit, octets - sent)]) or 0
        reader.join()
        port.timeout = DEADLINE
        return _checked(octets, 0, got, crc == crc_of_text(octets)).lost


def echo_on_uarts(uarts: list[Uart], octets: int, window: int | None = None, patience: float = DEADLINE) -> Transfer:
    """Send octets on several channels at once until they are back, in two threads for each."""
    lost: list[int] = []
    threads = [
        threading.Thread(target=lambda uart=uart: lost.append(uart.echo_once(octets, window, patience)), daemon=True)
        for uart in uarts[1:]
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    lost.append(uarts[0].echo_once(octets, window, patience))
    for thread in threads:
        thread.join()
    return Transfer(octets * len(uarts), time.perf_counter() - began, sum(lost))


@contextmanager
def opened(line: str, channels: int = 1, n1: int = 127, **settings: object) -> Iterator[list[Uart]]:
    """Open a line on threads; gives its first channels."""
    with cmux.open(line, n1=n1, settle=0, channels=range(1, channels + 1), **settings) as mux:  # type: ignore[arg-type]
        yield [Uart(mux.channel(dlci)) for dlci in range(1, channels + 1)]
