"""A session as a real socket of the operating system, for ``ssl``, ``http.client``, asyncio, MQTT and the like.

The program has one end of a socket pair; a bridge of two threads copies octets between the other end and the session.
The bridge watches that other end: it ends when the program's end is closed, however that happens, because ``ssl``,
``detach()`` and ``dup()`` move the descriptor to objects that the bridge cannot see.
"""

from __future__ import annotations

import select
import socket
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from .errors import DriverError, InvalidType, SessionClosed, SessionFinished
from .logs import port_logger
from .tcpip import Session, TcpipDriver

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

__all__ = ["ModemSocket", "create_connection", "wrap"]

PIECE = 14600  # octets passed to the session at once: ten pieces of 1460
BUFFER = 65536
CLOSING = 60.0  # seconds to wait for the session of a closed socket to end before the next one is opened
_POLLS = hasattr(select, "poll")


class Bridge:
    """Copies octets between one end of a socket pair and a session, on two threads.

    Args:
        session: the session; the bridge closes it.
        ours: our end of the pair; the bridge closes it.
        port: the name of the port, for the log.
    """

    def __init__(self, session: Session, ours: socket.socket, port: str) -> None:
        self.session = session
        self.failure: Exception | None = None
        """Why the session broke; None if it has not, or one of the two sides has closed it."""
        self._log = port_logger(port)
        self._ours = ours
        self._ending = False
        self._threads = [
            threading.Thread(target=target, name=f"socket {way} {session.remote_address}", daemon=True)
            for way, target in (("up", self._up), ("down", self._down))
        ]

    def __repr__(self) -> str:
        state = "carries" if self.failure is None and not self._ending else f"ended ({self.failure or 'closed'})"
        return f"<Bridge of {self.session!r}: {state}>"

    def start(self) -> None:
        """Start the threads."""
        for thread in reversed(self._threads):  # _up joins the thread of _down
            thread.start()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for both threads to end.

        Args:
            timeout: seconds for each of them.

        Returns:
            Whether both have ended.
        """
        for thread in self._threads:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in self._threads)

    def check_sendable(self) -> None:
        """Raise an exception if the session cannot send any more: the other side has closed it, or it broke."""
        if self.failure is not None:
            raise ConnectionResetError(str(self.failure)) from self.failure
        self.session.check_sendable()

    def finish(self, timeout: float) -> None:
        """Wait for the bridge to end if the program has already closed its end.

        Args:
            timeout: seconds for each thread.
        """
        if self._ending or self._hung_up():
            self.join(timeout)

    def _up(self) -> None:
        """Copy from the program to the session, until the program closes its end."""
        try:
            while data := self._ours.recv(PIECE):
                self.session.sendall(data)
            if self._half_closed():
                with suppress(SessionClosed):
                    self.session.shutdown(socket.SHUT_WR)
                self._await_hang_up()
        except SessionFinished as error:
            self._log.info("%s", error)
            with suppress(OSError):
                self._ours.shutdown(socket.SHUT_RD)  # the program cannot send, but can still read what has come
                while self._ours.recv(PIECE):
                    pass  # octets left in the pair would turn the end of the data into a reset
            self._threads[1].join()
        except DriverError as error:
            self._failed(error)
        except OSError as error:
            self._log.debug("%s", error)  # the program has closed its end with octets unread
        finally:
            self._end_session()
            self._hang_up()
            self._threads[1].join()
            self._ours.close()

    def _down(self) -> None:
        """Copy from the session to the program, until the session ends."""
        try:
            while data := self.session.recv(BUFFER):
                self._ours.sendall(data)
            with suppress(OSError):
                self._ours.shutdown(socket.SHUT_WR)  # the program sees the end, and may still send
        except DriverError as error:
            self._failed(error)
            self._hang_up()
        except OSError as error:
            self._log.debug("%s", error)
            self._hang_up()

    def _failed(self, error: Exception) -> None:
        if not self._ending:
            self.failure = self.failure or error
            self._log.info("%s", error)

    def _end_session(self) -> None:
        self._ending = True
        try:
            self.session.close()
        except DriverError as error:
            self._log.info("closing the session failed: %s", error)

    def _hang_up(self) -> None:
        with suppress(OSError):
            self._ours.shutdown(socket.SHUT_RDWR)

    def _half_closed(self) -> bool:
        """Tell whether the program has only shut down sending; if it has closed its end, the pair has hung up, too."""
        return _POLLS and self._ours.family == getattr(socket, "AF_UNIX", None) and not self._hung_up()

    def _await_hang_up(self) -> None:
        self._poll(None)

    def _hung_up(self) -> bool:
        try:
            return _POLLS and self._poll(0)
        except (OSError, ValueError):
            return True  # our end has been closed

    def _poll(self, timeout: int | None) -> bool:
        poll = select.poll()
        poll.register(self._ours, 0)  # POLLHUP is always reported
        return bool(poll.poll(timeout))


class ModemSocket(socket.socket):
    """The program's end of the pair: a stream socket that accepts TCP options and knows the address of its peer.

    `create_connection` and `wrap` create it; the arguments are those of `socket.socket`.
    """

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        super().__init__(family, type, proto, fileno)
        self._remote = self._local = ("", 0)
        self._bridge: Bridge | None = None

    def _describe(self, remote: tuple[str, int], local: tuple[str, int], bridge: Bridge | None) -> None:
        self._remote, self._local, self._bridge = remote, local, bridge

    def dup(self) -> ModemSocket:
        """Return a second socket for the same session, which lasts until both are closed."""
        other = super().dup()
        other._describe(self._remote, self._local, self._bridge)
        return other

    def getpeername(self) -> tuple[str, int]:
        """Return the address and port of the other side of the session."""
        return self._remote

    def getsockname(self) -> tuple[str, int]:
        """Return the local address of the context, with port 0: the module does not report the port."""
        return self._local

    def setsockopt(
        self, level: int, optname: int, value: int | ReadableBuffer | None, optlen: int | None = None
    ) -> None:
        """Set an option; TCP options are accepted without effect, as the module handles TCP.

        Args:
            level: as for `socket.socket.setsockopt`, like the following arguments.
            optname: the option.
            value: its value.
            optlen: octets of a value that is None.

        Raises:
            TypeError: ``value`` and ``optlen`` are both None.
        """
        if level == socket.IPPROTO_TCP:
            return
        if value is None:
            if optlen is None:
                raise TypeError("an option without a value needs its length")
            super().setsockopt(level, optname, None, optlen)
        else:
            super().setsockopt(level, optname, value)

    def getsockopt(self, level: int, optname: int, buflen: int = 0) -> int | bytes:  # type: ignore[override]
        """Return an option; TCP options are 0.

        Args:
            level: as for `socket.socket.getsockopt`, like the following arguments.
            optname: the option.
            buflen: octets of its value; 0: it is a number.
        """
        if level == socket.IPPROTO_TCP:
            return bytes(buflen) if buflen else 0
        return super().getsockopt(level, optname, buflen) if buflen else super().getsockopt(level, optname)

    def send(self, data: ReadableBuffer, flags: int = 0, /) -> int:
        """Send data.

        Args:
            data: the octets.
            flags: as for any socket.

        Returns:
            How many were taken.

        Raises:
            BrokenPipeError: the other side has closed the session.
            ConnectionResetError: the session broke.
        """
        self._check_sendable()
        return super().send(data, flags)

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        """Send all of the data; raises what `send` raises.

        Args:
            data: the octets.
            flags: as for any socket.
        """
        self._check_sendable()
        super().sendall(data, flags)

    def _check_sendable(self) -> None:
        if self._bridge is not None and self.fileno() >= 0:
            self._bridge.check_sendable()

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Receive data.

        Args:
            bufsize: the most octets.
            flags: as for any socket.

        Returns:
            The octets; none once the other side has closed and everything has been read.

        Raises:
            ConnectionResetError: the session broke, and everything that came before has been read.
        """
        data = super().recv(bufsize, flags)
        if not data and bufsize:
            self._raise_failure()
        return data

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """Receive into a buffer; raises what `recv` raises.

        Args:
            buffer: the buffer.
            nbytes: the most octets; 0: as many as fit.
            flags: as for any socket.

        Returns:
            How many came; 0 once the other side has closed and everything has been read.
        """
        count = super().recv_into(buffer, nbytes, flags)
        if not count and memoryview(buffer).nbytes:
            self._raise_failure()
        return count

    def _raise_failure(self) -> None:
        failure = None if self._bridge is None else self._bridge.failure
        if failure is not None:
            raise ConnectionResetError(str(failure)) from failure


