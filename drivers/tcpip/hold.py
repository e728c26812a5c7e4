"""One driver's hold on its context: claiming it, losing it, and running dialogues in its foreground."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from ..at import AtChannel, Dialogue
from ..clock import Clock
from ..errors import AtError, CommandError, ContextBusy, ContextLost, SessionClosed
from . import dialogues
from .context import INITIAL, ContextTable, Lease
from .inbox import Inbox
from .settings import DEFAULTS

T = TypeVar("T")
RETRY = 1.0  # seconds between two AT+QIFGCNT for a context that is busy


@dataclass(slots=True)
class Uart:
    """What drivers that share a channel must all know."""

    foreground: int | None = None
    inboxes: weakref.WeakSet[Inbox] = field(default_factory=weakref.WeakSet)


_uarts: weakref.WeakKeyDictionary[AtChannel, Uart] = weakref.WeakKeyDictionary()
_uarts_lock = threading.Lock()


def uart_of(channel: AtChannel) -> Uart:
    """Return the record of a channel's virtual UART, the same for the same channel."""
    with _uarts_lock:
        return _uarts.setdefault(channel, Uart())


class ContextHold:
    """The lease on one context, and what is known about the context while it lasts.

    Args:
        channel: the channel of the UART.
        context: which context, 0 or 1.
        dlci: the DLCI of the UART, None for a bare one.
        table: who owns which context.
        clock: the source of time.
        ended: called with the reason when the hold has ended.
    """

    def __init__(
        self,
        channel: AtChannel,
        context: int,
        *,
        dlci: int | None,
        table: ContextTable,
        clock: Clock,
        ended: Callable[[Exception], None],
    ) -> None:
        self.context = context
        self.name = f"{channel.name}, context {context}"
        self.uart = uart_of(channel)
        self.address: str | None = None
        """The local address, None until it was read."""
        self.lease: Lease | None = None
        self._channel = channel
        self._dlci = dlci
        self._table = table
        self._clock = clock
        self._ended = ended
        self._known: dict[str, str] = {}

    # -- taking and leaving ----------------------------------------------------------------------------------------

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

    def claim(self, seconds: float, *, take_over: bool, preset: Iterable[str]) -> None:
        """Take the context: reserve it in the table, AT+QIFGCNT, confirm or undo.

        Args:
            seconds: how long to wait for one that is busy.
            take_over: whether to take it from a holder that has not brought it out of IP INITIAL.
            preset: the settings whose present value is not to be taken for granted.

        Raises:
            ContextBusy: somebody else holds it.
        """
        deadline = self._clock.now() + seconds
        while True:
            try:
                lease = self._table.reserve(self.context, self._dlci, take_over=take_over, port=self._channel.name)
            except ContextBusy:
                left = deadline - self._clock.now()
                if left <= 0:
                    raise
                self._table.wait(self.context, left)
                continue
            try:
                self._channel.run(self._select())
            except CommandError as refusal:
                self._table.undo(lease)
                left = deadline - self._clock.now()
                if left <= 0:
                    raise ContextBusy(self.context, port=self._channel.name) from refusal
                self._table.rest(min(RETRY, left))
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
        loss = ContextLost(self.context, lease.ended or "", port=self._channel.name)
        self._drop(loss)
        return loss

    # -- dialogues -------------------------------------------------------------------------------------------------

    def run(self, dialogue: Dialogue[T]) -> T:
        """Run a dialogue for this context; an ERROR because somebody took the context becomes `ContextLost`."""
        try:
            return self._channel.run(self._in_foreground(dialogue))
        except CommandError as error:
            self.uart.foreground = None
            lease = self.lease
            if lease is None or not self._taken(lease):
                raise
            raise self._lost(lease) from error

    def setting(self, name: str, value: str) -> Dialogue[None]:
        """Make a setting unless it is known to be so."""
        if self._known.get(name) == value:
            return
        yield from dialogues.setting(name, value, self.note)
        self._known[name] = value

    def learn(self, name: str, value: str) -> None:
        """Take a setting that a dialogue has made."""
        self._known[name] = value

    def known(self, name: str) -> str | None:
        """Return a setting's value, None when it is not known."""
        return self._known.get(name)

    def _select(self) -> Dialogue[None]:
        self.uart.foreground = None
        yield from dialogues.select_context(self.context)
        self.uart.foreground = self.context

    def _in_foreground(self, dialogue: Dialogue[T]) -> Dialogue[T]:
        if self.uart.foreground != self.context:
            yield from self._select()
        return (yield from dialogue)

    def _taken(self, lease: Lease) -> bool:
        """After an ERROR: find out whether somebody else has the context now."""
        if lease.ended is None and self._dlci is not None:
            with suppress(AtError, ValueError):
                context, channel = self._channel.run(dialogues.read_foreground())
                if context == self.context and channel is not None and channel != self._dlci - 1:
                    self._table.forget(lease, f"VIRTUAL_UART_{channel + 1} controls it now (AT+QIFGCNT?)")
        return lease.lost
