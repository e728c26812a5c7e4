"""The seam between what all families share and what one family is, shown on a family that nobody makes."""

from __future__ import annotations

import ast
import asyncio
import dataclasses
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest
from driver_lab import PATIENCE, Peer, QuickClock
from families_lab import ToyInLoop
from scripted_port import CommandPort
from toy_family import TOY, ToyStack
from toy_module import ToyModule, ToyPort

from drivers.at import AtChannel, LinePattern, command
from drivers.errors import (
    CommandError,
    ConnectRefused,
    ContextBusy,
    NameNotFound,
    SessionClosed,
    SessionReset,
    SessionTimeout,
    TcpipError,
)
from drivers.tcpip import ContextTable, Csd, KeepAlive, Session, TcpipDriver, Transparent
from drivers.tcpip.core import ListenerState, Procedure, SocketId, SocketState, events, listener_state, on_channel, wait
from drivers.tcpip.families import DIALECTS

ROOT = Path(__file__).parents[3]
ABOVE = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("tcpip/core", "tcpip/threads", "tcpip/aio", "tcpip", ".")
    for path in (ROOT / "drivers" / folder).glob("*.py")
    if path.name not in ("modem.py", "obstacles.py")  # they have commands that are not about TCP/IP
)


@pytest.mark.parametrize("path", ABOVE)
def test_no_command_stands_above_the_families(path: str) -> None:
    assert "AT+" not in (ROOT / path).read_text(encoding="utf-8")


