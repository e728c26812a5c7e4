"""Running in an event loop: the running one, or one in a thread of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from .precise_loop import new_loop

T = TypeVar("T")


class Lifetime:
    """Runs something in an event loop between entering and leaving a ``with`` statement.

    ``async with`` runs it in the running event loop, ``with`` in a loop and a thread of its own; both leave nothing
    behind.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()

    def _prepare(self) -> None:
        """Take what may be refused, in the caller's thread; `_start` comes next."""

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start, in the loop's thread."""
        raise NotImplementedError

    async def _stop(self) -> None:
        """Stop, and release everything."""
        raise NotImplementedError

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop, or raise RuntimeError when it does not run."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        self._process = os.getpid()
        self._prepare()
        self._start(asyncio.get_running_loop())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    def __enter__(self) -> Self:
        self._process = os.getpid()
        self._prepare()
        loop = self._own_loop = new_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(loop, ready), name="emulated module")
        self._thread.start()
        ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        thread, loop = self._thread, self._own_loop
        if thread is None or loop is None or os.getpid() != self._process:
            return
        asyncio.run_coroutine_threadsafe(self._stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        self._thread = None

    def _run(self, loop: asyncio.AbstractEventLoop, ready: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.call_soon(self._start, loop)
            loop.call_soon(ready.set)
            loop.run_forever()
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    def _on_loop(self, work: Callable[[], T]) -> T:
        """Call a function in the loop, from any thread."""
        if os.getpid() != self._process:  # the loop runs there
            raise RuntimeError("the module belongs to the parent process")
        loop = self._running_loop()
        try:
            if asyncio.get_running_loop() is loop:
                return work()
        except RuntimeError:
            pass

        async def run() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), loop).result()
