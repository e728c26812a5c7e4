"""One driver's hold on its context: claiming it, losing it, and dialogues in its foreground. No I/O, no waiting."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from ..at import Dialogue
from ..errors import AtError, CommandError, ContextBusy, ContextLost, SessionClosed
from . import dialogues
from .context import INITIAL, ContextTable, Lease
from .settings import DEFAULTS
from .unsolicited import Heading

if TYPE_CHECKING:
    from .stack import Stack

T = TypeVar("T")
RETRY = 1.0  # seconds between two AT+QIFGCNT for a context that is busy


@dataclass(frozen=True, slots=True)
class Rest:
    """A wait in a plan, during which the channel is free for others.

    Args:
        seconds: how long.
        context: the context that may become free meanwhile, which ends it; None: nothing ends it.
    """

    seconds: float
    context: int | None = None


Plan = Generator[Dialogue[Any] | Rest, Any, T]
"""Several dialogues with waits between them; is sent what each dialogue returns."""


@dataclass(slots=True)
class Uart:
    """What drivers that share a channel must all know."""

    foreground: int | None = None
    stacks: weakref.WeakSet[Stack] = field(default_factory=weakref.WeakSet)
    heading: Heading = field(default_factory=Heading)
    """What the lines before the next data have said about it."""
    unplaced: list[tuple[str, int | None]] = field(default_factory=list)
    """Clients that came while more than one context of this UART listened: address and index."""


_uarts: weakref.WeakKeyDictionary[object, Uart] = weakref.WeakKeyDictionary()
_uarts_lock = threading.Lock()


def uart_of(channel: object) -> Uart:
    """Return the record of a channel's virtual UART, the same for the same channel."""
    with _uarts_lock:
        return _uarts.setdefault(channel, Uart())


class ContextHold:
    """The lease on one context, and what is known about the context while it lasts.

    Args:
        uart: what is known about the virtual UART.
        port: what messages call it.
        context: which context, 0 or 1.
        dlci: the DLCI of the UART, None for a bare one.
        table: who owns which context.
        ended: called with the reason when the hold has ended.
    """

    def __init__(
        self,
        uart: Uart,
        port: str,
        context: int,
        *,
        dlci: int | None,
        table: ContextTable,
        ended: Callable[[Exception], None],
    ) -> None:
        self.context = context
        self.name = f"{port}, context {context}"
        self.uart = uart
        self.address: str | None = None
        """The local address, None until it was read."""
        self.lease: Lease | None = None
        self._port = port
        self._dlci = dlci
        self._table = table
        self._ended = ended
        self._known: dict[str, str] = {}

    # -- taking and leaving ----------------------------------------------------------------------------------------

    @property
    def held(self) -> Lease:
        """The lease that lasts."""
        if self.lease is None:
            raise RuntimeError("nothing is held")
        return self.lease

    @property
    def valid(self) -> bool:
        """Whether the context is held."""
        return self.lease is not None and self.lease.ended is None

    @property
    def active(self) -> bool:
        """Whether the context is held and has left IP INITIAL, as far as known."""
        return self.valid and self.lease is not None and self.lease.active

    @property
    def state(self) -> str | None:
        """The context's state as last known, None when it is not known."""
        return self._table.state(self.context)

    def claim(self, deadline: float, now: Callable[[], float], *, take_over: bool, preset: Iterable[str]) -> Plan[None]:
        """Take the context: reserve it in the table, AT+QIFGCNT, confirm or undo.

        Args:
            deadline: until when to wait for one that is busy.
            now: tells the time.
            take_over: whether to take it from a holder that has not brought it out of IP INITIAL.
            preset: the settings whose present value is not to be taken for granted.

        Raises:
            ContextBusy: somebody else holds it.
        """
        while True:
            try:
                lease = self._table.reserve(self.context, self._dlci, take_over=take_over, port=self._port)
            except ContextBusy:
                left = deadline - now()
                if left <= 0:
                    raise
                yield Rest(left, self.context)
                continue
            try:
                yield self._select()
            except CommandError as refusal:
                self._table.undo(lease)
                left = deadline - now()
                if left <= 0:
                    raise ContextBusy(self.context, port=self._port) from refusal
                yield Rest(min(RETRY, left))
            except BaseException:
                self._table.undo(lease)
                raise
            else:
                self._table.confirm(lease)
                self.lease = lease
                self._known = {name: value for name, value in DEFAULTS.items() if name not in preset}
                return

    def check(self) -> bool:
        """Tell whether the context is held.

        Raises:
            ContextLost: it was, and somebody else has taken it since; raised once.
        """
        lease = self.lease
        if lease is None or lease.ended is None:
            return lease is not None
        if lease.lost:
            raise self._lost(lease)
        self._drop(SessionClosed(f"{self.name}: {lease.ended}"))
        return False

    def release(self, reason: str) -> None:
        """Give the context up, whatever its state."""
        lease = self.lease
        self._drop(SessionClosed(f"{self.name}: {reason}"))
        if lease is not None:
            self._table.release(lease, reason)

    def note(self, word: str) -> None:
        """Take a state that was read or follows from an answer; IP INITIAL ends the hold on what was active."""
        lease = self.lease
        if lease is None:
            return
        self._table.update(lease, word)
        if word == INITIAL:
            self.address = None
            if lease.ended is not None:
                self._drop(SessionClosed(f"{self.name}: the context is in {INITIAL}"))

    def _drop(self, cause: Exception) -> None:
        if self.lease is not None:
            self.lease, self.address, self._known = None, None, {}
            self._ended(cause)

    def _lost(self, lease: Lease) -> ContextLost:
        loss = ContextLost(self.context, lease.ended or "", port=self._port)
        self._drop(loss)
        return loss

    # -- dialogues -------------------------------------------------------------------------------------------------

    def in_foreground(self, dialogue: Dialogue[T]) -> Dialogue[T]:
        """Run a dialogue for this context; an ERROR because somebody took the context becomes `ContextLost`."""
        try:
            if self.uart.foreground != self.context:
                yield from self._select()
            return (yield from dialogue)
        except CommandError as error:
            self.uart.foreground = None
            lease = self.lease
            if lease is None or not (yield from self._taken(lease)):
                raise
            raise self._lost(lease) from error

    def setting(self, name: str, value: str) -> Dialogue[None]:
        """Make a setting unless it is known to be so."""
        if self._known.get(name) == value:
            return
        self._known.pop(name, None)  # unknown, should this be given up half way
        yield from dialogues.setting(name, value, self.note)
        self._known[name] = value

    def learn(self, name: str, value: str) -> None:
        """Take a setting that a dialogue has made."""
        self._known[name] = value

    def known(self, name: str) -> str | None:
        """Return a setting's value, None when it is not known."""
        return self._known.get(name)

    def _select(self) -> Dialogue[None]:
        self.uart.foreground = None  # unknown, should this be given up half way
        yield from dialogues.select_context(self.context)
        self.uart.foreground = self.context

    def _taken(self, lease: Lease) -> Dialogue[bool]:
        """After an ERROR: find out whether somebody else has the context now."""
        if lease.ended is None and self._dlci is not None:
            with suppress(AtError, ValueError):
                context, channel = yield from dialogues.read_foreground()
                if context == self.context and channel is not None and channel != self._dlci - 1:
                    self._table.forget(lease, f"VIRTUAL_UART_{channel + 1} controls it now (AT+QIFGCNT?)")
        return lease.lost
