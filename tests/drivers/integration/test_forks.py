"""A child after a fork: what threads of its parent serve is dead in it, whatever they held; the line is untouched."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple

import pytest

if sys.platform == "win32":
    pytest.skip("it has no fork", allow_module_level=True)

from driver_lab import KINDS, PATIENCE, Peer, echo, exactly
from forked import in_a_child

import cmux.forks
import cmux.threads.sharing
import drivers.at.threads.living
import drivers.at.threads.registry
import drivers.tcpip.core.ownership
import drivers.tcpip.quectel_gsm.state
import drivers.tcpip.quectel_lte.state
from drivers.at import AtChannel, channel_for
from drivers.emulator import EmulatedModule
from drivers.emulator.line.port import EmulatedPort
from drivers.modem import Modem
from drivers.tcpip import KeepAlive, Listener, Session, TcpipDriver

PARENTS = "the channel belongs to the parent process"


class Bench(NamedTuple):
    """A driver with all that it has, over a plain UART of a module."""

    dialect: str
    module: EmulatedModule
    port: EmulatedPort
    driver: TcpipDriver
    session: Session
    listener: Listener
    modem: Modem
    heard: list[bytes]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.model)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    heard: list[bytes] = []
    kind = request.param
    with Peer(echo) as peer, EmulatedModule(model=kind.model) as module:
        module.on_octets(lambda _dlci, direction, data: heard.append(data) if direction == "received" else None)
        made = {"dialect": kind.model, **kind.several}
        with module.port() as port, TcpipDriver(port, kind.first, "CMNET", **made) as driver:
            listener = driver.listen(port=2020)
            session = driver.connect("TCP", "127.0.0.1", peer.port)
            with Modem(driver.channel) as modem:
                yield Bench(kind.model, module, port, driver, session, listener, modem, heard)


LOCKS: dict[str, Callable[[Bench], AbstractContextManager[object]]] = {
    "the channel": lambda bench: bench.driver.channel._changed,
    "its start": lambda bench: bench.driver.channel._starting,
    "its modem": lambda bench: bench.modem._general.changes,
    "the session": lambda bench: bench.session._state.changes,
    "the listener": lambda bench: bench.listener._state.changes,
    "the owners of contexts": lambda bench: bench.driver.table._changes,
    "the right to exclude others": lambda bench: bench.driver._runner._exclusion.changes,
    "what runs": lambda bench: bench.driver._runner._running_lock,
    "the ids of sockets": lambda bench: bench.driver._context.table._scope.lock,
    "the names asked for": lambda bench: bench.driver._context.table.changes,
    "the port": lambda bench: bench.port._lock,
    "all channels": lambda bench: drivers.at.threads.living._lock,
    "channels by port": lambda bench: drivers.at.threads.registry._channels_lock,
    "tables by modem": lambda bench: drivers.tcpip.core.ownership._tables_lock,
    "records by modem": lambda bench: drivers.tcpip.quectel_gsm.state._records_lock,
    "records by modem of LTE": lambda bench: drivers.tcpip.quectel_lte.state._records_lock,
    "lines by URL": lambda bench: cmux.threads.sharing._lock,
}
CALLS: dict[str, Callable[[Bench], object]] = {
    "AtChannel.command": lambda bench: bench.driver.channel.command("AT"),
    "TcpipDriver.claim": lambda bench: bench.driver.claim(),
    "TcpipDriver.claim with a time": lambda bench: bench.driver.claim(timeout=5),
    "TcpipDriver.reclaim": lambda bench: bench.driver.reclaim(),
    "TcpipDriver.release": lambda bench: bench.driver.release(),
    "TcpipDriver.state": lambda bench: bench.driver.state(),
    "TcpipDriver.activate": lambda bench: bench.driver.activate(),
    "TcpipDriver.deactivate": lambda bench: bench.driver.deactivate(),
    "TcpipDriver.listen": lambda bench: bench.driver.listen(),
    "TcpipDriver.connect": lambda bench: bench.driver.connect("TCP", "127.0.0.1", 1),
    "TcpipDriver.connect with a time": lambda bench: bench.driver.connect("TCP", "127.0.0.1", 1, timeout=5),
    "TcpipDriver.resolve": lambda bench: bench.driver.resolve("localhost"),
    "TcpipDriver.escape": lambda bench: bench.driver.escape(),
    "Session.send": lambda bench: bench.session.send(b"from the child"),
    "Session.sendall": lambda bench: bench.session.sendall(b"from the child"),
    "Session.recv": lambda bench: bench.session.recv(1),
    "Session.acknowledged": lambda bench: bench.session.acknowledged(),
    "Session.check": lambda bench: bench.session.check(),
    "Session.rest": lambda bench: bench.session.rest(1),
    "Listener.accept": lambda bench: bench.listener.accept(),
    "Listener.status": lambda bench: bench.listener.status(),
    "Modem.sim": lambda bench: bench.modem.sim(),
    "Modem.wait_for_network": lambda bench: bench.modem.wait_for_network(5),
    "a new driver on the channel": lambda bench: TcpipDriver(bench.driver.channel, 1, dialect=bench.dialect).claim(),
}


def close_all(bench: Bench) -> None:
    """Everything that has a close, and what tells of it; the port at last."""
    bench.session.shutdown(2)
    bench.session.settimeout(1)
    for one in (bench.session, bench.listener, bench.modem, bench.driver, bench.driver.channel):
        repr(one)
        one.close()
    bench.driver.channel.stats()
    bench.port.close()


def unharmed(bench: Bench) -> None:
    """The line and the session of the parent are as they were, and nobody else has spoken."""
    before = len(bench.heard)
    bench.session.sendall(b"still here")
    assert exactly(bench.session, 10) == b"still here"
    assert bench.driver.state()
    said = b"".join(bench.heard[before:])
    assert b"still here" in said
    assert b"from the child" not in b"".join(bench.heard)
    assert b"QICLOSE" not in b"".join(bench.heard)
    assert b"QIDEACT" not in b"".join(bench.heard)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_child_does_not_wait_for_a_lock_that_a_thread_of_the_parent_holds(bench: Bench, lock: str) -> None:
    def work() -> None:
        channel_for(bench.port)  # takes all locks of registries; it may serve this process anew
        assert bench.session.open  # as it was
        assert bench.listener.open
        bench.driver.state()

    said = in_a_child(work, lambda: close_all(bench), LOCKS[lock](bench))
    assert said == f"ChannelClosed: {bench.port.name}: {PARENTS}"
    unharmed(bench)


@pytest.mark.parametrize("call", CALLS)
def test_every_call_in_a_child_says_that_the_channel_is_the_parents(bench: Bench, call: str) -> None:
    """Also while threads of the parent wait in calls of their own: the child has their waits, too."""
    waiting = threading.Thread(target=lambda: bench.session.rest(PATIENCE, lambda: done.is_set()))
    done = threading.Event()
    waiting.start()
    said = in_a_child(lambda: CALLS[call](bench), lambda: close_all(bench), bench.driver.channel._changed)
    done.set()
    bench.session.settimeout(PATIENCE)  # wakes who rests
    unharmed(bench)
    waiting.join()
    assert said == f"ChannelClosed: {bench.port.name}: {PARENTS}"


def test_a_watch_closes_in_a_child(bench: Bench) -> None:
    with bench.driver.keep_alive(bench.session, KeepAlive(period=3600)) as watch:
        said = in_a_child(watch.close, watch.close, bench.session._state.changes)
        assert said == "no error"
    unharmed(bench)


MODULE_CALLS: dict[str, Callable[[EmulatedModule], object]] = {
    "port": lambda module: module.port(),
    "serve_pty": lambda module: module.serve_pty(),
    "serve_tcp": lambda module: module.serve_tcp(),
    "trigger": lambda module: module.trigger("reset"),
    "set_faults": lambda module: module.set_faults(""),
    "drop_contexts": lambda module: module.drop_contexts(),
}


@pytest.mark.parametrize("call", MODULE_CALLS)
def test_an_emulated_module_runs_in_the_parent_only(bench: Bench, call: str) -> None:
    def leave() -> None:
        bench.module.__exit__(None, None, None)

    said = in_a_child(lambda: MODULE_CALLS[call](bench.module), leave, bench.port._lock)
    assert said == "RuntimeError: the module belongs to the parent process"
    unharmed(bench)


def test_a_channel_that_a_child_makes_itself_works_in_it() -> None:
    """The parent has not used it: locks are the child's own, and so are threads."""

    def work() -> None:
        with EmulatedModule() as module, module.port() as port, AtChannel(port) as channel:
            assert channel.command("AT").lines == ()

    assert in_a_child(work, lambda: None, cmux.forks.Lock()) == "no error"
