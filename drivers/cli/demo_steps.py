"""What the demos of all families share: steps that do something through a driver and check the result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TypedDict, Unpack

from cmux import CmuxError, Mux

from ..at import AtChannel
from ..clock import Clock
from ..errors import DriverError
from ..tcpip import ContextBusy, ContextTable, Listener, Session, TcpipDriver

GREETING = b"Hello, welcome to use Quectel's module"
ANSWER = b"Quectel's module is great!"

UARTS = (1, 2, 3)
"""VIRTUAL_UART_1 has the server on the first context, VIRTUAL_UART_2 the client on the second, and VIRTUAL_UART_3 is
refused."""


class DriverSettings(TypedDict, total=False):
    """The options in which drivers of demos differ."""

    receive: str
    initialise: Sequence[str]


class StepFailed(Exception):
    """A step did not have the result that it should have.

    Args:
        step: the name of the step.
        detail: what happened instead.
    """

    def __init__(self, step: str, detail: str) -> None:
        super().__init__(f"step {step!r} failed: {detail}")
        self.step = step
        self.detail = detail


@dataclass(frozen=True, slots=True)
class DemoStep:
    """One step of a demo."""

    name: str
    """The name of the step in failures and in the transcript."""
    section: str
    """The section of the app note that describes it; an empty text where there is none."""
    uart: int
    """The virtual UART on which it takes place."""
    title: str
    """A description of the step."""


class Demo(ABC):
    """Plays a conversation of two virtual UARTs on a module. `close` has to be called in any case.

    Args:
        mux: an open multiplexer whose module has no active context.
        announce: called with each step before it is done.
        dialect: the kind of module.
        apn: the access point.
        patience: seconds to wait for data and for a client.
        clock: the source of time.
    """

    def __init__(
        self,
        mux: Mux,
        announce: Callable[[DemoStep], None],
        *,
        dialect: str,
        apn: str = "CMNET",
        patience: float = 20.0,
        clock: Clock | None = None,
    ) -> None:
        self._announce = announce
        self._dialect = dialect
        self._apn = apn
        self._patience = patience
        self._clock = clock
        self._stack = ExitStack()
        self.channels: dict[int, AtChannel] = {uart: self._channel(mux, uart) for uart in UARTS}
        """The AT channel of each virtual UART."""
        self._server, self._client, self._third = self._drivers()

    def _channel(self, mux: Mux, uart: int) -> AtChannel:
        channel = AtChannel(mux.channel(uart), clock=self._clock)
        self._stack.callback(channel.close)
        return channel

    @abstractmethod
    def _drivers(self) -> tuple[TcpipDriver, TcpipDriver, TcpipDriver]:
        """Return the drivers of the server, of the client, and of who is refused."""

    def _driver(self, uart: int, context: int, table: ContextTable, **options: Unpack[DriverSettings]) -> TcpipDriver:
        return TcpipDriver(
            self.channels[uart],
            context,
            self._apn,
            dialect=self._dialect,
            table=table,
            clock=self._clock,
            **options,
        )

    @abstractmethod
    def _play(self) -> None:
        """Do the steps."""

    def close(self) -> None:
        """Close the channels."""
        self._stack.close()

    def __enter__(self) -> Demo:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def play(self) -> None:
        """Do the steps in their order.

        Raises:
            StepFailed: a step did not have the expected result. The contexts are deactivated before it is raised.
        """
        try:
            self._play()
        except StepFailed:
            for driver in (self._client, self._server, self._third):
                with suppress(DriverError, CmuxError):
                    driver.close()
            raise

    @contextmanager
    def _step(self, name: str, section: str, uart: int, title: str) -> Iterator[None]:
        self._announce(DemoStep(name, section, uart, title))
        try:
            yield
        except (Unexpected, DriverError, CmuxError) as error:
            raise StepFailed(name, str(error)) from error

    def _visit(self, listener: Listener, address: str) -> Session:
        """Connect the client to a listener.

        Args:
            listener: the listener.
            address: its address.
        """
        session = self._client.connect("TCP", address, listener.port)
        session.settimeout(self._patience)
        return session

    def _talk(self, session: Session, peer: Session, section: str, *, comes: tuple[str, str]) -> None:
        """Send a text from the server to the client, and another one back, each in one of the ways of AT+QISEND.

        Args:
            session: the client's end.
            peer: the server's.
            section: the section of the app note that describes it.
            comes: what happens when the text has come to the client, and to the server.
        """
        to_client, to_server = comes
        with self._step("send with Ctrl-Z", section, 1, "send a text that ends with Ctrl-Z"):
            peer.sendall(GREETING, end="ctrl-z")
        with self._step("receive on VIRTUAL_UART_2", section, 2, to_client):
            self._receive(session, GREETING)
        with self._step("send fixed length", section, 2, f"send {len(ANSWER)} octets"):
            session.sendall(ANSWER)
        with self._step("receive on VIRTUAL_UART_1", section, 1, to_server):
            self._receive(peer, ANSWER)

    def _accept(self, listener: Listener, server_address: str, notice: str) -> Session:
        """Return the client of a listener.

        Args:
            listener: the listener.
            server_address: its address: a client with the same one is not that of the other context.
            notice: what the module reports it with.
        """
        try:
            peer = listener.accept(self._patience)
        except TimeoutError as error:
            raise Unexpected(f"no {notice} within {self._patience:g} s") from error
        peer.settimeout(self._patience)
        address = peer.remote_address[0]
        if address == server_address != "127.0.0.1":  # the emulated module has it where there is no other address
            raise Unexpected(f"the client has the server's own address, {address}")
        return peer

    def _receive(self, session: Session, wanted: bytes) -> None:
        got = b""
        with suppress(TimeoutError):
            while len(got) < len(wanted) and (piece := session.recv(4096)):
                got += piece
        if got != wanted:
            raise Unexpected(f"{wanted!r} was sent, {got!r} came")

    def _expect_closed(self, session: Session, notice: str) -> None:
        try:
            rest = session.recv(4096)
        except TimeoutError as error:
            raise Unexpected(f"no {notice} within {self._patience:g} s") from error
        if rest:
            raise Unexpected(f"{rest!r} came instead of {notice}")

    def _expect_refusal(self, driver: TcpipDriver, otherwise: str) -> None:
        try:
            driver.claim()
        except ContextBusy:
            return
        raise Unexpected(otherwise)


class Unexpected(Exception):
    """The module did not do what is described."""
