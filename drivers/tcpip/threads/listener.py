"""Listeners on threads: servers of the module, which return their clients as sessions."""

from __future__ import annotations

from ..core import operations
from ..core.session_base import ListenerBase
from .runner import ThreadRunner
from .session import Session


class Listener(ListenerBase[ThreadRunner]):
    """A server of the module; `TcpipDriver.listen` returns it.

    Args:
        runner: runs its procedures.
        context: the context of the listener.
        state: the state of the listener.
    """

    def status(self) -> tuple[bool, int]:
        """Return whether it is listening and the number of connected clients, as the module reports them."""
        return self._runner.run(self._context.listener_status(self._state))

    def accept(self, timeout: float | None = None) -> Session:
        """Wait for a client.

        Args:
            timeout: seconds; None: the timeout of `settimeout`, by default no limit while it is listening.

        Returns:
            The session with the client.

        Raises:
            SessionTimeout: no client came in time.
            drivers.errors.SessionClosed: the listener was closed, or the context or the line is lost.
        """
        return Session(
            self._runner, self._context, self._runner.run(operations.accept(self._context, self._state, timeout))
        )

    def close(self) -> None:
        """Stop listening; accepted sessions stay open; idempotent."""
        self._runner.close_by(operations.close_listener(self._context, self._state))

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
