"""Who has a context: across virtual UARTs, processes, hosts that were killed, and any sequence of calls.

An M10 keeps the owner of a context; of an LTE module the host does, for its own drivers (`docs/families.md`).
"""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from driver_lab import BG96, KINDS, M10, PATIENCE, Kind, Lab, Peer, client_of, every_lab, exactly, laboratory
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import cmux
from drivers.clock import FakeClock
from drivers.emulator import EmulatedModule
from drivers.emulator.quectel_lte.context import ContextState
from drivers.errors import ContextBusy, ContextLost, DriverError, SessionReset
from drivers.tcpip import ContextTable, TcpipDriver

__all__ = ["every_lab"]

EACH_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.model)
UARTS = (1, 2, 3, 4)
WHO = st.tuples(st.sampled_from(UARTS), st.integers(0, 1))
DOOMED_HOST = """
import sys, time
import cmux
from drivers.tcpip import TcpipDriver
path, model, context, port = sys.argv[1:]
driver = TcpipDriver(cmux.open(path).channel(1), int(context), dialect=model)
driver.connect("UDP", "127.0.0.1", int(port))
print("active", flush=True)
time.sleep(60)
"""


@pytest.mark.requirement("S8.2", "S8.8", "L11.3")
@EACH_KIND
def test_a_context_that_a_killed_host_left_active_is_reclaimed(echo_server: Peer, kind: Kind) -> None:
    with EmulatedModule(**kind.module()) as module:
        path = module.serve_pty()
        arguments = [path, kind.model, str(kind.first), str(echo_server.port)]
        host = subprocess.Popen([sys.executable, "-c", DOOMED_HOST, *arguments], stdout=subprocess.PIPE, text=True)
        assert host.stdout is not None
        assert host.stdout.readline() == "active\n"
        host.send_signal(signal.SIGKILL)
        host.wait()
        host.stdout.close()
        heard: dict[int, bytes] = {}
        with cmux.open(path) as mux:

            def note(dlci: int, direction: str, data: bytes) -> None:
                if direction == "received":
                    heard[dlci] = heard.get(dlci, b"") + data

            module.on_octets(note)
            used = TcpipDriver(mux.channel(3), kind.first + 1, dialect=kind.model)
            used.activate()
            address = used.local_address
            heard.clear()
            clock = FakeClock()  # it stands still: no deadline can run out
            driver = TcpipDriver(mux.channel(2), kind.first, dialect=kind.model, clock=clock)
            if kind is M10:
                with pytest.raises(ContextBusy):
                    driver.claim()
            else:  # every channel may use it, and close what is there
                driver.claim()
                assert [(one.kind, one.context) for one in driver.leftovers] == [("context", 1), ("UDP", 1)]
                assert b"CLOSE" not in heard[2]
            driver.reclaim(timeout=10.0)
            assert 3 not in heard  # not an octet on the channel that another driver uses
            assert b"AT+QIDEACT" in heard[1 if kind is M10 else 2]
            assert driver.state() == kind.down
            driver.activate()
            assert (used.state(), used.local_address) == (kind.up, address)  # the module was not reset
            driver.close()
            used.close()


def test_reclaiming_what_this_uart_itself_was_left_with(every_lab: Lab) -> None:
    left = every_lab.driver(1, 0)
    left.activate()
    left.release()
    left.close()
    driver = every_lab.driver(1, 0, table=ContextTable())
    driver.reclaim()
    assert driver.state() == every_lab.kind.down
    driver.close()


def test_what_a_living_driver_of_this_process_holds_is_not_reclaimed(every_lab: Lab) -> None:
    holder, other = every_lab.driver(1, 0), every_lab.driver(2, 0)
    holder.activate()
    with pytest.raises(ContextBusy, match="driver on DLCI 1"):
        other.reclaim()
    assert holder.state() == every_lab.kind.up
    for driver in (holder, other):
        driver.close()


def test_nor_is_it_where_only_the_module_knows_of_it(lab: Lab) -> None:
    holder = lab.driver(1, 0)
    holder.activate()
    stranger = lab.driver(3, 0, table=ContextTable())  # it does not know the holder, and leaves its channel alone
    before = lab.heard(1)
    with pytest.raises(ContextBusy):
        stranger.reclaim()
    assert lab.heard(1) == before
    assert holder.state() == "IP STATUS"
    for driver in (holder, stranger):
        driver.close()


def test_a_context_moves_from_one_channel_to_another(every_lab: Lab, echo_server: Peer) -> None:
    for uart in (1, 3, 2, 4):
        with every_lab.driver(uart, 0) as driver:
            session = driver.connect("TCP", "127.0.0.1", echo_server.port)
            session.sendall(b"here")
            assert exactly(session, 4) == b"here"
            every_lab.wait_for(uart, b"\r\n+QIRD: ")


