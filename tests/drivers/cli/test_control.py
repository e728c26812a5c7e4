"""``gsm0710 emulate --control``: lines over a Unix socket, and who may send them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from forked_programs import Forked

from drivers.cli import main
from drivers.cli.control import LONGEST_LINE, MOST_CLIENTS, ControlSocket
from drivers.emulator import EmulatedModule

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no Unix sockets")

PATIENCE = 10  # seconds until a test fails that waits in vain


@asynccontextmanager
async def controlled(path: Path, *modules: EmulatedModule) -> AsyncIterator[ControlSocket]:
    """Run modules with a control socket in this loop."""
    for module in modules:
        await module.__aenter__()
    control = ControlSocket(str(path), modules)
    await control.start()
    try:
        yield control
    finally:
        control.close()
        for module in modules:
            await module.__aexit__(None, None, None)


class Client:
    """Somebody who types lines."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def of(cls, path: Path) -> Client:
        return cls(*await asyncio.open_unix_connection(path))

    async def ask(self, line: str | bytes) -> str:
        self._writer.write((line.encode() if isinstance(line, str) else line) + b"\n")
        return await self.answer()

    async def answer(self) -> str:
        async with asyncio.timeout(PATIENCE):
            return (await self._reader.readline()).decode().removesuffix("\n")

    def leave(self) -> None:
        self._writer.transport.abort()


async def test_a_line_does_what_trigger_does_and_is_answered(tmp_path: Path) -> None:
    async with controlled(tmp_path / "s", EmulatedModule()):
        client = await Client.of(tmp_path / "s")
        assert await client.ask("registration_lost") == "ok"
        assert await client.ask("registered\r") == "ok"
        assert (await client.ask("flood")).startswith("error there is no word 'flood'; there are reset, ")
        assert await client.ask("reset now") == "error reset takes nothing behind it"
        assert await client.ask(b"\xff") == "error that is not UTF-8"
        assert (await client.ask("")).startswith("error there is no word ''")
        assert await client.ask("reset") == "ok"
        client.leave()


async def test_a_message_comes_by_a_line(tmp_path: Path) -> None:
    module = EmulatedModule()
    async with controlled(tmp_path / "s", module):
        reader, writer = await module.connect()
        writer.write(b"AT+CMGF=1;+CNMI=2,2\r")
        await reader.readuntil(b"OK\r\n")
        client = await Client.of(tmp_path / "s")
        assert await client.ask("sms +4930123456 On my way, 5 € more.") == "ok"
        assert await client.ask("sms Mum hello") == "ok"  # a name, as of a service
        assert (await client.ask("sms +49x hello")).startswith("error '+49x' is neither a number nor a name")
        assert await client.ask("sms +4930123456") == "error sms takes NUMBER TEXT behind it"
        async with asyncio.timeout(PATIENCE):
            assert b'+CMT: "+4930123456"' in await reader.readuntil(b"On my way, 5 \x1be more.\r\n")
            assert b'+CMT: "Mum"' in await reader.readuntil(b"hello\r\n")
        client.leave()
        writer.close()


async def test_several_lines_at_once_and_one_in_pieces(tmp_path: Path) -> None:
    async with controlled(tmp_path / "s", EmulatedModule()):
        client = await Client.of(tmp_path / "s")
        assert await client.ask("silence\nsound\nres") == "ok"
        assert await client.answer() == "ok"
        assert (await client.ask("et\nflood")) == "error there is no word 'res'; there are " + ", ".join(_words())
        client.leave()


@pytest.mark.parametrize("text", [b"registered", b"registered\n", b"sms x\nregistered", b"\n\nregistered\n"])
async def test_the_last_line_needs_no_end_and_who_has_said_all_is_sent_away(tmp_path: Path, text: bytes) -> None:
    async with controlled(tmp_path / "s", EmulatedModule()):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(text)
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            answers = (await reader.read()).decode().splitlines()
        assert answers[-1] == "ok"
        assert len(answers) == len(text.splitlines())
        writer.close()


async def test_what_a_client_has_said_before_it_ended_is_answered_when_it_reads(tmp_path: Path) -> None:
    async with controlled(tmp_path / "s", EmulatedModule()):
        client, lines = socket.socket(socket.AF_UNIX), 3000
        await asyncio.get_running_loop().run_in_executor(None, client.connect, str(tmp_path / "s"))
        reader, writer = await asyncio.open_unix_connection(sock=client, limit=1)
        writer.write(b"nonsense\n" * lines)
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            answers = (await reader.read()).decode().splitlines()
        assert len(answers) == lines
        writer.close()


def _words() -> list[str]:
    from drivers.emulator.words import WORDS

    return list(WORDS)


async def test_which_of_several_modules_is_told_by_its_place_or_its_number(tmp_path: Path) -> None:
    one, two = EmulatedModule(number="+49170"), EmulatedModule(number="+49171")
    async with controlled(tmp_path / "s", one, two):
        client = await Client.of(tmp_path / "s")
        assert await client.ask("reset") == "error which module? begin the line with 1 to 2, or with a phone number"
        assert await client.ask("2 registration_lost") == "ok"
        assert [module._running().environment.network.registered for module in (one, two)] == [True, False]
        assert await client.ask("+49170 registration_lost") == "ok"
        assert await client.ask("+49171  registered") == "ok"
        assert [module._running().environment.network.registered for module in (one, two)] == [False, True]
        assert await client.ask("3 reset") == "error there is no module 3"
        assert await client.ask("+4917 reset") == "error there is no module +4917"
        client.leave()


