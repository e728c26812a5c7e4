"""The owners of contexts: leases, and the rule that a context in use keeps its owner, across the channels of a modem.

If the module enforces owners by itself, its answers decide; if it does not, only this table does. Then drivers that ask
for it hold a context together: it is deactivated with the last of them.
"""

from __future__ import annotations

import enum
import weakref
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cmux.forks import Lock

from ...errors import ContextBusy
from .changes import Changes
from .scope import Scope
from .session_table import SessionTable


class ContextState(enum.Enum):
    """The meaning of a state of a context for its ownership."""

    DOWN = "down"
    """It is not in use, and may get another owner."""
    UP = "up"
    """It is active, or on the way there."""
    BROKEN = "broken"
    """The network has deactivated it; it has to be deactivated here, too, before anything else."""


@dataclass(slots=True, eq=False)
class Lease:
    """The right of one driver to use one context. It ends when the driver ends it, or when the context goes out of use.

    Args:
        context: the number of the context.
        owner: the DLCI of the port of the holder; None if it has none.
        shared: whether other drivers may hold the context, too, if they ask for the same.
    """

    context: int
    owner: int | None
    shared: bool = False
    ended: str | None = field(default=None)
    """Why it has ended; None while it lasts."""
    lost: bool = field(default=False)
    """Whether another driver or program has ended it."""
    active: bool = field(default=False)
    """Whether the context has been in use under this lease."""
    _tell: Callable[[], None] | None = field(default=None, repr=False)
    """Called when another driver that shares the context has ended it."""


class Claimant(Protocol):
    """An object that claims a context: a `TcpipDriver`."""

    @property
    def context(self) -> int:
        """The number of its context."""

    @property
    def table(self) -> ContextTable:
        """The table that it uses."""

    def claim(self, *, timeout: float = 0.0, take_over: bool = False) -> Lease:
        """Claim the context."""


@dataclass(slots=True)
class _Entry:
    leases: list[Lease] = field(default_factory=list)
    """More than one only if all of them are shared."""
    claiming: list[Lease] = field(default_factory=list)
    state: str | None = None
    """The state in the words of the module; None if it is not known."""
    in_use: bool = False
    broken: bool = False
    found_active: bool = False
    """Whether somebody else had activated it before it was claimed here."""
    changing: object = None
    """The driver that activates or deactivates it, of those that share it."""

    def against(self, *, shared: bool) -> list[Lease]:
        """Return the leases beside which there cannot be another one, those of claims that are being made first."""
        return [lease for lease in (*self.claiming, *self.leases) if not (shared and lease.shared)]

    def remove(self, lease: Lease) -> None:
        """Remove a lease; without any the state is no longer observed."""
        if lease in self.leases:
            self.leases.remove(lease)
            if not self.leases:
                self.state = None
                self.in_use = self.broken = self.found_active = False


