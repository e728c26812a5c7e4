"""A line for either shell whose other end does what a plan says: frames, noise, short writes, errors, silence.

`Peer` is the other end, without I/O; `ObjectPort` and `SocketPort` are ports with it: one with nothing but the methods
of a port, one with a descriptor.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from typing import Any

import reference_decoder
import serial

from cmux.protocol import BasicDecoder, Frame, FrameType, encode

REACTIONS = ("answer", "answer", "answer", "nothing", "refuse", "noise", "twice", "late", "data", "ended", "eof")
"""What the peer does about a frame that it hears."""
NOISE = b"\x04\x00\xf8\x7e\x80"
"""No header: the address has EA = 0. So no timing makes a frame of what follows."""
FAULTS = ("all", "all", "all", "short", "none", "late", "error")
"""What a port does with octets that are written."""
AT_MOST = 20_000  # octets that the peer sends

_STREAM = {dlci: b"".join(struct.pack(">BBH", dlci, 0xA5, count) for count in range(4000)) for dlci in range(64)}


class Peer:
    """The other end.

    Args:
        reactions: what it does about each frame that it hears, of `REACTIONS`; then it answers as it should.
        send: puts octets on the line.
        hang_up: ends the line, behind what was sent.
    """

    def __init__(
        self, reactions: Iterable[str], send: Callable[[bytes], None], hang_up: Callable[[bool], None]
    ) -> None:
        self.lock = threading.RLock()
        """Held by whoever sends: it may be a user, or who hears."""
        self.said = bytearray()
        """All that it has sent."""
        self.of_frames = True
        """That was the same for whoever decodes it, whenever."""
        self._reactions = list(reactions)
        self._send, self.hang_up = send, hang_up
        self._decoder = BasicDecoder(32767)
        self._at: dict[int, int] = {}
        self._late = b""

    def say(self, octets: bytes) -> None:
        """Send octets."""
        with self.lock:
            if octets and len(self.said) < AT_MOST:
                self.said += octets
                self._send(octets)

    def data(self, dlci: int, size: int) -> bytes:
        """Return the next octets of a DLC: no piece of them comes twice."""
        at = self._at.get(dlci, 0)
        self._at[dlci] = at + size
        return _STREAM[dlci][at : at + size]

    def say_data(self, dlci: int, size: int) -> None:
        """Send data on a DLC."""
        with self.lock:
            self.say(encode(Frame(dlci, True, FrameType.UIH, False, self.data(dlci, size))))

    def hears(self, octets: bytes) -> None:
        """React to octets."""
        if b"AT" in octets and b"\r" in octets:
            self.of_frames = False  # what the other end takes for an answer, no decoder sees
            self._react(b"\r\nOK\r\n", b"\r\nERROR\r\n")
        for item in self._decoder.receive_data(octets):
            if isinstance(item, Frame) and (answer := self._answer(item)):
                refusal = encode(Frame(item.dlci, item.cr, FrameType.DM, True))
                self._react(answer, refusal, item.dlci)

    def _react(self, answer: bytes, refusal: bytes, dlci: int = 1) -> None:
        late, self._late = self._late, b""
        reaction = self._reactions.pop(0) if self._reactions else "answer"
        if reaction == "late":
            self._late, answer = answer, b""
        elif reaction == "refuse":
            answer = refusal
        elif reaction == "noise":
            answer = NOISE + answer
        elif reaction == "twice":
            answer += answer
        elif reaction == "ended":
            answer += encode(Frame(dlci, True, FrameType.DISC, True))
        elif reaction == "nothing":
            answer = b""
        self.say(late + answer)
        if reaction == "data":
            self.say_data(dlci or 1, 40)
        elif reaction == "eof":
            self.hang_up(False)

    @staticmethod
    def _answer(frame: Frame) -> bytes:
        if frame.type in (FrameType.SABM, FrameType.DISC):
            return encode(Frame(frame.dlci, frame.cr, FrameType.UA, True))
        if frame.dlci or not frame.info or frame.type is not FrameType.UIH or not frame.info[0] & 2:
            return b""
        info = bytes((frame.info[0] & ~2,)) + frame.info[1:]  # the same values
        return encode(Frame(0, not frame.cr, FrameType.UIH, False, info))

    def sent_on(self, dlci: int) -> bytes:
        """Return the data that it has sent on a DLC in frames without a fault, as the second decoder reads them."""
        found = reference_decoder.basic(bytes(self.said), 1600)
        kinds = (reference_decoder.UIH, reference_decoder.UI)
        return b"".join(
            one.info
            for _, one in found.items
            if isinstance(one, reference_decoder.Good) and one.dlci == dlci and one.kind in kinds
        )


class ObjectPort:
    """A port with ``read``, ``write``, ``close``, ``timeout`` and ``cancel_read``; the peer hears in ``write``.

    Args:
        reactions: see `Peer`.
        faults: what each ``write`` does, of `FAULTS`; then it takes everything.
        hurry: how many seconds of `timeout` make a real one.
    """

    name = "hostile"

    def __init__(self, reactions: Iterable[str], faults: Iterable[str], hurry: float = 1.0) -> None:
        self.timeout: float | None = None
        self.closed = False
        self.peer = Peer(reactions, self._arrive, self._end)
        self._faults = list(faults)
        self._hurry = hurry
        self._changed = threading.Condition()
        self._incoming = bytearray()
        self._cancelled = self._over = self._broken = False

    def _arrive(self, octets: bytes) -> None:
        with self._changed:
            self._incoming += octets
            self._changed.notify_all()

    def _end(self, broken: bool) -> None:
        with self._changed:
            self._over, self._broken = True, self._broken or broken
            self._changed.notify_all()

    def deaf(self, deaf: bool) -> None:
        """Take no octets from now on, or again."""
        self._faults = ["none"] * 20 if deaf else []

    @property
    def in_waiting(self) -> int:
        return len(self._incoming)

    def read(self, size: int = 1, /) -> bytes:
        with self._changed:
            wait = None if self.timeout is None else self.timeout / self._hurry
            self._changed.wait_for(lambda: self._incoming or self._cancelled or self._over or self.closed, wait)
            octets = bytes(self._incoming[:size])
            del self._incoming[:size]
            if octets:
                return octets
            self._cancelled = False
            if self._broken:
                raise OSError(5, "Input/output error")
            if self._over or self.closed:
                raise serial.SerialException("device reports readiness to read but returned no data")
            return b""

    def cancel_read(self) -> None:
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def write(self, data: bytes, /) -> int | None:
        fault = self._faults.pop(0) if self._faults else "all"
        if self._over or self.closed:
            raise serial.SerialException("write failed: [Errno 5] Input/output error")
        if fault == "error":
            raise OSError(5, "Input/output error")
        if fault == "late":
            raise serial.SerialTimeoutException("Write timeout")
        if fault == "none":
            threading.Event().wait(0.001)
            return 0
        taken = data[:1] if fault == "short" else data
        self.peer.hears(bytes(taken))
        return len(taken) if fault == "short" else None

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()


class SocketPort:
    """A port with a descriptor, of a pair of sockets.

    Args:
        reactions: see `Peer`.
    """

    __module__ = "serial.urlhandler.protocol_socket"  # what is known to have a descriptor
    name = "hostile"

    def __init__(self, reactions: Iterable[str]) -> None:
        self._ours, self.theirs = socket.socketpair()
        for end in (self._ours, self.theirs):
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.peer = Peer(reactions, self._arrive, self._end)
        self.is_deaf = self.over = False
        self._waiting = b""

    def fileno(self) -> int:
        return self._ours.fileno()

    def read(self, size: int = 1, /) -> bytes:
        raise NotImplementedError

    write: Any = read

    def close(self) -> None:
        self._ours.close()

    # --- The other end ---

    def _arrive(self, octets: bytes) -> None:
        self._waiting += octets
        self.push()

    def push(self) -> None:
        """Send what has not been taken yet."""
        with self.peer.lock, contextlib.suppress(OSError):
            while self._waiting and not self.over:
                self._waiting = self._waiting[self.theirs.send(self._waiting) :]

    def _end(self, broken: bool) -> None:
        self.over = True
        with contextlib.suppress(OSError):
            self.theirs.shutdown(socket.SHUT_RDWR if broken else socket.SHUT_WR)

    def deaf(self, deaf: bool) -> None:
        """Take no octets from now on, or again."""
        self.is_deaf = deaf

    def turn(self) -> bool:
        """Hear what has come, and send what waits; tell whether more can come."""
        self.push()
        if self.is_deaf:
            return True
        try:
            octets = self.theirs.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.peer.hears(octets)
        return bool(octets)

    def run(self, stop: threading.Event) -> None:
        """Be the other end, on a thread of its own."""
        while not stop.is_set():
            wanted = [] if self.is_deaf else [self.theirs]
            ready = select.select(wanted, [], [], 0.002)[0]
            if not self.turn() and ready:
                stop.wait()

    def release(self) -> None:
        """Close the other end."""
        self.theirs.close()
