"""A small server of pages over HTTP: one thread, few clients, each with a deadline, nothing but GET and HEAD."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

MOST_CLIENTS: Final = 16
"""Clients at the same time; further ones wait until one has left."""
LONGEST_REQUEST: Final = 8192
"""Octets of a request; a longer one is refused."""
DEADLINE: Final = 5.0
"""Seconds in which a client has to ask and to take the answer."""
_READ_SIZE: Final = 4096
_JOIN_TIMEOUT: Final = 2.0
_NO_ROOM_WAIT: Final = 0.5  # seconds until clients are let in again for whom the system had no room
_PLAIN: Final = "text/plain; charset=utf-8"

_log = logging.getLogger("cmux.pages")


class Page(NamedTuple):
    """A page."""

    content_type: str
    """Its type."""
    make: Callable[[], bytes]
    """Makes it as it is now."""


class _Client:
    """One connection: its request, or what is left of the answer."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self.connection = connection
        self.deadline = deadline
        self.request = b""
        self.answer: memoryview | None = None


class PageServer:
    """Serves pages on one thread.

    A client that is too slow, or asks for too much, is sent away; one connection is for one request.

    Args:
        listener: a socket that listens; it is closed with the server.
        pages: the pages by their paths.
        clock: returns seconds.
    """

    def __init__(
        self, listener: socket.socket, pages: Mapping[str, Page], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._listener = listener
        self._pages = pages
        self._clock = clock
        self._clients: dict[socket.socket, _Client] = {}
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = socket.socketpair()
        self._stopping = False
        self._accepts_from: float | None = None  # when clients are let in again; None: they are
        self._full = False  # the listener is not looked at
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="cmux pages", daemon=True)

    def __repr__(self) -> str:
        return f"<PageServer {', '.join(self._pages)}, {self.clients} clients>"

    @property
    def clients(self) -> int:
        """How many clients there are."""
        return len(self._clients)

    def start(self) -> None:
        """Let clients in."""
        self._thread.start()

    def close(self) -> None:
        """Send everybody away, and wait for the thread."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._wake_write.send(b"x")
        if self._thread.ident is not None:
            self._thread.join(_JOIN_TIMEOUT)
        if not self._thread.is_alive():  # else it waits for a line, and ends with the process
            for client in list(self._clients.values()):
                self._leave(client)
            self._selector.close()
            self._wake_read.close()
        self._listener.close()
        self._wake_write.close()

    def _run(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select(self._left()):
                if key.fileobj is self._listener:
                    self._accept()
                elif key.data is not None:
                    self._serve(key.data)
            now = self._clock()
            for client in [one for one in self._clients.values() if one.deadline <= now]:
                self._leave(client)
            self._look_at_listener(now)

    def _left(self) -> float | None:
        times = [one.deadline for one in self._clients.values()]
        if self._accepts_from is not None:
            times.append(self._accepts_from)
        return max(0.0, min(times) - self._clock()) if times else None

    # --- Who comes ---

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):
            return
        except OSError:  # no room for another descriptor: it stays in the queue, and would wake us at once
            self._accepts_from = self._clock() + _NO_ROOM_WAIT
            return
        connection.setblocking(False)
        client = self._clients[connection] = _Client(connection, self._clock() + DEADLINE)
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _look_at_listener(self, now: float) -> None:
        """Look at the listener only while there is room for a client."""
        if self._accepts_from is not None and self._accepts_from <= now:
            self._accepts_from = None
        full = len(self._clients) >= MOST_CLIENTS or self._accepts_from is not None
        if full != self._full and not self._stopping:
            self._full = full
            if full:
                self._selector.unregister(self._listener)
            else:
                self._selector.register(self._listener, selectors.EVENT_READ)

    def _leave(self, client: _Client) -> None:
        if self._clients.pop(client.connection, None) is not None:
            self._selector.unregister(client.connection)
            client.connection.close()

    # --- Who is there ---

    def _serve(self, client: _Client) -> None:
        try:
            if client.answer is None:
                self._hear(client)
            if client.answer:
                with contextlib.suppress(BlockingIOError, InterruptedError):
                    client.answer = client.answer[client.connection.send(client.answer) :]
                if not client.answer:  # what is unread when a connection is closed would take the answer with it
                    client.connection.shutdown(socket.SHUT_WR)
                    self._selector.modify(client.connection, selectors.EVENT_READ, client)
            elif client.answer is not None and not client.connection.recv(_READ_SIZE):
                self._leave(client)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._leave(client)

    def _hear(self, client: _Client) -> None:
        heard = client.connection.recv(_READ_SIZE)
        if not heard:
            raise ConnectionAbortedError
        client.request += heard
        head, end, _ = client.request.replace(b"\r\n", b"\n").partition(b"\n\n")
        if end:
            client.answer = memoryview(self._answer(head.partition(b"\n")[0]))
        elif len(client.request) > LONGEST_REQUEST:
            client.answer = memoryview(_written(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
        else:
            return
        client.request = b""
        self._selector.modify(client.connection, selectors.EVENT_WRITE, client)

    def _answer(self, line: bytes) -> bytes:
        """Return the answer to a request, which begins with this line."""
        words = line.split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):  # method, path, version
            return _written(HTTPStatus.BAD_REQUEST)
        method, target = words[0], words[1].partition(b"?")[0].decode("latin-1")
        if method not in (b"GET", b"HEAD"):
            return _written(HTTPStatus.METHOD_NOT_ALLOWED, headers=("Allow: GET, HEAD",))
        page = self._pages.get(target)
        if page is None:
            there = "\n".join(self._pages).encode()
            return _written(HTTPStatus.NOT_FOUND, b"there is:\n" + there + b"\n", head=method == b"HEAD")
        try:
            body = page.make()
        except Exception:  # noqa: BLE001 - the server is there for the next client
            _log.exception("%s", target)
            return _written(HTTPStatus.INTERNAL_SERVER_ERROR)
        return _written(HTTPStatus.OK, body, page.content_type, head=method == b"HEAD")


def _written(
    code: HTTPStatus,
    body: bytes | None = None,
    content_type: str = _PLAIN,
    *,
    head: bool = False,
    headers: tuple[str, ...] = (),
) -> bytes:
    """Return an answer as it goes over the connection."""
    body = f"{code.phrase}\n".encode() if body is None else body
    lines = (
        f"HTTP/1.1 {code.value} {code.phrase}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
        *headers,
    )
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + (b"" if head else body)
