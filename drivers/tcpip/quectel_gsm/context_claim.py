"""One driver's hold on its context: claiming it, losing it, and dialogues in its foreground. No I/O, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from ...at.core import Dialogue
from ...errors import AtError, CommandError, ContextBusy, ContextLost, SessionClosed
from ..core.ownership import INITIAL, ContextTable, Lease
from ..core.procedure import Procedure, on_channel, wait
from . import dialogues
from .reclaim import free_context
from .settings import DEFAULTS

T = TypeVar("T")
RETRY = 1.0  # seconds between two AT+QIFGCNT for a context that is busy


@dataclass(slots=True)
class Foreground:
    """Which context the commands of one virtual UART are for, None while that is not known."""

    context: int | None = None


class ContextClaim:
    """The lease on one context, and what is known about the context while it lasts.

    Args:
        foreground: what is known about the virtual UART.
        port: what messages call it.
        context: which context, 0 or 1.
        dlci: the DLCI of the UART, None where the port does not tell it.
        table: who owns which context.
        now: tells the time.
        ended: called with the reason when the hold has ended.
    """

    def __init__(
        self,
        foreground: Foreground,
        port: str,
        context: int,
        *,
        dlci: int | None,
        table: ContextTable,
        now: Callable[[], float],
        ended: Callable[[Exception], None],
    ) -> None:
        self.context = context
        self.name = f"{port}, context {context}"
        self.foreground = foreground
        self.address: str | None = None
        """The local address, None until it was read."""
        self.lease: Lease | None = None
        self.port = port
        """The name of the port."""
        self._dlci = dlci
        self._channel = None if dlci is None else dlci - 1  # as AT+QIFGCNT? names this UART
        self._table = table
        self._now = now
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

    def claim(self, deadline: float, *, take_over: bool, reclaim: bool, preset: Iterable[str]) -> Procedure[None]:
        """Take the context: reserve it in the table, AT+QIFGCNT, confirm or undo.

        Args:
            deadline: until when to wait for one that is busy, or to look for who has it.
            take_over: whether to take it from a holder that has not brought it out of IP INITIAL.
            reclaim: whether to take down what a host that is gone has left active, here or on another virtual UART.
            preset: the settings whose present value is not to be taken for granted.

        Raises:
            ContextBusy: somebody else holds it.
        """
        while True:
            try:
                lease = self._table.reserve(self.context, self._dlci, take_over=take_over, port=self.port)
            except ContextBusy:
                left = deadline - self._now()
                if left <= 0 or reclaim:
                    raise
                yield from wait(left, self._table.changes, lambda: True if self._table.free(self.context) else None)
                continue
            try:
                yield from self._take(deadline, reclaim=reclaim)
            except CommandError as refusal:
                self._table.undo(lease)
                left = deadline - self._now()
                if left <= 0 or reclaim:
                    raise ContextBusy(self.context, port=self.port) from refusal
                yield from wait(min(RETRY, left))
            except BaseException:
                self._table.undo(lease)
                raise
            else:
                self._table.confirm(lease)
                self.lease = lease
                self._known = {name: value for name, value in DEFAULTS.items() if name not in preset}
                return

    def _take(self, deadline: float, *, reclaim: bool) -> Procedure[None]:
        """AT+QIFGCNT; while this goes on the table lets nobody else of this process have the context."""
        try:
            yield from on_channel(self._select())
        except CommandError:
            if not reclaim:
                raise
            yield from free_context(self.context, self._dlci, deadline, self._now)
            yield from on_channel(self._select())
        if reclaim:
            yield from on_channel(self._take_down())
        if self._channel is None:
            yield from on_channel(self._learn_channel())

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
        """Take a state that follows from an answer; IP INITIAL ends the hold on what was active."""
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
        loss = ContextLost(self.context, lease.ended or "", port=self.port)
        self._drop(loss)
        return loss

    # -- dialogues -------------------------------------------------------------------------------------------------

    def in_foreground(self, dialogue: Dialogue[T], settings: Mapping[str, str] | None = None) -> Dialogue[T]:
        """Run a dialogue for this context; an ERROR because somebody took the context becomes `ContextLost`.

        Args:
            dialogue: a fresh generator.
            settings: what has to be set for it.
        """
        if self.foreground.context != self.context:
            yield from self._select_again()
        try:
            for name, value in (settings or {}).items():
                yield from self.setting(name, value)
            return (yield from dialogue)
        except CommandError as error:
            self.foreground.context = None
            lease = self.lease
            if lease is None or not (yield from self._taken(lease)):
                raise
            raise self._lost(lease) from error

    def on_channel(self, dialogue: Dialogue[T]) -> Procedure[T]:
        """Run a dialogue for this context in one turn of the channel; see `in_foreground`."""
        return on_channel(self.in_foreground(dialogue))

    def read_state(self, *, used: bool | None = None, doubt: bool | None = None) -> Dialogue[str]:
        """Read and note the state of the context: AT+QISTAT; see `take_state`."""
        word = yield from dialogues.state()
        return (yield from self.take_state(word, used=used, doubt=doubt))

    def take_state(self, word: str, *, used: bool | None = None, doubt: bool | None = None) -> Dialogue[str]:
        """Take a state that was read. The module tells it to anybody, so it may be what another program made of it.

        Args:
            word: the state.
            used: whether the context has left IP INITIAL under this lease; None: as far as noted.
            doubt: whether another program may control it; None: where it is in use, and not by us as far as known.

        Raises:
            ContextLost: another program controls it.
        """
        lease = self.lease
        if lease is None:
            return word
        used = lease.active if used is None else used
        doubt = not used and word != INITIAL if doubt is None else doubt
        if doubt:
            yield from self.verify()
        if word == INITIAL:
            lease.active = used
        self.note(word)
        return word

    def verify(self) -> Dialogue[None]:
        """Ask who controls the context: AT+QIFGCNT?. In IP INITIAL another program may have taken it unheard.

        Raises:
            ContextLost: it has.
        """
        lease = self.held
        if (yield from self._taken(lease)):
            self.foreground.context = None
            raise self._lost(lease)

    def learn_address(self) -> Dialogue[None]:
        """Read the local address of an active context unless it is known: AT+QILOCIP."""
        if self.address is None and self.active:
            self.address = yield from dialogues.local_address()

    def setting(self, name: str, value: str) -> Dialogue[None]:
        """Make a setting unless it is known to be so."""
        if self._known.get(name) == value:
            return
        self._known.pop(name, None)  # unknown, should this be given up half way
        yield from dialogues.setting(name, value, self._after_refusal)
        self._known[name] = value

    def _after_refusal(self) -> Dialogue[str]:
        return (yield from self.read_state(doubt=not self.active))

    def learn(self, name: str, value: str) -> None:
        """Take a setting that a dialogue has made."""
        self._known[name] = value

    def known(self, name: str) -> str | None:
        """Return a setting's value, None when it is not known."""
        return self._known.get(name)

    def _select(self) -> Dialogue[None]:
        self.foreground.context = None  # unknown, should this be given up half way
        yield from dialogues.select_context(self.context)
        self.foreground.context = self.context

    def _select_again(self) -> Dialogue[None]:
        lease = self.lease
        try:
            yield from self._select()
        except CommandError as refusal:
            if lease is None:
                raise
            self._table.forget(lease, f"another virtual UART controls it now ({refusal.command})")
            raise self._lost(lease) from refusal

    def _take_down(self) -> Dialogue[None]:
        if self.foreground.context != self.context:  # a driver of the other context has been here meanwhile
            yield from self._select()
        yield from dialogues.take_down()

    def _learn_channel(self) -> Dialogue[None]:
        """Find out which virtual UART this is: the one that controls the context now (AT+QIFGCNT?)."""
        with suppress(AtError, ValueError):
            context, channel = yield from dialogues.read_foreground()
            if context == self.context:
                self._channel = channel

    def _taken(self, lease: Lease) -> Dialogue[bool]:
        """Find out whether somebody else has the context now (AT+QIFGCNT?)."""
        if lease.ended is None and self._channel is not None:
            with suppress(AtError, ValueError):
                context, channel = yield from dialogues.read_foreground()
                if context == self.context and channel is not None and channel != self._channel:
                    self._table.forget(lease, f"VIRTUAL_UART_{channel + 1} controls it now (AT+QIFGCNT?)")
        return lease.lost