def test_a_channel_that_closes_while_it_owns_leaves_the_context_active(every_lab: Lab) -> None:
    """For that channel, says an M10; for whoever wants it, says an LTE module, and the host tells of it."""
    owner = every_lab.driver(1, 0)
    owner.activate()
    every_lab.mux.channel(1).close()
    with pytest.raises((DriverError, OSError)):
        owner.state()
    with contextlib.suppress(DriverError, OSError):
        owner.close()
    stranger = every_lab.driver(2, 0)
    if every_lab.kind is M10:
        with pytest.raises(ContextBusy):
            stranger.claim()
    else:
        stranger.claim()
        assert [(one.kind, one.context) for one in stranger.leftovers] == [("context", 1)]
    stranger.reclaim()
    assert stranger.state() == every_lab.kind.down
    assert stranger.activate().startswith("127.")
    stranger.close()


def test_the_network_takes_the_context_and_the_driver_gives_it_back(every_lab: Lab, echo_server: Peer) -> None:
    with every_lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        listener = driver.listen(port=2020)
        every_lab.module.drop_contexts()
        session.settimeout(PATIENCE)
        with pytest.raises(ConnectionResetError, match="the network deactivated the context") as reset:
            session.recv(1)
        assert isinstance(reset.value, SessionReset)
        with pytest.raises(SessionReset):
            listener.accept(PATIENCE)
        assert driver.table.state(driver.context) == every_lab.kind.lost
        again = driver.connect("TCP", "127.0.0.1", echo_server.port)
        again.sendall(b"again")
        assert exactly(again, 5) == b"again"


def test_the_network_takes_both_contexts_of_one_uart(every_lab: Lab, echo_server: Peer) -> None:
    with every_lab.driver(1, 0) as zero, every_lab.driver(1, 1) as one:
        sessions = [driver.connect("TCP", "127.0.0.1", echo_server.port) for driver in (zero, one)]
        every_lab.module.drop_contexts()
        for session in sessions:
            session.settimeout(PATIENCE)
            with pytest.raises(ConnectionResetError):
                session.recv(1)


def test_listeners_of_both_contexts_of_one_uart_get_their_own_clients(every_lab: Lab) -> None:
    with every_lab.driver(1, 0) as zero, every_lab.driver(1, 1) as one:
        listeners = [driver.listen(port=2020) for driver in (zero, one)]
        for driver, listener in zip((one, zero), reversed(listeners), strict=True):
            with client_of(listener, driver.local_address) as visitor:
                session = listener.accept(PATIENCE)
                visitor.sendall(b"for context %d" % driver.context)
                assert exactly(session, 13) == b"for context %d" % driver.context
            session.close()


