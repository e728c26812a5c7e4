"""The rows T1 to T27 of the context's state machine, each on a module in AT mode."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from emulator_host import Lab, Terminal, Turning

from drivers.emulator import Behaviour, EmulatedModule, Network
from drivers.emulator.quectel_gsm.states import ACTIVE, ContextState, Trigger, transitions

OK = "\r\nOK\r\n"
ERROR = "\r\nERROR\r\n"
CONNECTED = "\r\nOK\r\n\r\nCONNECT OK\r\n"
REFUSED = "\r\nOK\r\n\r\nCONNECT FAIL\r\n"
DEACT = "\r\nDEACT OK\r\n"


class Bench:
    """A module in AT mode and a server of the same computer."""

    def __init__(self, lab: Lab, clock: Turning, port: int, dead: int) -> None:
        self.lab = lab
        self.clock = clock
        self.uart: Terminal = lab.plain
        self.port = port
        self.dead = dead
        self.clients: list[asyncio.StreamWriter] = []

    async def state(self) -> str:
        self.uart.write(b"AT+QISTAT\r")
        await self.uart.expect(b"AT+QISTAT\r\r\nOK\r\n\r\nSTATE: ")
        return (await self.uart.until(b"\r\n"))[:-2].decode()

    async def address(self) -> None:
        self.uart.write(b"AT+QILOCIP\r")
        await self.uart.expect(b"AT+QILOCIP\r\r\n127.")
        await self.uart.until(b"\r\n")
        await self.uart.quiet()

    async def connect(self, answer: str = CONNECTED, kind: str = "TCP") -> None:
        await self.uart.ask(f'AT+QIOPEN="{kind}","127.0.0.1",{self.port}', answer)

    async def reach(self, state: str) -> None:
        if state == "IP INITIAL":
            return
        if state in ("IP START", "IP IND", "IP GPRSACT", "IP STATUS", "PDP DEACT"):
            await self.uart.ask("AT+QIREGAPP")
        if state == "IP IND":
            self.lab.module.set_network(Network(accepts=False))
            await self.uart.ask("AT+QIACT", ERROR)
            self.lab.module.set_network(Network())
        elif state in ("IP GPRSACT", "IP STATUS", "PDP DEACT"):
            await self.uart.ask("AT+QIACT")
        elif state == "TCP CONNECTING":
            await self.uart.ask("AT+QIREGAPP")
            await self.uart.ask("AT+QIACT")
            self.lab.module.set_network(Network(silent=True))  # nobody answers
            await self.connect(OK)
        if state == "IP STATUS":
            await self.address()
        elif state == "PDP DEACT":
            self.lab.module.drop_contexts()
            await self.uart.expect(b"\r\n+PDP DEACT\r\n")
        elif state == "CONNECT OK":
            await self.connect()
        elif state == "IP CLOSE":
            await self.connect()
            await self.uart.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")
        assert await self.state() == state


@contextlib.asynccontextmanager
async def bench(behaviour: Behaviour | None = None) -> AsyncIterator[Bench]:
    clock = Turning()
    async with Lab(EmulatedModule(behaviour=behaviour, clock=clock)) as lab:
        clients: list[asyncio.StreamWriter] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            clients.append(writer)
            with contextlib.suppress(ConnectionError):
                await reader.read()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        with socket.create_server(("127.0.0.1", 0)) as closed:
            dead = closed.getsockname()[1]
        where = Bench(lab, clock, server.sockets[0].getsockname()[1], dead)
        where.clients = clients
        try:
            yield where
        finally:
            for writer in clients:
                writer.close()
            server.close()
            await asyncio.sleep(0)


LineStep = Callable[[Bench], Awaitable[None]]


def asks(command: str, answer: str) -> LineStep:
    async def step(where: Bench) -> None:
        await where.uart.ask(command.format(port=where.port, dead=where.dead), answer)

    return step


async def remote_closes(where: Bench) -> None:
    where.clients[0].close()
    await where.uart.expect(b"\r\nCLOSED\r\n")


async def remote_resets(where: Bench) -> None:
    where.clients[0].transport.abort()
    await where.uart.expect(b"\r\nCLOSED\r\n")


async def network_drops(where: Bench) -> None:
    where.lab.module.drop_contexts()
    await where.uart.expect(b"\r\n+PDP DEACT\r\n")


async def local_address(where: Bench) -> None:
    await where.address()


async def refused(where: Bench) -> None:
    where.lab.module.set_network(Network(accepts=False))
    await where.uart.ask("AT+QIACT", ERROR)


async def nobody_answers(where: Bench) -> None:
    await where.clock.turn(74)
    assert await where.state() == "TCP CONNECTING"
    await where.clock.turn(2)
    await where.uart.expect(b"\r\nCONNECT FAIL\r\n")


BUSY = ("TCP CONNECTING", "CONNECT OK")
OPEN = 'AT+QIOPEN="TCP","127.0.0.1",{port}'
OPEN_UDP = 'AT+QIOPEN="UDP","127.0.0.1",{port}'
OPEN_DEAD = 'AT+QIOPEN="TCP","127.0.0.1",{dead}'
FAR_AWAY = 'AT+QIOPEN="TCP","192.0.2.1",80'
SERVER = "\r\nOK\r\n\r\nSERVER OK\r\n"

ROWS = [
    ("T1", "IP INITIAL", asks("AT+QIREGAPP", OK), "IP START"),
    ("T1 with values", "IP INITIAL", asks('AT+QIREGAPP="CMNET","",""', OK), "IP START"),
    *[
        (f"T2 {state}", state, asks("AT+QIREGAPP", ERROR), state)
        for state in ("IP START", "IP IND", "IP GPRSACT", "IP STATUS", *BUSY, "IP CLOSE", "PDP DEACT")
    ],
    ("T4", "IP START", asks("AT+QIACT", OK), "IP GPRSACT"),
    *[
        (f"T5 {state}", state, asks("AT+QIACT", ERROR), state)
        for state in ("IP INITIAL", "IP IND", "IP GPRSACT", "IP STATUS", *BUSY, "IP CLOSE", "PDP DEACT")
    ],
    ("T6", "IP START", refused, "IP IND"),
    ("T7", "IP GPRSACT", local_address, "IP STATUS"),
    *[
        (f"T8 {state}", state, local_address, state)
        for state in ("IP STATUS", "TCP CONNECTING", "CONNECT OK", "IP CLOSE")
    ],
    *[
        (f"T9 {state}", state, asks("AT+QILOCIP", ERROR), state)
        for state in ("IP INITIAL", "IP START", "IP IND", "PDP DEACT")
    ],
    ("T10", "IP INITIAL", asks(OPEN, CONNECTED), "CONNECT OK"),
    *[
        (f"T11 {state}", state, asks(OPEN, CONNECTED), "CONNECT OK")
        for state in ("IP GPRSACT", "IP STATUS", "IP CLOSE")
    ],
    ("T12 UDP", "IP STATUS", asks(OPEN_UDP, CONNECTED), "CONNECT OK"),
    ("T13 refused", "IP STATUS", asks(OPEN_DEAD, REFUSED), "IP CLOSE"),
    ("T13 no way there", "IP STATUS", asks(FAR_AWAY, REFUSED), "IP CLOSE"),
    ("T15", "CONNECT OK", asks(OPEN, "\r\nALREADY CONNECT\r\n"), "CONNECT OK"),
    ("T12 TCP", "IP STATUS", asks(OPEN, CONNECTED), "CONNECT OK"),
    ("T13 75 s", "TCP CONNECTING", nobody_answers, "IP CLOSE"),
    *[
        (f"T16 {state}", state, asks(OPEN, ERROR), state)
        for state in ("IP START", "IP IND", "TCP CONNECTING", "PDP DEACT")
    ],
    ("T17", "CONNECT OK", remote_closes, "IP CLOSE"),
    ("T17 reset", "CONNECT OK", remote_resets, "IP CLOSE"),
    *[(f"T18 {state}", state, asks("AT+QICLOSE", "\r\nCLOSE OK\r\n"), "IP CLOSE") for state in BUSY],
    *[
        (f"T19 {state}", state, asks("AT+QICLOSE", ERROR), state)
        for state in ("IP INITIAL", "IP START", "IP IND", "IP GPRSACT", "IP STATUS", "IP CLOSE", "PDP DEACT")
    ],
    *[
        (f"T20 {state}", state, asks("AT+QIDEACT", DEACT), "IP INITIAL")
        for state in ("IP START", "IP IND", "IP GPRSACT", "IP STATUS", *BUSY, "IP CLOSE")
    ],
    ("T21", "IP INITIAL", asks("AT+QIDEACT", DEACT), "IP INITIAL"),
    *[(f"T22 {state}", state, network_drops, "PDP DEACT") for state in ("IP GPRSACT", "IP STATUS", *BUSY, "IP CLOSE")],
    ("T23", "PDP DEACT", asks("AT+QIDEACT", DEACT), "IP INITIAL"),
    ("T24", "IP INITIAL", asks("AT+QISERVER", SERVER), "IP STATUS"),
    ("T25", "IP STATUS", asks("AT+QISERVER", SERVER), "IP STATUS"),
    ("T25 not read", "IP GPRSACT", asks("AT+QISERVER", ERROR), "IP GPRSACT"),
    ("T25 with a client session", "CONNECT OK", asks("AT+QISERVER", SERVER), "CONNECT OK"),
    ("T26", "IP INITIAL", asks('AT+QIDNSGIP="localhost"', "\r\nOK\r\n\r\n127.0.0.1\r\n"), "IP GPRSACT"),
    ("T27 QPING", "IP INITIAL", asks('AT+QPING="nowhere.example"', OK + "\r\n+QPING: 4\r\n"), "IP GPRSACT"),
    ("T27 QNTP", "IP INITIAL", asks('AT+QNTP="nowhere.example"', OK + "\r\n+QNTP: 4\r\n"), "IP GPRSACT"),
]


@pytest.mark.parametrize("context", [0, 1])
@pytest.mark.parametrize(
    ("start", "step", "end"),
    [
        pytest.param(start, step, end, id=row, marks=pytest.mark.requirement(row.split()[0]))
        for row, start, step, end in ROWS
    ],
)
async def test_row(start: str, step: LineStep, end: str, context: int) -> None:
    async with bench() as where:
        await where.uart.ask(f"AT+QIFGCNT={context}")
        await where.reach(start)
        await step(where)
        await where.uart.quiet()
        assert await where.state() == end


@pytest.mark.requirement("T3")
async def test_t3_while_the_network_thinks_the_state_is_ip_ind_and_the_uart_is_taken() -> None:
    async with Lab(EmulatedModule(clock=(clock := Turning()), behaviour=Behaviour(activation_time=20))) as lab:
        await lab.multiplex()
        one, two = await lab.open(1), await lab.open(2)
        await one.ask("AT+QIREGAPP")
        one.write(b"AT+QIACT\rAT\r")
        await one.expect(b"AT+QIACT\r")
        await two.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: IP IND\r\n")
        await one.quiet()
        await clock.turn(21)
        await one.expect(b"\r\nOK\r\nAT\r\r\nOK\r\n")


@pytest.mark.requirement("T14")
async def test_t14_an_opening_that_is_not_activated_fails_and_stays_in_ip_ind() -> None:
    async with bench() as where:
        where.lab.module.set_network(Network(accepts=False))
        await where.connect(REFUSED)
        assert await where.state() == "IP IND"
        await where.uart.ask("AT+QIDEACT", DEACT)
        await where.uart.ask("AT+QISERVER", REFUSED)


@pytest.mark.requirement("T13")
async def test_t13_a_server_that_never_answers_fails_after_75_seconds() -> None:
    async with bench() as where:
        loop = asyncio.get_running_loop()
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        try:
            for _ in range(3):  # a full backlog: further SYNs are not answered
                filler = socket.socket()
                filler.setblocking(False)
                fillers.append(filler)
                with contextlib.suppress(BlockingIOError):
                    filler.connect(listener.getsockname())
            await loop.run_in_executor(None, where.clock.await_waiters, 0)
            await where.uart.ask(f'AT+QIOPEN="TCP","127.0.0.1",{listener.getsockname()[1]}')
            await where.clock.turn(0)
            if await where.state() != "TCP CONNECTING":
                pytest.skip("this system completes connections beyond the backlog")
            await where.uart.ask(f'AT+QIOPEN="TCP","127.0.0.1",{where.port}', ERROR)
            await where.clock.turn(74)
            assert await where.state() == "TCP CONNECTING"
            await where.clock.turn(2)
            await where.uart.expect(b"\r\nCONNECT FAIL\r\n")
            assert await where.state() == "IP CLOSE"
        finally:
            for filler in fillers:
                filler.close()
            listener.close()


READINGS = [
    ("qideact_in_initial=error", "IP INITIAL", asks("AT+QIDEACT", ERROR), "IP INITIAL"),
    ("qiopen_in_gprsact=off", "IP GPRSACT", asks(OPEN, ERROR), "IP GPRSACT"),
    ("qiserver_in_gprsact=on", "IP GPRSACT", asks("AT+QISERVER", SERVER), "IP STATUS"),
    ("refused_activation=IP INITIAL", "IP START", refused, "IP INITIAL"),
    ("refused_activation=pdp_deact", "IP START", refused, "PDP DEACT"),
    ("already_connect=after_ok", "CONNECT OK", asks(OPEN, OK + "\r\nALREADY CONNECT\r\n"), "CONNECT OK"),
    ("already_connect=then_error", "CONNECT OK", asks(OPEN, "\r\nALREADY CONNECT\r\n" + ERROR), "CONNECT OK"),
    ("qimux_outside_initial=error", "IP START", asks("AT+QIMUX=0", ERROR), "IP START"),
    ("qimux_outside_initial=same", "IP START", asks("AT+QIMUX=0", OK), "IP START"),
    ("qimux_outside_initial=same", "IP START", asks("AT+QIMODE=1", ERROR), "IP START"),
    ("qimux_outside_initial=ok", "IP START", asks("AT+QIMODE=1", OK), "IP START"),
    ("qicsgp_outside_initial=error", "IP START", asks('AT+QICSGP=1,"X"', ERROR), "IP START"),
    ("qicsgp_outside_initial=ok", "IP START", asks('AT+QICSGP=1,"X"', OK), "IP START"),
]


@pytest.mark.parametrize(("reading", "start", "step", "end"), READINGS, ids=[f"{row[0]} {row[1]}" for row in READINGS])
async def test_reading(reading: str, start: str, step: LineStep, end: str) -> None:
    async with bench(Behaviour.parse([reading])) as where:
        await where.reach(start)
        await step(where)
        assert await where.state() == end


def test_every_state_can_be_left_and_every_trigger_is_used() -> None:
    table = transitions(Behaviour())
    assert {trigger for _, trigger in table} == set(Trigger)
    assert all((state, Trigger.DEACTIVATE) in table for state in ContextState)
    assert {state for state, trigger in table if trigger is Trigger.DROPPED} == ACTIVE
