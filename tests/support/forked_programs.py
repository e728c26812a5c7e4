"""Programs of this project that begin at once: forked by one interpreter that has imported what they need.

To start an interpreter and to import takes longer than most programs of these tests run, and there are hundreds.
A `Forked` is a process of its own all the same, with its arguments, environment, folder, streams and signals. What is
about starting itself (entry points, closed streams, variables that the interpreter reads) takes `subprocess.Popen`.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
"""Signals that a program ignores where who starts it does."""
_STATUS = struct.Struct("i")
_LONGEST = 1 << 20  # octets of an order


# --- Who starts programs ---------------------------------------------------------------------------------------------


class _Nursery:
    """The interpreter that forks programs; it ends with this process."""

    def __init__(self) -> None:
        self.line, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )
        atexit.register(self.close)

    def close(self) -> None:
        self.line.close()
        self._process.wait()


_nursery: list[_Nursery] = []


def begin() -> None:
    """Start the interpreter that forks, unless it runs already."""
    if not _nursery:
        _nursery.append(_Nursery())


def descriptors() -> int:
    """Return how many descriptors are those to the interpreter that forks, which stays: no test has left them."""
    return len(_nursery)


class Forked(subprocess.Popen[Any]):
    """``[sys.executable, "-m", MODULE, …]`` as a `subprocess.Popen`, without a new interpreter."""

    _status = -1

    def _execute_child(self, args: list[str], *rest: Any) -> None:  # type: ignore[override]
        # The parameters of Popen's own method, in its order.
        executable, preexec_fn, _, pass_fds, cwd, env, _, _, shell, *streams = rest
        read, gone_in, written, gone_out, erred, gone_err = streams[:6]
        ours = (args[:2] == [sys.executable, "-m"], executable, preexec_fn, *pass_fds, shell)
        assert ours == (True, None, None, False), "a program that only subprocess.Popen can start"
        begin()
        order = {
            "module": args[2],
            "arguments": [os.fspath(one) for one in args[3:]],
            "environment": dict(os.environ if env is None else env),
            "folder": os.fspath(cwd or Path.cwd()),
            "ignored": [number for number in IGNORED if signal.getsignal(number) is signal.SIG_IGN],
        }
        fds = [own if given < 0 else given for own, given in enumerate((read, gone_out, gone_err))]
        self._status, theirs = os.pipe()
        line = _nursery[0].line
        octets = json.dumps(order).encode() + b"\n"
        sent = socket.send_fds(line, [octets], [*fds, theirs])
        line.sendall(octets[sent:])
        os.close(theirs)
        self.pid = self._next_number()
        self._child_created = True
        self._close_pipe_fds(read, gone_in, written, gone_out, erred, gone_err)

    def _next_number(self) -> int:
        octets = os.read(self._status, _STATUS.size)
        assert len(octets) == _STATUS.size, "the interpreter that forks has died"
        number: int = _STATUS.unpack(octets)[0]
        return number

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        if wait_flags & os.WNOHANG and not select.select([self._status], [], [], 0)[0]:
            return 0, 0
        status = self._next_number()
        os.close(self._status)
        return self.pid, status

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        if self.returncode is None and self._child_created and self._waitpid_lock.acquire(False):
            try:
                if self.returncode is None:
                    pid, status = self._try_wait(os.WNOHANG)
                    if pid == self.pid:
                        self._handle_exitstatus(status)
            finally:
                self._waitpid_lock.release()
        return self.returncode


# --- The interpreter that forks them ---------------------------------------------------------------------------------


def _serve(line: socket.socket) -> dict[str, Any] | None:
    """Fork programs until there is nobody to order any; return the order in each of them."""
    running: dict[int, int] = {}
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the programs get it as well
    while True:
        ready, _, _ = select.select([line, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _report_ends(running)
        if line not in ready:
            continue
        octets, fds, _, _ = socket.recv_fds(line, _LONGEST, 4)
        if not octets:
            return None
        while not octets.endswith(b"\n"):
            octets += line.recv(_LONGEST)
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            line.detach()
            for number, fd in enumerate(fds[:3]):
                os.dup2(fd, number)
            os.closerange(3, max(int(name) for name in os.listdir("/dev/fd")) + 1)
            order: dict[str, Any] = json.loads(octets)
            return order
        for fd in fds[:3]:
            os.close(fd)
        running[pid] = fds[3]
        os.write(fds[3], _STATUS.pack(pid))


def _report_ends(running: dict[int, int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        report = running.pop(pid)
        with contextlib.suppress(BrokenPipeError):  # nobody wants to know
            os.write(report, _STATUS.pack(status))
        os.close(report)


def _become(order: dict[str, Any]) -> None:
    """Be the program that was ordered."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in IGNORED:
        usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN if number in order["ignored"] else usual)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    sys.stdin = sys.__stdin__ = open(0)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w")  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", buffering=1, errors="backslashreplace")  # noqa: SIM115
    sys.argv[1:] = order["arguments"]
    runpy.run_module(order["module"], run_name="__main__", alter_sys=True)


def _import_all() -> None:
    """Import what the commands of this project need."""
    import cmux.aio
    import cmux.cli.running
    from drivers.cli.subcommands import COMMANDS

    for command in (*COMMANDS, *cmux.cli.COMMANDS):
        importlib.import_module(command.module)


if __name__ == "__main__":
    _import_all()
    ordered = _serve(socket.socket(fileno=int(sys.argv[1])))
    if ordered is None:
        os.kill(os.getpid(), signal.SIGKILL)  # the branches that it has taken itself are no test's
    else:
        _become(ordered)
