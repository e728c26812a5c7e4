"""A channel as a pty with modem control: a call that ends hangs up on the client, and a client that leaves ends it."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable
from typing import Final

import serial

from ..errors import CmuxError
from ..inotify import OpenWatch
from ..protocol import waits
from ..pty import OWNER_ONLY
from .bridge import PtyBridge
from .virtual_uart import VirtualUart

_READ_SIZE = 4096
_FULL_WAIT: Final = 0.2
"""Seconds until a pty that was full is tried again: while it has no client, poll does not tell whether it has room."""
_EVENT_WAIT: Final = 0.05
"""Seconds after which a client that comes has been told of, while the pty says already that it is there."""
_TOLD: Final = 2.0
"""Seconds that the peer has to answer a message about signals, before data goes on without that."""
_LINGER: Final = 5.0
"""Seconds that what a client has written before it left is kept for a peer that takes none of it."""


class HangupBridge(PtyBridge):
    """A `PtyBridge` on which the peer's DV and the clients of the pty end each other's calls (Linux only).

    When the peer drops DV, or the line is lost, the client is hung up: the pty is closed, and a new one takes its place
    under the same link, which is the only way on Linux. When the last client has left, RTC is off for `waits.HANG_UP`,
    what nobody has read is thrown away, and what the next client writes waits until RTC is on again.

    Args:
        uart: the open channel; closing it is left to the caller.
        link: where to make a symbolic link.
        on_end: called from one of the threads when the channel is gone.
        mode: who may open the pty; see `Pty`.
        group: its group; see `Pty`.

    Raises:
        FileExistsError: `link` exists and is not a symbolic link.
        OSError: the system has no free pty, or is not Linux.
    """

    _HELD = False

    def __init__(
        self,
        uart: VirtualUart,
        link: str | os.PathLike[str],
        on_end: Callable[[], object] = lambda: None,
        *,
        mode: int = OWNER_ONLY,
        group: int | None = None,
    ) -> None:
        super().__init__(uart, link, on_end, mode=mode, group=group)
        uart.write_timeout = 0
        self._watch = OpenWatch(self._pty.slave_name)
        self._lock = threading.Lock()  # for the pty, its watch and its client
        self._present = False
        self._replaced = False  # all clients have left, and another has come so soon that the pty had none for no time
        self._client = 0  # a number that changes when a client is hung up, whose octets are worth nothing then
        self._writer = 0
        self._dropping = False
        self._has_carrier = False
        self._event_read, self._event_write = self._descriptors.pipe()

    def _work(self) -> dict[str, Callable[[], None]]:
        return {"to_channel": self._to_channel, "to_pty": self._to_pty, "carrier": self._carrier}

    def _release(self) -> None:
        super()._release()
        self._watch.close()

    def hang_up(self) -> None:
        """Hang up on the client, if there is one."""
        with self._lock:
            if not self._present and self._state() == select.POLLHUP:
                return
            self._pty.renew()
            self._watch.close()
            self._watch = OpenWatch(self._pty.slave_name)
            self._present = self._replaced = False
            self._client += 1
        with contextlib.suppress(BlockingIOError):
            os.write(self._event_write, b"x")  # a poll that goes on would keep the old pty alive

    def _carrier(self) -> None:
        _ = self.uart.in_waiting  # raises while the peer has not opened the channel yet: nobody is hung up then
        try:
            self.uart.wait_down(lambda: self._stopping or self.uart.cd != self._has_carrier)
        except OSError:
            self._has_carrier = False
            if not self._stopping:
                self.hang_up()
            raise
        had, self._has_carrier = self._has_carrier, self.uart.cd
        # A call that ends because RTC is off was that of the client that has left, and not of the next one.
        if had and not self._has_carrier and not self._stopping and not self._dropping:
            self.hang_up()

    def _look(self) -> int:
        """Look, with the lock, for what has become of the clients; return what poll says of the pty."""
        seen = self._watch.look()  # asked first: whoever comes in between is seen by poll
        came, replaced = seen.came, seen.replaced
        state = self._state()
        if seen.emptied and not state & select.POLLHUP:  # it is about to be hung up, or the next one has come since
            state = self._state(_EVENT_WAIT, self._watch.fileno())
            seen = self._watch.look()
            came, replaced = came or seen.came, replaced or seen.came
        if state & select.POLLHUP:
            self._watch.clients = 0
        elif seen.emptied and not seen.came:  # the events have told too little
            self._watch.clients = 1
        self._replaced = self._replaced or replaced
        self._present = self._present or came or state != select.POLLHUP
        return state

    def _state(self, timeout: float = 0.0, *others: int) -> int:
        """Return what poll says of the pty; with a time-out, when it is hung up or one of others is readable."""
        poll = select.poll()
        if timeout:
            poll.register(self._pty.master, 0)
            for fd in others:
                poll.register(fd, select.POLLIN)
            poll.poll(round(timeout * 1000))
        poll.register(self._pty.master, select.POLLIN)
        return dict(poll.poll(0)).get(self._pty.master, 0)

    def _await(self, timeout: float | None, *others: tuple[int, int]) -> bool:
        """Wait until the bridge ends, a client was hung up, or one of others (descriptor, events) is ready.

        Returns:
            False when the time was over first.
        """
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        poll.register(self._event_read, select.POLLIN)
        for fd, events in others:
            poll.register(fd, events)
        ready = poll.poll(None if timeout is None else round(timeout * 1000))
        with contextlib.suppress(BlockingIOError):
            os.read(self._event_read, 100)
        return bool(ready)

    def _to_channel(self) -> None:
        while not self._stopping:
            if self._unsent:
                self._write()
                continue
            with self._lock:
                state = self._look()
                present, watch, master = self._present, self._watch.fileno(), self._pty.master
                if state & select.POLLIN and not self._replaced:
                    self._unsent, self._writer = os.read(master, _READ_SIZE), self._client
                    self._look()  # if somebody else has come meanwhile, these may be his
                replaced = self._replaced
            if replaced:
                self._end_call()
            elif state & select.POLLIN:
                self._follow()
            elif not state & select.POLLHUP:
                self._await(None, (master, select.POLLIN), (watch, select.POLLIN))
            elif present:
                self._end_call()
            else:
                self._await(None, (watch, select.POLLIN))

    def _write(self) -> None:
        if self._writer != self._client:
            self._unsent = b""
            return
        taken = self.uart.write(self._unsent)
        self._unsent = self._unsent[taken:]
        if self._unsent and not self._await(_LINGER, (self.uart.fileno(), select.POLLOUT)):
            with self._lock:
                if self._look() & select.POLLHUP or self._replaced:
                    self._unsent = b""

    def _end_call(self) -> None:
        self._dropping = True
        try:
            self._discard()  # the rest of what the call has brought
            self._flush()  # a message about signals goes before what is queued
            self._set_rtc(on=False)
            self._pause(waits.HANG_UP)
            self._discard()
        finally:
            self._dropping = False
            self._set_rtc(on=True)

    def _discard(self) -> None:
        """Throw away what no client has read; who has come or left until now has done so before the next call."""
        with self._lock:
            with contextlib.suppress(CmuxError, OSError):
                self._pty.discard()
                self.uart.reset_input_buffer()
            self._watch.look()  # at ourselves, too
            self._present = self._replaced = False

    def _flush(self) -> None:
        self.uart.write_timeout = _LINGER
        try:
            with contextlib.suppress(serial.SerialTimeoutException):
                self.uart.flush()
        finally:
            self.uart.write_timeout = 0

    def _pause(self, seconds: float) -> None:
        """Wait, but not longer than the bridge lives."""
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        poll.poll(round(seconds * 1000))

    def _set_rtc(self, *, on: bool) -> None:
        with contextlib.suppress(CmuxError, OSError):  # there is no line: it is said when it is back
            self.uart.dtr = on
            self.uart.wait_signals_told(_TOLD)  # where an earlier message is unanswered, data would overtake this one

    def _to_pty(self) -> None:
        while not self._stopping:
            data = self.uart.read1(_READ_SIZE)
            while data and not self._stopping and not self._dropping:  # NO CARRIER is not for the next client
                with self._lock:
                    try:
                        taken = os.write(self._pty.master, data)
                    except BlockingIOError:
                        taken = 0
                data = data[taken:]
                if not taken:
                    self._pause(_FULL_WAIT)
