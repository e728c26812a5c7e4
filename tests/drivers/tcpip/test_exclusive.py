"""What no other operation of a driver may come between, in both shells: it may ask for that again inside."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from functools import partial

import pytest
from scripted_port import OK, CommandPort
from toy_family import TOY
from toy_module import ToyModule, ToyPort

from drivers.at import AtChannel
from drivers.at.aio import AtChannel as AioAtChannel
from drivers.errors import TcpipError
from drivers.tcpip import TcpipDriver
from drivers.tcpip.aio.runner import TaskRunner
from drivers.tcpip.core import Changes, Procedure, exclusive, wait
from drivers.tcpip.threads.runner import ThreadRunner

PATIENCE = 5.0
Work = Callable[[Changes], Procedure[None]]


def threads(*works: Work) -> None:
    """Run procedures on one runner, each in a thread of its own, begun in this order."""
    changes = Changes()
    with AtChannel(CommandPort(lambda _: OK)) as channel:
        runner = ThreadRunner(channel, None)
        running = [threading.Thread(target=partial(runner.run, work(changes)), daemon=True) for work in works]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in running), "never returns"


def aio(*works: Work) -> None:
    """Run procedures on one runner, each in a task of its own, begun in this order."""

    async def main() -> None:
        changes = Changes()
        one, other = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=one)
        async with AioAtChannel(reader, writer) as channel:
            runner = TaskRunner(channel, None)
            running = [asyncio.create_task(runner.run(work(changes))) for work in works]
            done, pending = await asyncio.wait(running, timeout=PATIENCE)
            for task in pending:
                task.cancel()
        other.close()
        writer.close()
        await writer.wait_closed()
        assert not pending, "never returns"
        for task in done:
            task.result()

    asyncio.run(main())


SHELLS = pytest.mark.parametrize("run", [threads, aio], ids=["threads", "aio"])


@SHELLS
def test_an_exclusive_procedure_may_ask_for_it_again(run: Callable[..., None]) -> None:
    done: list[str] = []

    def innermost(changes: Changes) -> Procedure[None]:
        yield from wait(0.01, changes)
        done.append("innermost")

    def inner(changes: Changes) -> Procedure[None]:
        yield from exclusive(innermost(changes))
        done.append("inner")

    run(lambda changes: exclusive(inner(changes)))
    assert done == ["innermost", "inner"]


@SHELLS
def test_no_other_one_comes_between_also_behind_the_inner_one(run: Callable[..., None]) -> None:
    done: list[str] = []
    begun: list[bool] = []

    def say(word: str, changes: Changes) -> Procedure[None]:
        yield from wait(0.02, changes)
        done.append(word)

    def outer(changes: Changes) -> Procedure[None]:
        with changes:
            begun.append(True)
            changes.notify()
        yield from exclusive(say("inner", changes))
        yield from say("outer", changes)

    def other(changes: Changes) -> Procedure[None]:
        yield from wait(None, changes, lambda: begun or None)
        yield from exclusive(say("other", changes))

    run(lambda changes: exclusive(outer(changes)), other)
    assert done == ["inner", "outer", "other"]


@SHELLS
def test_what_goes_wrong_inside_leaves_it_to_the_next(run: Callable[..., None]) -> None:
    done: list[str] = []

    def wrong() -> Procedure[None]:
        yield from wait(0.01)
        raise KeyError("inner")

    def survives() -> Procedure[None]:
        try:
            yield from exclusive(exclusive(wrong()))
        except KeyError:
            done.append("told")

    def other(changes: Changes) -> Procedure[None]:
        yield from exclusive(exclusive(wait(0.01, changes)))
        done.append("other")

    run(lambda changes: survives(), other)
    assert sorted(done) == ["other", "told"]


def test_a_callback_that_asks_a_driver_something_while_it_is_closed_is_answered() -> None:
    """Only on threads: closing a channel waits for its callbacks, which may wait for their turn of the driver."""
    module = ToyModule()
    closing, asking = threading.Event(), threading.Event()
    told: list[str] = []

    class Port(ToyPort):
        def write(self, data: bytes, /) -> int:
            if data.startswith(b"AT+TDOWN"):
                closing.set()
                assert asking.wait(PATIENCE)
            return super().write(data)

    driver = TcpipDriver(Port(module, 1), dialect=TOY)
    driver.activate()

    def callback() -> None:
        assert closing.wait(PATIENCE)
        asking.set()
        try:
            told.append(driver.state())
        except TcpipError as error:
            told.append(str(error))

    driver.channel.call_soon(callback)
    thread = threading.Thread(target=driver.close, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "never returns"
    assert told == ["toy 1, context 0: the driver was closed: make another one, with the same port"]
    module.finish()
