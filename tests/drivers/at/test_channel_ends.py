"""How a channel ends, and what goes wrong beside it: the same in both shells, in the same words."""

from __future__ import annotations

import asyncio
import inspect
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pytest
from scripted_port import OK, CommandPort

from drivers import at
from drivers.at import Framing, LinePattern, aio
from drivers.errors import AtError, ChannelClosed, DriverError
from drivers.tcpip.aio.runner import TaskRunner
from drivers.tcpip.threads.runner import ThreadRunner

PATIENCE = 10.0


class Shell(ABC):
    """A channel to a module that answers OK, called from a test that knows nothing of the shell."""

    channel: Any

    @abstractmethod
    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call something of the shell and return what it gives, without standing in the way of the loop."""

    @abstractmethod
    def say(self, octets: bytes) -> None:
        """Let the module say something unasked."""

    @abstractmethod
    def die(self, cause: Exception) -> None:
        """Let the line die."""

    @abstractmethod
    def refuse(self, cause: Exception) -> None:
        """Let the line take no more octets."""

    @abstractmethod
    def job(self, function: Callable[[], None]) -> Any:
        """Return what `call_soon` takes."""

    @abstractmethod
    def runner(self) -> Any:
        """A runner of the driver, on the channel."""


class Port(CommandPort):
    refusal: Exception | None = None

    def write(self, data: bytes, /) -> int:
        if self.refusal is not None:
            raise self.refusal
        return super().write(data)


class OnThreads(Shell):
    def __init__(self) -> None:
        self.port = Port(lambda _: OK, "module")
        self.channel = at.AtChannel(self.port)

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.to_thread(function, *arguments)

    def say(self, octets: bytes) -> None:
        self.port.say(octets)

    def die(self, cause: Exception) -> None:
        self.port.die(cast(OSError, cause))

    def refuse(self, cause: Exception) -> None:
        self.port.refusal = cause

    def job(self, function: Callable[[], None]) -> Any:
        return function

    def runner(self) -> Any:
        return ThreadRunner(self.channel, None)


class Transport:
    def get_extra_info(self, name: str) -> None:
        return None


class Writer(Transport):
    """A writer whose other end answers every command with OK."""

    refusal: Exception | None = None
    transport = Transport()

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.reader = reader

    def write(self, data: bytes) -> None:
        if self.refusal is None and data.endswith(b"\r"):
            self.reader.feed_data(OK)

    async def drain(self) -> None:
        if self.refusal is not None:
            raise self.refusal


class InLoop(Shell):
    def __init__(self) -> None:
        self.reader = asyncio.StreamReader()
        self.writer = Writer(self.reader)
        self.channel = aio.AtChannel(self.reader, cast(asyncio.StreamWriter, self.writer), name="module")

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        result = function(*arguments)
        return await result if inspect.isawaitable(result) else result

    def say(self, octets: bytes) -> None:
        self.reader.feed_data(octets)

    def die(self, cause: Exception) -> None:
        self.reader.set_exception(cause)

    def refuse(self, cause: Exception) -> None:
        self.writer.refusal = cause

    def job(self, function: Callable[[], None]) -> Any:
        async def do() -> None:
            function()

        return do

    def runner(self) -> Any:
        return TaskRunner(self.channel, None)


@pytest.fixture(params=[OnThreads, InLoop], ids=["threads", "aio"])
async def shell(request: pytest.FixtureRequest) -> Any:
    made = request.param()
    yield made
    await made.call(made.channel.close)


class Sink:
    """Takes what is said unasked, and raises what it is told to."""

    lines = (LinePattern("+NEWS"),)
    framing = Framing()
    congested = False

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.causes: list[Exception] = []

    def take_line(self, text: str) -> bool:
        raise self.error

    def take_data(self, header: str, data: bytes) -> bool:
        return False

    def lost(self, cause: Exception) -> None:
        self.causes.append(cause)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - on threads nobody could set an event of the loop
            await asyncio.sleep(0.001)


async def test_a_sink_that_fails_ends_the_channel_and_is_named(shell: Shell, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "drivers")
    sink = Sink(KeyError("7"))
    shell.channel.add_sink(sink)
    await shell.call(shell.channel.command, "AT")
    shell.say(b"\r\n+NEWS\r\n")
    await until(lambda: shell.channel.closed)
    with pytest.raises(
        ChannelClosed, match=r"^module: the line died: the reader was ended by KeyError\('7'\)$"
    ) as told:
        await shell.call(shell.channel.command, "AT")
    assert told.value.__cause__ is sink.error
    assert [str(cause) for cause in sink.causes] == [str(told.value)]
    await until(lambda: len(caplog.records) >= 2)
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("INFO", str(told.value)),
        ("ERROR", "a sink failed"),
    ]
    assert caplog.records[1].exc_info is not None


async def test_a_dead_line_is_told_once_with_its_cause(shell: Shell, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "drivers")
    await shell.call(shell.channel.command, "AT")
    cause = OSError("the cable was pulled")
    shell.die(cause)
    await until(lambda: shell.channel.closed)
    with pytest.raises(ChannelClosed, match=r"^module: the line died: the cable was pulled$") as told:
        await shell.call(shell.channel.command, "AT")
    assert told.value.__cause__ is cause
    await shell.call(shell.channel.close)
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [("INFO", str(told.value))]


async def test_a_cause_without_words_is_named(shell: Shell) -> None:
    await shell.call(shell.channel.command, "AT")
    shell.die(BrokenPipeError())
    await until(lambda: shell.channel.closed)
    assert repr(shell.channel) == "<AtChannel module: closed (module: the line died: BrokenPipeError)>"


async def test_octets_that_cannot_be_written_end_the_channel(shell: Shell) -> None:
    await shell.call(shell.channel.command, "AT")
    cause = ConnectionResetError("nobody there")
    shell.refuse(cause)
    with pytest.raises(ChannelClosed, match=r"^module: 3 octets could not be written: nobody there$") as told:
        await shell.call(shell.channel.command, "AT")
    assert told.value.__cause__ is cause
    assert repr(shell.channel) == "<AtChannel module: closed (module: the line died: nobody there)>"


@pytest.mark.parametrize(
    ("error", "level", "message"),
    [(DriverError("busy"), "WARNING", "busy"), (KeyError("mine"), "ERROR", "a callback failed")],
)
async def test_what_fails_in_the_background_is_logged_and_ends_nothing(
    shell: Shell, caplog: pytest.LogCaptureFixture, error: Exception, level: str, message: str
) -> None:
    def fail() -> None:
        raise error

    done: list[bool] = []
    await shell.call(shell.channel.command, "AT")
    for job in (fail, lambda: done.append(True)):
        await shell.call(shell.channel.call_soon, shell.job(job))
    await until(lambda: done)
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [(level, message)]
    assert (await shell.call(shell.channel.command, "AT")).final == "OK"


async def test_work_of_a_driver_that_fails_is_logged_and_may_be_asked_for_again(
    shell: Shell, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[bool] = []

    def work() -> None:
        asked.append(True)
        raise DriverError("no answer")

    def said(times: int) -> bool:
        return len(caplog.records) == times

    runner = shell.runner()
    await shell.call(shell.channel.command, "AT")
    for times in (1, 2):
        await shell.call(runner.wake, work)
        await until(partial(said, times))
    assert [one.getMessage() for one in caplog.records] == ["no answer"] * 2


async def test_a_port_without_dtr_says_so(shell: Shell) -> None:
    with pytest.raises(AtError, match=r"^module: the port has no DTR; use escape='\+\+\+'$"):
        shell.runner().set_dtr(True)


async def test_a_reader_that_is_cancelled_ends_its_channel() -> None:
    """Only in asyncio: whoever ends a loop cancels the reader, too, and those who wait are told at once."""
    shell = InLoop()
    await shell.channel.command("AT")
    shell.channel._task.cancel()
    with pytest.raises(ChannelClosed, match=r"the line died: the reader was ended by CancelledError\(\)"):
        await asyncio.wait_for(shell.channel.command("AT"), PATIENCE)
    await shell.channel.close()
