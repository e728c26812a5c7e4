"""Watching idle sessions on threads (app note chapter 10)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from ..at import AtChannel
from .endpoint import Endpoint
from .front import own
from .keepalive import KeepAlive, Patient, check_kind, watch
from .plans import Rest
from .session import Runner, Session


class _Stopped(Exception):
    """Ends the plan of a watch that is closed."""


class Watch:
    """Examines a session whenever it has been idle for a period; made by `TcpipDriver.keep_alive`.

    Args:
        runner: whose session it is.
        channel: where callbacks run.
        session: a TCP session.
        settings: how.
        reconnect: whether to open a client session again that was found dead.
        on_dead: told the session and why, on the channel's own thread.
        on_reconnected: told the new session, on the channel's own thread.
    """

    def __init__(
        self,
        runner: Runner,
        channel: AtChannel,
        session: Session,
        settings: KeepAlive,
        *,
        reconnect: bool = False,
        on_dead: Callable[[Session, Exception], None] | None = None,
        on_reconnected: Callable[[Session], None] | None = None,
    ) -> None:
        check_kind(runner.stack, session, settings)

        def dead(which: Endpoint, why: Exception) -> None:
            if on_dead is not None:
                channel.call_soon(partial(on_dead, own(Session, which), why))

        def reconnected(which: Endpoint) -> None:
            if on_reconnected is not None:
                channel.call_soon(partial(on_reconnected, own(Session, which)))

        self._runner = runner
        self._patient = Patient(session, reconnect, dead, reconnected)
        self._plan = watch(runner.stack, self._patient, settings)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"keep-alive {runner.stack.name}", daemon=True)
        self._thread.start()

    @property
    def session(self) -> Session:
        """The session that is watched now."""
        return own(Session, self._patient.session)

    def close(self) -> None:
        """Stop watching; the session stays; idempotent."""
        self._stopping.set()
        self.session.nudge()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            self._runner.carry_out(self._plan, self._rest)
        except _Stopped:
            return

    def _rest(self, rest: Rest) -> None:
        self.session.rest(rest.seconds, self._stopping.is_set, even_closed=rest.firm)
        if self._stopping.is_set():
            raise _Stopped
