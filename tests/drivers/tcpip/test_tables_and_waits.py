"""Tables of contexts and sockets, and waits for them: what comes late, or about nothing, changes nothing."""

from __future__ import annotations

import asyncio
import threading

import pytest
from scripted_port import OK, CommandPort, MemoryPort

from drivers.clock import SystemClock
from drivers.errors import ContextBusy
from drivers.tcpip import TcpipDriver
from drivers.tcpip.aio.waiting import until as until_in_a_task
from drivers.tcpip.core import events
from drivers.tcpip.core.changes import Changes
from drivers.tcpip.core.context_claim import ContextState
from drivers.tcpip.core.ownership import table_for
from drivers.tcpip.core.scope import Scope
from drivers.tcpip.core.session_table import SessionTable
from drivers.tcpip.core.socket_state import SocketId, SocketState
from drivers.tcpip.quectel_gsm.reclaim import free_context
from drivers.tcpip.threads.waiting import until as until_in_a_thread

PATIENCE = 60.0
CLIENT, SERVER = SocketId(0, "client"), SocketId(0, "server")


# --- Contexts ---


def test_a_lease_that_has_ended_changes_nothing_of_the_one_that_followed_it() -> None:
    table = table_for(MemoryPort("module"))
    old = table._reserve(0, 1)
    table._confirm(old)
    table._release(old)
    new = table._reserve(0, 2)
    table._undo(old)  # it was not its reservation
    with pytest.raises(ContextBusy):
        table._reserve(0, 3)
    table._confirm(new)
    table._update(old, "IP INITIAL", ContextState.DOWN)
    table._forget(old, "late news")
    table._release(old)
    assert (table.owner(0), table.held(0), new.ended) == (2, True, None)


def test_a_table_shows_the_contexts_that_are_held() -> None:
    table = table_for(MemoryPort("module"))
    table._confirm(table._reserve(0, 1))
    assert not table.held(1)  # and is known from now on
    assert "context 0 held by DLCI 1 (state not known)" in repr(table)
    assert "context 1" not in repr(table)


def test_no_uart_is_asked_for_a_context_when_there_is_no_time_left() -> None:
    assert list(free_context(0, 1, 0.0, lambda: 1.0)) == []


# --- Sockets ---


def session_table() -> SessionTable:
    return SessionTable("context 0", 0, Scope(), until_closed=False, handle=lambda event: None, wake=lambda: None)


def test_there_are_no_more_listeners_than_numbers() -> None:
    table = session_table()
    assert table.reserve_listener([SERVER], "TCP", 80, 1) is not None
    assert table.reserve_listener([SERVER], "TCP", 81, 1) is None


def test_a_session_says_who_has_closed_it() -> None:
    session = SocketState(name="context 0", protocol="TCP", role="client", remote=("10.0.0.1", 80), id=CLIENT)
    assert session.condition == "open"
    session.end_by_remote()
    assert session.condition == "closed by the other side"


def answer(text: str) -> bytes:
    said = {"AT+QISTAT": OK + b"\r\nSTATE: IP STATUS\r\n", "AT+QILOCIP": b"\r\n10.0.0.7\r\n"}
    said |= {"AT+QIDEACT": b"\r\nDEACT OK\r\n", "AT+QICLOSE": b"\r\nCLOSE OK\r\n"}
    said |= {"AT+QISRVC?": b"\r\n+QISRVC: 1\r\n" + OK}
    if text.startswith("AT+QIOPEN"):
        return OK + b"\r\nCONNECT OK\r\n"
    return said.get(text, OK)


def test_events_about_what_is_not_there_change_nothing() -> None:
    with TcpipDriver(CommandPort(answer), initialise=()) as driver:
        session = driver.connect("TCP", "10.0.0.1", 80)
        for event in (
            events.OnlineEnd(),
            events.ListenerEnded(SERVER, "the network ended it"),
            events.Incoming(SERVER, SocketId(3, "server"), ("10.0.0.9", 0)),
            events.Closed(SocketId(5, "client")),
            events.Readable(SocketId(5, "client")),
        ):
            driver._context.handle(event)
        assert session.open
        assert driver.state() == "IP STATUS"
        session.close()
        driver._context.handle(events.Closed(session._state.id))
        assert session.closed


# --- Waits ---


def test_a_change_before_a_thread_waits_is_not_missed() -> None:
    changes = Changes()
    asked: list[int] = []

    def ready() -> bool | None:
        asked.append(1)
        if len(asked) == 2:
            with changes:
                changes.notify()  # between the question and the wait
        return True if len(asked) == 3 else None

    assert until_in_a_thread(SystemClock(), changes, ready, PATIENCE) is True


async def test_a_task_is_woken_by_a_change_in_a_thread() -> None:
    changes, done = Changes(), threading.Event()
    waits = asyncio.Event()

    def ready() -> bool | None:
        waits.set()
        return True if done.is_set() else None

    task = asyncio.create_task(until_in_a_task(SystemClock(), changes, ready, PATIENCE))
    await waits.wait()

    def change() -> None:
        done.set()
        with changes:
            changes.notify()

    thread = threading.Thread(target=change)
    thread.start()
    assert await task is True
    thread.join(PATIENCE)
