"""The modules of one process by their phone numbers, and what they tell each other: calls, messages."""

from __future__ import annotations

import asyncio
import os
import re
import weakref
from collections.abc import Callable
from typing import Any, Final, TypeVar

from cmux.forks import Lock

S = TypeVar("S")

MOST: Final = 4096
"""Modules that can have a number at the same time."""
MOST_SIGNALS: Final = 256
"""Signals that wait for a module, beyond which further ones are lost and counted."""

_NUMBER = re.compile(r"\+[1-9][0-9]{2,14}")  # E.164 has 15 digits at most
_DIALLED = re.compile(r"\+?[0-9*#]{1,40}")
_FIRST_FREE = 99970000001  # E.164 has given the country code 999 to nobody


def number_of(text: str) -> str:
    """Return the phone number of a module.

    Args:
        text: a plus sign and 3 to 15 digits (E.164).

    Raises:
        ValueError: it is something else.
    """
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"a phone number is + and 3 to 15 digits, not {text!r}")
    return text


def dialled(text: str) -> str:
    """Return a number as it can be dialled: of any length that a network takes, with or without a plus sign.

    Args:
        text: 1 to 40 digits, ``*`` and ``#``.

    Raises:
        ValueError: it is something else.
    """
    if _DIALLED.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a number that can be dialled")
    return text


def type_of(number: str) -> int:
    """Return the type of a number: 145 with a plus sign, 129 without, 128 where it is withheld (24.008 10.5.4.7)."""
    if not number:
        return 128
    return 145 if number.startswith("+") else 129


class Subscriber:
    """Represents one module to the others of its process.

    Args:
        number: as in `number_of`.
    """

    def __init__(self, number: str) -> None:
        self.number: str = number
        self.lost: int = 0
        """Signals that came when `MOST_SIGNALS` waited."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {}
        self._lock = Lock()
        self._waiting = 0

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.number}>"

    def on(self, kind: type[S], handler: Callable[[S], None]) -> None:
        """Call a function, in the module's loop, with each signal of a kind that comes; one of no kind is ignored."""
        self._handlers[kind] = handler

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let signals in, and hand them to the module in its loop."""
        with self._lock:
            self._loop = loop

    def close(self) -> None:
        """Let no more signals in."""
        with self._lock:
            self._loop = None
        self._handlers.clear()

    def send(self, signal: object) -> bool:
        """Tell the module something; any thread may do so.

        Args:
            signal: of a kind that a part of the module listens to, and that nobody changes.

        Returns:
            False when the module has ended, or too much waits for it already.
        """
        with self._lock:
            loop = self._loop
            if loop is None or loop.is_closed():
                return False
            if self._waiting >= MOST_SIGNALS:
                self.lost += 1
                return False
            try:
                loop.call_soon_threadsafe(self._arrived, signal)
            except RuntimeError:  # it was closed at this moment
                return False
            self._waiting += 1
        return True

    def _arrived(self, signal: object) -> None:
        with self._lock:
            self._waiting -= 1
        handler = self._handlers.get(type(signal))
        if handler is not None:
            handler(signal)


class Subscribers:
    """Knows the modules of the process by their numbers; any thread may ask."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: weakref.WeakValueDictionary[str, Subscriber] = weakref.WeakValueDictionary()
        self._process = os.getpid()

    def __len__(self) -> int:
        with self._lock:
            return len(self._mine())

    def enter(self, number: str | None) -> Subscriber:
        """Give a module its number.

        Args:
            number: as in `number_of`; None for the lowest of those kept for modules without one of their own.

        Returns:
            What `leave` takes, when the module ends.

        Raises:
            ValueError: another module has the number, or `MOST` modules have one.
        """
        with self._lock:
            known = self._mine()
            if len(known) >= MOST:
                raise ValueError(f"{MOST} modules have a phone number already, and no more can")
            if number is None:
                number = next(
                    free for free in map("+{}".format, range(_FIRST_FREE, _FIRST_FREE + MOST + 1)) if free not in known
                )
            elif number in known:
                raise ValueError(f"another module of this process has the phone number {number}")
            known[number] = subscriber = Subscriber(number)
            return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        """Take the number of a module that has ended."""
        subscriber.close()
        with self._lock:
            known = self._mine()
            if known.get(subscriber.number) is subscriber:
                del known[subscriber.number]

    def find(self, number: str) -> Subscriber | None:
        """Return the module that a dialled number reaches, or None.

        Args:
            number: with a plus sign, with 00 in its place, or the same digits with neither.
        """
        digits = number[1:] if number.startswith("+") else number.removeprefix("00")
        with self._lock:
            return self._mine().get(f"+{digits}")

    def _mine(self) -> weakref.WeakValueDictionary[str, Subscriber]:
        """Return the modules of this process: after a fork those of the parent are not."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._known = weakref.WeakValueDictionary()
        return self._known


SUBSCRIBERS: Final = Subscribers()
"""Those of this process."""
