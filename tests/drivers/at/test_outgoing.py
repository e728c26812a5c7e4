"""What ports and streams tell about the octets that were written to them, in both shells."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, cast

import pytest
import serial
from scripted_port import OK, CommandPort, turn_until_done

from cmux.protocol.errors import StateError
from cmux.protocol.events import Outcome
from cmux.pty import Pty
from drivers import at
from drivers.at import aio, pause
from drivers.at.core.departure import UNANSWERED
from drivers.at.outgoing import rate_of, waiting_in
from drivers.clock import FakeClock
from drivers.errors import AtTimeout, ChannelClosed

Answer = Callable[[bytes], Outcome]


def test_a_serial_port_has_a_rate_and_a_queue() -> None:
    pty = Pty(None)
    with ExitStack() as stack:
        stack.callback(pty.close)
        port = stack.enter_context(serial.Serial(pty.path, 19200))
        assert rate_of(port) == 19200
        assert rate_of(port.fileno()) == 19200
        assert waiting_in(port) == waiting_in(port.fileno()) == 0


def test_a_socket_has_no_rate_even_where_pyserial_has_one() -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = stack.enter_context(serial.serial_for_url(f"socket://127.0.0.1:{listener.getsockname()[1]}"))
        assert port.baudrate == 9600
        assert rate_of(port) is None
        assert waiting_in(port) == 0


def test_a_socket_knows_what_the_other_side_has_not_read() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.send(b"x" * 100)
        assert waiting_in(ours) > 0
        theirs.recv(100)
        assert waiting_in(ours) == 0


@pytest.mark.parametrize("port", [None, object(), 10**6])
def test_what_is_no_port_knows_nothing(port: object) -> None:
    assert rate_of(port) is None
    assert waiting_in(port) == 0


def test_a_file_has_no_queue() -> None:
    with open(os.devnull, "wb") as file:
        assert waiting_in(file) == 0
        assert rate_of(file) is None


class Multiplexer:
    """What the peer answers to Test."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[bytes] = []
        self._answer = answer

    def test(self, payload: bytes) -> Outcome:
        self.asked.append(payload)
        return self._answer(payload)


class AioMultiplexer(Multiplexer):
    async def test(self, payload: bytes) -> Outcome:  # type: ignore[override]
        return super().test(payload)


class Transport:
    def __init__(self, waiting: Callable[[], int]) -> None:
        self._waiting = waiting

    def get_write_buffer_size(self) -> int:
        return self._waiting()


class Writer:
    def __init__(self, reader: asyncio.StreamReader, mux: object, waiting: Callable[[], int]) -> None:
        self.transport = Transport(waiting)
        self._reader, self._mux = reader, mux

    def get_extra_info(self, name: str) -> object:
        return self._mux if name == "mux" else None

    def write(self, data: bytes) -> None:
        self._reader.feed_data(OK)

    async def drain(self) -> None:
        return


class Port(CommandPort):
    waiting: Callable[[], int]

    @property
    def out_waiting(self) -> int:
        return self.waiting()


def silence_on_threads(answer: Answer | None, waiting: Callable[[], int]) -> tuple[object, float, list[bytes]]:
    clock, results = FakeClock(0.0), []
    mux = None if answer is None else Multiplexer(answer)
    port = Port(lambda _: OK, mux=mux)
    port.waiting = waiting
    with at.AtChannel(port, clock=clock) as channel:
        channel.command("AT")

        def run() -> None:
            try:
                results.append(channel.run(pause(0.6, drained=True)))
            except Exception as error:  # noqa: BLE001 - it is looked at by the test
                results.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        turn_until_done(clock, thread, 0.02)
    return results[0], clock.now(), [] if mux is None else mux.asked


def silence_in_a_loop(answer: Answer | None, waiting: Callable[[], int]) -> tuple[object, float, list[bytes]]:
    clock = FakeClock(0.0)
    mux = None if answer is None else AioMultiplexer(answer)

    async def run() -> object:
        reader = asyncio.StreamReader()
        writer = cast(asyncio.StreamWriter, Writer(reader, mux, waiting))
        async with aio.AtChannel(reader, writer, clock=clock) as channel:
            await channel.command("AT")
            task = asyncio.ensure_future(channel.run(pause(0.6, drained=True)))
            while not task.done():
                for _ in range(5):
                    await asyncio.sleep(0)
                clock.advance(0.02)
            return (await asyncio.gather(task, return_exceptions=True))[0]

    return asyncio.run(run()), clock.now(), [] if mux is None else mux.asked


SHELLS = pytest.mark.parametrize("silence", [silence_on_threads, silence_in_a_loop], ids=["threads", "aio"])


@SHELLS
def test_a_port_that_is_held_is_told_after_a_bounded_time(silence: Any) -> None:
    result, _, asked = silence(lambda _: Outcome.ANSWERED, lambda: 40)
    assert isinstance(result, AtTimeout)
    assert "40 octets" in str(result)
    assert asked == []  # the module cannot have what has not left


@SHELLS
@pytest.mark.parametrize("outcome", [Outcome.ANSWERED, Outcome.NOT_SUPPORTED])
def test_any_answer_of_a_multiplexed_module_says_that_it_has_everything(silence: Any, outcome: Outcome) -> None:
    waiting = iter([40, 20, 0])
    result, _, asked = silence(lambda _: outcome, lambda: next(waiting))
    assert result is None
    assert len(asked) == 1


@SHELLS
def test_a_module_that_does_not_answer_is_asked_again_in_the_same_words_and_not_for_ever(silence: Any) -> None:
    result, now, asked = silence(lambda _: Outcome.TIMEOUT, lambda: 0)
    assert result is None
    assert now >= UNANSWERED + 0.6
    assert len(asked) > 1
    assert len(set(asked)) == 1


@SHELLS
def test_a_multiplexer_without_a_session_is_not_waited_for(silence: Any) -> None:
    def refuse(_: bytes) -> Outcome:
        raise StateError("no session")

    assert silence(refuse, lambda: 0)[0] is None


@SHELLS
def test_a_port_that_is_gone_ends_the_channel(silence: Any) -> None:
    def gone() -> int:
        raise OSError("pulled")

    result, _, _ = silence(None, gone)
    assert isinstance(result, ChannelClosed)
    assert "pulled" in str(result)
