"""Watches idle sessions on threads (app note chapter 10)."""

from __future__ import annotations

import threading
from functools import partial
from typing import Unpack

from ..core.context import Context
from ..core.keepalive import KeepAlive, Stopped, Watched, WatchOptions
from .runner import ThreadRunner
from .session import Session


class Watch:
    """Examines a session whenever it has been idle for a period; `TcpipDriver.keep_alive` returns it.

    Args:
        runner: runs the examination; callbacks run on the thread of its channel.
        context: the context of the session.
        session: a TCP session.
        settings: when and how to examine it.
        options: what is done when the session is found dead.
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
        self._runner, self._work = runner, self._watched.watch()
        self._thread = threading.Thread(
            target=runner.run, args=(self._work,), name=f"keep-alive {context.name}", daemon=True
        )
        self._thread.start()

    def __repr__(self) -> str:
        return self._watched.describe(ended=not self._thread.is_alive())

    @property
    def session(self) -> Session:
        """The session that is being watched."""
        return self._watched.session

    @property
    def bound(self) -> float:
        """The most seconds from the last sign of life until a dead connection is reported."""
        return self._watched.bound

    def close(self) -> None:
        """Stop watching, also while the session is being opened again; it stays open; idempotent."""
        self._stopping.set()
        self._watched.nudge()
        self._runner.abandon(Stopped, only=self._work)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
