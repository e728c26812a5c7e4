"""A line with faults: a pty for the host, a connection to the module, and a thread that carries octets between them.

Both directions are recorded before and behind the faults, so that an oracle can compare the two.
"""

from __future__ import annotations

import contextlib
import os
import random
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from damage import Damage, Draw, Edit

from cmux.pty import Pty

_MOST = 65536  # octets that wait on the way before the sender is not read any more


class Lane:
    """One direction: what was put on it, what arrived, and what has not been delivered yet."""

    def __init__(self) -> None:
        self.damage: Damage | None = None
        self.edits: list[Edit] = []
        """What was done to the octets since the last `mark`."""
        self.pieces: random.Random | None = None
        """Draws how few octets are taken and delivered at a time; None: as many as there are."""
        self.stalls: random.Random | None = None
        """Draws when the line takes and gives nothing for a while, and for how long; None: never."""
        self.longest_stall = 0.0
        self.put: int = 0
        """How many octets came from the sender, since the line is there."""
        self.delivered: int = 0
        """How many octets the receiver got."""
        self.before: bytearray = bytearray()
        """What the sender sent since the last `mark`; nothing before the first one."""
        self.after: bytearray = bytearray()
        """What became of it."""
        self.recording: bool = False
        self.stalled: int = 0
        """How often it took nothing for a while."""
        self.waiting: bytearray = bytearray()
        self.held_until = 0.0
        self._until_stall = 0

    def mark(self) -> None:
        """Forget what was recorded."""
        self.before, self.after, self.edits, self.stalled = bytearray(), bytearray(), [], 0
        self.recording = True

    def take(self, data: bytes) -> None:
        """Take octets from the sender."""
        self.put += len(data)
        if self.recording:
            self.before += data
        arrived = data if self.damage is None else self.damage.apply(data)
        self.append(arrived)
        if self.stalls is not None:
            self._until_stall -= len(data)
            if self._until_stall < 0:
                self._until_stall = self.stalls.randint(5_000, 50_000)
                self.held_until = time.monotonic() + self.stalls.uniform(0.0, self.longest_stall)
                self.stalled += 1

    def append(self, octets: bytes) -> None:
        """Let octets arrive that nobody has sent."""
        if self.recording:
            self.after += octets
        self.waiting += octets

    def wants(self, now: float) -> int:
        """Return how many octets it takes now."""
        if now < self.held_until or len(self.waiting) > (_MOST if self.stalls is None else 4096):
            return 0
        return 4096 if self.pieces is None else self.pieces.randint(1, 48)

    def piece(self, now: float) -> bytes:
        """Return what is to be delivered now."""
        if now < self.held_until:
            return b""
        return bytes(self.waiting[: 4096 if self.pieces is None else self.pieces.randint(1, 48)])


