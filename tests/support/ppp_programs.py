"""Programs at the other end of data calls, in place of pppd and slirp, and whether their processes are left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator

from emulator_host import PATIENCE, Terminal


def kernel_has_ppp() -> bool:
    """Whether /dev/ppp can be opened: containers have the name sometimes, and no driver behind it."""
    try:
        os.close(os.open("/dev/ppp", os.O_RDWR))
    except OSError:
        return False
    return True


def python(code: str) -> tuple[str, ...]:
    """Return a program that runs code in which ``os``, ``signal`` and ``time`` are known."""
    return (sys.executable, "-I", "-S", "-u", "-c", f"import os, signal, time\n{code}")


_TELL = "os.write(1, b'%d.' % os.getpid())\n"
_ECHO = "while True:\n  try: data = os.read(0, 4096)\n  except OSError: break\n  os.write(1, data)\n"

ECHO = python(_TELL + _ECHO)
"""Says the number of its process and a full stop, and then what it hears."""
STUBBORN = python("signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + _TELL + "while True: time.sleep(60)\n")
"""Says the number of its process, hears nothing, and does not end when it is hung up on."""
SLOW = python(
    "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])\n"
    + _TELL
    + "signal.sigwait([signal.SIGUSR1])\n"
    + _ECHO
)
"""Says the number of its process, and reads nothing before it gets SIGUSR1; then as ECHO."""
FLOOD = python("while True: os.write(1, b'flood' * 200)\n")
"""Says more than any line carries."""
BRIEF = python("os.write(1, b'bye'); os.read(0, 1)\n")
"""Says bye, and ends at the first octet that it hears."""


def alive(process: int) -> bool:
    """Whether a process is there, and not just left to be reaped by init."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not os.path.exists("/proc")


async def gone(process: int) -> None:
    """Wait until a process is there no longer."""
    async with asyncio.timeout(PATIENCE):
        while alive(process):  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(0.01)


def wait_until_gone(process: int) -> None:
    """Wait until a process is there no longer, in a test without a loop."""
    until = time.monotonic() + PATIENCE
    while alive(process):
        assert time.monotonic() < until, f"process {process} is left"
        time.sleep(0.01)


async def dialled(uart: Terminal, command: str = "ATD*99#") -> int:
    """Dial, and return the number of the process that has answered."""
    await uart.ask(command, "\r\nCONNECT\r\n")
    return int((await uart.until(b".")).removesuffix(b"."))


@contextlib.contextmanager
def spared_hangups() -> Iterator[None]:
    """Ignore SIGHUP as one who was started with nohup does."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
