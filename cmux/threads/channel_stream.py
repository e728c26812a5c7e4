"""The octets of a DLC, with the read and write calls of pyserial."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import serial
from serial.serialutil import PortNotOpenError, SerialTimeoutException

from .. import octets_only
from .dlc_handle import DlcHandle
from .receive_buffer import ReceiveBuffer
from .waiting import Deadline

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_PIECE = 16384  # about what is queued at a time: what is not taken is copied for nothing
_READ = 65536
_XONXOFF_PIECE = 64  # XOFF cannot stop what is queued, so only a little is queued


class ChannelStream(serial.SerialBase):
    """The part of a `VirtualUart` that needs only the open near end of a DLC."""

    _handle: DlcHandle | None = None
    _read_cancelled = False
    _write_cancelled = False

    def _opened(self) -> DlcHandle:
        if not self.is_open or self._handle is None:
            raise self._not_open()
        return self._handle

    def _not_open(self) -> PortNotOpenError:
        """Create the exception for a port that is not open, which says what to do."""
        error = PortNotOpenError()
        named = self.portstr is not None
        error.args = (f"{self.name}: the port is not open: open() opens it" if named else f"{error}: give it a URL",)
        return error

    # --- Reading ---

    def read(self, size: int = 1) -> bytes:
        """Read octets as pyserial does.

        Args:
            size: how many; fewer are returned when ``timeout`` or ``inter_byte_timeout`` runs out, or on `cancel_read`.

        Returns:
            The octets.

        Raises:
            DlcClosed: the peer closed the DLC, and nothing is left to read.
            SessionEnded: the line died, and nothing is left to read.
        """
        return self._receive(lambda buffer: size if len(buffer) >= size else None, size)

    def read1(self, size: int = _READ) -> bytes:
        """Read what is there, as `io.BufferedReader.read1` does: it waits for the first octet only.

        Args:
            size: the most octets to return.

        Returns:
            The octets; none when ``timeout`` runs out, or on `cancel_read`.

        Raises:
            DlcClosed: see `read`.
            SessionEnded: see `read`.
        """
        return self._receive(lambda buffer: min(len(buffer), size) or None, 1)

    def wait_with(self, others: Mapping[int, int], *, octets: bool) -> dict[int, int]:
        """Wait until a descriptor is ready, or until octets can be read; see `watch` for what else ends the wait.

        Who has called it may not wait in any other way until it has called the function that `watch` returned: it may
        be the one who reads the line.

        Args:
            others: the descriptors, each with its events.
            octets: whether to wait for octets, too.

        Returns:
            The descriptors that are ready, with their events; perhaps none.

        Raises:
            DlcClosed: see `read`.
            SessionEnded: see `read`.
        """
        handle = self._opened()
        if octets and handle.buffer:
            return {}
        if not handle.up:
            raise handle.reason(was_open=True)
        return handle.wait_with(others)

    def watch(self, watcher: Callable[[], object]) -> Callable[[], object]:
        """Have a function called when octets have come, when there is room for some, and when the state has changed.

        Args:
            watcher: called from any thread; it may not wait.

        Returns:
            What ends that, and what `wait_with` has begun.
        """
        handle = self._opened()
        with handle.condition:
            handle.condition.watchers.append(watcher)

        def end() -> None:
            handle.condition.watchers.remove(watcher)
            handle.cease()

        return end

    def read_until(self, expected: bytes = b"\n", size: int | None = None) -> bytes:
        """Read up to and including a sequence.

        Args:
            expected: the sequence.
            size: the most octets to read; None: no limit.

        Returns:
            Octets that end with `expected`; or fewer, if the time ran out or `size` was reached.
        """
        searched = 0

        def found(buffer: ReceiveBuffer) -> int | None:
            nonlocal searched
            at = buffer.find(expected, max(0, searched - len(expected) + 1), size)
            searched = len(buffer)
            if at >= 0:
                return at + len(expected)
            return size if size is not None and searched >= size else None

        return self._receive(found)

    def _receive(self, found: Callable[[ReceiveBuffer], int | None], size: int = 0) -> bytes:
        """Wait for octets and take them.

        Args:
            found: tells how many to take; None: wait for more. Called with the condition held.
            size: how many to wait for; 0: more than there are.
        """
        handle = self._opened()
        deadline = Deadline(self.timeout)
        waited = False
        got: list[bytes] = []
        try:
            while True:
                with handle.condition:
                    count = found(handle.buffer)
                    if count is None:
                        left = self._left(handle, deadline, was_open=waited)
                        if left is not None and left <= 0:
                            count = len(handle.buffer)
                    if count is not None:
                        handle.buffer.take(count, got)
                        handle.taken()
                        return got[0]
                    waited = True
                    reader = handle.wait(size or len(handle.buffer) + 1, left)
                if reader is not None:
                    handle.lead(reader, left)
        except BaseException:
            handle.interrupted(got)
            raise

    def _left(self, handle: DlcHandle, deadline: Deadline, *, was_open: bool) -> float | None:
        """Return the seconds to wait for more octets; the caller holds the condition."""
        if not self.is_open:
            raise self._not_open()
        if self._read_cancelled:
            self._read_cancelled = False
            return 0.0
        buffer = handle.buffer
        if not handle.up:
            if buffer:
                return 0.0
            raise handle.reason(was_open=was_open)
        left = deadline.left()
        if buffer and self.inter_byte_timeout is not None:
            gap = buffer.arrived_at + self.inter_byte_timeout - time.monotonic()
            left = gap if left is None else min(left, gap)
        return left

    @property
    def in_waiting(self) -> int:
        """The number of octets that can be read without waiting."""
        return len(self._opened().buffer)

    def reset_input_buffer(self) -> None:
        """Discard what has been received and not read."""
        handle = self._opened()
        with handle.condition:
            handle.buffer.clear()
            handle.taken()

    def cancel_read(self) -> None:
        """End a `read` that waits in another thread; if none does, the next one that would wait."""
        handle = self._handle
        if handle is not None:
            waits_for_data = self.is_open
            with handle.condition:  # who waits for the channel to come back is woken, too
                self._read_cancelled |= waits_for_data
                handle.condition.notify_all()

    # --- Writing ---

    def write(self, data: ReadableBuffer, /) -> int:
        """Queue octets, and wait for room when there is none.

        Args:
            data: the octets.

        Returns:
            How many were queued: all of them, except with a ``write_timeout`` of 0 or after `cancel_write`.

        Raises:
            TypeError: it is text, or nothing like octets.
            serial.SerialTimeoutException: ``write_timeout`` ran out; part of the octets may have been sent.
            DlcClosed: the peer closed the DLC.
            SessionEnded: the line died.
        """
        octets = data if type(data) is bytes else octets_only.octets(data)
        handle = self._opened()
        deadline = Deadline(self.write_timeout)
        done = 0
        was_open = False
        try:
            while done < len(octets):
                piece = octets[done : done + (_XONXOFF_PIECE if handle.buffer.xonxoff else _PIECE)]
                if handle.buffer.xonxoff:
                    handle.wait_sent(lambda: self._write_cancelled or not self.is_open, deadline.left())
                taken = self._write_once(handle, piece, deadline, was_open=was_open)
                handle.engine.push()
                if taken is None:
                    break
                was_open = True
                done += taken
        except BaseException:
            handle.engine.wake()  # for what has been queued
            raise
        return done

    def _write_once(self, handle: DlcHandle, piece: bytes, deadline: Deadline, *, was_open: bool) -> int | None:
        """Queue octets or wait; return None when no more is to be written."""
        with handle.condition:
            if not self.is_open:
                raise self._not_open()
            if not handle.up:
                raise handle.reason(was_open=was_open)
            stopped = handle.buffer.xonxoff and (handle.buffer.held or self._queued(handle))
            taken = 0 if stopped else handle.send(piece)
            if taken == len(piece):
                return taken
            if self._write_cancelled or self.write_timeout == 0:
                self._write_cancelled = False
                return taken or None
            # The condition has been held since send(), so Writable cannot slip in between.
            if not taken and not handle.condition.room.wait(deadline.left()):
                raise SerialTimeoutException("Write timeout")
            return taken

    def _queued(self, handle: DlcHandle) -> bool:
        return handle.engine.call(lambda core, now: core.unsent(handle.dlci)) > 0

    @property
    def out_waiting(self) -> int:
        """The number of octets that wait to be sent."""
        handle = self._opened()
        return handle.engine.call(lambda core, now: core.unsent(handle.dlci))

    def flush(self) -> None:
        """Wait until everything that was written has been passed to the line.

        Raises:
            serial.SerialTimeoutException: it took longer than ``write_timeout``.
            DlcClosed: the peer closed the DLC first.
            SessionEnded: the line died first.
        """
        handle = self._opened()
        if not handle.engine.wait_written(handle.dlci, self.write_timeout):
            if not handle.up or handle.engine.error is not None:
                raise handle.reason(was_open=True)
            raise SerialTimeoutException("Write timeout")

    def reset_output_buffer(self) -> None:
        """Discard what has been written and not sent."""
        handle = self._opened()
        with handle.condition:
            handle.engine.call(lambda core, now: core.discard(handle.dlci))
            handle.condition.notify_all()

    def cancel_write(self) -> None:
        """End a `write` that waits in another thread; if none does, the next one that would wait."""
        handle = self._handle
        if handle is not None and self.is_open:
            with handle.condition:
                self._write_cancelled = True
                handle.poke()

    # --- For select ---

    def fileno(self) -> int:
        """Return a descriptor for ``select``; for reading and writing use `read` and `write`.

        Returns:
            The descriptor, the same one until the port is closed: readable while octets wait or the DLC is gone,
            writable while octets can be written.
        """
        handle = self._opened()
        with handle.condition:
            return handle.fileno()
