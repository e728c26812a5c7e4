"""A child of this process, forked while another thread holds a lock."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager

from driver_lab import PATIENCE


def in_a_child(work: Callable[[], object], close: Callable[[], object], held: AbstractContextManager[object]) -> str:
    """Let a child work and close, and return what it said.

    Args:
        work: what the child does at first; it may raise.
        close: what it does then; it may not.
        held: what another thread of the parent holds meanwhile.

    Returns:
        The exception that `work` raised, its type first, or ``no error``; what `close` raised, if it did, in its place.
        Nothing, if the child hung and was killed by its alarm.
    """
    read, write = os.pipe()
    at_work, forked = threading.Event(), threading.Event()

    def hold() -> None:
        with held:
            at_work.set()
            forked.wait(PATIENCE)

    worker = threading.Thread(target=hold)
    worker.start()
    assert at_work.wait(PATIENCE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that there are threads is what this is about
        child = os.fork()
    if child == 0:
        signal.alarm(round(PATIENCE))
        try:
            said, closed = _said(work), _said(close)
            os.write(write, (said if closed == "no error" else closed).encode())
        finally:
            os._exit(0)
    forked.set()
    worker.join()
    os.waitpid(child, 0)
    os.close(write)
    with open(read, "rb") as pipe:
        return pipe.read().decode()


def _said(function: Callable[[], object]) -> str:
    try:
        function()
    except Exception as error:  # noqa: BLE001 - the caller compares it
        return f"{type(error).__name__}: {error}"
    return "no error"
