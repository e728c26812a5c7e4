"""Who owns which context: leases, and the rule that one in use does not change hands, across the channels of a modem.

Where the module itself refuses others, what it says is the truth; where it does not, this table is all there is.
"""

from __future__ import annotations

import enum
import threading
import weakref
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Protocol

from ...errors import ContextBusy
from .changes import Changes
from .session_table import Scope


class ContextState(enum.Enum):
    """What a state of a context means for who may have it."""

    DOWN = "down"
    """Nobody uses it: it may change hands."""
    UP = "up"
    """It is active, or on the way there."""
    BROKEN = "broken"
    """The network has taken it away; it has to be deactivated before anything else."""


@dataclass(slots=True, eq=False)
class Lease:
    """One driver's hold on one context, until it ends it or the context is no longer in use after it was.

    Args:
        context: which context.
        owner: the DLCI of the holder's port, None where it has none.
    """

    context: int
    owner: int | None
    ended: str | None = field(default=None)
    """Why it has ended, None while it lasts."""
    lost: bool = field(default=False)
    """Whether somebody else has ended it."""
    active: bool = field(default=False)
    """Whether the context has been in use under this lease."""


class Claimant(Protocol):
    """What claims a context: a `TcpipDriver`."""

    @property
    def context(self) -> int:
        """Which context it is for."""

    @property
    def table(self) -> ContextTable:
        """The table that it goes by."""

    def claim(self, *, timeout: float = 0.0, take_over: bool = False) -> Lease:
        """Take the context."""


@dataclass(slots=True)
class _Entry:
    lease: Lease | None = None
    claiming: Lease | None = None
    state: str | None = None
    """The state as the module words it, None when it is not known."""
    in_use: bool = False


class ContextTable:
    """The contexts of one modem and who holds them.

    A claim is reserved here in one round of the lock, then the module is asked, then it is confirmed or undone.
    """

    def __init__(self) -> None:
        self._changes: Changes = Changes()
        """Held while anything of it is looked at or changed."""
        self._scope: Scope = Scope()
        """The sockets of the module, where their ids are unique in it and not in a context only."""
        self._entries: defaultdict[int, _Entry] = defaultdict(_Entry)

    def __repr__(self) -> str:
        words = []
        with self._changes:
            for context, entry in sorted(self._entries.items()):
                if entry.lease is not None:
                    holder = "a driver" if entry.lease.owner is None else f"DLCI {entry.lease.owner}"
                    words.append(f"context {context} held by {holder} ({entry.state or 'state not known'})")
        return f"<{type(self).__name__}: {', '.join(words) or 'no context held'}>"

    def owner(self, context: int) -> int | None:
        """Return the DLCI of the holder, or None."""
        with self._changes:
            lease = self._entries[context].lease
            return None if lease is None else lease.owner

    def held(self, context: int) -> bool:
        """Tell whether a driver of this table holds the context."""
        with self._changes:
            return self._entries[context].lease is not None

    def state(self, context: int) -> str | None:
        """Return the context's state as last known, None when it is not known."""
        with self._changes:
            return self._entries[context].state

    def claim(self, context: int, driver: Claimant, *, timeout: float = 0.0, take_over: bool = False) -> Lease:
        """Take a context for a driver: one round of the lock, then the module is asked, undone when it refuses.

        Args:
            context: the one that the driver was made for.
            driver: who is to have it; it asks the module.
            timeout: seconds to wait for a context that is busy.
            take_over: take it also from a driver that holds it but has not used it.

        Returns:
            The lease.

        Raises:
            ValueError: the driver is for the other context, or goes by another table.
            ContextBusy: somebody else holds it.
        """
        if driver.context != context or driver.table is not self:
            raise ValueError(
                f"the driver is for context {driver.context} of its own table, not for context {context} here"
            )
        return driver.claim(timeout=timeout, take_over=take_over)

    def _reserve(self, context: int, owner: int | None, *, take_over: bool = False, port: str = "") -> Lease:
        """Reserve a context before the module is asked for it.

        Args:
            context: which context.
            owner: the DLCI of the claimer's port, None where it has none.
            take_over: whether a context that is held but not known to be in use may be taken from its holder.
            port: the name of the claimer's port, for the message.

        Returns:
            A lease that `_confirm` makes valid and `_undo` takes back.

        Raises:
            ContextBusy: another driver holds it or is claiming it.
        """
        with self._changes:
            entry = self._entries[context]
            holder = entry.claiming or entry.lease
            idle = holder is None or not (holder.active or entry.in_use)
            may_take = take_over and entry.claiming is None and idle
            if holder is not None and not may_take:
                raise ContextBusy(context, holder.owner, entry.state, port=port, here=True)
            entry.claiming = Lease(context, owner)
            return entry.claiming

    def _confirm(self, lease: Lease) -> None:
        """Make a reserved lease the valid one: the module said OK."""
        with self._changes:
            entry = self._entries[lease.context]
            former = entry.lease
            if former is not None:
                taker = f"DLCI {lease.owner}" if lease.owner is not None else "another driver"
                former.ended, former.lost = f"{taker} took it over while it was not in use", True
            entry.lease, entry.claiming = lease, None
            lease.active = entry.in_use
            self._changes.notify()

    def _undo(self, lease: Lease) -> None:
        """Take a reservation back: the module said ERROR, or the line died."""
        with self._changes:
            entry = self._entries[lease.context]
            if entry.claiming is lease:
                entry.claiming = None
            lease.ended = "the module refused it"
            self._changes.notify()

    def _update(self, lease: Lease, word: str, state: ContextState) -> None:
        """Note the state of the holder's context; a context that is no longer in use after it was ends the lease.

        Args:
            lease: the holder's; one that has ended changes nothing.
            word: the state as the module words it.
            state: what that means.
        """
        with self._changes:
            entry = self._entries[lease.context]
            if entry.lease is not lease:
                return
            entry.state, entry.in_use = word, state is not ContextState.DOWN
            if entry.in_use:
                lease.active = True
            elif lease.active:
                entry.lease = None
                lease.ended = f"the context came back to {word}"
            self._changes.notify()

    def _release(self, lease: Lease, reason: str = "it was released") -> None:
        """End a lease; one that has ended already changes nothing."""
        with self._changes:
            entry = self._entries[lease.context]
            if entry.lease is lease:
                self._clear(entry)  # nobody hears any more what becomes of it
            lease.ended = lease.ended or reason
            self._changes.notify()

    def _forget(self, lease: Lease, reason: str) -> None:
        """End a lease because the module says that somebody else has the context; its state is not known then."""
        with self._changes:
            entry = self._entries[lease.context]
            if entry.lease is lease:
                self._clear(entry)
            lease.ended, lease.lost = lease.ended or reason, True
            self._changes.notify()

    def _clear(self, entry: _Entry) -> None:
        entry.lease = entry.state = None
        entry.in_use = False

    def _free(self, context: int) -> bool:
        """Tell whether nobody of this table holds a context or is claiming it."""
        with self._changes:
            entry = self._entries[context]
            return entry.lease is None and entry.claiming is None


_tables: weakref.WeakKeyDictionary[object, ContextTable] = weakref.WeakKeyDictionary()
_tables_lock = threading.Lock()


def table_for(port: object) -> ContextTable:
    """Return the table of the modem that a port belongs to.

    Args:
        port: a virtual UART, whose ``mux`` stands for the modem, or a bare UART, which is a modem by itself.
    """
    modem = getattr(port, "mux", None) or port
    with _tables_lock:
        table = _tables.get(modem)
        if table is None:
            table = _tables[modem] = ContextTable()
        return table