class Ownership(RuleBasedStateMachine):
    """Eight drivers of one program on four channels, both contexts; the module says who has what.

    At every moment between two calls: a context has one holder at most; what is held the module has given to the UART
    of the holder; what a driver takes for active is in use. No call of one driver touches what another one uses.
    """

    programs = 1
    kind = M10
    options: ClassVar[dict[str, Any]] = {"initialise": ("QICSGP", "QIMUX")}

    @initialize()
    def begin(self) -> None:
        self.stack = contextlib.ExitStack()
        self.lab = self.stack.enter_context(laboratory(kind=self.kind))
        self.peer = self.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.peer.bind(("127.0.0.1", 0))
        tables = [ContextTable() for _ in range(self.programs)]
        self.tables = {uart: tables[(uart - 1) * self.programs // 4] for uart in UARTS}
        self.drivers = {(uart, context): self.make(uart, context) for uart in UARTS for context in (0, 1)}

    def make(self, uart: int, context: int) -> TcpipDriver:
        return self.lab.driver(uart, context, table=self.tables[uart], **self.options)

    # -- the oracle

    def owner(self, context: int) -> int | None:
        modem = self.lab.module._modem
        assert modem is not None
        number = modem.ownership.owner(context)
        return None if number is None else number + 1

    def in_use(self, context: int) -> bool:
        modem = self.lab.module._modem
        assert modem is not None
        return modem.contexts[context].in_use

    @contextlib.contextmanager
    def call(self, who: tuple[int, int], *, takes: bool = False) -> Iterator[None]:
        """Make one call. What other drivers use is as before; who succeeds in taking the context has it."""
        before = {context: (self.owner(context), self.in_use(context)) for context in (0, 1)}
        try:
            yield
        except DriverError:
            pass
        else:
            assert not takes or self.owner(who[1]) == who[0]
        for context, (owner, in_use) in before.items():
            if in_use and owner is not None and (owner, context) != who:
                assert (self.owner(context), self.in_use(context)) == (owner, True)

    # -- the calls

    @rule(who=WHO, take_over=st.booleans())
    def claim(self, who: tuple[int, int], take_over: bool) -> None:
        uart, context = who
        rivals = [self.drivers[other, context] for other in UARTS if other != uart]
        held = any(rival.lease is not None and rival.table is self.tables[uart] for rival in rivals)
        forbidden = self.in_use(context) and self.owner(context) not in (None, uart)
        outcome = "claimed"
        with self.call(who, takes=True):
            try:
                self.drivers[who].claim(take_over=take_over)
            except (ContextBusy, ContextLost) as error:
                outcome = "lost" if isinstance(error, ContextLost) else "busy"
                raise
        if outcome != "lost":
            assert outcome == ("busy" if forbidden or (held and not take_over) else "claimed")

    @rule(who=WHO)
    def activate(self, who: tuple[int, int]) -> None:
        with self.call(who, takes=True):
            self.drivers[who].activate()
            assert self.in_use(who[1])

    @rule(who=WHO)
    def listen(self, who: tuple[int, int]) -> None:
        with self.call(who, takes=True):
            self.drivers[who].listen(port=2020)
            assert self.in_use(who[1])

    @rule(who=WHO)
    def connect(self, who: tuple[int, int]) -> None:
        with self.call(who, takes=True):
            self.drivers[who].connect("UDP", *self.peer.getsockname())
            assert self.in_use(who[1])

    @rule(who=WHO)
    def state(self, who: tuple[int, int]) -> None:
        with self.call(who):
            self.drivers[who].state()

    @rule(who=WHO)
    def deactivate(self, who: tuple[int, int]) -> None:
        with self.call(who, takes=self.kind is M10):  # where the host keeps it, the claim ends with the use
            self.drivers[who].deactivate()
            assert not self.in_use(who[1])

    @rule(who=WHO)
    def release(self, who: tuple[int, int]) -> None:
        with self.call(who):
            self.drivers[who].release()

    @rule(who=WHO)
    def begin_again(self, who: tuple[int, int]) -> None:
        with self.call(who):
            self.drivers[who].close()
        self.drivers[who] = self.make(*who)

    @rule(who=WHO)
    def reclaim(self, who: tuple[int, int]) -> None:
        held = self.tables[who[0]].held(self.drivers[who].context)
        before = {context: (self.owner(context), self.in_use(context)) for context in (0, 1)}
        with contextlib.suppress(DriverError):
            self.drivers[who].reclaim()
            assert self.owner(who[1]) == who[0]
        other = 1 - who[1]
        assert (self.owner(other), self.in_use(other)) == before[other]
        owner, in_use = before[who[1]]
        if held and in_use and owner != who[0]:
            assert (self.owner(who[1]), self.in_use(who[1])) == (owner, True)

    @rule()
    def the_network_drops_all(self) -> None:
        self.lab.module.drop_contexts()

    # -- what holds between the calls

    @invariant()
    def one_holder_and_the_module_agrees(self) -> None:
        if not hasattr(self, "drivers"):
            return
        for (uart, context), driver in self.drivers.items():
            lease = driver.lease
            if lease is None:
                continue
            rivals = [other for other in UARTS if other != uart and self.tables[other] is self.tables[uart]]
            assert not any(self.drivers[other, context].lease is not None for other in rivals)
            assert driver.table.owner(driver.context) == uart
            if lease.active or self.programs == 1:
                assert self.owner(context) == uart
            if self.programs == 1:
                assert lease.active == self.in_use(context)
            if lease.active:
                assert self.in_use(context)

    def teardown(self) -> None:
        if hasattr(self, "drivers"):
            for driver in self.drivers.values():
                with contextlib.suppress(DriverError):
                    driver.close()
            self.stack.close()


class OwnershipBetweenPrograms(Ownership):
    """Two programs, two channels and a table each: only the module is between them.

    What a program has claimed and not used the other one may take: the module allows it in IP INITIAL. So a hold that
    is not in use proves nothing between calls; but each call that returns well had the context, and what a driver takes
    for active is in use and is its UART's. Two programs are never both active in one context.
    """

    programs = 2


class OwnershipByTheHost(Ownership):
    """An LTE module, which lets every channel do everything: the table of the host keeps the same rules."""

    kind = BG96
    options: ClassVar[dict[str, Any]] = {}

    def owner(self, context: int) -> int | None:
        return self.tables[1].owner(self.kind.first + context)

    def in_use(self, context: int) -> bool:
        modem = self.lab.module._modem
        assert modem is not None
        return modem.contexts[self.kind.first + context].state is not ContextState.INACTIVE


SEARCH = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a failure is told at once; its steps are short as they are
    suppress_health_check=list(HealthCheck),
)
TestOwnership = pytest.mark.requirement("S8.2")(Ownership.TestCase)
TestOwnershipBetweenPrograms = pytest.mark.requirement("S8.2")(OwnershipBetweenPrograms.TestCase)
TestOwnershipByTheHost = pytest.mark.requirement("L2.14", "L9.11")(OwnershipByTheHost.TestCase)
TestOwnership.settings = TestOwnershipBetweenPrograms.settings = SEARCH
TestOwnershipByTheHost.settings = settings(SEARCH, max_examples=12)
