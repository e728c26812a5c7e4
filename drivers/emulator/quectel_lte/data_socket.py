"""What all sockets that receive data have in common: counts, and how a UART learns of data in each access mode."""

from __future__ import annotations

from collections.abc import Callable

from ..interpreter.output import Delivery, Urc
from ..interpreter.replies import Result
from ..network.arrival import Arrival
from .context import PdpContext
from .sockets import LARGEST, AccessMode, ModuleSocket, Opening, SocketHost, State

#: An address and a port.
Place = tuple[str, int]


class DataSocket(ModuleSocket):
    """Receives data for the host; arguments as for `ModuleSocket`."""

    mode: AccessMode

    final: Result | None = Result.NO_CARRIER
    """See `DataStream.final`."""

    def __init__(self, host: SocketHost, context: PdpContext, opening: Opening) -> None:
        super().__init__(host, context, opening)
        self.received: int = 0  # octets since it was opened, read or not
        self.lost: int = 0  # octets of datagrams that were longer than what was read
        self.online: Callable[[], bool] = lambda: False
        """Returns whether a UART is in data mode on it."""
        self._announced = False  # until everything has been read
        self._arrival = Arrival(host.environment, lambda: host.changed(self))
        self._kept = 0  # octets that still want AT+QIRD although the socket is in direct push mode
        self._end_due = False  # the line that tells of the end comes behind the data

    # What a family member has of its own

    @property
    def held(self) -> int:
        """How many octets wait to be read."""
        raise NotImplementedError

    @property
    def connected(self) -> bool:
        """Whether it can carry data."""
        raise NotImplementedError

    @property
    def counters(self) -> tuple[int, int, int]:
        """How many octets were sent, acknowledged, and not acknowledged."""
        raise NotImplementedError

    def send(self, data: bytes, done: Callable[[bool], None]) -> None:
        """Send data once there is room; call ``done`` with whether it was handed over."""
        raise NotImplementedError

    def _pull(self, most: int, *, cut: bool) -> tuple[bytes, Place | None]:
        """Take received data, and who has sent it where that differs from datagram to datagram.

        Args:
            most: the greatest number of octets; of datagrams no more than one.
            cut: whether of a longer datagram the rest stays; else it comes whole.
        """
        raise NotImplementedError

    # Reading

    @property
    def shown_mode(self) -> AccessMode:
        """See `ModuleSocket.shown_mode`: transparent only in data mode, buffered after it."""
        if self.online():
            return AccessMode.TRANSPARENT
        return (
            AccessMode.BUFFERED
            if self.mode is AccessMode.TRANSPARENT and self.state is not State.OPENING
            else self.mode
        )

    @property
    def pushes(self) -> bool:
        """Whether data is pushed now, and not read by AT+QIRD."""
        return self.shown_mode is AccessMode.PUSHED and not self._kept

    def read(self, most: int) -> tuple[bytes, Place | None]:
        """Return received data for AT+QIRD.

        Args:
            most: the greatest number of octets; of datagrams no more than one.
        """
        data, sender = self._taken(most, cut=self.host.configuration.keeps_rest)
        self.lost += max(0, len(data) - most)
        return data[:most], sender

    def take_raw(self) -> bytes:
        """Return received data for a UART in data mode."""
        return self._taken(LARGEST, cut=True)[0]

    def _taken(self, most: int, *, cut: bool) -> tuple[bytes, Place | None]:
        data, sender = self._pull(most, cut=cut)
        self._kept = max(0, self._kept - len(data))
        if not self.held:
            self._announced = False
        return data, sender

    def take(self) -> Urc | Delivery | None:
        """See `ModuleSocket.take`: the line that announces data, or the data; and in the end that it is closed."""
        if self.online() or self._arrival.pending:
            return None
        if self.held and self.pushes:
            data, sender = self._taken(LARGEST, cut=True)
            header = f'\r\n+QIURC: "recv",{self.number},{len(data)}{place(sender)}\r\n'
            end = b"" if self.host.environment.behaviour.pushed_end == "none" else b"\r\n"
            return Delivery(header.encode("ascii"), self.form(data) + end)
        if self.held and not self._announced:
            self._announced = True
            more = f",{self.held}" if self.host.configuration.number("recvind") else ""
            return Urc(f'+QIURC: "recv",{self.number}{more}')
        if self._end_due:
            self._end_due = False
            return Urc(f'+QIURC: "closed",{self.number}')
        return None

    def form(self, data: bytes) -> bytes:
        """Return received data as it is shown: as it is, or as hexadecimal text after AT+QICFG="dataformat"."""
        return data.hex().upper().encode() if self.host.configuration.number("dataformat", 1) else data

    def close(self, timeout: float, done: Callable[[], None]) -> None:
        """See `ModuleSocket.close`."""
        self._arrival.cancel()
        super().close(timeout, done)

    def _arrived(self, octets: int) -> None:
        self.received += octets
        if not self.online():
            announced = self.shown_mode is AccessMode.BUFFERED
            self._arrival.come(alone=self.held == octets, announced=announced)
        self.host.changed(self)

    def change_mode(self, mode: AccessMode) -> None:
        """Carry out AT+QISWTMD to an access mode in which the UART stays in command mode."""
        former, self.mode = self.shown_mode, mode
        self._kept = 0
        if mode is not former:
            self._announced = False
            if mode is AccessMode.PUSHED and self.host.environment.behaviour.switch_to_push == "kept":
                self._kept, self._announced = self.held, bool(self.held)
        self.host.changed(self)

    def hang_up(self) -> None:
        """End it from our side as the host's DTR wants; it stays in the table until AT+QICLOSE."""
        self.state = State.CLOSING
        self._release()


def place(sender: Place | None) -> str:
    """Return the address of a datagram as it stands behind its length; nothing for a connection."""
    return "" if sender is None else f',"{sender[0]}",{sender[1]}'
