"""The part of sessions and listeners that both shells share: construction, properties, timeouts."""

from __future__ import annotations

import errno
from typing import Generic, TypeVar

from ...at.core.channel_base import check_seconds
from . import operations
from .context import Context
from .listener_state import ListenerState
from .socket_state import Address, Role, SocketState

R_co = TypeVar("R_co", covariant=True)


class TimeoutMethods:
    """The timeout of a session or listener, with the methods of sockets."""

    _state: SocketState | ListenerState

    def settimeout(self, seconds: float | None) -> None:
        """Set the timeout of calls that wait for the other side.

        Args:
            seconds: the timeout; None: no limit, as long as there is something to wait for.

        Raises:
            ValueError: it is less than 0, or not a number (`InvalidType`, also a TypeError).
        """
        if seconds is not None and check_seconds(seconds) < 0:
            raise ValueError(f"a timeout is 0 or more seconds, not {seconds}")
        self._state.timeout = seconds

    def gettimeout(self) -> float | None:
        """Return the timeout in seconds, or None."""
        return self._state.timeout


class SessionBase(TimeoutMethods, Generic[R_co]):
    """The part of a session that does not wait.

    Args:
        runner: runs its procedures.
        context: the context of the session.
        state: the state of the session.
    """

    _state: SocketState

    def __init__(self, runner: R_co, context: Context, state: SocketState) -> None:
        self._runner = runner
        self._context = context
        self._state = state

    def __repr__(self) -> str:
        host, port = self.remote_address
        what = f"{self.protocol} {self.role} {self.index}, {host} port {port}"
        if self.service is not None:
            what = f"{self.protocol} service {self.index} on port {self.service}"
        return f"<{type(self).__name__} {what}: {self._state.condition}>"

    @property
    def protocol(self) -> str:
        """``TCP`` or ``UDP``."""
        return self._state.protocol

    @property
    def role(self) -> Role:
        """The role of this side: ``client`` of a remote server, or ``server`` of a remote client."""
        return self._state.role

    @property
    def index(self) -> int:
        """Its number; 0 with MUXIP off."""
        return self._state.index

    @property
    def receive(self) -> str:
        """Its receive mode, with the words of ``receive=``; ``transparent`` if it has the whole UART in data mode."""
        return "transparent" if self._context.stack.transparent(self._state) else self._state.receive

    @property
    def service(self) -> int | None:
        """The local port of a UDP service; None: the session has one remote host."""
        return self._state.service

    @property
    def remote_address(self) -> Address:
        """Address and port of the other side; port 0 if the module does not report it (``REMOTE IP:``)."""
        return self._state.remote_address

    def getpeername(self) -> Address:
        """Return `remote_address`, as a socket does.

        Raises:
            OSError: it is a UDP service, which has no remote host (``ENOTCONN``).
        """
        if self.service is not None:
            raise OSError(errno.ENOTCONN, f"{self._state.name}: a UDP service has no remote host")
        return self._state.remote_address

    @property
    def open(self) -> bool:
        """Whether it is open: neither side has closed it, and it has not broken."""
        return self._state.open

    @property
    def closed(self) -> bool:
        """Whether this side has closed it."""
        return self._state.closed

    @property
    def remote_closed(self) -> bool:
        """Whether the other side has closed it."""
        return self._state.remote_closed

    @property
    def dropped(self) -> int:
        """Number of octets that were dropped: the buffer was full, or reading was shut down."""
        return self._state.dropped

    @property
    def congested(self) -> bool:
        """Whether so much data is unread that no more should be received."""
        return self._state.congested

    def shutdown(self, how: int) -> None:
        """Shut down receiving or sending; the session stays until `close`.

        Data sent before has already been passed to the module. The module has no command for half a close: no FIN is
        sent before `close`, so the other side does not notice.

        Args:
            how: ``socket.SHUT_RD``, ``SHUT_WR`` or ``SHUT_RDWR``.
        """
        operations.shutdown(self._context, self._state, how)

    def check_sendable(self) -> None:
        """Raise an error if nothing can be sent any more.

        Raises:
            drivers.errors.SessionClosed: it has ended.
        """
        self._state.check_sendable()


class ListenerBase(TimeoutMethods, Generic[R_co]):
    """The part of a listener that does not wait.

    Args:
        runner: runs its procedures.
        context: the context of the listener.
        state: the state of the listener.
    """

    _state: ListenerState

    def __init__(self, runner: R_co, context: Context, state: ListenerState) -> None:
        self._runner = runner
        self._context = context
        self._state = state

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.protocol} port {self.port}: {self._state.condition}>"

    @property
    def protocol(self) -> str:
        """``TCP`` or ``UDP``."""
        return self._state.protocol

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._state.port

    @property
    def clients(self) -> int:
        """The most clients that it has at once."""
        return self._state.clients

    @property
    def receive(self) -> str:
        """The receive mode of its clients, with the words of ``receive=``."""
        return self._state.receive

    @property
    def refused(self) -> int:
        """Number of clients that were refused because too many were waiting."""
        return self._state.refused

    @property
    def full(self) -> int:
        """How often the module has refused a client as it had no socket for it; it may not tell for which listener."""
        return self._state.full

    @property
    def open(self) -> bool:
        """Whether it still listens."""
        return self._state.open

    @property
    def broken(self) -> bool:
        """Whether it has ended without having been closed on this side."""
        return self._state.broken
