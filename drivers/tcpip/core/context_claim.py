"""One driver's claim to its context: taking it, losing it, leaving it. No I/O, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...errors import CommandError, ContextBusy, ContextLost, SessionClosed
from .ownership import ContextState, ContextTable, Lease
from .procedure import Procedure, wait

RETRY = 1.0  # seconds between two questions for a context that the module refuses


class ContextClaim:
    """The lease on one context, and what is known about the context while it lasts.

    Args:
        context: which context.
        port: the name of the port.
        dlci: the DLCI of the port, None where it does not tell it.
        table: who owns which context.
        now: tells the time.
        words: what messages add in the words of the family, see `TcpipStack.WORDS`.
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
        ended: Callable[[Exception], None],
    ) -> None:
        self.context: int = context
        """Which context it is."""
        self.port: str = port
        """The name of the port."""
        self.dlci: int | None = dlci
        """The DLCI of the port, None where it does not tell it."""
        self.name: str = f"{port}, context {context}"
        """What messages call the context."""
        self.lease: Lease | None = None
        """The lease, until `lost`, a release or the end of what was used ends the claim."""
        self.address: str | None = None
        """The local address, None until it was read."""
        self.broken: bool = False
        """Whether the network has taken the context away, so that it has to be deactivated first."""
        self._table = table
        self._now = now
        self._words = words
        self._ended = ended

    def __repr__(self) -> str:
        state = "not held" if not self.valid else "broken" if self.broken else "active" if self.active else "held"
        return f"<ContextClaim of {self.name}: {state}>"

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
        """Whether the context is held and has been in use, as far as known."""
        return self.valid and self.lease is not None and self.lease.active

    def _take(
        self,
        deadline: float,
        *,
        take_over: bool,
        patient: bool,
        ask: Callable[[], Procedure[None]],
    ) -> Procedure[None]:
        """Take the context: reserve it in the table, ask the module, confirm or undo.

        Args:
            deadline: until when to wait for one that is busy.
            take_over: whether to take it from a holder that has not used it.
            patient: whether to wait for one that is busy.
            ask: asks the module; a `CommandError` is its refusal.

        Raises:
            ContextBusy: somebody else holds it.
        """
        while True:
            try:
                lease = self._table._reserve(self.context, self.dlci, take_over=take_over, port=self.port)
            except ContextBusy:
                left = deadline - self._now()
                if left <= 0 or not patient:
                    raise
                yield from wait(left, self._table._changes, lambda: self._table._free(self.context) or None)
                continue
            try:
                yield from ask()
            except CommandError as refusal:
                self._table._undo(lease)
                left = deadline - self._now()
                if left <= 0 or not patient:
                    refused, remedy = (self._words.get(what, "") for what in ("busy", "deactivate"))
                    raise ContextBusy(
                        self.context, port=self.port, refused=refused, remedy=remedy, code=refusal.code
                    ) from refusal
                yield from wait(min(RETRY, left))
            except BaseException:
                self._table._undo(lease)
                raise
            else:
                self._table._confirm(lease)
                self.lease, self.broken = lease, False
                return

    def _check(self) -> bool:
        """Tell whether the context is held.

        Raises:
            ContextLost: it was, and somebody else has taken it since; raised once.
        """
        lease = self.lease
        if lease is None or lease.ended is None:
            return lease is not None
        if lease.lost:
            raise self.lost(lease)
        self._drop(SessionClosed(f"{self.name}: {lease.ended}"))
        return False

    def _release(self, reason: str) -> None:
        """Give the context up, whatever its state."""
        lease = self.lease
        self._drop(SessionClosed(f"{self.name}: {reason}"))
        if lease is not None:
            self._table._release(lease, reason)

    def note(self, word: str, state: ContextState) -> None:
        """Take a state that follows from what the module says; one that nobody uses ends the claim on what was used.

        Args:
            word: the state as the module words it.
            state: what that means.
        """
        lease = self.lease
        if lease is None:
            return
        self.broken = state is ContextState.BROKEN
        self._table._update(lease, word, state)
        if state is ContextState.DOWN:
            self.address = None
            if lease.ended is not None:
                self._drop(SessionClosed(f"{self.name}: the context is in {word}"))

    def lost(self, lease: Lease, code: int | None = None) -> ContextLost:
        """End the claim because somebody else has the context, and return the exception that says so.

        Args:
            lease: the one that was lost.
            code: the module's own number for that, None where it gave none.
        """
        loss = ContextLost(self.context, lease.ended or "", port=self.port, code=code)
        self._drop(loss)
        return loss

    def forget(self, lease: Lease, reason: str) -> None:
        """End a lease because the module says that somebody else has the context; `lost` ends the claim."""
        self._table._forget(lease, reason)

    def _drop(self, cause: Exception) -> None:
        if self.lease is not None:
            self.lease, self.address, self.broken = None, None, False
            self._ended(cause)