def create_connection(
    driver: TcpipDriver, address: tuple[str, int], timeout: float | None = None, *, index: int | None = None
) -> ModemSocket:
    """Open a TCP session and return it as a socket of the operating system.

    Args:
        driver: a driver whose sessions are not transparent.
        address: host and port.
        timeout: seconds for opening the session, then the timeout of the socket; None: the limits of the module for
            opening, and a socket without a timeout.
        index: which of the six sessions, with MUXIP; None: the first that is free.

    Raises:
        NameNotFound: the module reports that it has no address for the host (a `socket.gaierror`).
        ConnectRefused: the module could not connect (a `ConnectionRefusedError`).
        ConnectTimeout: it could not within its time (a `TimeoutError`).
        AtTimeout: no answer within the timeout (a `TimeoutError`).
        InvalidType: that is no driver, or no address.
    """
    if not isinstance(driver, TcpipDriver):
        raise InvalidType(f"a driver is a TcpipDriver, not {driver!r}")
    if not isinstance(address, tuple) or len(address) != 2:
        raise InvalidType(f"an address is (host, port), not {address!r}")
    for bridge in list(_bridges.get(driver, ())):
        bridge.finish(CLOSING)  # the session of a socket that was closed a moment ago has to end first
    session = driver.connect("TCP", *address, index=index, timeout=timeout)
    return wrap(driver, session, timeout)


def wrap(driver: TcpipDriver, session: Session, timeout: float | None = None) -> ModemSocket:
    """Return a socket of the operating system for an open session; closing the socket closes the session.

    Args:
        driver: the driver that opened the session.
        session: a TCP session that `TcpipDriver.connect` or `Listener.accept` returned.
        timeout: the timeout of the socket in seconds, or None.
    """
    session.settimeout(None)
    local = (driver.local_address, 0)
    ours, theirs = socket.socketpair()
    bridge = Bridge(session, ours, driver.channel.name)
    made = ModemSocket(fileno=theirs.detach())
    made._describe(session.remote_address, local, bridge)
    made.settimeout(timeout)
    _bridges.setdefault(driver, weakref.WeakSet()).add(bridge)
    bridge.start()
    return made


_bridges: weakref.WeakKeyDictionary[TcpipDriver, weakref.WeakSet[Bridge]] = weakref.WeakKeyDictionary()