class ContextTable:
    """The contexts of one modem and their owners.

    A claim is reserved here, atomically; then the module is asked; then the claim is confirmed or undone.
    """

    def __init__(self) -> None:
        self._changes: Changes = Changes()
        """The lock of the table."""
        self._scope: Scope[SessionTable] = Scope()
        """The sockets of the module, if their ids are unique in the module."""
        self._entries: defaultdict[int, _Entry] = defaultdict(_Entry)

    def __repr__(self) -> str:
        words = []
        with self._changes:
            for context, entry in sorted(self._entries.items()):
                owners = [lease.owner for lease in entry.leases]
                if owners:
                    held = " and ".join("a driver" if owner is None else f"DLCI {owner}" for owner in owners)
                    words.append(f"context {context} held by {held} ({entry.state or 'state not known'})")
        return f"<{type(self).__name__}: {', '.join(words) or 'no context held'}>"

    def owner(self, context: int) -> int | None:
        """Return the DLCI of the owner, or None; of several that share the context, that of the first.

        Args:
            context: the number of the context.
        """
        with self._changes:
            leases = self._entries[context].leases
            return leases[0].owner if leases else None

    def held(self, context: int) -> bool:
        """Tell whether a driver of this table holds the context.

        Args:
            context: the number of the context.
        """
        with self._changes:
            return bool(self._entries[context].leases)

    def state(self, context: int) -> str | None:
        """Return the last known state of the context, or None.

        Args:
            context: the number of the context.
        """
        with self._changes:
            return self._entries[context].state

    def claim(self, context: int, driver: Claimant, *, timeout: float = 0.0, take_over: bool = False) -> Lease:
        """Claim a context for a driver: reserve it atomically, then ask the module; undone if the module refuses.

        Args:
            context: the context of the driver.
            driver: the driver, which asks the module.
            timeout: seconds to wait for a context that is busy.
            take_over: take it also from a driver that holds it but has not used it.

        Returns:
            The lease.

        Raises:
            ValueError: the driver is for another context, or uses another table.
            ContextBusy: another driver or program holds it.
        """
        if driver.context != context or driver.table is not self:
            raise ValueError(
                f"the driver is for context {driver.context} of its own table, not for context {context} here"
            )
        return driver.claim(timeout=timeout, take_over=take_over)

    def _reserve(
        self, context: int, owner: int | None, *, take_over: bool = False, port: str = "", shared: bool = False
    ) -> Lease:
        """Reserve a context before the module is asked for it.

        Args:
            context: the number of the context.
            owner: the DLCI of the port of the claiming driver; None if it has none.
            take_over: whether a context that is held but not known to be in use may be taken from its owner.
            port: the name of that port, for the message.
            shared: whether other drivers may hold it, too, and this one may join those that do.

        Returns:
            A lease that `_confirm` makes valid or `_undo` cancels.

        Raises:
            ContextBusy: another driver holds it or is claiming it.
        """
        with self._changes:
            entry = self._entries[context]
            holders = entry.against(shared=shared)
            may_take = take_over and not (entry.claiming or entry.in_use or any(one.active for one in holders))
            if holders and not may_take:
                raise ContextBusy(context, holders[0].owner, entry.state, port=port, here=True)
            lease = Lease(context, owner, shared)
            entry.claiming.append(lease)
            return lease

    def _confirm(self, lease: Lease) -> None:
        """Make a reserved lease valid: the module has answered OK."""
        with self._changes:
            entry = self._entries[lease.context]
            entry.claiming.remove(lease)
            for former in entry.against(shared=lease.shared):
                taker = f"DLCI {lease.owner}" if lease.owner is not None else "another driver"
                former.ended, former.lost = f"{taker} took it over while it was not in use", True
                entry.leases.remove(former)
            entry.leases.append(lease)
            lease.active = entry.in_use
            self._changes.notify()

    def _undo(self, lease: Lease) -> None:
        """Cancel a reservation: the module has answered ERROR, or the line died."""
        with self._changes:
            entry = self._entries[lease.context]
            if lease in entry.claiming:
                entry.claiming.remove(lease)
            lease.ended = "the module refused it"
            self._changes.notify()

    def _update(self, lease: Lease, word: str, state: ContextState) -> list[Lease]:
        """Record the state of a context; if it goes out of use, the leases under which it was in use end.

        Args:
            lease: the lease of an owner; a lease that has ended changes nothing.
            word: the state, in the words of the module.
            state: its meaning.

        Returns:
            The leases of other drivers that have ended by that.
        """
        ended: list[Lease] = []
        with self._changes:
            entry = self._entries[lease.context]
            if lease not in entry.leases:
                return []
            entry.state, entry.in_use = word, state is not ContextState.DOWN
            entry.broken = state is ContextState.BROKEN
            entry.found_active &= entry.in_use
            for one in list(entry.leases):
                if entry.in_use:
                    one.active = True
                elif one.active:
                    entry.leases.remove(one)
                    one.ended = f"the context came back to {word}"
                    ended += [one] * (one is not lease)
            self._changes.notify()
        return ended

    def _release(self, lease: Lease, reason: str = "it was released") -> None:
        """End a lease; does nothing if it has ended already."""
        with self._changes:
            self._entries[lease.context].remove(lease)
            lease.ended = lease.ended or reason
            self._changes.notify()

    def _forget(self, lease: Lease, reason: str) -> None:
        """End a lease because another UART has the context, as the module reports; its state is then not known."""
        with self._changes:
            self._entries[lease.context].remove(lease)
            lease.ended, lease.lost = lease.ended or reason, True
            self._changes.notify()

    def _free(self, context: int, *, shared: bool = False) -> bool:
        """Tell whether no driver of this table holds a context, or is claiming it, that does not share it."""
        with self._changes:
            return not self._entries[context].against(shared=shared)

    def _broken(self, context: int) -> bool:
        """Tell whether the network has deactivated a context, and nobody has deactivated it here since."""
        with self._changes:
            return self._entries[context].broken

    def _found_active(self, context: int) -> bool:
        """Tell whether somebody else had activated a context before it was claimed here."""
        with self._changes:
            return self._entries[context].found_active

    def _note_found_active(self, context: int, found: bool) -> None:
        with self._changes:
            self._entries[context].found_active = found

    def _others(self, lease: Lease) -> bool:
        """Tell whether another driver holds the context of a lease, too, or is about to."""
        with self._changes:
            entry = self._entries[lease.context]
            return any(one is not lease for one in (*entry.claiming, *entry.leases))

    def _begin(self, context: int, driver: object) -> bool | None:
        """Let a driver change the state of a context that is shared; return None while another one does."""
        with self._changes:
            entry = self._entries[context]
            if entry.changing not in (None, driver):
                return None
            entry.changing = driver
            return True

    def _finish(self, context: int, driver: object) -> None:
        """End what `_begin` has begun."""
        with self._changes:
            entry = self._entries[context]
            if entry.changing is driver:
                entry.changing = None
            self._changes.notify()


_tables: weakref.WeakKeyDictionary[object, ContextTable] = weakref.WeakKeyDictionary()
_tables_lock = Lock()


def modem_of(port: object) -> object:
    """Return what identifies the modem of a port: its ``mux``, or the port itself."""
    return getattr(port, "mux", None) or port


def table_for(port: object) -> ContextTable:
    """Return the table of the modem that a port belongs to.

    Args:
        port: a virtual UART, whose ``mux`` identifies the modem, or a plain UART, which is a modem by itself.
    """
    modem = modem_of(port)
    with _tables_lock:
        table = _tables.get(modem)
        if table is None:
            table = _tables[modem] = ContextTable()
        return table
