"""The claim of one driver to its context: how it is taken, lost and released. No I/O, no waiting."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from ...errors import CommandError, ContextBusy, ContextLost, SessionClosed
from ...wording import context_name
from .ownership import ContextState, ContextTable, Lease
from .procedure import Procedure, wait

_REASONS: tuple[tuple[re.Pattern[str], str], ...] = (  # 27.007 §9.2.1
    (re.compile(r".*: *(?:4|100)$|.*not supported|.*unknown$"), "the module has no such command, or not in this state"),
    (re.compile(r".*: *1[0-8]$|.*\b(?:SIM|PIN|PUK)\b"), "its SIM is missing, locked or not ready"),
    (re.compile(r".*: *3[0-2]$|.*\bnetwork\b"), "it has no network"),
)
"""The answers that cannot be about another holder of a context, and what they are about."""
RETRY = 1.0  # seconds between two requests for a context that the module refuses


def _reason(answer: str) -> str:
    """Return why a module refuses a context, as its answer tells; empty if another virtual UART may hold it."""
    return next((reason for known, reason in _REASONS if known.match(answer)), "")


class ContextClaim:
    """The lease on one context, and what is known about the context while it lasts.

    Args:
        context: the number of the context.
        port: the name of the port.
        dlci: the DLCI of the port; None if it does not have one.
        table: the owners of contexts.
        now: returns the time.
        words: words of the family for messages; see `TcpipStack.WORDS`.
        shared: whether the context may be shared with other drivers that ask for the same.
        ended: called with the reason when the claim has ended.
    """

    def __init__(
        self,
        context: int,
        port: str,
        *,
        dlci: int | None,
        table: ContextTable,
        now: Callable[[], float],
        words: Mapping[str, str],
        shared: bool = False,
        ended: Callable[[Exception], None],
    ) -> None:
        self.context: int = context
        """The number of the context."""
        self.port: str = port
        """The name of the port."""
        self.dlci: int | None = dlci
        """The DLCI of the port; None if it does not have one."""
        self.shared: bool = shared
        """Whether the context may be shared with other drivers that ask for the same."""
        self.name: str = context_name(port, context)
        """The name of the context in messages."""
        self.lease: Lease | None = None
        """The lease; None when the claim has ended."""
        self.address: str | None = None
        """The local address; None until it has been read."""
        self.broken: bool = False
        """Whether the network has deactivated the context, so that it has to be deactivated here first."""
        self._why = "it was not claimed"  # or why it has ended
        self._table = table
        self._now = now
        self._words = words
        self._ended = ended

    def __repr__(self) -> str:
        state = "not held" if not self.valid else "broken" if self.broken else "active" if self.active else "held"
        return f"<ContextClaim of {self.name}: {state}>"

    def require(self) -> Lease:
        """Return the current lease.

        Raises:
            ContextLost: it has ended meanwhile: the module restarted, or another driver or program has the context.
        """
        lease = self.lease
        if not self._check() or lease is None:
            raise ContextLost(self.context, self._why, port=self.port)
        return lease

    @property
    def valid(self) -> bool:
        """Whether the context is held."""
        return self.lease is not None and self.lease.ended is None

    @property
    def active(self) -> bool:
        """Whether the context is held and has been in use, as far as is known."""
        return self.valid and self.lease is not None and self.lease.active

    @property
    def _used_by_others(self) -> bool:
        """Whether another driver of this process holds the context, too."""
        return self.lease is not None and self._table._others(self.lease)

    @property
    def _found_active(self) -> bool:
        """Whether somebody else had activated the context before it was claimed here."""
        return self._table._found_active(self.context)

    def _note_found_active(self, found: bool = True) -> None:
        self._table._note_found_active(self.context, found)

    def _take(
        self,
        deadline: float,
        *,
        take_over: bool,
        patient: bool,
        ask: Callable[[], Procedure[None]],
    ) -> Procedure[None]:
        """Claim the context: reserve it in the table, ask the module, confirm or undo.

        Args:
            deadline: the time until which to wait for a busy context.
            take_over: whether to take it from an owner that has not used it.
            patient: whether to wait for a busy context.
            ask: asks the module; a `CommandError` is its refusal.

        Raises:
            ContextBusy: another driver or program holds it.
        """
        while True:
            try:
                lease = self._table._reserve(
                    self.context, self.dlci, take_over=take_over, port=self.port, shared=self.shared
                )
            except ContextBusy:
                left = deadline - self._now()
                if left <= 0 or not patient:
                    raise
                yield from wait(
                    left, self._table._changes, lambda: self._table._free(self.context, shared=self.shared) or None
                )
                continue
            try:
                yield from ask()
            except CommandError as refusal:
                self._table._undo(lease)
                left = deadline - self._now()
                if left <= 0 or not patient:
                    raise ContextBusy(
                        self.context,
                        port=self.port,
                        refused=f"{refusal.command} was answered {refusal.answer}",
                        remedy=self._words.get("deactivate", ""),
                        code=refusal.code,
                        reason=_reason(refusal.answer),
                    ) from refusal
                yield from wait(min(RETRY, left))
            except BaseException:
                self._table._undo(lease)
                raise
            else:
                self._table._confirm(lease)
                self.lease, self.address, self.broken = lease, None, self._table._broken(self.context)
                lease._tell = partial(self._ended_by_another, lease)
                return

    def _ended_by_another(self, lease: Lease) -> None:
        """End the claim because another driver has deactivated the context, which it may after a loss only."""
        if self.lease is lease:
            self._drop(lease.ended or "")

    def _check(self) -> bool:
        """Tell whether the context is held.

        Raises:
            ContextLost: it was held, and another driver has taken it since; raised once.
        """
        lease = self.lease
        if lease is None or lease.ended is None:
            return lease is not None
        if lease.lost:
            raise self.lost(lease)
        self._drop(lease.ended)
        return False

    def _release(self, reason: str) -> None:
        """Release the context, in any state."""
        lease = self.lease
        self._drop(reason)
        if lease is not None:
            self._table._release(lease, reason)

    def note(self, word: str, state: ContextState) -> None:
        """Record a state that the module has reported; if the context goes out of use, the claim ends.

        Args:
            word: the state, in the words of the module.
            state: its meaning.
        """
        lease = self.lease
        if lease is None:
            return
        self.broken = state is ContextState.BROKEN
        for other in self._table._update(lease, word, state):
            if other._tell is not None:
                other._tell()
        if state is ContextState.DOWN:
            self.address = None
            if lease.ended is not None:
                self._drop(f"the context is in {word}")

    def lost(self, lease: Lease, code: int | None = None) -> ContextLost:
        """End the claim because another driver or program has the context, and return the exception for that.

        Args:
            lease: the lease that was lost.
            code: the error code of the module; None if it gave none.
        """
        loss = ContextLost(self.context, lease.ended or "", port=self.port, code=code)
        self._drop(lease.ended or "", loss)
        return loss

    def forget(self, lease: Lease, reason: str) -> None:
        """End a lease because another UART has the context, as the module reports; `lost` ends the claim.

        Args:
            lease: the lease.
            reason: what the module reports.
        """
        self._table._forget(lease, reason)

    def _drop(self, why: str, cause: Exception | None = None) -> None:
        if self.lease is not None:
            self.lease, self.address, self.broken, self._why = None, None, False, why
            self._ended(cause or SessionClosed(f"{self.name}: {why}"))
