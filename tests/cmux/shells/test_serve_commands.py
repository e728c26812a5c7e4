"""AT commands that the owner of the other end answers, in both shells."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from shells import PATIENCE, AioShell, Mux, Shell
from typed_frames import SABM_0, UA_0
from typist import Typist, end, multiplex, open_1

import cmux

Serve = Callable[..., Mux]


class Slow:
    """Answers OK when its gate opens: on threads it waits for that, in asyncio it is awaited."""

    def __init__(self, shell: Shell) -> None:
        self.asked: list[str] = []
        self.begun, self.gate = threading.Event(), threading.Event()
        self.answer: Callable[[str], Any] = self._wait_elsewhere if isinstance(shell, AioShell) else self._wait

    def _wait(self, command: str) -> str:
        self.asked.append(command)
        self.begun.set()
        assert self.gate.wait(PATIENCE)
        return "OK"

    async def _wait_elsewhere(self, command: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(None, self._wait, command)


def test_commands_are_answered_by_a_function(shell: Shell, serve: Serve, peer: Typist) -> None:
    asked: list[str] = []

    def answer(command: str) -> str:
        asked.append(command)
        return {"AT+CSQ": "+CSQ: 20,0\nOK", "AT+SILENT": ""}.get(command, "+CME ERROR: 3")

    serve(on_command=answer)
    peer.at("AT+CSQ", "+CSQ: 20,0", "OK")
    peer.at("AT+SILENT")
    peer.at("AT+CGMI", "+CME ERROR: 3")
    peer.at("ATE1", "OK")
    multiplex(peer)
    end(peer)
    peer.at("AT+CSQ", "+CSQ: 20,0", "OK")
    assert asked == ["AT+CSQ", "AT+SILENT", "AT+CGMI", "AT+CSQ"]


def test_without_a_function_they_are_answered_with_error(serve: Serve, peer: Typist) -> None:
    serve()
    peer.at("AT+CSQ", "ERROR")


@pytest.mark.parametrize("awaited", [False, True])
def test_what_the_function_raises_is_an_error_and_is_logged(
    shell: Shell, serve: Serve, peer: Typist, caplog: pytest.LogCaptureFixture, awaited: bool
) -> None:
    def answer(command: str) -> str:
        raise LookupError(command)

    async def answer_later(command: str) -> str:
        return answer(command)

    mux = serve(on_command=answer_later if awaited and isinstance(shell, AioShell) else answer)
    peer.at("AT+CSQ", "ERROR")
    peer.at("AT", "OK")
    mux.callbacks_done()
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.getMessage() == "a callback failed"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)


@pytest.mark.parametrize("answer", [None, 5, ["OK"], b"OK"])
def test_what_is_not_a_text_is_an_error_and_is_logged(
    serve: Serve, peer: Typist, caplog: pytest.LogCaptureFixture, answer: object
) -> None:
    mux = serve(on_command=lambda command: answer)
    peer.at("AT+CSQ", "ERROR")
    mux.callbacks_done()
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == f"on_command returned {answer!r}, which is not a text"


def test_what_is_behind_a_slow_answer_waits_for_it(shell: Shell, serve: Serve, peer: Typist) -> None:
    slow = Slow(shell)
    mux = serve(on_command=slow.answer)
    peer.at("ATE0", "OK")
    peer.type(b"AT+A\r")
    assert slow.begun.wait(PATIENCE)
    peer.type(b"AT+B\rAT+CMUX=0\r" + SABM_0)
    slow.gate.set()
    peer.receives(b"\r\nOK\r\n" * 3 + UA_0)
    open_1(peer)
    assert mux.accept().dlci == 1
    assert slow.asked == ["AT+A", "AT+B"]  # each of them once


def test_who_reads_goes_on_while_a_command_is_answered(shell: Shell, serve: Serve, peer: Typist) -> None:
    slow = Slow(shell)
    mux = serve(on_command=slow.answer)
    peer.type(b"AT+SLOW\r")
    assert slow.begun.wait(PATIENCE)
    peer.hang_up()
    with pytest.raises(cmux.SessionEnded, match="hung up"):
        mux.accept()
    slow.gate.set()


def test_closing_while_a_command_is_answered(shell: Shell, serve: Serve, peer: Typist) -> None:
    slow = Slow(shell)
    mux = serve(on_command=slow.answer)
    peer.type(b"AT+SLOW\r")
    assert slow.begun.wait(PATIENCE)
    closing = shell.start(mux.close)
    slow.gate.set()
    closing.result(PATIENCE)
