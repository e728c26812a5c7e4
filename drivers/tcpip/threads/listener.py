"""Listeners on threads: servers of the module, whose clients become sessions."""

from __future__ import annotations

from ..core import operations
from ..core.session_base import ListenerBase
from .runner import ThreadRunner
from .session import Session


class Listener(ListenerBase[ThreadRunner]):
    """A server of the module; made by `TcpipDriver.listen`.

    Args:
        runner: runs its procedures.
        context: whose server it is.
        state: its rules.
    """

    def status(self) -> tuple[bool, int]:
        """Return whether it listens, as the module says, and how many clients are connected."""
        return self._runner.run(self._context.listener_status(self._state))

    def accept(self, timeout: float | None = None) -> Session:
        """Wait for a client.

        Args:
            timeout: seconds; None: what `settimeout` says, as long as the server lives by default.

        Returns:
            The session with it.

        Raises:
            SessionTimeout: no client came in time.
            drivers.errors.SessionClosed: the listener was closed, or the context or the line is gone.
        """
        return Session(
            self._runner, self._context, self._runner.run(operations.accept(self._context, self._state, timeout))
        )

    def close(self) -> None:
        """Leave the listening state; a session that was accepted stays; idempotent."""
        self._runner.run(operations.close_listener(self._context, self._state))

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
