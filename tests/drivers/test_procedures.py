"""Everything that waits is a generator of one kind: typed helpers yield, all else says ``yield from``."""

from __future__ import annotations

import ast
import asyncio
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, GeneratorType
from typing import Any

import pytest
from rows import each
from scripted_port import OK, Conversation, exchange

from drivers.at import AtChannel, aio
from drivers.at.core.execution import Execution
from drivers.tcpip import TcpipDriver
from drivers.tcpip.aio import TcpipDriver as AioTcpipDriver
from drivers.tcpip.core.procedure import Progress

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for part in ("at", "tcpip", "cli", "modem", "sockets.py")
    for path in ([ROOT / "drivers" / part] if part.endswith(".py") else (ROOT / "drivers" / part).rglob("*.py"))
)
HELPERS = {
    "dialogue.py": {"command", "expect", "payload", "pause"},
    "procedure.py": {"on_channel", "wait", "exclusive", "on_free_uart", "leave_channel", "abandon_others"},
}
MANAGERS = {"contextmanager", "asynccontextmanager"}


def yields(tree: ast.AST, function: ast.FunctionDef | ast.AsyncFunctionDef | None = None) -> Iterator[str]:
    """The functions with a ``yield`` of their own, context managers left out."""
    for node in ast.iter_child_nodes(tree):
        inside = node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else function
        if isinstance(node, ast.Yield):
            assert inside is not None
            if not any(isinstance(one, ast.Name) and one.id in MANAGERS for one in inside.decorator_list):
                yield inside.name
        yield from yields(node, inside)


@each(("path", FILES))
def test_only_the_helpers_yield(path: str) -> None:
    found = set(yields(ast.parse((ROOT / path).read_text(encoding="utf-8"))))
    assert found == HELPERS.get(Path(path).name, set())


def named(node: ast.AST) -> str | None:
    """The name that a node uses: alone, of a module, or imported under another one."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            return name
    return None


def anys(text: str) -> list[int]:
    """The lines that say Any."""
    return sorted({getattr(node, "lineno", 0) for node in ast.walk(ast.parse(text)) if named(node) == "Any"})


@pytest.mark.parametrize(
    "text",
    [
        "x: Any",
        "x: typing.Any",
        "x: t.Any",
        "from typing import Any as Whatever",
        "def f() -> Procedure[typing.Any]: ...",
    ],
)
def test_every_way_of_saying_any_is_seen(text: str) -> None:
    assert anys(text) == [1]


@each(("path", FILES))
def test_what_a_step_returns_has_a_type(path: str) -> None:
    assert not anys((ROOT / path).read_text(encoding="utf-8"))


# -- the way of data through the generators ----------------------------------------------------------------------------

Rows = list[tuple[int, str, bytes]]


def conversation(*claim: tuple[str, bytes]) -> Rows:
    """The script of a session that sends two octets."""
    return [
        *exchange(*claim, ('AT+QIOPEN="TCP", "10.0.0.1",80', OK + b"\r\nCONNECT OK\r\n"), ("AT+QISRVC=1", OK)),
        *exchange(("AT+QISEND=2", b"\r\n> "), set_up=False),
        (1, ">", b"hi"),
        (1, "<", b"\r\nSEND OK\r\n"),
        *exchange(
            ("AT+QISRVC?", b"\r\n+QISRVC: 1\r\n" + OK),
            ("AT+QICLOSE", b"\r\nCLOSE OK\r\n"),
            ("AT+QIDEACT", b"\r\nDEACT OK\r\n"),
            set_up=False,
        ),
    ]


def chain(generator: object) -> Iterator[str]:
    """The files of the generators that one waits in, from the outermost to the one that has yielded."""
    while isinstance(generator, GeneratorType):
        yield Path(generator.gi_code.co_filename).relative_to(ROOT).as_posix()
        generator = generator.gi_yieldfrom


def generators(frame: FrameType | None) -> list[str]:
    """The files of all generators that the calls down to this one carry on, the outermost first."""
    runners: list[object] = []
    while frame is not None:
        for name, kind, inner in (("execution", Execution, "_dialogue"), ("progress", Progress, "procedure")):
            if isinstance(runner := frame.f_locals.get(name), kind) and frame.f_code.co_name in ("_drive", "run"):
                runners.insert(0, getattr(runner, inner))
        frame = frame.f_back
    return [file for runner in runners for file in chain(runner)]


def check(seen: list[str]) -> None:
    assert len(seen) >= 5, seen
    assert len(set(seen)) == len(seen), seen


def test_sendall_passes_no_file_twice_on_threads() -> None:
    seen: list[str] = []

    class Channel(AtChannel):
        def _write(self, octets: bytes, *ticket: Any) -> None:
            if octets.startswith(b"AT+QISEND"):
                seen.extend(generators(sys._getframe()))
            super()._write(octets, *ticket)

    talk = Conversation(conversation(("AT+QIFGCNT=0", OK)))
    with Channel(talk.ports[1]) as channel, TcpipDriver(channel, receive="bare", initialise=()) as driver:
        driver.connect("TCP", "10.0.0.1", 80).sendall(b"hi")
    talk.finish()
    check(seen)


async def test_sendall_passes_no_file_twice_in_asyncio() -> None:
    seen: list[str] = []

    class Channel(aio.AtChannel):
        async def _step(self, *ticket: Any) -> None:
            if self._engine.data_to_send().startswith(b"AT+QISEND"):
                seen.extend(generators(sys._getframe()))
            await super()._step(*ticket)

    one, other = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=one)
    rows = conversation(("AT+QIFGCNT=0", OK), ("AT+QIFGCNT?", b"\r\n+QIFGCNT: 0,0\r\n" + OK))
    playing = asyncio.create_task(play(rows, *await asyncio.open_connection(sock=other)))
    async with Channel(reader, writer, name="p") as channel:
        async with AioTcpipDriver(channel, receive="bare", initialise=()) as driver:
            await (await driver.connect("TCP", "10.0.0.1", 80)).sendall(b"hi")
        await playing
    writer.close()
    await writer.wait_closed()
    check(seen)


async def play(rows: Rows, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Play the module's side of a script."""
    for _, direction, octets in rows:
        if direction == ">":
            assert await reader.readexactly(len(octets)) == octets
        else:
            writer.write(octets)
    writer.close()
    await writer.wait_closed()
