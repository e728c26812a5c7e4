"""Watching idle sessions on threads (app note chapter 10)."""

from __future__ import annotations

import threading
from functools import partial
from typing import Unpack

from ..core.context import Context
from ..core.keepalive import KeepAlive, Watched, WatchOptions
from .runner import ThreadRunner
from .session import Session


class Watch:
    """Examines a session whenever it has been idle for a period; made by `TcpipDriver.keep_alive`.

    Args:
        runner: runs the examination; callbacks run on the thread of its channel.
        context: whose session it is.
        session: a TCP session.
        settings: how.
        options: what becomes of a session that is found dead.
    """

    def __init__(
        self,
        runner: ThreadRunner,
        context: Context,
        session: Session,
        settings: KeepAlive,
        **options: Unpack[WatchOptions[Session]],
    ) -> None:
        self._stopping = threading.Event()
        self._watched = Watched(
            context,
            session,
            settings,
            again=partial(Session, runner, context),
            tell=runner.channel.call_soon,
            stopped=self._stopping.is_set,
            **options,
        )
        self._thread = threading.Thread(
            target=runner.run, args=(self._watched.watch(),), name=f"keep-alive {context.name}", daemon=True
        )
        self._thread.start()

    def __repr__(self) -> str:
        return self._watched.describe(ended=not self._thread.is_alive())

    @property
    def session(self) -> Session:
        """The session that is watched now."""
        return self._watched.session

    @property
    def bound(self) -> float:
        """Seconds from the last sign of life until a dead connection is reported, at most."""
        return self._watched.bound

    def close(self) -> None:
        """Stop watching; the session stays; idempotent."""
        self._stopping.set()
        self._watched.nudge()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
