"""Becomes a program on the pseudo-terminal that is its standard input; runs as a script of its own.

Between fork and exec nothing may run in a process with threads, so what a session leader needs is done by a program.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys

_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux
_DEFAULT = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGPIPE")


def main(arguments: list[str]) -> int:
    """Take the terminal, die with the parent, and become the program.

    Args:
        arguments: the number of the parent's process, then the program and its arguments.

    Returns:
        127 when it cannot be executed; a line on standard error says why.
    """
    import fcntl
    import termios

    parent, program = int(arguments[0]), arguments[1:]
    for name in _DEFAULT:  # one who was started with nohup ignores some
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    _die_with_parent()
    if os.getppid() != parent:
        return 0  # it has gone already
    try:
        os.execv(program[0], program)  # noqa: S606 - that is what the user wants
    except OSError as error:
        print(f"{program[0]}: {error.strerror}", file=sys.stderr)
        return 127


def _die_with_parent() -> None:
    """Ask Linux for SIGKILL when the thread ends that has started this."""
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
