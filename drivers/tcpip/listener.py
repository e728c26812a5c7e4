"""Listeners on threads: servers of the module, whose clients become sessions."""

from __future__ import annotations

import threading

from ..clock import Clock
from ..errors import SessionTimeout
from .endpoint import Server
from .front import own
from .session import Runner, Session


class Listener(Server):
    """A server of the module; made by `TcpipDriver.listen`.

    Args:
        runner: runs its dialogues.
        name: what messages call it.
        protocol: TCP or UDP.
        port: the port it listens on.
        clients: how many at once.
        clock: the source of time.
    """

    def __init__(self, runner: Runner, *, name: str, protocol: str, port: int, clock: Clock, clients: int = 1) -> None:
        self._changed = threading.Condition()
        super().__init__(self._changed, name=name, protocol=protocol, port=port, clients=clients)
        self._runner = runner
        self._clock = clock

    def changed(self) -> None:
        """See `Server.changed`."""
        self._changed.notify_all()

    def status(self) -> tuple[bool, int]:
        """Return whether it listens, as the module says, and how many clients are connected: AT+QISERVER?."""
        return self._runner.carry_out(self._runner.stack.server_status())

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
        timeout = self._timeout if timeout is None else timeout
        deadline = None if timeout is None else self._clock.now() + timeout
        with self._changed:
            while (client := self.take_client()) is None:
                left = None if deadline is None else deadline - self._clock.now()
                if left is not None and left <= 0:
                    raise SessionTimeout(f"{self._name}: no client came within {timeout:g} s (REMOTE IP)")
                self._clock.wait(self._changed, left)
        return own(Session, client)

    def close(self) -> None:
        """Leave the listening state; a session that was accepted stays; idempotent."""
        if self.close_here() and not self.broken:
            self._runner.carry_out(self._runner.stack.end_listening())

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
