"""The ways to a module's line inside this computer: a pseudo-terminal, a TCP port, a pair of sockets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Coroutine
from typing import TypeVar

from cmux.aio import FdTransport
from cmux.departed import has_left
from cmux.inotify import OpenWatch
from cmux.pty import Pty

T = TypeVar("T")


class WaysIn:
    """Offers the line of one module to hosts.

    A pty and a serial line keep the module's only UART to its end, so there is no other way in beside them. A TCP port
    and the ends in this process have it while somebody is connected, and can stand side by side.

    Args:
        loop: the running loop.
        new_line: makes the module's side of a connection.
        busy: tells whether a host is connected.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        new_line: Callable[[], asyncio.Protocol],
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self._loop = loop
        self._new_line = new_line
        self._busy = busy
        self._keeper = ""  # what has the UART to the end
        self._listening = ""  # a TCP port
        self._ends: list[socket.socket] = []  # of pairs
        self._tasks: set[asyncio.Task[object]] = set()
        self._ptys: list[Pty] = []
        self._watches: list[OpenWatch] = []

    def pty(self, link: str | os.PathLike[str] | None) -> str:
        """Offer the module on a pseudo-terminal; see `EmulatedModule.serve_pty`."""
        self._require(alone=True)
        pty = Pty(link)
        self._keeper = f"the pty {pty.path}"
        self._ptys.append(pty)
        with contextlib.suppress(OSError, NotImplementedError):  # Linux has it, but not for very many
            self._watch(pty)
        FdTransport(self._loop, pty.detach_master(), self._new_line(), name=pty.path)
        return pty.path

    def _watch(self, pty: Pty) -> None:
        """Let the next client in when the one before was killed while it had the pty to itself."""
        watch = OpenWatch(pty.slave_name)
        self._watches.append(watch)

        def look() -> None:
            if watch.look().left:  # not beside one who is just opening it: that would not get the lock
                pty.let_others_in()

        self._loop.add_reader(watch.fileno(), look)

    def tcp(self, host: str, port: int) -> str:
        """Offer the module on a TCP port; see `EmulatedModule.serve_tcp`."""
        self._require()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # With its protocol named asyncio turns Nagle's algorithm off for what is accepted.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen()
        except OSError:
            listener.close()
            raise
        bound = f"[{host}]" if ":" in host else host
        self._spawn(self._listen(listener), listener)
        self._listening = f"{bound}:{listener.getsockname()[1]}"
        return self._listening

    def pair(self) -> socket.socket:
        """Return the host's end of the line as a socket."""
        self._require(now=True)
        mine, theirs = socket.socketpair()
        self._ends = [end for end in self._ends if end.fileno() >= 0] + [mine]
        self._spawn(self._accept(mine), mine)
        return theirs

    def serial(self, url: str, connect: Callable[[], T]) -> T:
        """Offer the module on a serial line.

        Args:
            url: what is opened.
            connect: opens it, and connects the module's side.

        Returns:
            What `connect` returned.
        """
        self._require(alone=True)
        opened = connect()
        self._keeper = f"the serial line {url}"
        return opened

    def _require(self, *, alone: bool = False, now: bool = False) -> None:
        """Make sure that another way in can be had.

        Args:
            alone: it keeps the UART to the end, so that nobody else may ever want it.
            now: it wants the UART at once.

        Raises:
            RuntimeError: it cannot; says what has the UART.
        """
        by = self._keeper
        if not by and (alone or now) and any(end.fileno() >= 0 and not has_left(end.fileno()) for end in self._ends):
            by = "what port() or connect() has returned, which is not closed"
        if not by and (alone or now) and self._busy():
            by = f"a host on the TCP port {self._listening}"
        if not by and alone and self._listening:
            by = f"the TCP port {self._listening}"
        if by:
            raise RuntimeError(f"the module has one UART, and {by} has it already: make a module for each way in")

    async def stop(self) -> None:
        """Stop to accept connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        """Close the pseudo-terminals and remove their links."""
        while self._watches:
            watch = self._watches.pop()
            self._loop.remove_reader(watch.fileno())
            watch.close()
        while self._ptys:
            self._ptys.pop().close()

    def _spawn(self, work: Coroutine[object, object, object], owned: socket.socket) -> None:
        """Run a coroutine that takes over a socket; close the socket if the coroutine fails."""

        def done(task: asyncio.Task[object]) -> None:
            self._tasks.discard(task)
            if task.cancelled() or task.exception() is not None:
                owned.close()

        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(done)

    async def _listen(self, listener: socket.socket) -> None:
        server = await self._loop.create_server(self._new_line, sock=listener, start_serving=False)
        try:
            await server.start_serving()
            await asyncio.Event().wait()  # serve_forever would wait for the connection to end when it is cancelled
        finally:
            server.close()

    async def _accept(self, endpoint: socket.socket) -> None:
        await self._loop.connect_accepted_socket(self._new_line, endpoint)
