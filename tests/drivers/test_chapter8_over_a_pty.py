"""Chapter 8, statement by statement: the driver against the emulated module over a multiplexed pty."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from driver_lab import PATIENCE

import cmux
from drivers.at import AtChannel, LinePattern
from drivers.emulator import EmulatedModule
from drivers.errors import CommandError, InvalidArgument
from drivers.tcpip import ContextBusy, ContextTable, TcpipDriver

HELLO = b"Hello, welcome to use Quectel's module"
GREAT = b"Quectel's module is great!"


@dataclass
class Lab:
    """A module on a pty, a multiplexer on it, drivers on its channels, and what crossed the module's side.

    What the module sent is noted in its own thread, maybe after the host has it: `wait_for` it.
    """

    module: EmulatedModule
    mux: cmux.Mux
    octets: dict[int, list[tuple[str, bytes]]] = field(default_factory=dict)
    said: threading.Condition = field(default_factory=threading.Condition)

    def note(self, dlci: int, direction: str, data: bytes) -> None:
        with self.said:
            self.octets.setdefault(dlci, []).append((direction, data))
            self.said.notify_all()

    def sent(self, dlci: int) -> bytes:
        """All that the module said on a virtual UART."""
        return b"".join(data for direction, data in self.octets.get(dlci, []) if direction == "sent")

    def received(self, dlci: int) -> list[str]:
        """The commands that the module got on a virtual UART."""
        octets = b"".join(data for direction, data in self.octets.get(dlci, []) if direction == "received")
        return octets.decode("latin-1").split("\r")[:-1]

    def wait_for(self, dlci: int, text: bytes) -> None:
        """Wait until the module has said something."""
        with self.said:
            assert self.said.wait_for(lambda: text in self.sent(dlci), PATIENCE), (text, self.sent(dlci))

    def driver(self, uart: int, context: int, **options: object) -> TcpipDriver:
        options.setdefault("receive", "bare")
        return TcpipDriver(self.mux.channel(uart), context, "CMNET", **options)  # type: ignore[arg-type]


@pytest.fixture
def lab() -> Iterator[Lab]:
    before = set(threading.enumerate())
    with EmulatedModule() as module, cmux.open(module.serve_pty()) as mux:
        lab = Lab(module, mux)
        module.on_octets(lab.note)
        yield lab
    assert set(threading.enumerate()) <= before


@pytest.mark.requirement("S8.1")
def test_tcp_and_udp_sessions_run_with_cmux_on(lab: Lab) -> None:
    with lab.driver(1, 0) as server, lab.driver(2, 1) as client:
        listener = server.listen("UDP")
        session = client.connect("UDP", server.local_address, listener.port)
        session.sendall(HELLO)
        peer = listener.accept(PATIENCE)
        peer.settimeout(PATIENCE)
        assert peer.recv(100) == HELLO
        session.close()


@pytest.mark.requirement("S8.2")
def test_a_context_in_use_is_out_of_reach_until_it_is_ip_initial_again(lab: Lab) -> None:
    owner = lab.driver(1, 0)
    owner.activate()
    for uart in (2, 3, 4):
        stranger = lab.driver(uart, 0, table=ContextTable())  # as another process: the module decides
        with pytest.raises(ContextBusy):
            stranger.claim()
        stranger.close()
    owner.close()
    later = lab.driver(3, 0, table=ContextTable())
    later.claim()
    later.close()


@pytest.mark.requirement("S8.3")
def test_two_contexts_are_active_on_one_virtual_uart(lab: Lab) -> None:
    zero, one = lab.driver(1, 0), lab.driver(1, 1)
    addresses = {zero.activate(), one.activate()}
    assert len(addresses) == 2
    assert (zero.state(), one.state()) == ("IP STATUS", "IP STATUS")
    zero.close()
    one.close()


@pytest.mark.requirement("S8.3")
def test_two_contexts_are_active_on_two_virtual_uarts(lab: Lab) -> None:
    zero, one = lab.driver(1, 0), lab.driver(2, 1)
    assert zero.activate() != one.activate()
    assert (zero.state(), one.state()) == ("IP STATUS", "IP STATUS")
    zero.close()
    one.close()


@pytest.mark.requirement("S8.4")
def test_qifgcnt_directs_the_later_operations_of_its_uart(lab: Lab) -> None:
    with lab.driver(1, 0) as zero, lab.driver(2, 1) as one:
        zero.activate()
        assert (zero.state(), one.state()) == ("IP STATUS", "IP INITIAL")
        assert lab.received(1)[1] == "AT+QIFGCNT=0"
        assert lab.received(2)[1] == "AT+QIFGCNT=1"


@pytest.mark.requirement("S8.5")
def test_transparent_mode_is_allowed_with_one_context_on_each_uart(lab: Lab) -> None:
    with lab.driver(2, 1) as other:
        other.activate()
        with AtChannel(lab.mux.channel(1)) as plain:
            for text in ("AT+QIFGCNT=0", "AT+QIMUX=0", "AT+QIMODE=1"):
                plain.command(text)
            assert plain.command("AT+QIMODE?").lines == ("+QIMODE: 1",)
            plain.command("AT+QIMODE=0")


@pytest.mark.requirement("S8.6")
def test_the_server_on_context_0_is_set_up_as_the_app_note_has_it(lab: Lab) -> None:
    with lab.driver(1, 0, initialise=("QICSGP", "QIMUX", "QIMODE", "QIDNSIP")) as server:
        server.listen()
        assert server.local_address.startswith("127.")
        assert lab.received(1)[1:] == [
            "AT+QIFGCNT=0",
            'AT+QICSGP=1,"CMNET"',
            "AT+QIMUX=0",
            "AT+QIMODE=0",
            "AT+QIDNSIP=0",
            "AT+QISERVER",
            "AT+QILOCIP",
        ]
        lab.wait_for(1, b"\r\nOK\r\n\r\nSERVER OK\r\n\r\n127.")


@pytest.mark.requirement("S8.6")
def test_with_muxip_the_server_serves_several_clients_on_its_uart(lab: Lab) -> None:
    with AtChannel(lab.mux.channel(1)) as plain, lab.driver(2, 1) as client:
        for text in ("AT+QIFGCNT=0", "AT+QIMUX=1", "AT+QISERVER=0,3"):
            plain.command(text)
        lab.wait_for(1, b"\r\nSERVER OK\r\n")
        address = plain.command("AT+QILOCIP", success=(LinePattern("127.", r"[0-9.]+", 12),)).final
        session = client.connect("TCP", address, 2020)
        lab.wait_for(1, b"\r\n0, REMOTE IP: ")
        session.sendall(GREAT)
        lab.wait_for(1, b"\r\n+RECEIVE: 0, 26\r\n" + GREAT)
        session.close()
        plain.command("AT+QIDEACT", success=(LinePattern("DEACT OK"),))


@pytest.mark.requirement("S8.8")
def test_uart_2_gets_context_1_or_error_while_another_uart_uses_it(lab: Lab) -> None:
    with AtChannel(lab.mux.channel(2)) as second, lab.driver(3, 1) as third:
        third.activate()
        with pytest.raises(CommandError):
            second.command("AT+QIFGCNT=1")
        third.deactivate()
        second.command("AT+QIFGCNT=1")


@pytest.mark.requirement("S8.9", "S8.10", "S8.11")
def test_the_client_visits_the_server_of_the_same_module(lab: Lab) -> None:
    with lab.driver(1, 0) as server, lab.driver(2, 1) as client:
        listener = server.listen()
        assert listener.port == 2020  # S8.11: nothing has set it
        client.connect("TCP", server.local_address, listener.port)
        peer = listener.accept(PATIENCE)
        assert peer.remote_address[0] == client.local_address  # S8.10
        lab.wait_for(1, b"\r\nREMOTE IP: " + client.local_address.encode() + b"\r\n")
        assert f'AT+QIOPEN="TCP", "{server.local_address}",2020' in lab.received(2)


@pytest.mark.requirement("S8.12", "S8.13")
def test_both_texts_cross(lab: Lab) -> None:
    with lab.driver(1, 0) as server, lab.driver(2, 1) as client:
        listener = server.listen()
        session = client.connect("TCP", server.local_address, listener.port)
        peer = listener.accept(PATIENCE)
        session.settimeout(PATIENCE)
        peer.settimeout(PATIENCE)
        peer.sendall(HELLO, end="ctrl-z")
        assert session.recv(100) == HELLO
        session.sendall(GREAT)
        assert peer.recv(100) == GREAT
        assert lab.received(1)[-2:] == ["AT+QISRVC=2", "AT+QISEND"]
        assert lab.received(2)[-2:] == ["AT+QISRVC=1", "AT+QISEND=26"]


@pytest.mark.requirement("S8.16", "S8.17")
@pytest.mark.parametrize("way", ["QICLOSE", "QIDEACT"])
def test_closing_on_uart_1_is_closed_on_uart_2(lab: Lab, way: str) -> None:
    with lab.driver(1, 0) as server, lab.driver(2, 1) as client:
        listener = server.listen()
        session = client.connect("TCP", server.local_address, listener.port)
        peer = listener.accept(PATIENCE)
        session.settimeout(PATIENCE)
        if way == "QICLOSE":
            peer.close()
            assert lab.received(1)[-2:] == ["AT+QISRVC?", "AT+QICLOSE"] or lab.received(1)[-3:] == [
                "AT+QISRVC?",
                "AT+QISRVC=2",
                "AT+QICLOSE",
            ]
            lab.wait_for(1, b"\r\nCLOSE OK\r\n")
        else:
            server.deactivate()
            lab.wait_for(1, b"\r\nDEACT OK\r\n")
        assert session.recv(100) == b""
        lab.wait_for(2, b"\r\nCLOSED\r\n")


@pytest.mark.requirement("S8.18")
def test_each_uart_deactivates_its_own_context(lab: Lab) -> None:
    with lab.driver(1, 0) as server, lab.driver(2, 1) as client:
        server.activate()
        client.activate()
        client.deactivate()
        lab.wait_for(2, b"\r\nDEACT OK\r\n")
        assert (server.state(), client.state()) == ("IP STATUS", "IP INITIAL")


@pytest.mark.parametrize(
    "wrong",
    [
        {"context": 2},
        {"context": -1},
        {"context": 1.0},
        {"context": True},
        {"apn": 'CM"NET'},
        {"apn": "CM\rNET"},
        {"apn": "CM\nNET"},
        {"apn": None},
        {"user": "\x1a"},
        {"password": "pass\rword"},
    ],
)
def test_an_argument_that_cannot_stand_in_a_command_is_named_and_nothing_is_sent(lab: Lab, wrong: dict) -> None:
    port = lab.mux.channel(1)
    with pytest.raises(InvalidArgument) as error:
        TcpipDriver(port, **wrong)
    assert isinstance(error.value, ValueError)
    ((name, value),) = wrong.items()
    secret = name in ("user", "password")
    assert (repr(value) in str(error.value)) is not secret
    assert (name in str(error.value)) is (name != "apn") or "APN" in str(error.value)
    assert lab.received(1) == []


@pytest.mark.parametrize("host", ["a\rb", "a\nb", 'a"b', "", None])
def test_a_host_that_cannot_stand_in_a_command_is_named(lab: Lab, host: str) -> None:
    with lab.driver(1, 0) as driver, pytest.raises(InvalidArgument):
        driver.connect("TCP", host, 80)


def test_a_claim_gives_a_lease_that_ends_with_ip_initial(lab: Lab) -> None:
    driver = lab.driver(1, 0)
    lease = driver.table.claim(0, driver)
    assert (lease.context, lease.owner, lease.ended) == (0, 1, None)
    assert driver.claim() is lease
    with pytest.raises(ValueError, match="context 0"):
        driver.table.claim(1, driver)
    driver.activate()
    driver.deactivate()
    assert lease.ended is not None
    driver.close()


def test_sixteen_claims_of_one_context_at_once_give_one_lease(lab: Lab) -> None:
    """One `AT+QIFGCNT` that succeeds, fifteen `ContextBusy`, whatever the order."""
    table = ContextTable()
    drivers = [TcpipDriver(lab.mux.channel(1 + number % 4), 0, table=table) for number in range(16)]
    start = threading.Barrier(16)
    leases: list[TcpipDriver] = []
    refused: list[ContextBusy] = []

    def claim(driver: TcpipDriver) -> None:
        start.wait()
        try:
            driver.claim()
            leases.append(driver)
        except ContextBusy as error:
            refused.append(error)

    threads = [threading.Thread(target=claim, args=(driver,)) for driver in drivers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(leases), len(refused)) == (1, 15)
    assert {error.owner for error in refused} == {leases[0].channel.port.dlci}  # type: ignore[attr-defined]
    assert sum(command == "AT+QIFGCNT=0" for uart in range(1, 5) for command in lab.received(uart)) == 1
    for driver in drivers:
        driver.close()
