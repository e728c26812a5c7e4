"""ATD*99#, AT+CGDATA and what follows: CONNECT, the octets of a program, the escape, and every way to hang up."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import serial
from emulator_host import PATIENCE, Lab, Terminal, Turning, settle
from ppp_programs import BRIEF, ECHO, FLOOD, SLOW, STUBBORN, alive, dialled, gone, wait_until_gone

import cmux
from cmux.protocol.events import DataReceived, Event, SignalsChanged
from cmux.protocol.signals import Signals
from drivers.emulator import Behaviour, EmulatedModule, Network
from drivers.tcpip import ContextBusy, TcpipDriver

OK = "\r\nOK\r\n"
NO_CARRIER = "\r\nNO CARRIER\r\n"
CONNECT = "\r\nCONNECT\r\n"


@asynccontextmanager
async def channels(module: EmulatedModule, *dlcis: int) -> AsyncIterator[tuple[Lab, list[Terminal]]]:
    """A module in multiplexer mode, with these DLCs open."""
    async with Lab(module) as lab:
        await lab.multiplex()
        yield lab, [await lab.open(dlci) for dlci in dlcis]


class Recorder(Lab):
    """A host that notes in which order octets and changes of DV come."""

    def __init__(self, module: EmulatedModule) -> None:
        super().__init__(module)
        self.order: list[bool | bytes] = []

    def _event(self, event: Event) -> None:
        if isinstance(event, SignalsChanged):
            self.order.append(event.signals.dv)
        elif isinstance(event, DataReceived):
            before = self.order.pop() if self.order and isinstance(self.order[-1], bytes) else b""
            self.order.append(bytes(before) + event.data)  # in how many frames is all the same
        super()._event(event)


async def carrier(lab: Lab, dlci: int) -> bool:
    """Take the next MSC of a DLC; return its DV."""
    event = await lab.happens(lambda one: isinstance(one, SignalsChanged) and one.dlci == dlci)
    assert isinstance(event, SignalsChanged)
    return event.signals.dv


async def echoed(uart: Terminal, octets: bytes) -> None:
    uart.write(octets)
    await uart.expect(octets)


async def escape(uart: Terminal, clock: Turning) -> None:
    await clock.turn(0.6)
    uart.write(b"+++")
    await clock.turn(0.6)
    await uart.expect(OK.encode())


async def fill_terminal(lab: Lab) -> bytes:
    """Write until octets wait in the module, as the program reads nothing; return them all."""
    call = lab.module._running().data_calls._calls[0]  # type: ignore[attr-defined]
    octets = b""
    async with asyncio.timeout(PATIENCE):
        while not call.program._unsent:
            octets += (portion := bytes(range(100)) * 10)
            lab.plain.write(portion)
            await settle()
    return octets


def data_terminal_ready(lab: Lab, dlci: int, on: bool) -> None:
    assert lab.mux is not None
    lab.mux.multiplexer.set_signals(dlci, Signals(rtc=on), lab.mux.now())
    lab.mux.flush()


# Dialling


@pytest.mark.statement("27.007 10.1.12", "27.007 10.2.1.1", "V.250 6.3.1")
@pytest.mark.parametrize(
    "command",
    [
        *("ATD*99#", "ATDT*99#", "ATDP*99#", "atdt *99#", "ATD*99***1#", "ATD*99***2#", "ATD*99*10.0.0.1*PPP*1#"),
        *("ATD*99**1*1#", 'AT+CGDATA="PPP",1', 'AT+CGDATA="PPP"', "AT+CGDATA", "ATX4D*99#"),
    ],
)
async def test_every_form_of_dialling_leads_to_the_program(command: str) -> None:
    async with Lab(EmulatedModule(ppp=ECHO)) as lab:
        await dialled(lab.plain, command)
        await echoed(lab.plain, bytes(range(256)))


@pytest.mark.parametrize("command", ["ATD*99***3#", "ATD*99***0#", "ATD*99**IP*1#", "ATD", "ATDnobody", "ATD*99#;"])
async def test_what_cannot_be_dialled_is_an_error(command: str) -> None:
    async with Lab(EmulatedModule(ppp=ECHO)) as lab:
        await lab.plain.ask(command, "\r\nERROR\r\n")


@pytest.mark.parametrize("command", ['AT+CGDATA="M-HEX",1', 'AT+CGDATA="PPP",3', 'AT+CGDATA="PPP",1,2', "AT+CGDATA="])
async def test_another_protocol_or_context_is_an_error(command: str) -> None:
    async with Lab(EmulatedModule(ppp=ECHO)) as lab:
        await lab.plain.ask(command, "\r\nERROR\r\n")


async def test_nobody_answers_a_data_call_to_a_number() -> None:
    async with Lab(EmulatedModule(ppp=ECHO)) as lab:
        await lab.plain.ask("ATDT +49 (30) 555-0199", NO_CARRIER)


@pytest.mark.parametrize(("reading", "answer"), [("NO CARRIER", NO_CARRIER), ("ERROR", "\r\nERROR\r\n")])
async def test_without_a_program_there_is_no_carrier(reading: str, answer: str) -> None:
    behaviour = Behaviour.parse([f"dial_without_ppp={reading}"])
    async with Lab(EmulatedModule(behaviour=behaviour)) as lab:
        await lab.plain.ask("ATD*99#", answer)
        await lab.plain.ask('AT+CGDATA="PPP",1', answer)


@pytest.mark.statement("V.250 6.2.7")
@pytest.mark.parametrize(
    ("behaviour", "before", "answer"),
    [
        ("connect_rate=none", "AT", CONNECT),
        ("connect_rate=115200", "AT", "\r\nCONNECT 115200\r\n"),
        ("connect_rate=150000000", "ATX1", "\r\nCONNECT 150000000\r\n"),
        ("connect_rate=115200", "ATX0", CONNECT),  # V.250 §6.2.7
    ],
)
async def test_connect_has_a_rate_where_the_behaviour_and_atx_want_one(
    behaviour: str, before: str, answer: str
) -> None:
    async with Lab(EmulatedModule(ppp=ECHO, behaviour=Behaviour.parse([behaviour]))) as lab:
        await lab.plain.ask(before)
        await lab.plain.ask("ATD*99#", answer)


@pytest.mark.statement("V.250 6.2.5", "V.250 6.2.6")
async def test_results_are_numbers_after_atv0_and_not_there_after_atq1() -> None:
    async with Lab(EmulatedModule(ppp=BRIEF)) as lab:
        await lab.plain.ask("ATE0V0", "ATE0V0\r0\r", echo=False)
        await lab.plain.ask("ATD*99#", "1\rbye", echo=False)
        lab.plain.write(b"x")
        await lab.plain.expect(b"3\r")
        await lab.plain.ask("ATQ1", "", echo=False)
        await lab.plain.ask("AT+CPIN=0", "", echo=False)
        await lab.plain.ask("ATD*99#", "bye", echo=False)
        lab.module.drop_contexts()
        await lab.plain.quiet()
        await lab.plain.ask("ATQ0", "0\r", echo=False)


async def test_what_dialers_send_first_is_accepted() -> None:
    async with Lab(EmulatedModule(ppp=ECHO)) as lab:
        for command in (
            *("ATZ", "ATQ0 V1 E1 S0=0 &C1 &D2 +FCLASS=0", "ATX4", "AT&F", "ATH", "ATH0", "ATL1M0", "ATE1"),
            *('AT+CGDCONT=1,"IP","internet"', "ATS7=45 S0=0 L1 V1 X4 &C1 E1 Q0", "ATS7=60", "ATT"),
        ):
            await lab.plain.ask(command)
        await lab.plain.ask("AT+FCLASS?", f"\r\n0\r\n{OK}")
        await lab.plain.ask("AT+FCLASS=1", "\r\nERROR\r\n")
        await dialled(lab.plain, "ATDT*99***1#")


async def test_the_definition_in_use_is_shown_as_active() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(ppp=ECHO, clock=clock)) as lab:
        await lab.plain.ask('AT+CGDCONT=1,"IP","internet"')
        await lab.plain.ask("AT+CGDCONT?", f'\r\n+CGDCONT: 1,"IP","internet","",0,0\r\n{OK}')
        await dialled(lab.plain, "ATD*99***1#")
        await escape(lab.plain, clock)
        await lab.plain.ask("AT+CGACT?", f"\r\n+CGACT: 1,1\r\n{OK}")
        await lab.plain.ask("ATH")
        await lab.plain.ask("AT+CGACT?", f"\r\n+CGACT: 1,0\r\n{OK}")


async def test_a_network_that_refuses_and_a_program_that_cannot_run_are_no_carrier(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program = tmp_path / "program"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    async with Lab(EmulatedModule(ppp=[str(program)])) as lab:
        lab.module.set_network(Network(accepts=False))
        await lab.plain.ask("ATD*99#", NO_CARRIER)
        lab.module.set_network(Network())
        with caplog.at_level(logging.WARNING):
            lab.plain.write(b"ATD*99#\r")
            await lab.plain.until(NO_CARRIER.encode())
    assert "program has ended with 127: " in caplog.text


async def test_activation_takes_its_time_and_a_silent_network_never_answers() -> None:
    clock = Turning()
    behaviour = Behaviour(activation_time=5)
    async with Lab(EmulatedModule(ppp=ECHO, clock=clock, behaviour=behaviour)) as lab:
        lab.plain.write(b"ATD*99#\r")
        await clock.turn(4.9)
        await lab.plain.expect(b"ATD*99#\r")
        await lab.plain.quiet()
        await clock.turn(0.2)
        await lab.plain.until(CONNECT.encode())
        await lab.plain.until(b".")
        await escape(lab.plain, clock)
        await lab.plain.ask("ATH")
        lab.module.trigger("silence")
        lab.plain.write(b"ATD*99#\r")
        await clock.turn(6)
        await clock.turn(150)
        await lab.plain.expect(b"ATD*99#\r" + NO_CARRIER.encode())


@pytest.mark.statement("V.250 5.6")
async def test_any_character_aborts_dialling_and_the_command_behind_it_is_whole() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(ppp=ECHO, clock=clock, behaviour=Behaviour(activation_time=5))) as lab:
        lab.plain.write(b"ATD*99#\r\n")
        await clock.turn(1)
        await lab.plain.expect(b"ATD*99#\r")
        await lab.plain.quiet()
        lab.plain.write(b"x")
        await lab.plain.expect(NO_CARRIER.encode())
        await clock.turn(5)
        await lab.plain.ask("AT", OK)
        lab.plain.write(b"ATD*99#\r")
        await clock.turn(5.1)
        await lab.plain.until(b".")
        await echoed(lab.plain, b"not a command")


# Octets


async def test_the_octets_of_a_channel_are_the_programs_and_those_of_another_are_not() -> None:
    async with channels(EmulatedModule(ppp=ECHO), 1, 2) as (_, (first, second)):
        await dialled(first)
        every = bytes(range(256)) * 64
        first.write(every)
        await second.ask("AT+CSQ", f"\r\n+CSQ: 28,0\r\n{OK}")
        await first.expect(every)


async def test_a_flood_of_the_program_waits_for_the_line_and_commands_are_answered_beside_it() -> None:
    async with channels(EmulatedModule(ppp=FLOOD), 1, 2) as (lab, (first, second)):
        await first.ask("ATD*99#", CONNECT)
        await first.until(b"flood" * 2000)
        await second.ask("AT", OK)
        await lab.close(1)


async def test_a_program_that_does_not_read_stops_the_host_and_nothing_is_lost() -> None:
    """27.010 §5.4.8: FC."""
    async with channels(EmulatedModule(ppp=SLOW), 1) as (lab, (uart,)):
        process = await dialled(uart)
        assert lab.mux is not None
        octets = bytes(range(256)) * 1024  # the terminal of Linux holds a quarter of it
        sent = 0
        async with asyncio.timeout(PATIENCE):
            while not any(isinstance(one, SignalsChanged) and one.signals.fc for one in lab.events):
                sent += lab.mux.write(1, octets[sent:])
                await settle()
        assert sent < len(octets)
        os.kill(process, signal.SIGUSR1)
        async with asyncio.timeout(2 * PATIENCE):
            while sent < len(octets):
                sent += lab.mux.write(1, octets[sent:])
                await settle()
        await uart.expect(octets)


async def test_a_silent_network_swallows_what_both_sides_say() -> None:
    async with Lab(EmulatedModule(ppp=ECHO)) as lab:
        await dialled(lab.plain)
        await echoed(lab.plain, b"before")
        lab.module.trigger("silence")
        lab.plain.write(b"lost")
        await settle()
        await lab.plain.quiet()
        lab.module.trigger("sound")
        await echoed(lab.plain, b"after")


async def test_unsolicited_lines_wait_until_the_call_is_over() -> None:
    async with channels(EmulatedModule(ppp=ECHO), 1) as (lab, (uart,)):
        await uart.ask("AT+CREG=1")
        await uart.ask("AT&D2")
        await dialled(uart)
        lab.module._running().tell_registration()  # type: ignore[attr-defined]
        await echoed(uart, b"data")
        data_terminal_ready(lab, 1, False)
        await uart.expect(f"{NO_CARRIER}\r\n+CREG: 1\r\n".encode())


# Carrier


@pytest.mark.statement("V.250 6.2.8")
async def test_carrier_comes_before_connect_and_goes_before_no_carrier() -> None:
    async with Recorder(EmulatedModule(ppp=BRIEF, behaviour=Behaviour(idle_carrier=False))) as lab:
        await lab.multiplex()
        uart = await lab.open(1)
        await uart.ask("ATE0")
        lab.order.clear()
        await uart.ask("ATD*99#", f"{CONNECT}bye", echo=False)
        uart.write(b"x")
        await uart.expect(NO_CARRIER.encode())
        assert lab.order == [True, CONNECT.encode() + b"bye", False, NO_CARRIER.encode()]


async def test_without_an_idle_carrier_it_is_off_as_soon_as_the_channel_is_open() -> None:
    async with channels(EmulatedModule(behaviour=Behaviour(idle_carrier=False)), 1) as (lab, _):
        assert await carrier(lab, 1)  # the MSC that follows UA
        assert not await carrier(lab, 1)


@pytest.mark.statement("V.250 6.2.8")
async def test_carrier_is_on_before_the_first_call_and_off_after_it() -> None:
    async with channels(EmulatedModule(ppp=BRIEF), 1) as (lab, (uart,)):
        assert await carrier(lab, 1)
        await uart.ask("ATD*99#", f"{CONNECT}bye")
        uart.write(b"x")
        assert not await carrier(lab, 1)
        await uart.expect(NO_CARRIER.encode())
        await uart.ask("AT&C0")
        assert await carrier(lab, 1)
        await uart.ask("AT&C1")
        assert not await carrier(lab, 1)
        await uart.ask("ATD*99#", f"{CONNECT}bye")
        assert await carrier(lab, 1)


# The escape


@pytest.mark.statement("V.250 6.3.6", "V.250 6.3.7")
async def test_plus_signs_lead_to_commands_ato_back_and_ath_hangs_up() -> None:
    clock = Turning()
    async with channels(EmulatedModule(ppp=ECHO, clock=clock), 1) as (lab, (uart,)):
        assert await carrier(lab, 1)
        process = await dialled(uart)
        await echoed(uart, b"before")
        await escape(uart, clock)
        await uart.ask("AT+CSQ", f"\r\n+CSQ: 28,0\r\n{OK}")
        await uart.ask("ATO", CONNECT)
        await echoed(uart, b"after")
        await escape(uart, clock)
        await uart.ask("ATH")
        assert not await carrier(lab, 1)
        await gone(process)
        await uart.ask("ATO", NO_CARRIER)
        await uart.quiet()


@pytest.mark.parametrize(
    ("pieces", "heard"),
    [
        ([(0.0, b"x+++"), (0.6, b"")], b"x+++"),  # no silence before
        ([(0.6, b"+++"), (0.4, b"z")], b"+++z"),  # no silence behind
        ([(0.6, b"+"), (1.1, b"+"), (1.1, b"+")], b"+++"),  # manual 7.4: less than a second between
        ([(0.6, b"++++"), (0.6, b"")], b"++++"),
    ],
)
async def test_plus_signs_at_the_wrong_time_are_octets(pieces: list[tuple[float, bytes]], heard: bytes) -> None:
    clock = Turning()
    async with Lab(EmulatedModule(ppp=ECHO, clock=clock)) as lab:
        await dialled(lab.plain)
        await echoed(lab.plain, b"x")
        for silence, octets in pieces:
            await clock.turn(silence)
            lab.plain.write(octets)
            await settle()
        await clock.turn(1.1)
        await lab.plain.expect(heard)
        await lab.plain.quiet()


@pytest.mark.statement("V.250 6.3.7")
async def test_what_the_program_has_not_read_before_the_escape_comes_before_what_follows_ato() -> None:
    """docs/ppp.md: its octets wait."""
    clock = Turning()
    async with Lab(EmulatedModule(ppp=SLOW, clock=clock)) as lab:
        process = await dialled(lab.plain)
        octets = await fill_terminal(lab)
        for number in range(3):
            await escape(lab.plain, clock)
            await lab.plain.ask("ATO", CONNECT)
            octets += (more := b"%d" % number * 1000)
            lab.plain.write(more)
            await settle()
        os.kill(process, signal.SIGUSR1)
        await lab.plain.expect(octets)
        await echoed(lab.plain, b"after")
        await escape(lab.plain, clock)


async def test_plus_signs_may_come_one_after_the_other() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(ppp=ECHO, clock=clock)) as lab:
        await dialled(lab.plain)
        await clock.turn(0.6)
        for _ in range(3):
            lab.plain.write(b"+")
            await clock.turn(0.3)
        await clock.turn(0.3)
        await lab.plain.expect(OK.encode())


async def test_a_program_that_ends_while_commands_are_typed_is_no_carrier() -> None:
    clock = Turning()
    async with channels(EmulatedModule(ppp=ECHO, clock=clock), 1) as (lab, (uart,)):
        assert await carrier(lab, 1)
        process = await dialled(uart)
        await escape(uart, clock)
        lab.module.drop_contexts()
        await uart.expect(NO_CARRIER.encode())
        assert not await carrier(lab, 1)
        await gone(process)


# Hanging up


async def test_the_end_of_the_program_is_no_carrier_and_dialling_again_works_at_once() -> None:
    async with Lab(EmulatedModule(ppp=BRIEF)) as lab:
        for _ in range(3):
            await lab.plain.ask("ATD*99#", f"{CONNECT}bye")
            lab.plain.write(b"x")
            await lab.plain.expect(NO_CARRIER.encode())
            await lab.plain.ask("AT", OK)


@pytest.mark.statement("V.250 6.2.9")
@pytest.mark.parametrize("setting", [0, 1, 2])
async def test_dtr_does_what_at_and_d_says(setting: int) -> None:
    async with channels(EmulatedModule(ppp=ECHO), 1) as (lab, (uart,)):
        await uart.ask(f"AT&D{setting}")
        process = await dialled(uart)
        data_terminal_ready(lab, 1, False)
        if setting == 0:
            await echoed(uart, b"still there")
        elif setting == 1:
            await uart.expect(OK.encode())
            data_terminal_ready(lab, 1, True)
            await uart.ask("ATO", CONNECT)
            await echoed(uart, b"again")
        else:
            await uart.expect(NO_CARRIER.encode())
            await gone(process)
            data_terminal_ready(lab, 1, True)
            await dialled(uart)


async def test_dtr_also_hangs_up_while_commands_are_typed_and_while_it_dials() -> None:
    clock = Turning()
    behaviour = Behaviour(activation_time=5)
    async with channels(EmulatedModule(ppp=ECHO, clock=clock, behaviour=behaviour), 1) as (lab, (uart,)):
        await uart.ask("AT&D2")
        uart.write(b"ATD*99#\r")
        await clock.turn(5.1)
        await uart.until(b".")
        await escape(uart, clock)
        data_terminal_ready(lab, 1, False)
        await uart.expect(NO_CARRIER.encode())
        data_terminal_ready(lab, 1, True)
        uart.write(b"ATD*99#\r")
        await uart.expect(b"ATD*99#\r")
        data_terminal_ready(lab, 1, False)
        await uart.expect(NO_CARRIER.encode())
        await clock.turn(6)
        await uart.ask("AT", OK)


@pytest.mark.statement("V.250 6.1.1b")
async def test_atz_hangs_up() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(ppp=ECHO, clock=clock)) as lab:
        process = await dialled(lab.plain)
        await escape(lab.plain, clock)
        await lab.plain.ask("ATZ")
        await gone(process)


@pytest.mark.parametrize("program", [ECHO, STUBBORN], ids=["echo", "stubborn"])
async def test_the_end_of_a_channel_of_the_multiplexer_and_of_the_module_leaves_no_process(
    program: tuple[str, ...],
) -> None:
    async with channels(EmulatedModule(ppp=program), 1, 2) as (lab, (first, second)):
        process = await dialled(first)
        await lab.close(1)  # DISC
        await gone(process)
        first = await lab.open(1)
        processes = [await dialled(first), await dialled(second)]
        await lab.leave()  # CLD
        for process in processes:
            await gone(process)
        await lab.plain.ask("AT", OK)
        process = await dialled(lab.plain)
    await gone(process)


@pytest.mark.parametrize("program", [ECHO, STUBBORN], ids=["echo", "stubborn"])
async def test_no_process_is_left_when_the_module_has_ended(program: tuple[str, ...]) -> None:
    async with Lab(EmulatedModule(ppp=program)) as lab:
        process = await dialled(lab.plain)
        await lab.module.__aexit__(None, None, None)
        await lab.host.lost.wait()
        assert not alive(process)


async def test_the_end_of_the_connection_hangs_up() -> None:
    async with Lab(EmulatedModule(ppp=ECHO)) as lab:
        process = await dialled(lab.plain)
        assert lab.host.transport is not None
        lab.host.transport.abort()
        await gone(process)


@pytest.mark.parametrize("what", ["reset", "pdp_deact", "registration_lost"])
async def test_what_goes_wrong_ends_the_call(what: str) -> None:
    async with Lab(EmulatedModule(ppp=ECHO)) as lab:
        process = await dialled(lab.plain)
        lab.module.trigger(what)
        await lab.plain.expect(b"\r\nRDY\r\n" if what == "reset" else NO_CARRIER.encode())
        await gone(process)


@pytest.mark.parametrize("what", ["AT+CGATT=0", "AT+CGACT=0,1", "pdp_deact", "registration_lost"])
async def test_what_ends_a_call_that_is_still_dialling_leaves_its_uart_and_its_context_free(what: str) -> None:
    clock = Turning()
    module = EmulatedModule(ppp=ECHO, clock=clock, behaviour=Behaviour(activation_time=5))
    async with channels(module, 1, 2) as (lab, (first, second)):
        first.write(b"ATD*99***1#\r")
        await clock.turn(1)
        await first.expect(b"ATD*99***1#\r")
        if what.startswith("AT"):
            await second.ask(what)
        else:
            lab.module.trigger(what)
        await first.expect(NO_CARRIER.encode())
        lab.module.set_network(Network())
        await second.ask('AT+CGDCONT=1,"IP","internet"')
        await second.ask("AT+CGACT?", f"\r\n+CGACT: 1,0\r\n{OK}")
        await clock.turn(5)
        await first.quiet()
        first.write(b"ATD*99***1#\r")
        await clock.turn(5.1)
        await first.until(CONNECT.encode())


@pytest.mark.parametrize("ends", ["program", "network"])
async def test_the_end_of_a_call_whose_octets_still_wait_is_told_once(ends: str) -> None:
    async with Lab(EmulatedModule(ppp=SLOW)) as lab:
        process = await dialled(lab.plain)
        await fill_terminal(lab)
        if ends == "program":
            os.kill(process, signal.SIGKILL)
        else:
            lab.module.drop_contexts()
        await lab.plain.until(NO_CARRIER.encode())
        await gone(process)
        await lab.plain.quiet()


async def test_a_reset_in_multiplexer_mode_ends_the_call() -> None:
    async with channels(EmulatedModule(ppp=ECHO), 1) as (lab, (uart,)):
        process = await dialled(uart)
        lab.module.trigger("reset")
        await gone(process)


async def test_multiplexer_mode_ends_the_call_of_the_plain_uart() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(ppp=ECHO, clock=clock)) as lab:
        process = await dialled(lab.plain)
        await escape(lab.plain, clock)
        await lab.multiplex()
        await gone(process)
        await dialled(await lab.open(1))


def test_a_host_that_comes_anew_takes_the_module_out_of_the_call_that_was_left() -> None:
    with EmulatedModule(ppp=ECHO) as module:
        with serial.serial_for_url(module.serve_pty(), timeout=10) as port:
            port.write(b"ATD*99#\r")
            port.read_until(b"CONNECT\r\n")
            process = int(port.read_until(b".").removesuffix(b"."))
        assert module.url is not None
        with cmux.open(module.url) as mux:
            wait_until_gone(process)
            mux.channel(1).write(b"AT\r")


# Contexts


def test_the_driver_finds_the_context_of_a_call_busy_and_the_other_one_free() -> None:
    with EmulatedModule(ppp=ECHO) as module, cmux.open(module.serve_pty()) as mux:
        port = mux.channel(1)
        port.timeout = 10
        port.write(b"ATD*99***2#\r")
        assert port.read_until(b"CONNECT\r\n").endswith(b"CONNECT\r\n")
        with pytest.raises(ContextBusy):
            TcpipDriver(mux.channel(2), context=1, apn="CMNET").claim()
        with TcpipDriver(mux.channel(3), context=0, apn="CMNET") as driver:
            driver.activate()
            assert driver.local_address.startswith("127.")


async def test_a_context_in_use_by_a_call_is_not_the_stacks() -> None:
    async with channels(EmulatedModule(ppp=ECHO), 1, 2) as (lab, (first, second)):
        await dialled(first, "ATD*99***1#")
        await second.ask("AT+QIFGCNT=0", "\r\nERROR\r\n")
        await second.ask("AT+QIREGAPP", "\r\nERROR\r\n")
        await second.ask('AT+QIOPEN="TCP","127.0.0.1",9', "\r\nERROR\r\n")
        await second.ask("AT+QIFGCNT=1")
        await second.ask("AT+QIREGAPP")
        await second.ask("AT+QIACT")
        await lab.close(1)
        await second.ask("AT+QIFGCNT=0")


async def test_a_context_in_use_by_the_stack_is_not_a_calls() -> None:
    async with channels(EmulatedModule(ppp=ECHO), 1, 2) as (_, (first, second)):
        await second.ask("AT+QIFGCNT=0")
        await second.ask("AT+QIREGAPP")
        await first.ask("ATD*99***1#", NO_CARRIER)
        await dialled(first, "ATD*99#")  # without a definition: the first one that is free
        await second.ask("AT+QIFGCNT=1", "\r\nERROR\r\n")


async def test_two_calls_use_two_contexts_and_there_is_no_third() -> None:
    async with channels(EmulatedModule(ppp=ECHO), 1, 2, 3) as (_, (first, second, third)):
        assert await dialled(first) != await dialled(second)
        await third.ask("ATD*99#", NO_CARRIER)
        await echoed(first, b"one")
        await echoed(second, b"two")


async def test_deactivating_the_context_on_another_channel_ends_the_call() -> None:
    async with channels(EmulatedModule(ppp=ECHO), 1, 2) as (_, (first, second)):
        await dialled(first, "ATD*99***2#")
        await second.ask("AT+CGACT=0,2")
        await first.expect(NO_CARRIER.encode())
        await dialled(first)
        await second.ask("AT+CGATT=0")
        await first.expect(NO_CARRIER.encode())
