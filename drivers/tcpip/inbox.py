"""What comes for one context: unsolicited results and data, told apart and given to sessions and listener."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ..at import Framing, LinePattern
from ..errors import SessionClosed
from .session import Listener, Session
from .unsolicited import IPD, LINES, ClientCame, ContextDeactivated, DataFrom, RemoteClosed, ServerEnded, parse


@dataclass(frozen=True, slots=True)
class ReceiveMode:
    """One way in which the module hands out received data.

    Args:
        head: what AT+QIHEAD has to be.
        framing: how data is told from lines while a session stands.
        several: the settings that tell two sessions of one context apart; None: it cannot be done.
    """

    head: str
    framing: Framing
    several: tuple[tuple[str, str], ...] | None


MODES: dict[str, ReceiveMode] = {
    # The module's default: data as it is. Whatever is no known line is data.
    "bare": ReceiveMode("0", Framing(bare=True), None),
    # AT+QIHEAD=1: every piece has its length before it.
    "header": ReceiveMode("1", Framing(headers=(IPD,)), (("QISHOWRA", "1"),)),
}


class Inbox:
    """Takes what comes on the channel of a driver; runs on the channel's reader and returns at once.

    Args:
        name: what messages call the port and context.
        mode: the receive mode.
        make_session: makes the session for a client that came.
        deactivated: called when the network has deactivated the context; True when it was active.
        client_closed: called when the other side has closed the session in which we are the client.
        ambiguous: called when one of two sessions was closed and the module does not tell which.
    """

    def __init__(
        self,
        name: str,
        mode: ReceiveMode,
        *,
        make_session: Callable[[str], Session],
        deactivated: Callable[[], bool],
        client_closed: Callable[[], None],
        ambiguous: Callable[[], None],
    ) -> None:
        self.client: Session | None = None
        self.server: Session | None = None
        self.listener: Listener | None = None
        self.counters: Counter[str] = Counter()
        self._name = name
        self._mode = mode
        self._make_session = make_session
        self._deactivated = deactivated
        self._client_closed = client_closed
        self._ambiguous = ambiguous
        self._from: DataFrom | None = None

    @property
    def lines(self) -> tuple[LinePattern, ...]:
        """See `Sink.lines`."""
        return LINES

    @property
    def framing(self) -> Framing:
        """See `Sink.framing`: bare data exists only while a session stands."""
        return self._mode.framing if self._mode.framing.headers or self.sessions() else Framing()

    @property
    def congested(self) -> bool:
        """See `Sink.congested`."""
        return any(session.congested for session in self.sessions())

    @property
    def busy(self) -> bool:
        """Whether a session stands or a server listens."""
        return bool(self.sessions()) or (self.listener is not None and self.listener.open)

    def sessions(self) -> list[Session]:
        """Return the sessions that stand."""
        return [session for session in (self.client, self.server) if session is not None and session.open]

    def take_line(self, text: str) -> bool:
        """See `Sink.take_line`."""
        event = parse(text)
        if isinstance(event, ClientCame):
            return self._client_came(event)
        if isinstance(event, RemoteClosed):
            return self._remote_closed()
        if isinstance(event, ContextDeactivated):
            if not self._deactivated():
                return False
            self.break_off(SessionClosed(f"{self._name}: the network deactivated the context ({text})"))
            return True
        if isinstance(event, ServerEnded):
            if self.listener is None or not self.listener.open:
                return False
            self.listener.break_off(SessionClosed(f"{self._name}: the network ended the server ({text})"))
            return True
        if isinstance(event, DataFrom):
            self._from = event if self.sessions() else None
            return self._from is not None
        return False

    def take_data(self, header: str, data: bytes) -> bool:
        """See `Sink.take_data`."""
        session = self._addressee()
        self._from = None
        if session is None:
            return False
        session.deliver(data)
        return True

    def lost(self, cause: Exception) -> None:
        """See `Sink.lost`."""
        self.break_off(cause)

    def break_off(self, cause: Exception) -> None:
        """End all sessions and the server."""
        for session in self.sessions():
            session.break_off(cause)
        if self.listener is not None and self.listener.open:
            self.listener.break_off(cause)

    def _client_came(self, event: ClientCame) -> bool:
        if self.listener is None:
            return False
        if self.server is not None and self.server.open:
            self.server.end_by_remote()  # one client at a time: the former one has gone unheard
        session = self._make_session(event.address)
        if self.listener.offer(session):
            self.server = session
        else:
            self.counters["refused_clients"] += 1
        return True

    def _remote_closed(self) -> bool:
        standing = self.sessions()
        if len(standing) > 1:
            self._ambiguous()
        elif standing:
            standing[0].end_by_remote()
            if standing[0] is self.client:
                self._client_closed()
        else:
            self.counters["repeated_closed"] += 1
            return self.client is not None or self.server is not None
        return True

    def _addressee(self) -> Session | None:
        """Whose data it is: the only session's, or that of the address line before it."""
        standing = self.sessions()
        sender = self._from
        if len(standing) == 1:
            session = standing[0]
            if sender is not None and session.role == "server" and session.remote_address == (sender.address, 0):
                session.learn_remote((sender.address, sender.port))
            return session
        if not standing or sender is None:
            return None
        exact = [session for session in standing if session.remote_address == (sender.address, sender.port)]
        if exact:
            return exact[0]
        server = self.server
        if server is not None and server.remote_address == (sender.address, 0):
            server.learn_remote((sender.address, sender.port))
            return server
        return self.client