class FaultWire:
    """The line. `plug_in` makes it, `unplug` hangs it up on both sides, `close` ends it.

    Args:
        link: the path that the host opens.
        connect: connects to the module.
    """

    def __init__(self, link: str, connect: Callable[[], socket.socket]) -> None:
        self.link: Final = link
        self.connect = connect
        self.up, self.down = Lane(), Lane()
        """From the host to the module, and from the module to the host."""
        self.error: Exception | None = None
        """Why the thread ended, if it did not end by `unplug`."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pty: Pty | None = None
        self._module: socket.socket | None = None

    # --- For the campaign -------------------------------------------------------------------------------------------

    def plug_in(self) -> None:
        """Make the line; what was on its way is gone."""
        self._pty = Pty(self.link)
        self._begin()

    def _begin(self) -> None:
        self._module = self.connect()
        self._module.setblocking(False)
        self._wake_read, self._wake_write = os.pipe()
        for lane in (self.up, self.down):
            lane.waiting.clear()
        self._thread = threading.Thread(target=self._run, name="fault wire")
        self._thread.start()

    def unplug(self) -> None:
        """Hang up: the host's descriptor gives EIO, the module's connection ends."""
        if self._thread is not None and self._pty is not None:
            self._end()
            self._pty.close()

    def connect_anew(self, meanwhile: Callable[[], None]) -> None:
        """Let the module's end begin anew; the host's, as that of a UART, is not told.

        Args:
            meanwhile: called while there is no connection to the module.
        """
        self._end()
        meanwhile()
        self._begin()

    def _end(self) -> None:
        assert self._thread is not None
        assert self._module is not None
        os.write(self._wake_write, b"x")
        self._thread.join()
        self._thread = None
        self._module.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def mark(self) -> None:
        """Record from here on."""
        with self._lock:
            self.up.mark()
            self.down.mark()

    def damage(self, chooser: random.Random, gap: int, draw: Draw) -> None:
        """Begin to damage both directions, each in a way of its own; the positions of edits count from here."""
        with self._lock:
            for lane in (self.up, self.down):
                lane.mark()
                lane.damage = Damage(random.Random(chooser.getrandbits(64)), gap, draw, lane.edits)  # noqa: S311

    def heal(self, rest: bytes = b"") -> None:
        """End all faults, and let octets arrive on both sides behind what came before."""
        with self._lock:
            for lane in (self.up, self.down):
                lane.damage = lane.pieces = lane.stalls = None
                if rest:
                    lane.edits.append(Edit(len(lane.before), 0, rest))
                    lane.append(rest)
        self._wake()

    def set_manners(self, chooser: random.Random, *, pieces: bool, stalls: float) -> None:
        """Carry octets in small pieces, or with pauses of so many seconds at the most, from here on."""
        with self._lock:
            for lane in (self.up, self.down):
                lane.pieces = random.Random(chooser.getrandbits(64)) if pieces else None  # noqa: S311
                lane.stalls = random.Random(chooser.getrandbits(64)) if stalls else None  # noqa: S311
                lane.longest_stall = stalls

    def recorded(self) -> tuple[tuple[bytes, bytes, list[Edit]], ...]:
        """Return for either direction what was sent since the last `mark`, what arrived, and what was done to it."""
        with self._lock:
            return tuple((bytes(lane.before), bytes(lane.after), list(lane.edits)) for lane in (self.up, self.down))

    def count(self) -> int:
        """Return how many faults there were since the last `mark`."""
        return sum(lane.stalled + len(lane.edits) for lane in (self.up, self.down))

    def moved(self) -> tuple[int, int, int, int]:
        """Return how many octets: from the host, to the module, from the module, to the host."""
        with self._lock:
            return self.up.put, self.up.delivered, self.down.put, self.down.delivered

    def close(self) -> None:
        """End the line."""
        self.unplug()

    # --- The thread -------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        if self._thread is not None:
            os.write(self._wake_write, b"w")

    def _run(self) -> None:
        try:
            self._carry()
        except OSError as error:  # one of the ends is gone
            self.error = error

    def _carry(self) -> None:
        assert self._pty is not None
        assert self._module is not None
        host, module = self._pty.master, self._module.fileno()
        ways = ((self.up, host, module), (self.down, module, host))
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_read, selectors.EVENT_READ)
            masks = dict.fromkeys((host, module), 0)
            while True:
                wait = self._look(selector, masks, ways)
                ready = {key.fd: events for key, events in selector.select(wait)}
                if self._wake_read in ready and b"x" in os.read(self._wake_read, 4096):
                    return
                with self._lock:
                    for lane, source, sink in ways:
                        self._step(lane, source, sink, ready)

    def _look(
        self, selector: selectors.BaseSelector, masks: dict[int, int], ways: tuple[tuple[Lane, int, int], ...]
    ) -> float | None:
        """Have the selector look for what is wanted; return the seconds until a pause is over."""
        now = time.monotonic()
        wanted = dict.fromkeys(masks, 0)
        with self._lock:
            for lane, source, sink in ways:
                if lane.wants(now):
                    wanted[source] |= selectors.EVENT_READ
                if lane.waiting and now >= lane.held_until:
                    wanted[sink] |= selectors.EVENT_WRITE
            pauses = [lane.held_until - now for lane, _, _ in ways if lane.held_until > now]
        for fd, mask in wanted.items():
            if mask != masks[fd]:
                if not masks[fd]:
                    selector.register(fd, mask)
                elif not mask:
                    selector.unregister(fd)
                else:
                    selector.modify(fd, mask)
                masks[fd] = mask
        return min(pauses) if pauses else None

    @staticmethod
    def _step(lane: Lane, source: int, sink: int, ready: dict[int, int]) -> None:
        now = time.monotonic()
        most = lane.wants(now)
        if most and ready.get(source, 0) & selectors.EVENT_READ:
            with contextlib.suppress(BlockingIOError):
                data = os.read(source, most)
                if not data:
                    raise ConnectionResetError("the module has closed its end")
                lane.take(data)
        if ready.get(sink, 0) & selectors.EVENT_WRITE and (piece := lane.piece(now)):
            with contextlib.suppress(BlockingIOError):
                count = os.write(sink, piece)
                lane.delivered += count
                del lane.waiting[:count]
