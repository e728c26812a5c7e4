"""Contexts, sockets and news of one module on several channels, where the module keeps no owner: the host does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from able_lab import UARTS, AbleBench, AbleInLoop, AbleOnThreads
from driver_lab import PATIENCE, Peer
from scripted_port import OK, CommandPort, MemoryPort
from toy_module import Socket, ToyModule, ToyUart

from drivers.at import AtChannel, Dialogue, Framing, LinePattern, command
from drivers.errors import ContextBusy, SessionReset, SessionTimeout
from drivers.tcpip import TcpipDriver
from drivers.tcpip.core import Leftover, SocketId
from drivers.tcpip.core.procedure import OnChannel, Progress, Wait
from drivers.tcpip.core.pushes import Pushes


@pytest.fixture(params=[AbleOnThreads, AbleInLoop], ids=["threads", "aio"])
def bench(request: pytest.FixtureRequest) -> Iterator[AbleBench]:
    with ExitStack() as stack:
        yield request.param(stack)


@pytest.fixture
def silent() -> Iterator[Peer]:
    """A server that takes connections and says nothing until it ends."""
    over = threading.Event()
    with Peer(lambda connection: over.wait(PATIENCE) and None) as peer:
        yield peer
        over.set()


def connected(driver: Any, peer: Peer, **options: Any) -> Any:
    session = driver.connect("TCP", "127.0.0.1", peer.port, **options)
    session.settimeout(PATIENCE)
    return session


def sent(bench: AbleBench, text: str) -> int:
    """How often a command was sent, on whatever channel."""
    return sum(command.startswith(text) for command in bench.module.commands)


# -- who may have which context ---------------------------------------------------------------------------------------


def test_a_claim_is_exclusive_unless_both_drivers_share(bench: AbleBench) -> None:
    holder = bench.drive(1)
    holder.activate()
    for share in (False, True):
        with pytest.raises(ContextBusy) as busy:
            bench.drive(2, share=share).claim()
        assert (busy.value.owner, busy.value.state) == (holder.lease.owner, "UP")  # a stream of asyncio has no DLCI
    holder.close()
    first = bench.drive(2, share=True)
    first.activate()
    bench.drive(3, share=True).claim()
    with pytest.raises(ContextBusy):
        bench.drive(1).claim()
    assert bench.drive(1, 1).activate() == "127.0.0.1"  # another context is another matter


@pytest.mark.requirement("L2.14")
@pytest.mark.parametrize("end", ["close", "deactivate", "release"])
def test_a_context_is_deactivated_with_its_last_user_and_not_before(
    bench: AbleBench, echo_server: Peer, end: str
) -> None:
    one, other = bench.drive(1, share=True), bench.drive(2, share=True)
    gone, stays = connected(one, echo_server), connected(other, echo_server)
    assert sent(bench, "AT+TUP=0") == 1
    getattr(one, end)()
    assert (sent(bench, "AT+TDOWN"), gone.open, stays.open) == (0, False, True)
    stays.sendall(b"hello")
    assert stays.recv(5) == b"hello"
    other.close()
    assert sent(bench, "AT+TDOWN=0") == 1


@pytest.mark.requirement("L9.11")
def test_a_driver_that_ends_closes_its_own_sockets_only(bench: AbleBench, echo_server: Peer) -> None:
    one, other, third = bench.drive(1, share=True), bench.drive(2, share=True), bench.drive(3, 1)
    mine, shared, foreign = (connected(driver, echo_server) for driver in (one, other, third))
    one.close()
    assert sent(bench, "AT+TCLOSE") == sent(bench, f"AT+TCLOSE={mine.index}") == 1
    for session in (shared, foreign):
        session.sendall(b"x")
        assert session.recv(1) == b"x"


def test_drivers_that_share_activate_once_however_many_begin_at_once(bench: AbleBench, echo_server: Peer) -> None:
    drivers = [bench.drive(uart, share=True) for uart in UARTS]
    indexes: list[int] = []
    threads = [
        threading.Thread(target=lambda driver=driver: indexes.append(connected(driver, echo_server).index))
        for driver in drivers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(indexes) == [0, 1, 2]
    assert sent(bench, "AT+TUP=0") == 1


def carry_on(driver: TcpipDriver, progress: Progress[Any], until: type[object] | None) -> object:
    """Run a procedure step by step, until it asks for something of a kind that cannot be done now, or to its end."""
    while (request := progress.next_request()) is not None:
        if isinstance(request, Wait):
            if request.ready() is None:
                assert until is Wait
                return request
            progress.answer(request.ready())
        elif isinstance(request, OnChannel):
            if until is OnChannel:
                return request
            progress.answer(driver.channel.run(request.dialogue))
    return None


def test_while_a_driver_activates_the_others_that_share_the_context_wait() -> None:
    with ExitStack() as stack:
        bench = AbleOnThreads(stack)
        one, other = (bench.drive(uart, share=True) for uart in (1, 2))
        one.claim()
        other.claim()
        first, second = Progress(one._context.activate()), Progress(other._context.activate())
        asking = carry_on(one, first, OnChannel)
        assert isinstance(asking, OnChannel)
        waiting = carry_on(other, second, Wait)
        assert isinstance(waiting, Wait)
        first.answer(one.channel.run(asking.dialogue))  # AT+TUP
        assert waiting.ready() is None
        carry_on(one, first, None)
        second.answer(waiting.ready())
        carry_on(other, second, None)
        assert second.result == "127.0.0.1"
        assert sent(bench, "AT+TUP=0") == 1


@pytest.mark.requirement("L2.13")
def test_after_a_loss_the_first_user_deactivates_and_the_others_learn_of_it(
    bench: AbleBench, echo_server: Peer
) -> None:
    drivers = [bench.drive(uart, share=True) for uart in UARTS]
    former = [connected(driver, echo_server) for driver in drivers]
    bench.module.lose_context(0)
    bench.settle(*drivers)
    for session in former:
        with pytest.raises(SessionReset, match="TLOST: 0") as lost:
            session.recv(1)
        assert lost.value.code == 70
    assert sent(bench, "AT+TDOWN") == 0
    again = [connected(drivers[0], echo_server)]
    assert [driver.lease is None for driver in drivers] == [False, True, True]
    again += [connected(driver, echo_server) for driver in drivers[1:]]
    assert (sent(bench, "AT+TDOWN=0"), sent(bench, "AT+TUP=0")) == (1, 2)
    for session in again:
        session.sendall(b"x")
        assert session.recv(1) == b"x"


def test_a_driver_that_joins_after_a_loss_deactivates_first(bench: AbleBench, echo_server: Peer) -> None:
    one, other = bench.drive(1, share=True), bench.drive(2, share=True)
    one.activate()
    bench.say(1, b"\r\n+TLOST: 0\r\n")
    bench.settle(one)
    bench.module.down(0)
    connected(other, echo_server)
    assert bench.module.commands.index("AT+TDOWN=0") < len(bench.module.commands) - 1
    assert (sent(bench, "AT+TDOWN=0"), sent(bench, "AT+TUP=0")) == (1, 2)
    assert one.activate() == "127.0.0.1"
    assert (sent(bench, "AT+TDOWN=0"), sent(bench, "AT+TUP=0")) == (1, 2)


def test_a_restart_that_is_told_on_one_channel_ends_the_sessions_of_all(bench: AbleBench, silent: Peer) -> None:
    one, other = bench.drive(1), bench.drive(2, 1)
    sessions = [connected(driver, silent) for driver in (one, other)]
    bench.say(1, b"\r\nRDY\r\n")
    for session in sessions:
        with pytest.raises(SessionReset, match="restarted"):
            session.recv(1)
    assert (one.lease, other.lease) == (None, None)
    bench.module.down(0)
    bench.module.down(1)
    again = [connected(driver, silent) for driver in (other, one)]
    assert [(session.index, session.open) for session in again] == [(1, True), (0, True)]


# -- news on several channels -----------------------------------------------------------------------------------------


@pytest.mark.requirement("L9.9")
def test_data_that_is_pushed_on_all_channels_is_delivered_once(bench: AbleBench, silent: Peer) -> None:
    owner, other, third = bench.drive(1), bench.drive(2, 1), bench.drive(3, 2)
    session = connected(owner, silent, receive="pushed")
    for listening in (other, third):
        listening.claim()
    for octets in (b"same!", b"same!", b"other"):
        for uart in (2, 3, 1):
            bench.say(uart, b"\r\n+TPUSH: %d,5\r\n%s" % (session.index, octets))
    bench.settle(owner, other, third)
    assert session.recv(100) == b"same!same!other"
    session.settimeout(0)
    with pytest.raises(SessionTimeout):
        session.recv(1)
    assert sum(driver.counters.get("doubles", 0) for driver in (owner, other, third)) == 6


LATE = [("own", b"ab"), *([("other", b"x")] * 300), *([("own", b"x")] * 300), ("other", b"y"), ("own", b"y")]


@pytest.mark.requirement("L9.9")
@pytest.mark.parametrize(
    ("came", "taken"),
    [
        ([("own", b"ab"), ("own", b"ab")], b"abab"),
        ([("other", b"ab"), ("own", b"ab"), ("own", b"cd"), ("other", b"cd")], b"abcd"),
        ([("other", b"ab"), ("other", b"cd"), ("own", b"ab"), ("own", b"cdef")], b"abcdef"),
        ([("own", b"ab"), ("other", b"ab"), ("own", b"ab"), ("other", b"ab")], b"abab"),
        ([("other", b"ab"), ("third", b"ab"), ("third", b"cd"), ("other", b"cd")], b"abcd"),
        (LATE, b"ab" + b"x" * 300 + b"y"),
        ([("own", b"ab"), ("aside", b"cd"), ("own", b"ef"), ("other", b"ef")], b"abcdef"),
    ],
)
def test_pushed_octets_count_once_however_late_a_channel_is(came: list[tuple[str, bytes]], taken: bytes) -> None:
    pushes, own = Pushes(), "own"
    got = [pushes.take(data, "other" if port == "aside" else port, own, aside=port == "aside") for port, data in came]
    assert b"".join(got) == taken


@pytest.mark.requirement("L9.9")
def test_data_that_comes_on_another_channel_only_is_no_repetition(bench: AbleBench, silent: Peer) -> None:
    owner, other = bench.drive(1), bench.drive(2, 1)
    other.claim()
    bench.module.news_go_to = lambda octets: bench.say(2, octets)
    for _ in range(2):
        session = connected(owner, silent, receive="pushed")
        assert session.index == 0
        for _ in range(3):
            bench.say(2, b"\r\n+TPUSH: 0,2\r\nab")
        bench.settle(other)
        assert session.recv(100) == b"ababab"
        session.close()


@pytest.mark.requirement("L9.9")
def test_what_another_channel_repeats_late_is_not_about_the_socket_that_has_the_number_now(
    bench: AbleBench, silent: Peer
) -> None:
    one, other = bench.drive(1), bench.drive(2, 1)
    other.claim()
    former = connected(one, silent, receive="pushed")
    bench.say(1, b"\r\n+TPUSH: 0,3\r\nold\r\n+TGONE: 0\r\n")
    assert (former.recv(3), former.recv(1)) == (b"old", b"")
    former.close()
    session = connected(one, silent, receive="pushed")
    bench.say(2, b"\r\n+TPUSH: 0,3\r\nold\r\n+TGONE: 0\r\n")
    bench.say(1, b"\r\n+TPUSH: 0,3\r\nnew")
    bench.settle(one, other)
    assert session.recv(100) == b"new"
    assert session.open
    assert other.counters["doubles"] == 2


@pytest.mark.requirement("L9.9", "L5.8")
@pytest.mark.parametrize("first", [1, 2])
def test_the_end_of_a_session_that_one_channel_tells_does_not_overtake_data_on_another(
    bench: AbleBench, silent: Peer, first: int
) -> None:
    """What has had data of a session has the rest of it, too, before its end."""
    one, other, third = bench.drive(1), bench.drive(2, 1), bench.drive(3, 2)
    other.claim(), third.claim()
    session = connected(one, silent, receive="pushed")
    for octets, uart in ((b"\r\n+TPUSH: 0,3\r\nabc", first), (b"\r\n+TGONE: 0\r\n", 3)):
        bench.say(uart, octets)
        bench.settle(one, other, third)
    assert session.recv(3) == b"abc"
    assert session.open
    bench.say(first, b"\r\n+TPUSH: 0,3\r\ndef\r\n+TGONE: 0\r\n")
    bench.settle(one, other)
    assert (session.recv(100), session.recv(1)) == (b"def", b"")


@pytest.mark.requirement("L9.9")
def test_a_loss_that_a_channel_was_not_there_to_hear_is_not_repeated_by_it(bench: AbleBench, silent: Peer) -> None:
    one, other = bench.drive(1), bench.drive(2, 1)
    one.activate()
    for uart, hearing in ((1, one), (2, other)):  # the second one begins to listen after the first loss
        bench.module.down(0)
        bench.say(uart, b"\r\n+TLOST: 0\r\n")
        bench.settle(hearing)
        if uart == 1:
            session = connected(one, silent)
            other.claim()
    with pytest.raises(SessionReset, match="TLOST: 0"):
        session.recv(1)


@pytest.mark.requirement("L9.9")
def test_a_loss_that_a_slow_channel_repeats_does_not_end_what_was_opened_after_it(
    bench: AbleBench, echo_server: Peer
) -> None:
    one, other = bench.drive(1), bench.drive(2, 1)
    one.activate(), other.activate()
    bench.module.down(0)
    bench.say(1, b"\r\n+TLOST: 0\r\n")
    bench.settle(one)
    session = connected(one, echo_server)
    bench.say(2, b"\r\n+TLOST: 0\r\n")
    bench.settle(other)
    session.sendall(b"x")
    assert session.recv(1) == b"x"
    assert other.counters["doubles"] == 1


@pytest.mark.requirement("L9.9")
def test_a_client_that_a_slow_channel_repeats_after_its_end_is_no_second_one(bench: AbleBench) -> None:
    one, other = bench.drive(1), bench.drive(2, 1)
    other.activate()
    listener = one.listen(port=bench.free_port())
    with socket.create_connection(("127.0.0.1", listener.port)) as client:
        session = listener.accept(PATIENCE)
        session.close()
        host, port = client.getsockname()
        bench.say(2, b"\r\n+TCLIENT: 0,%d,%s,%d\r\n" % (session.index, host.encode(), port))
        bench.settle(other)
    with pytest.raises(SessionTimeout):
        listener.accept(0)


@pytest.mark.requirement("L9.9")
@pytest.mark.parametrize("mode", ["buffered", "pushed"])
def test_everything_works_where_all_news_come_on_all_channels(bench: AbleBench, mode: str) -> None:
    drivers = [bench.drive(uart, uart) for uart in UARTS]
    for driver in drivers:
        driver.activate()
    bench.all_hear()
    listener = drivers[2].listen(port=bench.free_port(), receive=mode)
    session = drivers[0].connect("TCP", "127.0.0.1", listener.port, receive=mode)
    client = listener.accept(PATIENCE)
    for one, far in ((session, client), (client, session)):
        far.settimeout(PATIENCE)
        for piece in (b"first", b"second", b"first"):
            one.sendall(piece)
            got = b""
            while len(got) < len(piece):
                got += far.recv(100)
            assert got == piece
    session.close()
    assert client.recv(1) == b""


class Waker:
    """A sink that wakes another channel for each line, when the sink of that one is about to do the same."""

    lines = (LinePattern("NEWS"),)
    framing = Framing()
    congested = False

    def __init__(self, other: AtChannel, both: threading.Barrier, woken: threading.Barrier) -> None:
        self._other, self._both, self._woken = other, both, woken

    def take_line(self, text: str) -> bool:
        self._both.wait(PATIENCE)
        self._other._work_soon(self._wake)
        self._other.remove_sink(self)
        return True

    def _wake(self) -> None:
        self._woken.wait(PATIENCE)

    def take_data(self, header: str, data: bytes) -> bool:
        return False

    def lost(self, cause: Exception) -> None:
        return


@pytest.mark.requirement("L9.9")
def test_readers_that_have_news_for_each_other_do_not_wait_for_each_other() -> None:
    ports = [MemoryPort("one"), MemoryPort("other")]
    both, woken = threading.Barrier(2), threading.Barrier(3)
    with AtChannel(ports[0]) as one, AtChannel(ports[1]) as other:
        one.add_sink(Waker(other, both, woken))
        other.add_sink(Waker(one, both, woken))
        for port in ports:
            port.say(b"\r\nNEWS\r\n")
        woken.wait(PATIENCE)


def news(other: AtChannel, both: threading.Barrier) -> Dialogue[None]:
    """A dialogue that has news for another channel, when one on that channel is about to have some for this one."""
    yield from command("AT")
    both.wait(PATIENCE)
    other._work_soon(lambda: None)
    yield from command("AT")


@pytest.mark.requirement("L9.9")
def test_dialogues_that_have_news_for_each_other_do_not_wait_for_each_other() -> None:
    both = threading.Barrier(2)
    with AtChannel(CommandPort(lambda _: OK)) as one, AtChannel(CommandPort(lambda _: OK)) as other:
        threads = [
            threading.Thread(target=mine.run, args=(news(theirs, both),), daemon=True)
            for mine, theirs in ((one, other), (other, one))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in threads)


# -- numbers of sockets -----------------------------------------------------------------------------------------------


def taken_by_a_client(bench: AbleBench, *, first: bool) -> None:
    """Let the module give the number that is about to be opened to a client that connects at that moment."""
    module, opening = bench.module, bench.module.open

    def opened(number: int, made: Socket, address: tuple[str, int], uart: ToyUart) -> bytes:
        module.open = opening  # type: ignore[method-assign]
        ours, theirs = socket.socketpair()
        bench.far = theirs  # type: ignore[attr-defined]
        module.sockets[number] = Socket(ours, made.context, lambda octets: bench.say(1, octets))
        client = b"\r\n+TCLIENT: 0,%d,10.0.0.9,999\r\n" % number
        if first:
            bench.say(1, client)
            bench.settle(bench.listening)  # type: ignore[attr-defined]
        answer = opening(number, made, address, uart)
        if not first:
            bench.say(1, client)
        module._run(module._receive, number, module.sockets[number])
        return answer

    module.open = opened  # type: ignore[method-assign]


@pytest.mark.requirement("L7.6")
@pytest.mark.parametrize("first", [True, False], ids=["told before", "told after"])
def test_a_number_that_the_module_takes_for_a_client_meanwhile_is_the_clients(
    bench: AbleBench, echo_server: Peer, first: bool
) -> None:
    listening, other = bench.drive(1), bench.drive(2, 1)
    other.activate()
    bench.listening = listening  # type: ignore[attr-defined]
    listener = listening.listen(port=bench.free_port())
    taken_by_a_client(bench, first=first)
    session = connected(other, echo_server)
    client = listener.accept(PATIENCE)
    assert (client.index, session.index) == (1, 2)
    assert sent(bench, "AT+TCLOSE") == 0
    session.sendall(b"x")
    assert session.recv(1) == b"x"
    with bench.far as far:  # type: ignore[attr-defined]
        far.sendall(b"y")
        client.settimeout(PATIENCE)
        assert client.recv(1) == b"y"


@pytest.mark.requirement("L7.6")
def test_the_number_of_a_client_of_another_program_is_not_given_out(bench: AbleBench, silent: Peer) -> None:
    driver = bench.drive(1)
    driver.activate()
    bench.say(1, b"\r\n+TCLIENT: 3,1,10.0.0.9,999\r\n")
    bench.settle(driver)
    assert [connected(driver, silent).index for _ in range(3)] == [0, 2, 3]
    assert driver.counters["clients_for_nobody"] == 1


# -- what a host that is gone has left --------------------------------------------------------------------------------


def leave(module: ToyModule) -> tuple[Leftover, ...]:
    """Let a host that is gone have left a context and two sockets in it, and one in another context."""
    for number, context in ((1, 0), (2, 0), (3, 5)):
        module.up.add(context)
        module.sockets[number] = Socket(socket.socket(), context, lambda octets: None)
    return (
        Leftover("context", 0),
        Leftover("TCP", 0, SocketId(1)),
        Leftover("TCP", 0, SocketId(2)),
    )


@pytest.mark.requirement("L11.3")
def test_what_a_dead_host_has_left_is_told_and_not_closed(bench: AbleBench, silent: Peer) -> None:
    left = leave(bench.module)
    driver = bench.drive(1)
    driver.claim()
    assert driver.leftovers == left
    assert connected(driver, silent).index == 0  # the others are somebody else's
    driver.close()
    assert (sent(bench, "AT+TCLOSE"), sent(bench, "AT+TDOWN")) == (1, 0)
    assert sorted(bench.module.sockets) == [1, 2, 3]


@pytest.mark.requirement("L11.3")
def test_what_a_dead_host_has_left_is_ended_when_asked(bench: AbleBench, silent: Peer) -> None:
    leave(bench.module)
    driver = bench.drive(1)
    driver.reclaim()
    assert driver.leftovers == ()
    assert (sent(bench, "AT+TCLOSE"), sent(bench, "AT+TDOWN=0"), sorted(bench.module.sockets)) == (0, 1, [3])
    assert [connected(driver, silent).index for _ in range(3)] == [0, 1, 2]  # 3 is in another context
    driver.close()
    assert sent(bench, "AT+TDOWN=0") == 2


@pytest.mark.requirement("L11.3")
def test_in_a_context_that_is_in_use_here_only_sockets_of_nobody_are_ended(bench: AbleBench, silent: Peer) -> None:
    one, other = bench.drive(1, share=True), bench.drive(2, share=True)
    session = connected(one, silent)
    bench.module.sockets[2] = Socket(socket.socket(), 0, lambda octets: None)
    other.claim()
    assert other.leftovers == (Leftover("TCP", 0, SocketId(2)),)
    other.reclaim()
    assert (sent(bench, "AT+TCLOSE"), sent(bench, "AT+TCLOSE=2"), sent(bench, "AT+TDOWN")) == (1, 1, 0)
    assert session.open


@pytest.mark.requirement("L2.14")
@pytest.mark.parametrize("end", ["close", "deactivate"])
def test_a_context_that_somebody_else_has_activated_is_deactivated_only_when_asked(bench: AbleBench, end: str) -> None:
    bench.module.up.add(0)
    driver = bench.drive(1)
    driver.activate()
    getattr(driver, end)()
    assert sent(bench, "AT+TDOWN=0") == (1 if end == "deactivate" else 0)
