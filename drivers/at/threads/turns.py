"""The turns of dialogues on a channel, in the order in which their callers came."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ...clock import Clock
from ...errors import AtTimeout
from ..core.ticket import Ticket


class Turns:
    """The callers that have the channel or wait for it.

    Args:
        name: the name of the port in messages.
        changed: notified when the next one has its turn; its lock is that of the channel.
        clock: the source of time.
        check: raises an exception if the channel cannot be used; called with the lock.
        moved: called with the lock when a caller has come or gone.
    """

    def __init__(
        self,
        name: str,
        changed: threading.Condition,
        clock: Clock,
        check: Callable[[], None],
        moved: Callable[[], None],
    ) -> None:
        self._name = name
        self._changed = changed
        self._clock = clock
        self._check = check
        self._moved = moved
        self._tickets: deque[Ticket] = deque()

    def __bool__(self) -> bool:
        return bool(self._tickets)

    @contextmanager
    def take(self, ticket: Ticket, timeout: float | None) -> Iterator[None]:
        """Have the turn inside of the ``with`` block.

        Args:
            ticket: the ticket of the dialogue.
            timeout: seconds to wait for the turn; None: without limit.

        Raises:
            AtTimeout: the turn did not come in time.
        """
        deadline = None if timeout is None else self._clock.now() + timeout
        with self._changed:
            self._tickets.append(ticket)
            self._moved()
            try:
                while self._tickets[0] is not ticket:
                    self._check()
                    ticket.check()
                    left = None if deadline is None else deadline - self._clock.now()
                    if left is not None and left <= 0:
                        raise AtTimeout(
                            f"{self._name}: another dialogue had the channel for more than {timeout:g} s",
                            command="the channel's turn",
                        )
                    self._clock.wait(self._changed, left)
                self._check()
            except BaseException:
                self._leave(ticket)
                raise
        try:
            yield
        finally:
            with self._changed:
                self._leave(ticket)

    def _leave(self, ticket: Ticket) -> None:
        self._tickets.remove(ticket)
        self._changed.notify_all()
        self._moved()
