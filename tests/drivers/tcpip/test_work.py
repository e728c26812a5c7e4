"""What a driver has to do by itself, such as fetching data, is done however many callbacks of users wait before it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from scripted_port import MemoryPort

from drivers.at import AtChannel, Dialogue
from drivers.at.aio import AtChannel as AioAtChannel
from drivers.tcpip.aio.runner import TaskRunner
from drivers.tcpip.core.events import Incoming
from drivers.tcpip.core.scope import Scope
from drivers.tcpip.core.session_table import SessionTable
from drivers.tcpip.core.socket_state import SocketId
from drivers.tcpip.threads.runner import ThreadRunner

MANY = 3000  # more than any bound of docs/reliability.md for callbacks


def noting(done: Callable[[], object]) -> Callable[[], Dialogue[None] | None]:
    def work() -> None:
        done()

    return work


def test_work_of_a_driver_is_never_among_the_callbacks_that_are_dropped() -> None:
    with AtChannel(MemoryPort()) as channel:
        channel._start()
        runner = ThreadRunner(channel, None)
        begun, go_on, done = threading.Event(), threading.Event(), threading.Event()
        channel.call_soon(lambda: (begun.set(), go_on.wait(10)))  # type: ignore[arg-type, return-value]
        assert begun.wait(10)
        runner.wake(noting(done.set))
        for _ in range(MANY):
            channel.call_soon(lambda: None)
        go_on.set()
        assert done.wait(10)
        assert channel.stats()["dropped_callbacks"] > 0


@pytest.mark.asyncio
async def test_work_of_a_driver_is_never_among_the_callbacks_that_are_dropped_in_asyncio() -> None:
    reader, go_on, done = asyncio.StreamReader(), asyncio.Event(), asyncio.Event()

    class Writer:
        def get_extra_info(self, name: str) -> None:
            return None

        def write(self, data: bytes) -> None: ...

    async def waits() -> None:
        await go_on.wait()

    async with AioAtChannel(reader, Writer()) as channel:  # type: ignore[arg-type]
        for _ in range(MANY):
            channel.call_soon(waits)
        TaskRunner(channel, None).wake(noting(done.set))
        await asyncio.wait_for(done.wait(), 10)
        assert channel.stats()["dropped_callbacks"] > 0
        go_on.set()


def test_of_clients_that_are_refused_only_the_last_with_each_id_is_closed_in_the_module() -> None:
    """A module that says the same again and again does not fill a queue: one that has had the id before is gone."""
    table = SessionTable("0", 0, Scope(), until_closed=False, handle=lambda event: None, wake=lambda: None)
    for number in range(1000):
        came = Incoming(SocketId(0), SocketId(number % 5, "server"), (f"10.0.0.{number % 250}", 0))
        table._turn_away(table.new_session(came.id, "server", "TCP", came.remote))
    refused = []
    while (one := table._next_refused()) is not None:
        refused.append((one.index, one.remote_address[0]))
    assert sorted(refused) == [(index, f"10.0.0.{245 + index}") for index in range(5)]
    assert table.counters["refused_clients"] == 1000
