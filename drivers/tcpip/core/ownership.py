"""The owners of contexts: leases, and the rule that a context in use keeps its owner, across the channels of a modem.

If the module enforces owners by itself, its answers decide; if it does not, only this table does.
"""

from __future__ import annotations

import enum
import weakref
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Protocol

from cmux.forks import Lock

from ...errors import ContextBusy
from .changes import Changes
from .session_table import Scope


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
    """

    context: int
    owner: int | None
    ended: str | None = field(default=None)
    """Why it has ended; None while it lasts."""
    lost: bool = field(default=False)
    """Whether another driver or program has ended it."""
    active: bool = field(default=False)
    """Whether the context has been in use under this lease."""


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
    lease: Lease | None = None
    claiming: Lease | None = None
    state: str | None = None
    """The state in the words of the module; None if it is not known."""
    in_use: bool = False


class ContextTable:
    """The contexts of one modem and their owners.

    A claim is reserved here, atomically; then the module is asked; then the claim is confirmed or undone.
    """

    def __init__(self) -> None:
        self._changes: Changes = Changes()
        """The lock of the table."""
        self._scope: Scope = Scope()
        """The sockets of the module, if their ids are unique in the module."""
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
        """Return the DLCI of the owner, or None.

        Args:
            context: the number of the context.
        """
        with self._changes:
            lease = self._entries[context].lease
            return None if lease is None else lease.owner

    def held(self, context: int) -> bool:
        """Tell whether a driver of this table holds the context.

        Args:
            context: the number of the context.
        """
        with self._changes:
            return self._entries[context].lease is not None

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

    def _reserve(self, context: int, owner: int | None, *, take_over: bool = False, port: str = "") -> Lease:
        """Reserve a context before the module is asked for it.

        Args:
            context: the number of the context.
            owner: the DLCI of the port of the claiming driver; None if it has none.
            take_over: whether a context that is held but not known to be in use may be taken from its owner.
            port: the name of that port, for the message.

        Returns:
            A lease that `_confirm` makes valid or `_undo` cancels.

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
        """Make a reserved lease valid: the module has answered OK."""
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
        """Cancel a reservation: the module has answered ERROR, or the line died."""
        with self._changes:
            entry = self._entries[lease.context]
            if entry.claiming is lease:
                entry.claiming = None
            lease.ended = "the module refused it"
            self._changes.notify()

    def _update(self, lease: Lease, word: str, state: ContextState) -> None:
        """Record the state of a context; if it goes out of use, the lease ends.

        Args:
            lease: the lease of the owner; a lease that has ended changes nothing.
            word: the state, in the words of the module.
            state: its meaning.
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
        """End a lease; does nothing if it has ended already."""
        with self._changes:
            entry = self._entries[lease.context]
            if entry.lease is lease:
                self._clear(entry)  # its state is no longer observed
            lease.ended = lease.ended or reason
            self._changes.notify()

    def _forget(self, lease: Lease, reason: str) -> None:
        """End a lease because another UART has the context, as the module reports; its state is then not known."""
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
        """Tell whether no driver of this table holds a context or is claiming it."""
        with self._changes:
            entry = self._entries[context]
            return entry.lease is None and entry.claiming is None


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
