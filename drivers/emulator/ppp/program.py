"""One run of the program: on a pseudo-terminal of its own, with octets in both directions, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

log: logging.Logger = logging.getLogger(__name__)

HANG_UP_WAIT: Final = 1.0
"""Seconds between SIGHUP and SIGKILL."""
HELD: Final = 4096
"""Octets of the program that wait for the UART before its terminal is no longer read."""
LEFT: Final = 1 << 17
"""The same of one whose process has ended: more than any system keeps in a terminal, so that no octet of it is lost."""
_PORTION = 1500
_LAST_WORDS = 400  # characters of standard error that are kept
_LAST_WAIT = 0.5  # seconds between the end of the terminal and that of the process, whichever comes first
_LAUNCHER = Path(__file__).with_name("launcher.py")


class PppProgram:
    """Runs a program as the leader of a session whose terminal is a pseudo-terminal.

    Its standard input and output are that terminal, raw; what it says on standard error is logged. Make one with
    `start`.

    Args:
        loop: the running loop.
        name: what logs call it.
        changed: called when there is something to take, and once it has ended.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str, changed: Callable[[], None]) -> None:
        self._loop = loop
        self._name = name
        self.lost: int = 0  # octets that came when it had ended
        self._changed = changed
        self._master = -1
        self._received = bytearray()
        self._reading = self._hung_up = False
        self._unsent = b""
        self._sent: Callable[[bool], None] | None = None
        self._said = b""
        self._timer: asyncio.TimerHandle | None = None
        self._process: asyncio.SubprocessTransport | None = None
        self.exited: asyncio.Future[None] = loop.create_future()
        """Done when the process has ended and was reaped."""

    def __repr__(self) -> str:
        state = "ended" if self.exited.done() else "hung up" if self._hung_up else "running"
        return f"<{type(self).__name__} {self._name}: {state}>"

    @classmethod
    async def start(
        cls, command: tuple[str, ...], changed: Callable[[], None], loop: asyncio.AbstractEventLoop
    ) -> PppProgram:
        """Start the program.

        Args:
            command: the path of the program and its arguments.
            changed: called when there is something to take, and once it has ended.
            loop: the running loop, whose thread has to outlive the program.

        Raises:
            OSError: there is no pseudo-terminal or no process to be had.
        """
        import tty

        program = cls(loop, os.path.basename(command[0]), changed)
        program._master, slave = os.openpty()
        try:
            tty.setraw(slave)
            os.set_blocking(program._master, False)
            await loop.subprocess_exec(
                lambda: _Watcher(program._begun, program._heard, program._ended),
                *(sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), *command),
                stdin=slave,
                stdout=slave,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except BaseException:
            program._close()
            raise
        finally:
            os.close(slave)
        program._read_on()
        return program

    @property
    def returncode(self) -> int | None:
        """How the process has ended, negative for a signal; None while it runs."""
        return None if self._process is None else self._process.get_returncode()

    # As the stream of a data call

    @property
    def connected(self) -> bool:
        """Whether it takes octets, or has written some that were not taken."""
        return self._master >= 0 or bool(self._received)

    def take_raw(self) -> bytes:
        """Return octets that it has written; an empty value when there are none."""
        data = bytes(self._received[:_PORTION])
        del self._received[: len(data)]
        self._read_on()
        return data

    def send(self, data: bytes, done: Callable[[bool], None]) -> None:
        """Write octets to it; call ``done`` once it has taken them, or has ended and they are lost."""
        self._unsent, self._sent = data, done
        self._write()

    def hang_up(self) -> None:
        """Hang up on it: SIGHUP, and SIGKILL when it still runs `HANG_UP_WAIT` seconds later."""
        self._received.clear()
        self._close()
        self._end()

    # Its terminal

    def _read_on(self) -> None:
        """Read its terminal as long as not too much waits to be taken."""
        wanted = self._master >= 0 and len(self._received) < HELD
        if wanted != self._reading:
            self._reading = wanted
            if wanted:
                self._loop.add_reader(self._master, self._readable)
            elif self._master >= 0:
                self._loop.remove_reader(self._master)

    def _readable(self) -> None:
        try:
            data = os.read(self._master, HELD)
        except BlockingIOError:
            return
        except OSError:  # EIO: nobody has the other side open
            data = b""
        if not data:
            self._over()
            return
        self._received += data
        self._read_on()
        self._changed()

    def _write(self) -> None:
        try:
            while self._unsent and self._master >= 0:
                self._unsent = self._unsent[os.write(self._master, self._unsent) :]
        except BlockingIOError:
            self._loop.add_writer(self._master, self._write)
            return
        except OSError:  # the other side is closed, which reading notices, too
            pass
        if self._master >= 0:
            self._loop.remove_writer(self._master)
        self._done()

    def _done(self) -> None:
        """Tell the sender that its octets are gone, to the program or, once it has ended, to nobody."""
        self.lost += len(self._unsent)
        self._unsent = b""
        done, self._sent = self._sent, None
        if done is not None:
            done(True)

    def _close(self) -> None:
        """Close this side of the terminal, which hangs up on whoever has the other one."""
        if self._master < 0:
            return
        self._loop.remove_reader(self._master)
        self._loop.remove_writer(self._master)
        os.close(self._master)
        self._master, self._reading = -1, False
        self._done()

    def _over(self) -> None:
        """Let it end, as it has closed its terminal or has ended already; what it has written is still taken."""
        if self._master < 0:
            return  # told before, or hung up on
        self._close()
        if not self.exited.done():
            self._again(_LAST_WAIT, self._end)
        self._changed()

    def _end(self) -> None:
        if self._hung_up:
            return
        self._hung_up = True
        if not self.exited.done():
            self._signal(signal.SIGHUP)
            self._again(HANG_UP_WAIT, lambda: self._signal(signal.SIGKILL))

    # Its process

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to all processes of its group."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.get_pid(), number)

    def _again(self, seconds: float, work: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, work)  # a process knows no other clock

    def _begun(self, process: asyncio.SubprocessTransport) -> None:
        self._process = process
        log.info("%s runs as process %d", self._name, process.get_pid())

    def _heard(self, data: bytes) -> None:
        self._said = (self._said + data)[-_LAST_WORDS:]
        log.debug("%s says %r", self._name, data[:_LAST_WORDS])

    def _ended(self) -> None:
        """Note that the process has ended; what it has left behind in its group is killed."""
        self._signal(signal.SIGKILL)
        code = self.returncode
        words = self._said.decode("utf-8", "replace").strip().splitlines()
        log.log(
            logging.INFO if self._hung_up or not code else logging.WARNING,
            "%s has ended with %s%s",
            self._name,
            code,
            f": {words[-1]}" if words else "",
        )
        if self._timer is not None:
            self._timer.cancel()
        if self._process is not None:
            self._process.close()
        if not self.exited.done():
            self.exited.set_result(None)
        if self._master >= 0:
            self._again(_LAST_WAIT, self._over)  # a process outside its group may still have its terminal open
            self._take_left()
            self._changed()

    def _take_left(self) -> None:
        """Read what the process has left in its terminal, which does not stay open until a slow host has taken it."""
        with contextlib.suppress(OSError):
            while len(self._received) < LEFT and (data := os.read(self._master, HELD)):
                self._received += data


class _Watcher(asyncio.SubprocessProtocol):
    """Passes on that a process has begun, what it says on standard error, and its end."""

    def __init__(
        self,
        begun: Callable[[asyncio.SubprocessTransport], None],
        heard: Callable[[bytes], None],
        ended: Callable[[], None],
    ) -> None:
        self._begun = begun
        self._heard = heard
        self._ended = ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._begun(cast(asyncio.SubprocessTransport, transport))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._heard(data)

    def process_exited(self) -> None:
        self._ended()