def test_the_toy_family_is_small_and_needs_nothing_private() -> None:
    text = (ROOT / "tests" / "support" / "toy_family.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 155
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


def test_a_claim_that_sends_nothing_is_enough_to_be_told_the_news(
    module: ToyModule, ports: dict[int, ToyPort], echo_server: Peer
) -> None:
    with TcpipDriver(ports[1], 0, dialect=TOY) as driver, TcpipDriver(ports[2], 1, dialect=TOY):
        module.news_go_to = ports[2].say
        session = connected(driver, echo_server)
        session.sendall(b"hello")
        assert session.recv(5) == b"hello"
    assert not ports[2].written


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
        with pytest.raises(TcpipError, match=r"sendto\(\) is for a UDP service; this session has one remote host"):
            session.sendto(b"x", ("127.0.0.1", 7))
        with pytest.raises(ValueError, match="no option receive of one session"):
            session.set_receive("pushed")
        for call, name in (
            (lambda: driver.udp_service(4242), "UDP service"),
            (lambda: driver.ping("127.0.0.1"), "ping"),
            (lambda: driver.network_time("127.0.0.1"), "network time"),
            (lambda: driver._context.stack.set_receive(session._state, "pushed"), "receive mode of one session"),
            (lambda: driver._context.stack.clear(()), "list of what was left in it"),
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

    patience = 60.0

    @property
    def lines(self) -> tuple[LinePattern, ...]:
        return (*super().lines, LinePattern("+TNAME: ", "[0-9.,]*", 60))

    def classify(self, line: str) -> events.Event | None:
        if not line.startswith("+TNAME: "):
            return super().classify(line)
        found = tuple(filter(None, line.removeprefix("+TNAME: ").split(",")))
        return events.Resolved(found, None if found else 8)

    def resolve(self, name: str) -> Procedure[list[str]]:
        table = self.wiring.table
        with table.asking_for_a_name():
            yield from on_channel(command(f'AT+TNAME="{name}"'))
            resolved = yield from wait(self.patience, table.changes, table.take_resolved)
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


@pytest.fixture
def on_one(module: ToyModule, ports: dict[int, ToyPort]) -> Iterator[Callable[..., TcpipDriver]]:
    """Drivers of two contexts that share a channel."""
    with AtChannel(ports[1]) as channel, ExitStack() as stack:

        def driver(context: int, family: type[ToyStack] = ToyStack) -> TcpipDriver:
            made = TcpipDriver(channel, context, dialect=dataclasses.replace(TOY, family=family))
            stack.callback(made.close)
            made.claim()
            return made

        yield driver


def test_each_driver_of_a_channel_gets_the_addresses_that_it_has_asked_for(
    module: ToyModule, on_one: Callable[..., TcpipDriver]
) -> None:
    module.hosts.update(one=("10.0.0.1",), other=("10.0.0.2",))
    one, other = on_one(0, NamingToy), on_one(1, NamingToy)
    assert other.resolve("other") == ["10.0.0.2"]
    assert one.resolve("one") == ["10.0.0.1"]
    assert other.resolve("one") == ["10.0.0.1"]


def test_addresses_that_come_too_late_are_no_answer_to_the_next_question(
    module: ToyModule, ports: dict[int, ToyPort], monkeypatch: pytest.MonkeyPatch
) -> None:
    module.hosts.update(one=("10.0.0.1",), other=("10.0.0.2",))
    monkeypatch.setattr(NamingToy, "patience", 0.01)
    with TcpipDriver(ports[1], dialect=dataclasses.replace(TOY, family=NamingToy)) as driver:
        module.muted = True
        with pytest.raises(NameNotFound):
            driver.resolve("one")
        module.muted = False
        ports[1].say(b"\r\n+TNAME: 10.0.0.1\r\n")
        assert ports[1].drained()
        monkeypatch.setattr(NamingToy, "patience", 60.0)
        assert driver.resolve("other") == ["10.0.0.2"]


def lose_context(one: TcpipDriver, module: ToyModule) -> None:
    module.lose_context(0)


def deactivate(one: TcpipDriver, module: ToyModule) -> None:
    one.deactivate()


@pytest.mark.parametrize("end", [lose_context, deactivate])
def test_news_go_to_whoever_has_the_id_now_and_not_to_whoever_had_it(
    module: ToyModule,
    on_one: Callable[..., TcpipDriver],
    echo_server: Peer,
    end: Callable[[TcpipDriver, ToyModule], None],
) -> None:
    one, other = on_one(0), on_one(1)
    former = connected(one, echo_server)
    end(one, module)
    with pytest.raises(SessionClosed):
        former.recv(1)
    session = connected(other, echo_server)
    assert session.index == former.index
    session.sendall(b"hello")
    assert session.recv(5) == b"hello"


def test_the_loss_of_a_context_that_is_told_on_another_channel_ends_its_sessions(
    module: ToyModule, ports: dict[int, ToyPort], echo_server: Peer
) -> None:
    with TcpipDriver(ports[1], 0, dialect=TOY) as driver, TcpipDriver(ports[2], 1, dialect=TOY) as other:
        session, stays = connected(driver, echo_server), connected(other, echo_server)
        module.news_go_to = ports[2].say
        module.lose_context(0)
        with pytest.raises(SessionReset, match="TLOST: 0"):
            session.recv(1)
        stays.sendall(b"x")
        assert stays.recv(1) == b"x"


def test_a_listener_that_is_told_on_another_channel_to_have_ended_has_ended(ports: dict[int, ToyPort]) -> None:
    class EndingToy(ToyStack):
        @property
        def lines(self) -> tuple[LinePattern, ...]:
            return (*super().lines, LinePattern("+TDEAF: ", "[0-3]", 1))

        def classify(self, line: str) -> events.Event | None:
            if line.startswith("+TDEAF: "):
                return events.ListenerEnded(SocketId(int(line[-1])), "the network ended it")
            return super().classify(line)

    dialect = dataclasses.replace(TOY, family=EndingToy)
    with TcpipDriver(ports[1], 0, dialect=dialect) as driver, TcpipDriver(ports[2], 1, dialect=dialect) as other:
        other.activate()
        listener = driver.listen(port=free_port())
        ports[2].say(b"\r\n+TDEAF: %d\r\n" % listener._state.id.number)
        with pytest.raises(SessionReset, match="the network ended it"):
            listener.accept(PATIENCE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def test_a_client_that_is_told_on_both_channels_is_one_client(module: ToyModule, ports: dict[int, ToyPort]) -> None:
    with TcpipDriver(ports[1], 0, dialect=TOY) as driver, TcpipDriver(ports[2], 1, dialect=TOY) as other:
        other.activate()

        def say(octets: bytes) -> None:
            for port in ports.values():
                port.say(octets)

        module.news_go_to = say
        listener = driver.listen(port=free_port())
        with socket.create_connection(("127.0.0.1", listener.port)) as client:
            session = listener.accept(PATIENCE)
            client.sendall(b"hello")
            session.settimeout(PATIENCE)
            assert session.recv(5) == b"hello"
            with pytest.raises(SessionTimeout):
                listener.accept(0)


def test_a_client_that_nobody_accepts_is_closed_in_the_module(
    module: ToyModule, ports: dict[int, ToyPort], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_state, "BACKLOG", 1)
    with TcpipDriver(ports[1], 0, dialect=TOY) as driver:
        listener = driver.listen(port=free_port())
        with (
            socket.create_connection(("127.0.0.1", listener.port)) as first,
            socket.create_connection(("127.0.0.1", listener.port)) as second,
        ):
            second.settimeout(PATIENCE)
            assert second.recv(1) == b""  # which is the end of it
            assert listener.refused == 1
            accepted = listener.accept(PATIENCE)
            first.sendall(b"x")
            accepted.settimeout(PATIENCE)
            assert accepted.recv(1) == b"x"
            assert len(module.sockets) == 2


def test_what_is_given_up_leaves_no_socket_in_the_module(
    module: ToyModule, ports: dict[int, ToyPort], echo_server: Peer
) -> None:
    driver = TcpipDriver(ports[1], 0, dialect=TOY)
    session, listener = connected(driver, echo_server), driver.listen(port=free_port())
    driver.release()
    assert not module.sockets
    assert (session.open, listener.open) == (False, False)
    assert connected(driver, echo_server).index == 0
    driver.close()


class LockingToy(ToyStack):
    """A toy stack whose module keeps a context for whoever has taken it."""

    fails: ClassVar[bool] = False

    def take(self, deadline: float, *, reclaim: bool) -> Procedure[None]:
        yield from on_channel(command(f"AT+TTAKE={self.wiring.claim.context}"))

    def set_up(self) -> Procedure[None]:
        yield from on_channel(command("AT+TNONSENSE" if self.fails else "AT"))

    def deactivate(self) -> Procedure[None]:
        yield from self.give_up()
        yield from super().deactivate()

    def give_up(self) -> Procedure[None]:
        yield from on_channel(command(f"AT+TGIVE={self.wiring.claim.context}"))


def released(driver: TcpipDriver) -> None:
    driver.claim()
    driver.release()


def closed(driver: TcpipDriver) -> None:
    driver.activate()
    driver.close()


def closed_unused(driver: TcpipDriver) -> None:
    driver.claim()
    driver.close()


def not_set_up(driver: TcpipDriver) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LockingToy, "fails", True)
        with pytest.raises(CommandError):
            driver.claim()


@pytest.mark.parametrize("leave", [released, closed, closed_unused, not_set_up])
def test_a_module_that_keeps_contexts_is_told_that_one_was_given_up(
    module: ToyModule, ports: dict[int, ToyPort], leave: Callable[[TcpipDriver], None]
) -> None:
    dialect = dataclasses.replace(TOY, family=LockingToy)
    driver = TcpipDriver(ports[1], 0, dialect=dialect, table=ContextTable())
    leave(driver)
    assert module.taken == {}
    again = TcpipDriver(ports[1], 0, dialect=dialect, table=ContextTable())
    with TcpipDriver(ports[2], 0, dialect=dialect, table=ContextTable()):
        assert module.taken == {0: 2}
        with pytest.raises(ContextBusy):
            again.claim()
    again.close()
    driver.close()


class InterruptedToy(ToyStack):
    """A toy stack whose user presses ^C when a session has just been opened, or a listener set up."""

    def open(self, *arguments: Any, **options: Any) -> Procedure[SocketState]:
        yield from super().open(*arguments, **options)
        raise KeyboardInterrupt

    def listen(self, *arguments: Any, **options: Any) -> Procedure[ListenerState]:
        yield from super().listen(*arguments, **options)
        raise KeyboardInterrupt


def test_an_interrupted_opening_leaves_nothing_open(
    module: ToyModule, ports: dict[int, ToyPort], echo_server: Peer
) -> None:
    with TcpipDriver(ports[1], dialect=dataclasses.replace(TOY, family=InterruptedToy)) as driver:
        for _ in range(5):  # more than there are numbers
            with pytest.raises(KeyboardInterrupt):
                driver.connect("TCP", "127.0.0.1", echo_server.port)
            with pytest.raises(KeyboardInterrupt):
                driver.listen(port=free_port())
        assert not module.sockets


def test_a_cancelled_opening_leaves_nothing_open(echo_server: Peer) -> None:
    with ExitStack() as stack:
        bench = ToyInLoop(stack)
        bench.clock = QuickClock(10.0)
        driver = bench.driver()

        async def cancelled() -> None:
            opening = asyncio.create_task(driver._inner.connect("TCP", "127.0.0.1", echo_server.port))
            while not bench.module.sockets:  # noqa: ASYNC110 - a thread fills it
                await asyncio.sleep(0)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening

        bench.module.muted = True
        bench._loop.call(cancelled)
        assert not bench.module.sockets
        bench.module.muted = False
        assert driver.connect("TCP", "127.0.0.1", echo_server.port).index == 0
        driver.close()


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
    with pytest.raises(ValueError, match=f"dialect is one of {', '.join(DIALECTS)}, not 'toy'"):
        TcpipDriver(ports[1], dialect="toy")
    DIALECTS["toy"] = TOY
    try:
        TcpipDriver(ports[1], dialect="toy").close()
    finally:
        del DIALECTS["toy"]
