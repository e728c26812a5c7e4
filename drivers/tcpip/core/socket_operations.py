"""The part of a family that is about its sockets: opening, listening, receive modes, data, keep-alive."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from ...at.core import Dialogue
from ...errors import InvalidArgument
from .events import Event
from .extras import Extras
from .listener_state import ListenerState
from .procedure import Procedure
from .socket_state import Acknowledged, Address, Ending, SocketState


class SocketOperations(Extras):
    """What a `TcpipStack` does with sockets; where one is not overridden, the family does not have it, and says so."""

    OPTIONS: ClassVar[frozenset[str]] = frozenset()
    """The options that the family has, besides ``context`` and a GPRS bearer.

    Of a driver: fields of `Options`, and ``csd``. Of opening and listening: ``index``, ``clients``, ``step_by_step``.
    """

    RECEIVE: ClassVar[tuple[str, ...]] = ()
    """The receive modes that one session can have, whatever the others have; none: the mode is that of the context."""

    send_size: int = 1460
    """The most octets of one `send`."""

    retry_after: float | None = None
    """Seconds after which a piece that the module has not accepted is sent again; None: that is an error at once."""

    title: str
    """The name of the modules in messages."""

    def _refuse(self, option: str, given: object) -> None:
        if given is not None and option not in self.OPTIONS:
            raise ValueError(f"{self.title} has no option {option} (it was {given!r})")

    # -- sockets -----------------------------------------------------------------------------------------------------

    def check_opening(self, *, index: int | None, step_by_step: bool) -> None:
        """Check that a session can be opened in this way; nothing is sent.

        Args:
            index: the number of the session; None: the first free one.
            step_by_step: whether the context is activated by a command of its own.

        Raises:
            InvalidArgument: the family does not have that.
        """
        self._refuse("index", index)
        self._refuse("step_by_step", step_by_step or None)

    @abstractmethod
    def open(
        self,
        protocol: str,
        host: str,
        port: int,
        *,
        index: int | None,
        timeout: float | None,
        step_by_step: bool,
        receive: str | None,
    ) -> Procedure[SocketState]:
        """Open a session to a remote server; activate the context if that is needed, unless the rules have done that.

        If this ends with an error or an interruption, the rules close the session that it has reserved in the table by
        `close`, and remove it from the table.

        Args:
            protocol: TCP or UDP.
            host: a dotted address or a name.
            port: 1 to 65535.
            index: the number of the session; None: the first free one.
            timeout: seconds to wait for it; None: the longest time of the module.
            step_by_step: whether the context is activated by a command of its own.
            receive: its receive mode, one of `RECEIVE`; None: the family has none of one session.

        Returns:
            The session, in the table.

        Raises:
            ConnectFailed: it could not be opened.
        """

    def check_listening(self, *, port: int | None, clients: int | None, step_by_step: bool) -> None:
        """Check that a listener can be set up in this way; nothing is sent. See `listen`.

        Args:
            port: the port; None: the default port of the family.
            clients: the most clients at once; None: as many as possible.
            step_by_step: whether the context is activated by a command of its own.

        Raises:
            InvalidArgument: the family does not have that.
        """
        if port is None:
            raise InvalidArgument(f"{self.title} has no port of its own to listen on: name one")
        self._refuse("clients", clients)
        self._refuse("step_by_step", step_by_step or None)

    def listen(
        self, protocol: str, port: int | None, clients: int | None, *, step_by_step: bool, receive: str | None
    ) -> Procedure[ListenerState]:
        """Start to listen for clients; activate the context if that is needed, unless the rules have done that.

        If this ends with an error, the rules close the reserved listener by `close_listener`, as for `open`.

        Args:
            protocol: TCP or UDP.
            port: the port; None: the default port of the family.
            clients: the most clients at once; None: as many as possible.
            step_by_step: whether the context is activated by a command of its own.
            receive: the receive mode of its clients, one of `RECEIVE`; None: the family has none of one session.

        Returns:
            The listener, in the table.

        Raises:
            ConnectFailed: it could not be set up.
        """
        self.lacks("listeners")

    def udp_service(self, port: int, *, receive: str | None) -> Procedure[SocketState]:
        """Open a socket for datagrams from and to any host.

        If this ends with an error, the rules close the reserved session, as for `open`.

        Args:
            port: its local port.
            receive: its receive mode, one of `RECEIVE`; None: the family has none of one session.

        Returns:
            The session, in the table, with ``service=port`` and the remote address `ANYWHERE`.

        Raises:
            ConnectFailed: it could not be opened.
        """
        self.lacks("UDP service")

    def datagrams(self, protocol: str) -> bool:
        """Tell whether the data of a session with this protocol comes in datagrams that are kept apart.

        Args:
            protocol: TCP or UDP.
        """
        return protocol == "UDP"

    @abstractmethod
    def close(self, session: SocketState) -> Procedure[None]:
        """Close a session in the module.

        If `CLOSE_AFTER_PEER` is True, this is also called for a session that the other side has closed.

        Args:
            session: the session.
        """

    def turn_away(self, session: SocketState) -> Dialogue[None]:
        """Close a client that the module has accepted but the listener refuses; does nothing by default.

        Args:
            session: the session.
        """
        yield from ()

    def close_listener(self, listener: ListenerState) -> Procedure[None]:
        """Close a listener in the module; accepted sessions stay.

        Args:
            listener: the listener.
        """
        self.lacks("listeners")

    def listener_status(self, listener: ListenerState) -> Procedure[tuple[bool, int]]:
        """Return whether the listener is listening and the number of connected clients, as the module reports them.

        Args:
            listener: the listener.
        """
        self.lacks("status of a listener")

    def ended_by_peer(self, session: SocketState) -> None:
        """Handle that the other side has closed a session, and all of its data has been fetched.

        Args:
            session: the session.
        """
        return

    # -- receive modes -----------------------------------------------------------------------------------------------

    def check_receive(self, mode: str) -> None:
        """Check that one session can have a receive mode.

        Args:
            mode: the mode, with the words of ``receive=``.

        Raises:
            InvalidArgument: the family does not have it.
        """
        if not self.RECEIVE:
            raise InvalidArgument(f"{self.title} has no option receive of one session (it was {mode!r})")
        if mode not in self.RECEIVE:
            raise InvalidArgument(f"{self.title} has receive={' or '.join(map(repr, self.RECEIVE))}, not {mode!r}")

    def pushes(self, session: SocketState) -> bool:
        """Tell whether the module sends the data of a session by itself; if not, it keeps it until `read` fetches it.

        Args:
            session: the session.
        """
        return session.receive != "buffered"

    def transparent(self, session: SocketState) -> bool:
        """Tell whether a session has the whole UART, in data mode, where all octets are data.

        Args:
            session: the session.
        """
        return session.receive == "transparent"

    def set_receive(self, session: SocketState, mode: str) -> Procedure[None]:
        """Change the receive mode of an open session; the UART is in command mode.

        Args:
            session: the session.
            mode: one of `RECEIVE`.
        """
        self.lacks("receive mode of one session")

    # -- data --------------------------------------------------------------------------------------------------------

    def check_sending(self, data: bytes, ending: Ending, period: int) -> None:
        """Check that data can be sent with an ending.

        Args:
            data: all of the data.
            ending: how each piece ends.
            period: seconds, for ``timer``.

        Raises:
            InvalidArgument: it cannot be sent in this way.
        """
        if ending != "length":
            raise InvalidArgument(f"{self.title} has no end={ending!r}, data is sent by its length")

    def piece_size(self, ending: Ending) -> int:
        """Return the most octets of one piece with an ending.

        Args:
            ending: how the piece ends.
        """
        return self.send_size

    @abstractmethod
    def send(self, session: SocketState, piece: bytes, ending: Ending, period: int) -> Dialogue[str | None]:
        """Send one piece. Once a number of octets has been announced, they are sent even if the caller is interrupted.

        Args:
            session: the session.
            piece: up to `send_size` octets.
            ending: how it ends.
            period: seconds, for ``timer``.

        Returns:
            None if the module has accepted the piece, otherwise its answer.
        """

    def send_to(self, session: SocketState, piece: bytes, to: Address) -> Dialogue[str | None]:
        """Send one datagram of a UDP service; otherwise as `send`.

        Args:
            session: the session.
            piece: 1 to `send_size` octets.
            to: a dotted address, and a port.

        Returns:
            None if the module has accepted it, otherwise its answer.
        """
        self.lacks("UDP service")

    def read(self, session: SocketState) -> Dialogue[int | None]:
        """Fetch data that the module keeps; it is delivered through `classify_data`.

        Args:
            session: the session.

        Returns:
            The number of octets; None: the module no longer has the session.
        """
        self.lacks("data that it keeps")

    def acknowledged(self, session: SocketState) -> Dialogue[Acknowledged]:
        """Return how many octets were sent, acknowledged, and not acknowledged.

        Args:
            session: the session.
        """
        self.lacks("count of acknowledged octets")

    def reconcile(self) -> Dialogue[list[Event]]:
        """Ask the module what is still open, after `events.InDoubt`; return the events that were missed."""
        yield from ()
        return []

    # -- keep-alive --------------------------------------------------------------------------------------------------

    def keep_alive(self, session: SocketState, period: float) -> Procedure[bool]:
        """Let the module examine an idle session by itself.

        Args:
            session: the session.
            period: seconds without data after which it is examined.

        Returns:
            Whether the module does so; if not, the driver does it by probes and `acknowledged`.
        """
        yield from ()
        return False

    def examine(self, session: SocketState) -> Procedure[str | None]:
        """Ask the module whether a session is gone; return its answer if so, otherwise None.

        Args:
            session: the session.
        """
        yield from ()
        return None
