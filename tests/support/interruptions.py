"""A call that ends early behind octets that it writes: interrupted, cancelled, or abandoned as closing does it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from every_way import Way
from families_lab import InLoop

from drivers.errors import SessionClosed


class _Once:
    """Tells once that a text was among octets."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._seen = bytearray()

    def feed(self, octets: bytes) -> None:
        self._seen += octets

    def came(self) -> bool:
        came = bool(self._text) and self._text in self._seen
        self._text = b"" if came else self._text
        return came


def interrupt_behind(there: Way, driver: Any, octets: bytes, made: Any, name: str, *arguments: object) -> None:
    """Call a method, and interrupt the call as soon as it has sent some octets.

    Args:
        there: where the driver is.
        driver: the driver, of either shell.
        octets: what it is interrupted behind.
        made: the driver, or a session or listener of it.
        name: the method, with its arguments.
        arguments: those.
    """
    once = _Once(octets)
    if isinstance(made, InLoop):

        async def cancelled() -> None:
            task = asyncio.ensure_future(getattr(made._inner, name)(*arguments))

            def note(_: int, direction: str, data: bytes) -> None:
                once.feed(data if direction == "received" else b"")
                if once.came():
                    task.cancel()

            there.module.on_octets(note)
            with pytest.raises(asyncio.CancelledError):
                await task

        made._call(cancelled)
        return
    carry_on = driver.channel._carry_on

    def carry_on_or_not(done: Callable[[], bool], *ticket: Any) -> None:
        def interrupted() -> bool:  # asked after each write, whatever has come by then
            if threading.current_thread() is threading.main_thread() and once.came():
                raise KeyboardInterrupt
            return done()

        carry_on(interrupted, *ticket)

    driver.channel.on_octets(lambda direction, data: once.feed(data if direction == "tx" else b""))
    driver.channel._carry_on = carry_on_or_not
    with pytest.raises(KeyboardInterrupt):
        getattr(made, name)(*arguments)


def abandon_behind(there: Way, driver: Any, octets: bytes, session: Any, name: str, *arguments: object) -> None:
    """Call a method of a session, and abandon the call, as closing the session does, when it has sent some octets."""
    once = _Once(octets)
    inside = isinstance(session, InLoop)
    state = (session._inner if inside else session)._state
    runner = (driver._inner if inside else driver)._runner

    def note(data: bytes) -> None:
        once.feed(data)
        if once.came():
            runner.abandon(lambda: SessionClosed("abandoned"), of=state)

    if inside:
        there.module.on_octets(lambda _, direction, data: note(data if direction == "received" else b""))
    else:
        driver.channel.on_octets(lambda direction, data: note(data if direction == "tx" else b""))
    with pytest.raises(SessionClosed, match="abandoned"):
        getattr(session, name)(*arguments)
