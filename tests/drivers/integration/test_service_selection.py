"""AT+QISRVC (app note 5.4, 6.3): data of a client session goes to its server, of a server session to its client."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from chosen_behaviour import behaviour_of
from driver_lab import PATIENCE, Peer, QuickClock, client_of, echo, exactly
from every_way import MakeWay, in_each_way
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from interruptions import interrupt_behind

from drivers.at import AtChannel
from drivers.emulator import EmulatedModule
from drivers.emulator.environment import Network
from drivers.errors import DriverError
from drivers.tcpip import Acknowledged, Session, TcpipDriver

EACH = in_each_way("muxip", (False,), (True,), (True,), (False,))


def to_its_server(session: Any, text: bytes) -> bool:
    """Send to a server that sends back what comes."""
    session.sendall(text)
    return exactly(session, len(text)) == text


@pytest.mark.requirement("S3.33", "S5.12", "S6.9")
@EACH
def test_behind_the_end_of_a_server_that_another_program_has_left(way: MakeWay, muxip: bool, echo_server: Peer) -> None:
    there = way()
    left = there.driver(muxip=muxip, program=1)
    left.listen()
    left.release()
    with there.driver(muxip=muxip) as driver:
        client = driver.connect("TCP", "127.0.0.1", echo_server.port)
        assert to_its_server(client, b"first")
        listener = driver.listen()  # refused at first: the other server is ended then
        with client_of(listener, driver.local_address) as visitor:
            server = listener.accept(PATIENCE)
            assert to_its_server(client, b"not for the visitor")
            server.sendall(b"for the visitor")
            assert visitor.recv(100) == b"for the visitor"
    left.close()


@pytest.mark.requirement("S5.14", "S6.9", "S6.11")
def test_behind_an_opening_that_was_given_up(way: MakeWay, echo_server: Peer) -> None:
    there = way(clock=QuickClock(2.5))
    with there.driver(muxip=True) as driver:
        listener = driver.listen()
        client = driver.connect("TCP", "127.0.0.1", echo_server.port)
        with client_of(listener, driver.local_address) as visitor:
            server = listener.accept(PATIENCE)
            server.sendall(b"hello")
            assert visitor.recv(5) == b"hello"
            there.set_network(Network(silent=True))
            with pytest.raises(TimeoutError):
                driver.connect("TCP", "127.0.0.1", echo_server.port, timeout=0.5)
            there.set_network(Network())
            assert server.acknowledged() == Acknowledged(5, 5, 0)
            server.sendall(b"for the visitor")
            assert visitor.recv(100) == b"for the visitor"
            assert to_its_server(client, b"for the server")


@pytest.mark.requirement("S3.51", "S5.12", "S5.15", "S6.9")
@EACH
@pytest.mark.parametrize("behind", [b"AT+QISRVC?", b"AT+QISRVC=2", b"AT+QICLOSE"])
def test_behind_each_command_of_a_close_that_was_interrupted(
    way: MakeWay, muxip: bool, behind: bytes, echo_server: Peer
) -> None:
    there = way()
    with there.driver(muxip=muxip) as driver:
        listener = driver.listen()
        with client_of(listener, driver.local_address) as visitor:
            server = listener.accept(PATIENCE)
            client = driver.connect("TCP", "127.0.0.1", echo_server.port)
            assert to_its_server(client, b"first")
            interrupt_behind(there, driver, behind, server, "close")
            assert to_its_server(client, b"not for the visitor")
            server.close()
            assert visitor.recv(1) == b""
        with client_of(listener, driver.local_address) as visitor:
            listener.accept(PATIENCE).sendall(b"for the visitor")  # the server listens on
            assert visitor.recv(100) == b"for the visitor"


# -- any sequence of operations, interrupted or not --------------------------------------------------------------------


class Interrupted(AtChannel):
    """A channel on which the caller is interrupted at one of its waits."""

    interrupt_at = 0

    def _wait(self) -> None:
        if self.interrupt_at and threading.current_thread() is threading.main_thread():
            self.interrupt_at -= 1
            if not self.interrupt_at:
                raise KeyboardInterrupt
        super()._wait()


WHICH = st.integers(0, 9)
AT = st.integers(0, 6)
"""At which wait an operation is interrupted; 0: not at all."""


class Service(RuleBasedStateMachine):
    """A driver with MUXIP on, with sessions of both roles."""

    @initialize()
    def start(self) -> None:
        self.stack = ExitStack()
        clock = QuickClock(20.0)
        self.peer = self.stack.enter_context(Peer(echo))
        self.module = self.stack.enter_context(EmulatedModule(behaviour=behaviour_of(), clock=clock))
        port = self.stack.enter_context(self.module.port())
        self.channel = self.stack.enter_context(Interrupted(port, clock=clock))
        self.driver = self.stack.enter_context(TcpipDriver(self.channel, muxip=True))
        self.listener = self.driver.listen(clients=3)
        self.clients: list[Session] = []
        self.servers: list[tuple[Session, socket.socket]] = []
        self.texts = 0

    def interrupted(self, at: int, act: Any) -> bool:
        """Do something, interrupted at one of its waits; return whether it was done."""
        self.channel.interrupt_at = at
        try:
            act()
        except (KeyboardInterrupt, DriverError):
            return False
        finally:
            self.channel.interrupt_at = 0
        return True

    @rule(at=AT)
    def connect(self, at: int) -> None:
        if len(self.clients) < 3:
            self.interrupted(at, lambda: self.clients.append(self.driver.connect("TCP", "127.0.0.1", self.peer.port)))

    @rule()
    def connect_in_vain(self) -> None:
        self.module.set_network(Network(silent=True))
        with suppress(DriverError):
            self.driver.connect("TCP", "127.0.0.1", self.peer.port, timeout=0.2)
        self.module.set_network(Network())

    @rule()
    def listen(self) -> None:
        if not self.listener.open and not self.servers:
            self.listener = self.driver.listen(clients=3)

    @rule()
    def visit(self) -> None:
        if self.listener.open and len(self.servers) < 3:
            visitor = self.stack.enter_context(client_of(self.listener, self.driver.local_address))
            self.servers.append((self.listener.accept(PATIENCE * 20), visitor))

    @precondition(lambda self: self.servers)
    @rule(which=WHICH)
    def a_visitor_leaves(self, which: int) -> None:
        session, visitor = self.servers.pop(which % len(self.servers))
        visitor.close()
        session.settimeout(PATIENCE * 20)
        assert session.recv(1) == b""

    @rule(at=AT)
    def stop_listening(self, at: int) -> None:
        if not self.interrupted(at, self.listener.close):
            self.listener.close()

    @rule(which=WHICH, at=AT, again=st.booleans())
    def close(self, which: int, at: int, again: bool) -> None:
        sessions = [*self.clients, *(session for session, _ in self.servers)]
        if sessions:
            session = sessions[which % len(sessions)]
            if not self.interrupted(at, session.close) and again:
                session.close()
            self.clients = [one for one in self.clients if one is not session]
            self.servers = [one for one in self.servers if one[0] is not session]

    @rule(which=WHICH, at=AT)
    def ask(self, which: int, at: int) -> None:
        sessions = [*self.clients, *(session for session, _ in self.servers)]
        if sessions:
            self.interrupted(at, sessions[which % len(sessions)].acknowledged)

    @invariant()
    def data_goes_where_it_belongs(self) -> None:
        if not hasattr(self, "stack"):
            return
        self.texts += 1
        for number, client in enumerate(self.clients[-1:]):
            assert to_its_server(client, b"client %d %d" % (number, self.texts))
        for session, visitor in self.servers[-1:]:
            session.sendall(text := b"server %d" % self.texts)
            assert visitor.recv(100) == text

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()


TestService = pytest.mark.requirement("S5.12", "S6.9")(Service.TestCase)
TestService.settings = settings(
    max_examples=15,
    stateful_step_count=15,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
