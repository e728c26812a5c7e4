"""The control socket of ``gsm0710 emulate``: a line of text in, ``ok`` or ``error TEXT`` out."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import stat
from collections.abc import Sequence
from typing import Final

from ..emulator import EmulatedModule

log: logging.Logger = logging.getLogger(__name__)

MOST_CLIENTS: Final = 16
"""Clients at the same time; a further one is told so and sent away."""
LONGEST_LINE: Final = 8192
"""Octets of a line, its end not counted; a longer one ends the connection."""
_ANSWERS = 16384  # octets of answers that wait for a client, until it is not heard any more


class ControlSocket:
    """Lets other programs on this computer make things happen to emulated modules, over a Unix socket.

    Only its owner may connect. It is made where nothing is, or where a program that has ended left one; no link is
    followed.

    Args:
        path: where.
        modules: those that lines are for, in the order of their numbers 1, 2, ….

    Raises:
        FileExistsError: something else is there, or a socket that another program serves.
        OSError: it cannot be made, or the system has no Unix sockets.
    """

    def __init__(self, path: str, modules: Sequence[EmulatedModule]) -> None:
        self.path: str = path
        self.refused: int = 0
        """Clients that were sent away because there were `MOST_CLIENTS`."""
        self._modules = modules
        self._clients: set[_Client] = set()
        self._server: asyncio.Server | None = None
        self._socket = _bound(path)
        found = os.lstat(path)
        self._identity = (found.st_dev, found.st_ino)

    async def start(self) -> None:
        """Let clients in."""
        self._server = await asyncio.get_running_loop().create_unix_server(lambda: _Client(self), sock=self._socket)

    def close(self) -> None:
        """Send everybody away, and remove the socket if it is still this one."""
        if self._server is not None:
            self._server.close()
        self._socket.close()
        for client in list(self._clients):
            client.abort()
        with contextlib.suppress(OSError):
            found = os.lstat(self.path)
            if (found.st_dev, found.st_ino) == self._identity:
                os.unlink(self.path)

    def admit(self, client: _Client) -> bool:
        """Return whether there is room for another client."""
        if len(self._clients) >= MOST_CLIENTS:
            self.refused += 1
            return False
        self._clients.add(client)
        return True

    def forget(self, client: _Client) -> None:
        """Forget a client that has left."""
        self._clients.discard(client)

    def answer(self, line: str) -> str:
        """Do what a line says.

        Args:
            line: as for `EmulatedModule.trigger`; before it, where there are several modules, the number of one: its
                place, 1 for the first, or its phone number.

        Returns:
            ``ok``, or ``error`` and one line that says why.
        """
        try:
            module, rest = self._addressed(line)
            module.trigger(rest)
        except (ValueError, RuntimeError) as error:
            return "error " + " ".join(str(error).split())
        return "ok"

    def _addressed(self, line: str) -> tuple[EmulatedModule, str]:
        """Return the module that a line is for, and what it is to do."""
        first, _, rest = line.strip().partition(" ")
        if first[:1] == "+":
            found = [module for module in self._modules if module.number == first]
        elif first.isascii() and first.isdigit():
            found = [module for place, module in enumerate(self._modules, start=1) if str(place) == first]
        elif len(self._modules) == 1:
            return self._modules[0], line
        else:
            raise ValueError(f"which module? begin the line with 1 to {len(self._modules)}, or with a phone number")
        if not found:
            raise ValueError(f"there is no module {first}")
        return found[0], rest


class _Client(asyncio.Protocol):
    """Answers the lines of one client, as fast as it reads the answers."""

    def __init__(self, control: ControlSocket) -> None:
        self._control = control
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._paused = self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"a client has a stream, not {transport!r}")
        if not self._control.admit(self):
            transport.write(f"error there are {MOST_CLIENTS} clients already\n".encode())
            transport.close()
            return
        transport.set_write_buffer_limits(high=_ANSWERS)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self._transport = None
        self._control.forget(self)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._received += data
        self._answer()

    def eof_received(self) -> bool:
        """Take what has no end for a line, too; it is sent away once everything is answered."""
        if self._received:
            self._received += b"\n"
        self._ended = True
        self._answer()
        return True

    def pause_writing(self) -> None:
        """Hear no more of a client that does not read its answers."""
        self._paused = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Hear it again."""
        self._paused = False
        if self._transport is not None:
            self._transport.resume_reading()
        self._answer()

    def abort(self) -> None:
        """End the connection now."""
        if self._transport is not None:
            self._transport.abort()

    def _answer(self) -> None:
        while self._transport is not None and not self._paused and not self._transport.is_closing():
            end = self._received.find(b"\n")
            if end > LONGEST_LINE or (end < 0 and len(self._received) > LONGEST_LINE):
                self._write(f"error a line has at most {LONGEST_LINE} octets")
                self._received.clear()
                self._transport.close()
                return
            if end < 0:
                if self._ended:
                    self._transport.close()
                return
            line = bytes(self._received[:end])
            del self._received[: end + 1]
            try:
                text = line.decode()
            except UnicodeDecodeError:
                self._write("error that is not UTF-8")
                continue
            log.debug("control: %d characters", len(text))
            self._write(self._control.answer(text))

    def _write(self, answer: str) -> None:
        if self._transport is not None:
            self._transport.write(answer.encode() + b"\n")


def _bound(path: str) -> socket.socket:
    """Return a socket that is bound to a path, and that only its owner can connect to."""
    if not hasattr(socket, "AF_UNIX"):
        raise OSError("this system has no Unix sockets")
    _remove_left(path)
    endpoint = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # from its first moment on; changing the mode afterwards could follow a link
    try:
        endpoint.bind(path)
    except OSError as error:
        endpoint.close()
        if error.errno is None:  # the path is too long for a socket
            raise OSError(errno.ENAMETOOLONG, str(error), path) from None
        raise OSError(error.errno, error.strerror, path) from None
    finally:
        os.umask(before)
    return endpoint


def _remove_left(path: str) -> None:
    """Remove a socket that a program which has ended left behind.

    Raises:
        FileExistsError: something else is there.
    """
    try:
        found = os.lstat(path)
    except OSError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise FileExistsError(errno.EEXIST, "it exists and is no socket: choose another name", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        refused = probe.connect_ex(path) == errno.ECONNREFUSED
    if not refused:
        raise FileExistsError(errno.EEXIST, "another program serves it: end it, or choose another name", path)
    os.unlink(path)