async def test_one_module_may_be_named_too(tmp_path: Path) -> None:
    async with controlled(tmp_path / "s", EmulatedModule(number="+49170")):
        client = await Client.of(tmp_path / "s")
        assert [await client.ask(f"{name} reset") for name in ("1", "+49170")] == ["ok", "ok"]
        client.leave()


@pytest.mark.parametrize("end", [b"", b"\n"])
async def test_a_line_that_is_too_long_is_the_last_one(tmp_path: Path, end: bytes) -> None:
    async with controlled(tmp_path / "s", EmulatedModule()):
        client = await Client.of(tmp_path / "s")
        client._writer.write(b"x" * (LONGEST_LINE + 1) + end)
        assert await client.answer() == f"error a line has at most {LONGEST_LINE} octets"
        assert await client.answer() == ""
        client.leave()


async def test_there_is_a_bound_on_clients_and_one_that_leaves_makes_room(tmp_path: Path) -> None:
    async with controlled(tmp_path / "s", EmulatedModule()) as control:
        clients = [await Client.of(tmp_path / "s") for _ in range(MOST_CLIENTS)]
        assert await clients[-1].ask("sound") == "ok"
        late = await Client.of(tmp_path / "s")
        assert await late.answer() == f"error there are {MOST_CLIENTS} clients already"
        assert control.refused == 1
        late.leave()
        clients.pop().leave()
        while True:
            late = await Client.of(tmp_path / "s")
            if (await late.ask("sound")) == "ok":
                break
            late.leave()
        for client in [*clients, late]:
            client.leave()


async def test_a_client_that_never_reads_hangs_nobody_but_itself(tmp_path: Path) -> None:
    async with controlled(tmp_path / "s", EmulatedModule()) as control:
        deaf = await Client.of(tmp_path / "s")
        transport = deaf._writer.transport
        transport.pause_reading()
        for _ in range(400):
            transport.write(b"flood\n" * 1000)
            await asyncio.sleep(0)
        other = await Client.of(tmp_path / "s")
        assert await other.ask("sound") == "ok"
        kept = [client for client in control._clients if client._paused]
        assert len(kept) == 1
        assert len(kept[0]._received) < 400_000
        deaf.leave()
        other.leave()


def test_it_is_its_owners_alone_and_is_removed_at_the_end(tmp_path: Path) -> None:
    async def run() -> os.stat_result:
        async with controlled(tmp_path / "s", EmulatedModule()):
            return os.lstat(tmp_path / "s")

    found = asyncio.run(run()).st_mode
    assert stat.S_ISSOCK(found)
    assert stat.S_IMODE(found) == 0o600
    assert not os.path.lexists(tmp_path / "s")


async def test_what_another_has_put_in_its_place_is_left_there(tmp_path: Path) -> None:
    async with controlled(tmp_path / "s", EmulatedModule()):
        (tmp_path / "s").unlink()
        (tmp_path / "s").write_text("mine")
    assert (tmp_path / "s").read_text() == "mine"


@contextmanager
def emulating(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "drivers", "emulate", "--tcp", "127.0.0.1:0", *arguments]
    with Forked(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def say(path: Path, line: str) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(PATIENCE)
        client.connect(str(path))
        client.sendall(line.encode() + b"\n")
        return client.makefile().readline().strip()


def test_emulate_offers_it_when_it_says_ready_and_takes_over_what_a_killed_one_left(tmp_path: Path) -> None:
    path = tmp_path / "control"
    with emulating("--control", str(path), "--count", "2", "--number", "+49170") as first:
        assert first.stdout is not None
        first.stdout.readline()
        first.stdout.readline()
        assert say(path, "2 reset") == "ok"
        assert say(path, "+49171 reset") == "ok"
        with emulating("--control", str(path)) as second:
            assert second.wait(PATIENCE) == 1
            assert second.stderr is not None
            told = second.stderr.read().strip()
            assert "another program serves it" in told
            assert "\n" not in told
        first.kill()
        first.wait(PATIENCE)
    assert os.path.lexists(path)
    with emulating("--control", str(path)) as third:
        assert third.stdout is not None
        third.stdout.readline()
        assert say(path, "reset") == "ok"
        third.send_signal(signal.SIGTERM)
        assert third.wait(PATIENCE) == 0
    assert not os.path.lexists(path)


@pytest.mark.parametrize("kind", ["file", "link", "dangling"])
def test_nothing_else_is_replaced_and_no_link_is_followed(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "control"
    if kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to(tmp_path / "victim")
        if kind == "link":
            (tmp_path / "victim").write_text("mine")
    assert main(["emulate", "--tcp", "127.0.0.1:0", "--control", str(path)]) == 1
    told = capsys.readouterr().err
    assert "it exists and is no socket" in told
    assert told.count("\n") == 1
    assert os.path.lexists(path)
    assert (tmp_path / "victim").exists() == (kind == "link")


def test_a_place_where_none_can_be_made_is_one_line_and_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (tmp_path / "nowhere" / "s", tmp_path / ("s" * 200)):
        assert main(["emulate", "--tcp", "127.0.0.1:0", "--control", str(path)]) == 1
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--number", "49170"], "--number: a phone number is + and 3 to 15 digits, not '49170'"),
        (["--number", "+999999999999999", "--count", "2"], "3 to 15 digits"),
        (["--ussd", "*100#"], "--ussd: '*100#' has no = between two sides"),
        (["--control", ""], "--control"),
    ],
)
def test_a_usage_error_is_2_and_says_what(arguments: list[str], part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emulate", "--tcp", "127.0.0.1:0", *arguments]) == 2
    assert part in capsys.readouterr().err
