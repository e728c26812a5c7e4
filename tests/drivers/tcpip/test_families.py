"""The seam between what all families share and what one family is, shown on a family that nobody makes."""

from __future__ import annotations

import ast
import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from driver_lab import PATIENCE, Peer
from scripted_port import CommandPort
from toy_family import TOY, ToyStack
from toy_module import ToyModule, ToyPort

from drivers.at import LinePattern, command
from drivers.errors import ConnectRefused, NameNotFound, TcpipError
from drivers.tcpip import Csd, KeepAlive, Session, TcpipDriver, Transparent
from drivers.tcpip.core import Procedure, SocketState, events, on_channel, wait
from drivers.tcpip.families import DIALECTS

ROOT = Path(__file__).parents[3]
ABOVE = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("core", "threads", "aio", ".")
    for path in (ROOT / "drivers" / "tcpip" / folder).glob("*.py")
)


@pytest.mark.parametrize("path", ABOVE)
def test_no_command_stands_above_the_families(path: str) -> None:
    assert "AT+" not in (ROOT / path).read_text(encoding="utf-8")


def test_the_toy_family_is_small_and_needs_nothing_private() -> None:
    text = (ROOT / "tests" / "support" / "toy_family.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    imported = {node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
    assert imported == {"__future__", "drivers.at", "drivers.errors", "drivers.tcpip.core"}
    used = {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
    assert {name for name in used if name.startswith("_")} <= set(vars(ToyStack))


@pytest.fixture
def module() -> Iterator[ToyModule]:
    made = ToyModule()
    yield made
    made.finish()


@pytest.fixture
def ports(module: ToyModule) -> dict[int, ToyPort]:
    return {uart: ToyPort(module, uart) for uart in (1, 2)}


def connected(driver: TcpipDriver, peer: Peer) -> Session:
    session = driver.connect("TCP", "127.0.0.1", peer.port)
    session.settimeout(PATIENCE)
    return session


def test_a_close_is_due_after_the_other_side_has_closed(module: ToyModule, ports: dict[int, ToyPort]) -> None:
    with Peer(lambda connection: None) as peer, TcpipDriver(ports[1], dialect=TOY) as driver:
        first = connected(driver, peer)
        assert first.recv(1) == b""
        second = connected(driver, peer)
        assert (first.index, second.index) == (0, 1)  # the first has its number until it is closed here, too
        assert "AT+TCLOSE=0" not in module.commands
        first.close()
        assert module.commands[-1] == "AT+TCLOSE=0"
        assert connected(driver, peer).index == 0


def test_what_nobody_has_closed_is_closed_with_the_driver(module: ToyModule, ports: dict[int, ToyPort]) -> None:
    with Peer(lambda connection: None) as peer, TcpipDriver(ports[1], dialect=TOY) as driver:
        assert connected(driver, peer).recv(1) == b""
    assert module.commands[-2:] == ["AT+TCLOSE=0", "AT+TDOWN=0"]


def test_ids_are_those_of_the_module_whichever_the_context_and_the_channel(
    ports: dict[int, ToyPort], echo_server: Peer
) -> None:
    with TcpipDriver(ports[1], 0, dialect=TOY) as one, TcpipDriver(ports[2], 1, dialect=TOY) as other:
        sessions = [connected(driver, echo_server) for driver in (one, other, one, other)]
        assert [session.index for session in sessions] == [0, 1, 2, 3]
        with pytest.raises(TcpipError, match="all 4 sockets"):
            connected(one, echo_server)
        one.deactivate()
        assert [session.open for session in sessions] == [False, True, False, True]
        assert connected(other, echo_server).index == 0


def test_threads_that_open_at_once_get_ids_of_their_own(ports: dict[int, ToyPort], echo_server: Peer) -> None:
    with TcpipDriver(ports[1], 0, dialect=TOY) as one, TcpipDriver(ports[2], 1, dialect=TOY) as other:
        taken: list[int] = []
        threads = [
            threading.Thread(target=lambda driver=driver: taken.append(connected(driver, echo_server).index))
            for driver in (one, other, one, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert sorted(taken) == [0, 1, 2, 3]


def test_news_on_another_channel_find_their_session(
    module: ToyModule, ports: dict[int, ToyPort], echo_server: Peer
) -> None:
    with TcpipDriver(ports[1], 0, dialect=TOY) as driver, TcpipDriver(ports[2], 1, dialect=TOY) as other:
        other.activate()
        module.news_go_to = ports[2].say
        session = connected(driver, echo_server)  # +TOPENED comes on the second channel, and so does +TDATA
        session.sendall(b"hello")
        assert session.recv(5) == b"hello"
        echo_server.close()
        assert session.recv(1) == b""


def test_the_code_of_a_refusal_is_kept(ports: dict[int, ToyPort], echo_server: Peer) -> None:
    with TcpipDriver(ports[1], dialect=TOY) as driver:
        with Peer(lambda connection: None) as peer:
            port = peer.port
        with pytest.raises(ConnectRefused) as refused:
            driver.connect("TCP", "127.0.0.1", port)
        assert refused.value.code == 1
        assert DIALECTS["m10"].family is not TOY.family


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"muxip": True}, "muxip"),
        ({"transparent": Transparent()}, "transparent"),
        ({"receive": "header"}, "receive"),
        ({"show": ("QIHEAD",)}, "show"),
        ({"initialise": ()}, "initialise"),
        ({"bearer": Csd("*99#")}, "bearer=Csd"),
    ],
)
def test_an_option_that_a_family_does_not_have_is_named(options: dict[str, object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^Toy module has no option {name} "):
        TcpipDriver(CommandPort(lambda _: b""), dialect=TOY, **options)  # type: ignore[arg-type]


def test_a_way_of_opening_that_a_family_does_not_have_is_named(ports: dict[int, ToyPort]) -> None:
    driver = TcpipDriver(ports[1], dialect=TOY)
    with pytest.raises(ValueError, match="no option index"):
        driver.connect("TCP", "127.0.0.1", 80, index=1)
    with pytest.raises(ValueError, match="no option step_by_step"):
        driver.connect("TCP", "127.0.0.1", 80, step_by_step=True)
    with pytest.raises(ValueError, match="no option clients"):
        driver.listen(port=80, clients=2)
    with pytest.raises(ValueError, match="no port of its own"):
        driver.listen()
    assert not ports[1].written
    driver.close()


def test_what_a_family_does_not_have_is_named(ports: dict[int, ToyPort], echo_server: Peer) -> None:
    with TcpipDriver(ports[1], dialect=TOY) as driver:
        session = connected(driver, echo_server)
        with pytest.raises(ValueError, match="end='ctrl-z'"):
            session.sendall(b"x", end="ctrl-z")
        for call, name in (
            (driver.foreground, "foreground context"),
            (driver.escape, "data mode"),
            (driver.resume, "data mode"),
            (driver.name_servers, "name servers"),
            (lambda: driver.resolve("www.example.org"), "names"),
            (lambda: driver.show("QIHEAD"), "headers to show"),
        ):
            with pytest.raises(TcpipError, match=f"Toy module has no {name}"):
                call()


class NamingToy(ToyStack):
    """A toy stack that looks names up: the addresses come later."""

    @property
    def lines(self) -> tuple[LinePattern, ...]:
        return (*super().lines, LinePattern("+TNAME: ", "[0-9.,]*", 60))

    def classify(self, line: str) -> events.Event | None:
        if not line.startswith("+TNAME: "):
            return super().classify(line)
        found = tuple(filter(None, line.removeprefix("+TNAME: ").split(",")))
        return events.Resolved(found, None if found else 8)

    def resolve(self, name: str) -> Procedure[list[str]]:
        yield from on_channel(command(f'AT+TNAME="{name}"'))
        table = self.wiring.table
        resolved = yield from wait(60, table.changes, table.take_resolved)
        if resolved is None or resolved.code is not None:
            raise NameNotFound(f"{self.name}: {name} is not known", reason=resolved and resolved.code)
        return list(resolved.addresses)


def test_addresses_that_come_later_are_waited_for(module: ToyModule, ports: dict[int, ToyPort]) -> None:
    module.hosts["www.example.org"] = ("10.0.0.1", "10.0.0.2")
    with TcpipDriver(ports[1], dialect=dataclasses.replace(TOY, family=NamingToy)) as driver:
        assert driver.resolve("www.example.org") == ["10.0.0.1", "10.0.0.2"]
        with pytest.raises(NameNotFound) as unknown:
            driver.resolve("nowhere.example.org")
        assert unknown.value.code == 8


class KeepingToy(ToyStack):
    """A toy stack whose module examines idle sessions by itself."""

    kept: ClassVar[list[tuple[int, float]]] = []

    def keep_alive(self, session: SocketState, period: float) -> Procedure[bool]:
        yield from ()
        self.kept.append((session.index, period))
        return True


def test_a_module_that_examines_idle_sessions_itself_is_left_to_it(ports: dict[int, ToyPort]) -> None:
    gone = threading.Event()
    with (
        Peer(lambda connection: gone.wait(PATIENCE) and None) as peer,
        TcpipDriver(ports[1], dialect=dataclasses.replace(TOY, family=KeepingToy)) as driver,
    ):
        session, dead = connected(driver, peer), threading.Event()
        watch = driver.keep_alive(session, KeepAlive(period=60), on_dead=lambda which, why: dead.set())
        assert not ports[1].module.commands[-1].startswith("AT+TACKED")
        gone.set()
        assert dead.wait(PATIENCE)
        assert KeepingToy.kept == [(session.index, 60)]
        watch.close()


def test_a_dialect_has_a_name_or_is_given(ports: dict[int, ToyPort]) -> None:
    with pytest.raises(ValueError, match="dialect is one of m10, m95, m66, mc60, not 'toy'"):
        TcpipDriver(ports[1], dialect="toy")
    DIALECTS["toy"] = TOY
    try:
        TcpipDriver(ports[1], dialect="toy").close()
    finally:
        del DIALECTS["toy"]
