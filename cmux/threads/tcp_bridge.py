"""A channel as a TCP port: carries what its client sends to the channel, and what comes on it to the client."""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
from collections.abc import Callable

from ..conditions import Condition
from ..departed import has_left
from .bridge_base import Bridge
from .virtual_uart import VirtualUart

_READ_SIZE = 4096
_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_RETRY = 0.5  # seconds until it is tried again to accept a client for whom there was no room


class TcpBridge(Bridge):
    """One channel and one TCP port, which has one client at a time; a second one is closed at once.

    The octets are those of the channel, without any protocol around them. What comes while there is no client stays in
    the channel's buffer, and when that is full, the peer is asked to stop. A client that ends its side has left.

    Args:
        uart: the open channel; closing it is left to the caller.
        listener: a socket that listens; it is closed with the bridge.
        on_end: called from one of the threads when the channel is gone.
    """

    def __init__(self, uart: VirtualUart, listener: socket.socket, on_end: Callable[[], object] = lambda: None) -> None:
        self._listener = listener
        self._path = shown(listener)
        super().__init__(uart, on_end, clients=self._accept, to_channel=self._to_channel, to_client=self._to_client)
        listener.setblocking(False)
        self._wake_read, self._wake_write = socket.socketpair()  # a pipe cannot be selected on Windows
        self._changed = Condition()
        self._client: socket.socket | None = None
        self._to_send = b""
        self._to_write = b""

    @property
    def path(self) -> str:
        """The address as HOST:PORT."""
        return self._path

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
            if self._client is not None:
                self._hang_up(self._client)
        with contextlib.suppress(OSError):
            self._wake_write.send(b"x")

    def _release(self) -> None:
        self._listener.close()
        self._wake_read.close()
        self._wake_write.close()
        with self._changed:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    @staticmethod
    def _hang_up(client: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it has gone already
            client.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._wake_read, selectors.EVENT_READ)
            while not self._stopping:
                selector.select()
                try:
                    client, _ = self._listener.accept()
                    self._welcome(client)
                except OSError as error:
                    if error.errno in _NO_ROOM:  # the client stays in the queue, and would wake us at once
                        with self._changed:
                            self._changed.wait(_RETRY)

    def _welcome(self, client: socket.socket) -> None:
        with self._changed:
            if self._stopping or (self._client is not None and not has_left(self._client.fileno())):
                client.close()
                return
            if self._client is not None:  # not noticed yet, because the peer takes none of what it has sent
                self._hang_up(self._client)
            client.setblocking(True)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # one whose machine is gone makes room
            self._client = client
            self._changed.notify_all()
        self.uart.cancel_read()  # see VirtualUart.wait_down

    def _wait_for_client(self) -> socket.socket | None:
        with self._changed:
            while self._client is None and not self._stopping:
                self._changed.wait()
            return None if self._stopping else self._client

    def _leave(self, client: socket.socket) -> None:
        """Make room for the next client."""
        self._hang_up(client)
        with self._changed:
            if self._client is client:
                self._client = None
                self._changed.notify_all()
        client.close()

    def _to_channel(self) -> None:
        client = self._wait_for_client() if not self._to_write else None
        while client is not None:
            try:
                self._to_write = client.recv(_READ_SIZE)
            except OSError:
                self._to_write = b""
            if not self._to_write:
                if not self._stopping:
                    self._leave(client)
                return
            self._write()
        self._write()

    def _write(self) -> None:
        if self._to_write:
            self.uart.write(self._to_write)
            self._to_write = b""  # if the line died in the meantime, all of it goes to the module that comes back

    def _to_client(self) -> None:
        while not self._stopping:
            client = self._client
            if client is None:
                self.uart.wait_down(lambda: self._stopping or self._client is not None)
            elif not self._to_send:
                self._to_send = self.uart.read1(_READ_SIZE)
            else:
                try:
                    self._to_send = self._to_send[client.send(self._to_send) :]
                except OSError:
                    self._leave_later(client)

    def _leave_later(self, client: socket.socket) -> None:
        """Wait until the thread that reads has noticed that a client is gone."""
        self._hang_up(client)
        with self._changed:
            while self._client is client and not self._stopping:
                self._changed.wait()


def shown(listener: socket.socket) -> str:
    """Return the address of a socket as HOST:PORT."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """Create a socket that listens.

    Args:
        host: a name or an address.
        port: the port; 0 picks a free one.

    Returns:
        The socket.

    Raises:
        OSError: the address is not one of this machine, or the port is taken; its filename is the address.
    """
    try:
        kind, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=kind)
    except OSError as error:
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        said = (error.strerror or str(error)).partition(" (while")[0]
        raise OSError(error.errno, said, where) from error
