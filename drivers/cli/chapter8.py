"""Chapter 8 of the app note as steps: two virtual UARTs, two contexts, one loopback through the network.

Each step does something through the driver and checks the result. On virtual UARTs 1 and 2 exactly the commands of
§8.2 to §8.4 are sent, in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from cmux import CmuxError, Mux

from ..at import AtChannel
from ..clock import Clock
from ..errors import DriverError
from ..tcpip import ContextBusy, ContextTable, Listener, Session, TcpipDriver

GREETING = b"Hello, welcome to use Quectel's module"
ANSWER = b"Quectel's module is great!"

UARTS = (1, 2, 3)
"""VIRTUAL_UART_1 has the server on context 0, VIRTUAL_UART_2 the client on context 1, VIRTUAL_UART_3 is refused."""

_SERVER_SETTINGS = ("QICSGP", "QIMUX", "QIMODE", "QIDNSIP")
_CLIENT_SETTINGS = ("QICSGP", "QIMUX", "QIMODE")


class StepFailed(Exception):
    """A step did not have the result that the app note describes.

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
    """One step of the chapter."""

    name: str
    """The name of the step in failures and in the transcript."""
    section: str
    """The section of the app note."""
    uart: int
    """The virtual UART on which it takes place."""
    title: str
    """A description of the step."""


class Chapter8:
    """Plays chapter 8 on a module. `close` has to be called in any case.

    Args:
        mux: an open multiplexer whose module has no active context.
        announce: called with each step before it is done.
        apn: the access point.
        patience: seconds to wait for data and for a client.
        clock: the source of time.
    """

    def __init__(
        self,
        mux: Mux,
        announce: Callable[[DemoStep], None],
        *,
        apn: str = "CMNET",
        patience: float = 20.0,
        clock: Clock | None = None,
    ) -> None:
        self._announce = announce
        self._patience = patience
        self._stack = ExitStack()
        self.channels: dict[int, AtChannel] = {uart: self._channel(mux, uart, clock) for uart in UARTS}
        """The AT channel of each virtual UART."""
        table = ContextTable()
        self._server = TcpipDriver(
            self.channels[1], 0, apn, receive="bare", initialise=_SERVER_SETTINGS, table=table, clock=clock
        )
        self._client = TcpipDriver(
            self.channels[2], 1, apn, receive="bare", initialise=_CLIENT_SETTINGS, table=table, clock=clock
        )
        # With a table of its own, as another program would have: only the module can refuse its claim.
        self._third = TcpipDriver(
            self.channels[3], 0, apn, receive="bare", initialise=(), table=ContextTable(), clock=clock
        )

    def _channel(self, mux: Mux, uart: int, clock: Clock | None) -> AtChannel:
        channel = AtChannel(mux.channel(uart), clock=clock)
        self._stack.callback(channel.close)
        return channel

    def close(self) -> None:
        """Close the channels."""
        self._stack.close()

    def __enter__(self) -> Chapter8:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def play(self) -> None:
        """Do the steps in the order of the app note.

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

    def _play(self) -> None:
        step, server, client, third = self._step, self._server, self._client, self._third
        with step("claim context 0", "8.2 1)", 1, "select context 0 and initialise it"):
            server.claim()
        with step("listen", "8.2 1)", 1, "activate context 0 and listen for a TCP client"):
            listener = server.listen()
        with step("local address", "8.2 1)", 1, "ask for the address of context 0"):
            address = server.local_address
        with step("refused claim", "8.1", 3, "ask for context 0, which VIRTUAL_UART_1 controls"):
            _expect_refusal(third)
        with step("claim context 1", "8.2 2)", 2, "select context 1 and initialise it"):
            client.claim()
        with step("connect", "8.2 2)", 2, "activate context 1 and visit the server"):
            session = client.connect("TCP", address, listener.port)
            session.settimeout(self._patience)
        with step("REMOTE IP", "8.2 2)", 1, "the server reports its client"):
            peer = self._accept(listener, address)
        with step("send with Ctrl-Z", "8.3", 1, "send a text that ends with Ctrl-Z"):
            peer.sendall(GREETING, end="ctrl-z")
        with step("receive on VIRTUAL_UART_2", "8.3", 2, "the client outputs it, octet for octet"):
            self._receive(session, GREETING)
        with step("send fixed length", "8.3", 2, f"send {len(ANSWER)} octets"):
            session.sendall(ANSWER)
        with step("receive on VIRTUAL_UART_1", "8.3", 1, "the server outputs them, octet for octet"):
            self._receive(peer, ANSWER)
        with step("close", "8.4 1)", 1, "close the session with the client"):
            peer.close()
        with step("CLOSED", "8.4 1)", 2, "the client is told that the server has closed it"):
            self._expect_closed(session)
        with step("deactivate context 1", "8.4 2)", 2, "deactivate context 1"):
            client.deactivate()
        with step("deactivate context 0", "8.4 1)", 1, "deactivate context 0"):
            server.deactivate()
        with step("granted claim", "8.1", 3, "ask for context 0 again: it is in IP INITIAL now"):
            third.claim()
            third.release()

    @contextmanager
    def _step(self, name: str, section: str, uart: int, title: str) -> Iterator[None]:
        self._announce(DemoStep(name, section, uart, title))
        try:
            yield
        except (_Unexpected, DriverError, CmuxError) as error:
            raise StepFailed(name, str(error)) from error

    def _accept(self, listener: Listener, server_address: str) -> Session:
        try:
            peer = listener.accept(self._patience)
        except TimeoutError as error:
            raise _Unexpected(f"no REMOTE IP within {self._patience:g} s") from error
        peer.settimeout(self._patience)
        address = peer.remote_address[0]
        if address == server_address != "127.0.0.1":  # the emulated module has it where there is no other address
            raise _Unexpected(f"the client has the server's own address, {address}")
        return peer

    def _receive(self, session: Session, wanted: bytes) -> None:
        got = b""
        with suppress(TimeoutError):
            while len(got) < len(wanted) and (piece := session.recv(4096)):
                got += piece
        if got != wanted:
            raise _Unexpected(f"{wanted!r} was sent, {got!r} came")

    def _expect_closed(self, session: Session) -> None:
        try:
            rest = session.recv(4096)
        except TimeoutError as error:
            raise _Unexpected(f"no CLOSED within {self._patience:g} s") from error
        if rest:
            raise _Unexpected(f"{rest!r} came instead of CLOSED")


class _Unexpected(Exception):
    """The module did not do what the app note describes."""


def _expect_refusal(driver: TcpipDriver) -> None:
    try:
        driver.claim()
    except ContextBusy:
        return
    raise _Unexpected("the module granted a context that VIRTUAL_UART_1 controls and that is not in IP INITIAL")
