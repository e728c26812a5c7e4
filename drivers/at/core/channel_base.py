"""The part that AT channels on threads and in asyncio share: the engine, its users, its counters, and its end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from os import PathLike

from ...clock import Clock, SystemClock
from ...errors import AtError, ChannelClosed, DriverError, InvalidType
from ...logs import port_logger
from ...wording import retold, unnamed
from .engine import Engine
from .sink import Sink

MAX_CALLBACKS = 1024
"""Callbacks that wait, or run in asyncio, at the most."""
LINE_ERRORS = (OSError, ValueError, TypeError, EOFError)
"""The exceptions of a port that is lost: those of pyserial raise any of them, depending on the moment."""


def check_port(port: object, wanted: str, *, able: bool, otherwise: str = "") -> None:
    """Check that what a channel is to run on is of the right kind.

    Args:
        port: what was given.
        wanted: what is wanted, in messages.
        able: whether it can be read and written.
        otherwise: what to do with it instead, if it is something of the other shell.

    Raises:
        InvalidType: it cannot.
    """
    if not able:
        opened = ": open it first" if isinstance(port, str | PathLike) else ""
        opened = ": take one of its channels" if hasattr(port, "channel") else opened
        if isinstance(port, Coroutine):
            port.close()  # else Python warns that nobody has awaited it
            opened = ": await it"
        raise InvalidType(f"a port is {wanted}, not {port!r}{otherwise or opened}")


def check_seconds(seconds: float) -> float:
    """Return a time to wait.

    Raises:
        InvalidType: it is not a number.
    """
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds != seconds:
        raise InvalidType(f"a timeout is a number of seconds, not {seconds!r}")
    return seconds


class ChannelBase(ABC):
    """The part of a channel that neither reads nor waits.

    Args:
        name: the name of the port in messages.
        clock: the source of time.
    """

    _lock: AbstractContextManager[object]
    """The lock of the engine."""

    def __init__(self, name: str, clock: Clock | None) -> None:
        self.name = name
        self._clock: Clock = clock or SystemClock()
        self._log = port_logger(name)
        self._engine = Engine(name)
        self._holders = 0

    def __repr__(self) -> str:
        failure = self._engine.failure
        state = f"closed ({failure})" if failure is not None else "open" if self._engine.prepared else "not used yet"
        return f"<{type(self).__name__} {self.name}: {state}>"

    @property
    def clock(self) -> Clock:
        """The source of time."""
        return self._clock

    @property
    @abstractmethod
    def _modem(self) -> object:
        """The object that identifies the modem."""

    @property
    @abstractmethod
    def _dlci(self) -> int | None:
        """The DLCI of the channel; None if it is not a DLC."""

    @property
    def _call_ended(self) -> bool:
        """Whether the line that came last has ended a call of this channel."""
        return self._engine.calls.ended

    @property
    def _came(self) -> str:
        """The lines that came since the last command, for messages."""
        return ", ".join(self._engine.heard) or "nothing"

    @property
    def closed(self) -> bool:
        """Whether the channel was closed or its line died."""
        return self._engine.failure is not None

    def stats(self) -> dict[str, int]:
        """Return the counters: unclaimed lines and octets, stale answers, damaged lines, octets without room."""
        with self._lock:
            lexer = self._engine.lexer
            return {
                **self._engine.counters,
                "overlong": lexer.overlong,
                "truncated": lexer.truncated,
                "discarded": lexer.discarded,
            }

    def add_sink(self, sink: Sink) -> None:
        """Add a sink for unsolicited results and data.

        Args:
            sink: its methods run on the reader, and return at once.
        """
        with self._lock:
            self._engine.add_sink(sink)
            if self._engine.failure is not None:
                sink.lost(self._engine.failure)

    def remove_sink(self, sink: Sink) -> None:
        """Remove a sink; has no effect if it is not there.

        Args:
            sink: the sink.
        """
        with self._lock:
            self._engine.remove_sink(sink)

    def _retain(self) -> None:
        """Add a user of this channel; `_release` removes one."""
        with self._lock:
            self._holders += 1

    def _let_go(self) -> bool:
        """Remove a user; return True if it was the last one."""
        with self._lock:
            self._holders -= 1
            return self._holders <= 0

    def _room_made(self) -> None:
        """Continue to read after a sink was congested."""
        with self._lock:
            self._wake()

    def set_dtr(self, on: bool) -> None:
        """Set DTR of the UART, by MSC on a DLC.

        Args:
            on: whether DTR is on.

        Raises:
            AtError: the port has no DTR.
            ChannelClosed: the line is gone.
        """
        with self._using("DTR could not be set"):
            there = self._put_dtr(on)
        if not there:
            raise AtError(f"{self.name}: the port has no DTR; use escape='+++'")

    @abstractmethod
    def _put_dtr(self, on: bool) -> bool:
        """Set DTR; return False if the port has none."""

    # -- its end ---------------------------------------------------------------------------------------------------

    @abstractmethod
    def _wake(self) -> None:
        """Make all waiters check the engine again; called with the lock held."""

    def _end(self) -> None:
        """End all waits, because this side closes the channel."""
        with self._lock:
            self._engine.line_lost(ChannelClosed(f"{self.name}: the channel was closed"))
            self._wake()

    def _lose(self, cause: BaseException, what: str = "") -> None:
        """End all waits, because the line died; does nothing if the channel has ended already.

        Args:
            cause: the exception that is chained.
            what: the reason in the message; by default the text of the exception.
        """
        failure = ChannelClosed(
            f"{self.name}: the line died: {what or unnamed(self.name, cause) or type(cause).__name__}"
        )
        failure.__cause__ = cause
        with self._lock:
            if not self.closed:
                self._log.info("%s", failure)
            self._engine.line_lost(failure)
            self._wake()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """End the channel with its reader, whatever ends that: without it nothing is received any more."""
        try:
            yield
        except LINE_ERRORS as error:
            self._lose(error)
        except GeneratorExit:  # discarded with its event loop, so nothing can wait any more
            raise
        except BaseException as error:
            if not self.closed:
                self._lose(error, f"the reader was ended by {error!r}")
            if not isinstance(error, Exception):  # an interruption is passed on
                raise
            self._log.exception("a sink failed")

    @contextmanager
    def _using(self, failed: str) -> Iterator[None]:
        """End the channel if the port fails in the ``with`` block.

        Args:
            failed: what could not be done.

        Raises:
            ChannelClosed: the port failed.
        """
        try:
            yield
        except LINE_ERRORS as error:
            self._lose(error)
            raise ChannelClosed(retold(self.name, error, f"{failed}: ")) from error

    @contextmanager
    def _in_background(self) -> Iterator[None]:
        """Log an exception of a callback in the ``with`` block, so that it ends nothing else."""
        try:
            yield
        except DriverError as error:
            self._log.warning("%s", error)
        except Exception:  # noqa: BLE001 - a callback of the user may raise anything
            self._log.exception("a callback failed")
