"""What listens to a channel, and the ports that a channel can have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from scripted_port import OK, CommandPort, MemoryPort

import drivers.at.aio
from drivers.at import AtChannel, Framing, LinePattern
from drivers.errors import ChannelClosed


class Listener:
    """A sink that notes what it is told."""

    lines = (LinePattern("NEWS"),)
    framing = Framing(bare=False)

    def __init__(self) -> None:
        self.congested = False
        self.got: list[object] = []

    def take_line(self, text: str) -> bool:
        self.got.append(text)
        return True

    def take_data(self, header: str, data: bytes) -> bool:
        return True

    def lost(self, cause: Exception) -> None:
        self.got.append(cause)


def with_news(text: str) -> bytes:
    return b"\r\nNEWS\r\n" + OK


def test_a_sink_that_is_added_twice_is_told_once_and_one_that_is_not_there_may_be_removed() -> None:
    sink = Listener()
    with AtChannel(CommandPort(with_news)) as channel:
        channel.command("AT", timeout=60)
        channel.remove_sink(sink)
        channel.add_sink(sink)
        channel.add_sink(sink)
        channel.command("AT", timeout=60)
        channel.remove_sink(sink)
        channel.remove_sink(sink)
        channel.command("AT", timeout=60)
    assert sink.got == ["NEWS"]


def test_a_sink_that_comes_after_the_line_has_died_is_told_so_at_once() -> None:
    port = CommandPort(lambda text: OK)
    with AtChannel(port) as channel:
        channel.command("AT", timeout=60)
        port.die(OSError("unplugged"))
        with pytest.raises(ChannelClosed):
            channel.command("AT", timeout=60)
        sink = Listener()
        channel.add_sink(sink)
    (cause,) = sink.got
    assert isinstance(cause, ChannelClosed)
    assert "unplugged" in str(cause)


async def test_a_sink_that_comes_after_the_line_has_died_is_told_so_at_once_in_asyncio() -> None:
    reader = asyncio.StreamReader()
    reader.set_exception(OSError("unplugged"))

    class Writer:
        def write(self, data: bytes) -> None: ...
        async def drain(self) -> None: ...
        def get_extra_info(self, name: str, default: object = None) -> object:
            return default

        def is_closing(self) -> bool:
            return False

    channel = drivers.at.aio.AtChannel(reader, Writer(), name="module")  # type: ignore[arg-type]
    with pytest.raises(ChannelClosed):
        await channel.command("AT", timeout=60)
    sink = Listener()
    channel.add_sink(sink)
    (cause,) = sink.got
    assert "unplugged" in str(cause)
    await channel.close()


class Closing(CommandPort):
    """A port that can be closed."""

    def __init__(self, answer: Callable[[str], bytes]) -> None:
        super().__init__(answer)
        self.closings = 0

    def close(self) -> None:
        self.closings += 1


@pytest.mark.parametrize("close_port", [True, False])
def test_a_channel_closes_its_port_where_that_is_wanted(close_port: bool) -> None:
    port = Closing(lambda text: OK)
    channel = AtChannel(port, close_port=close_port)
    channel.command("AT", timeout=60)
    channel.close()
    channel.close()
    assert port.closings == close_port


def test_a_port_without_close_is_let_go() -> None:
    assert not hasattr(MemoryPort, "close")
    channel = AtChannel(CommandPort(lambda text: OK), close_port=True)
    channel.command("AT", timeout=60)
    channel.close()
    assert channel.closed


def test_a_port_that_somebody_else_closes_ends_the_channel() -> None:
    class Closable(CommandPort):
        is_open = True

        def read(self, size: int = 1, /) -> bytes:
            return super().read(size) if self.is_open else b""

    port = Closable(lambda text: OK)
    with AtChannel(port) as channel:
        channel.command("AT", timeout=60)
        port.is_open = False
        port.cancel_read()
        with pytest.raises(ChannelClosed):
            channel.command("AT", timeout=60)
