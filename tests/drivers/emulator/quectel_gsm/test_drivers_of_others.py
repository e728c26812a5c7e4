"""What drivers for M95, MC60, M65, M66 and M10 send and compare octet by octet, as seen when they ran on the module."""

from __future__ import annotations

import pytest
from emulator_host import Lab, Terminal, Turning, settle
from emulator_peer import peer

from drivers.emulator import Behaviour, EmulatedModule

OK = "\r\nOK\r\n"
ERROR = "\r\nERROR\r\n"
TEXT = bytes(97 + number % 26 for number in range(150))


async def typed(uart: Terminal, line: str, answer: str) -> None:
    """Type a line octet by octet, each a frame of its own, with CR LF at its end; echo is off."""
    for character in f"{line}\r\n":
        uart.write(character.encode())
    await uart.expect(answer.encode())


async def attached(uart: Terminal) -> None:
    """What most of them begin with; DEACT OK also comes where nothing is active."""
    await uart.ask("ATE0")
    await typed(uart, "AT+CMEE=0", OK)
    await typed(uart, "AT+QIDEACT", "\r\nDEACT OK\r\n")
    await typed(uart, "AT+QIFGCNT=0", OK)
    await typed(uart, 'AT+QICSGP=1,"CMNET","",""', OK)
    await typed(uart, "AT+QIMODE=0", OK)
    await typed(uart, "AT+QIMUX=1", OK)
    await typed(uart, 'AT+QIREGAPP="CMNET","",""', OK)
    await typed(uart, "AT+QIACT", OK)


async def test_m95_reads_63_octets_at_a_time_and_is_told_as_long_as_there_are_more() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await lab.multiplex()
        uart = await lab.open(2)
        await attached(uart)
        await typed(uart, "AT+QINDI=1", OK)
        await typed(uart, "AT+QICLOSE=0", ERROR)
        await typed(uart, f'AT+QIOPEN=0,"TCP","127.0.0.1",{one.port}', OK + "\r\n0, CONNECT OK\r\n")
        await one.arrived.wait()
        await typed(uart, "AT+QISEND=0,5", "\r\n> ")
        for octet in b"quite":
            uart.write(bytes([octet]))
        await uart.expect(b"quite\r\nSEND OK\r\n")
        one.writer.write(TEXT)
        for start, told in ((0, True), (63, True), (126, False)):
            piece = TEXT[start : start + 63]
            if not start:
                await uart.expect(b"\r\n+QIRDI: 0,1,0\r\n")
            await typed(uart, "AT+QIRD=0,1,0,63", f"\r\n+QIRD: 127.0.0.1:{one.port},TCP,{len(piece)}\r\n")
            await uart.expect(piece + OK.encode() + (b"\r\n+QIRDI: 0,1,0\r\n" if told else b""))
        await typed(uart, "AT+QIRD=0,1,0,63", OK)
        await typed(uart, "AT+QISTATE=1,0", ERROR)  # the form of later modules
        one.writer.close()
        await uart.expect(b"\r\n0, CLOSED\r\n")
        await typed(uart, "AT+QICLOSE=0", "\r\n0, CLOSE OK\r\n")


async def test_mc60_is_told_how_much_there_is_and_waits_for_acknowledgements() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await lab.multiplex()
        uart = await lab.open(1)
        await attached(uart)
        await typed(uart, 'AT+CGDCONT=1,"IP","CMNET"', OK)
        await typed(uart, "AT+CGACT=1,1", OK)
        await typed(uart, "AT+QISRVC=1", OK)
        await typed(uart, "AT+QINDI=2", OK)
        await typed(uart, "AT+QIDNSIP=1", OK)  # and an address all the same
        await typed(uart, f'AT+QIOPEN=3,"TCP","127.0.0.1",{one.port}', OK + "\r\n3, CONNECT OK\r\n")
        await one.arrived.wait()
        await typed(uart, "AT+QISEND=3,4", "\r\n> ")
        uart.write(b"ping")
        await uart.expect(b"ping\r\nSEND OK\r\n")
        assert await one.reader.readexactly(4) == b"ping"
        await settle()
        await typed(uart, "AT+QISACK=3", "\r\n+QISACK: 4, 4, 0\r\n" + OK)
        one.writer.write(TEXT)
        await uart.expect(b"\r\n+QIRDI: 0,1,3,1,150,150\r\n")
        await typed(uart, "AT+QIRD=0,1,3,100", f"\r\n+QIRD: 127.0.0.1:{one.port},TCP,100\r\n")
        await uart.expect(TEXT[:100] + OK.encode() + b"\r\n+QIRDI: 0,1,3,2,0,50\r\n")
        await typed(uart, "AT+QICLOSE=3", "\r\n3, CLOSE OK\r\n")


async def test_m65_restarts_waits_for_its_registration_and_opens_without_asking_for_the_address() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, peer() as one:
        uart = lab.plain
        uart.write(b"\r\n\r\n")
        await uart.expect(b"\r\r")
        await uart.ask("AT+CFUN=1,1", OK + "\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n\r\nCall Ready\r\n")
        await clock.turn(4)
        await uart.ask("ATE0")
        await uart.ask("AT+CMEE=2", OK, echo=False)
        await uart.ask("AT+CPIN?", "\r\n+CPIN: READY\r\n" + OK, echo=False)
        await uart.ask("AT+CREG=1", OK, echo=False)
        await clock.turn(7)
        await uart.expect(b"\r\n+CREG: 1\r\n")
        for command in ("AT+QIMUX=1", "AT+QINDI=1", 'AT+QIREGAPP="internet","",""', "AT+QIACT"):
            await uart.ask(command, OK, echo=False)
        await uart.ask("AT+QISTAT", "".join(f'\r\n+QISTAT: {n}, "", "",' for n in range(6)) + "\r\n" + OK, echo=False)
        opening = f'AT+QIOPEN=0,"TCP","127.0.0.1",{one.port}'
        await uart.ask(opening, OK + "\r\n0, CONNECT OK\r\n", echo=False)  # from IP GPRSACT
        await uart.ask("AT+QIDEACT", "\r\nDEACT OK\r\n", echo=False)


async def test_m66_reads_the_state_as_a_number_and_expects_no_echo_after_ate0() -> None:
    behaviour = Behaviour.parse(["payload_echo=ate"])
    async with Lab(EmulatedModule(behaviour=behaviour)) as lab, peer() as one:
        uart = lab.plain
        await uart.ask("ATE0")
        for command in ("AT+QIURC=1", "AT+CMEE=1", "AT+QIMUX=1", "AT+CGATT=1", "AT+QIREGAPP", "AT+QIACT"):
            await typed(uart, command, OK)
        for command in ("AT+QNITZ=1", "AT+CTZU=2", "AT+CFUN=1", 'AT+CCLK="70/01/01,00:00:00+00"'):
            await typed(uart, command, OK)
        uart.write(b"AT+QILOCIP\r\n")
        assert (await uart.until(b".") + await uart.until(b"\r\n")).count(b".") == 3
        await typed(uart, "ATV0", "0\r")
        idle = "".join(f'+QISTATE: {number}, "", "", 0,"INITIAL"\r\n' for number in range(6))
        await typed(uart, "AT+QISTATE", f"0\r5\r\n{idle}0\r")
        await typed(uart, "ATV1", OK)
        await typed(uart, "AT+QIDNSIP=0", OK)
        await typed(uart, f'AT+QIOPEN=0,"TCP","127.0.0.1","{one.port}"', OK + "\r\n0, CONNECT OK\r\n")
        await one.arrived.wait()
        await typed(uart, "AT+QISRVC=1", OK)
        await typed(uart, "AT+QISEND=0,5", "\r\n> ")
        uart.write(b"hello")
        await uart.expect(b"\r\nSEND OK\r\n")
        one.writer.write(b"world")
        await uart.expect(b"\r\n+RECEIVE: 0, 5\r\nworld")
        await typed(uart, "AT+QICLOSE=0", "\r\n0, CLOSE OK\r\n")
        await typed(uart, "AT+QIDEACT", "\r\nDEACT OK\r\n")


async def test_m95_takes_what_comes_within_30_ms_for_one_answer() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(behaviour=Behaviour(result_time=0.05), clock=clock)) as lab, peer() as one:
        uart = lab.plain
        await uart.ask("AT+CFUN=1,1")
        for line in (b"RDY", b"+CFUN: 1", b"+CPIN: READY", b"Call Ready"):
            await uart.quiet()
            await clock.turn(0.06)
            await uart.expect(b"\r\n" + line + b"\r\n")
        for command in ("AT+QIDNSIP=0", "AT+QINDI=2", "AT+QISDE=0", "AT+QINDRI=0", "AT+CMGF=1"):
            await uart.ask(command)
        for command in ("AT+QREFUSECS=1,1", "AT+QIURC=0", 'AT+QEXTUNSOL="SQ",0', 'AT+QEXTUNSOL="CN",0'):
            await uart.ask(command)
        await uart.ask("AT+QNSTATUS", "\r\n+QNSTATUS: 0\r\n" + OK)
        await uart.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}')
        await uart.quiet()
        await clock.turn(0.06)
        await uart.expect(b"\r\nCONNECT OK\r\n")
        await one.arrived.wait()
        await uart.ask("AT+QISEND=4", "\r\n> ")
        uart.write(b"ping")
        await uart.expect(b"\r\nSEND OK\r\n")
        one.writer.write(b"pong")
        await uart.quiet()
        await clock.turn(0.06)
        await uart.expect(b"\r\n+QIRDI: 0,1,0,1,4,4\r\n")
        await uart.ask("AT+QIRD=0,1,0,1024", f"\r\n+QIRD: 127.0.0.1:{one.port},TCP,4\r\npong\r\nOK\r\n")
        await uart.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")


async def test_m66_asks_how_far_the_sim_is_and_who_provides_it() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = lab.plain
        await uart.ask("ATE0")
        for command, answer in (
            ("AT+QINISTAT", "\r\n+QINISTAT: 3\r\n" + OK),
            ("AT+QSPN?", '\r\n+QSPN: "CHINA MOBILE",0\r\n' + OK),
            ("AT+COLP=1", OK),
            ("AT+QCOLP=1", OK),
            ('AT+QEXTUNSOL="UR",1', OK),
            ('AT+QEXTUNSOL="UR",2', '\r\n+QEXTUNSOL: "UR",1\r\n' + OK),
            ('AT+QEXTUNSOL="CC",2', '\r\n+QEXTUNSOL: "CC",0\r\n' + OK),
            ("AT+QREFUSECS=0,1;+QREFUSECS?", "\r\n+QREFUSECS: 0,1\r\n" + OK),
        ):
            await typed(uart, command, answer)


async def test_m95_asks_for_everything_on_one_line_and_there_are_no_messages_and_no_calls() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = lab.plain
        await uart.ask("ATE0;+CMEE=1;+CREG=0;+CGREG=0;+CMGF=1")
        everything = "\r\n+CSQ: 28,0\r\n\r\n+CREG: 0,1\r\n\r\n+CBC: 0,95,4085\r\n" + OK + "\r\nSTATE: IP INITIAL\r\n"
        await uart.ask("AT+CMGR=1;+CSQ;+CREG?;+CBC;+CMGD=1,4;+CLCC;+QISTAT", everything, echo=False)


async def test_settings_for_messages_are_kept_until_a_restart() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = lab.plain
        await uart.ask("AT+CNMI=2,2")
        await uart.ask("AT+CNMI?", "\r\n+CNMI: 2,2,0,0,0\r\n" + OK)
        await uart.ask('AT+CPMS="ME"', "\r\n+CPMS: 0,50,0,50,0,50\r\n" + OK)
        await uart.ask("AT+CPMS?", '\r\n+CPMS: "ME",0,50,"SM",0,50,"SM",0,50\r\n' + OK)
        await uart.ask('AT+CSCA="+49",145')
        await uart.ask("AT+CSCA?", '\r\n+CSCA: "+49",145\r\n' + OK)
        await uart.ask("AT+CMGF=1")
        await uart.ask('AT+CMGL="REC UNREAD"')
        await uart.ask("AT+CMGL=4", ERROR)
        await uart.ask("AT+CNMI=2,1,0,0,0,0", ERROR)
        await uart.ask("AT+CFUN=1,1")
        await uart.expect(b"\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n\r\nCall Ready\r\n")
        await uart.ask("AT+CNMI?", "\r\n+CNMI: 2,1,0,0,0\r\n" + OK)


async def test_m66_is_told_that_there_is_no_sim() -> None:
    async with Lab(EmulatedModule(faults="sim=missing")) as lab:
        await lab.plain.ask("AT+QINISTAT", "\r\n+QINISTAT: 0\r\n" + OK)
        await lab.plain.ask("AT+QSPN?", "\r\n+CME ERROR: 10\r\n")


@pytest.mark.parametrize("dlci", [0, 1])
async def test_m10_ends_lines_with_two_carriage_returns_and_goes_transparent(dlci: int) -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        if dlci:
            await lab.multiplex()
        uart = await lab.open(dlci) if dlci else lab.plain
        commands = ["+CGATT=1", "+QIFGCNT=0", '+QICSGP=1,"CMNET","",""', "+QIMUX=0", "+QIMODE=1", "+QIDNSIP=1"]
        for command in [*commands, "+QIREGAPP", "+QIACT"]:
            uart.write(f"AT{command}\r\r\n".encode())
            await uart.expect(f"AT{command}\r".encode() + OK.encode() + b"\r")
        opening = f'AT+QIOPEN="TCP","127.0.0.1",{one.port}\r'.encode()
        uart.write(opening + b"\r\n")
        await uart.expect(opening + OK.encode() + b"\r\r\nCONNECT\r\n")
        await one.arrived.wait()
        uart.write(TEXT)
        assert await one.reader.readexactly(len(TEXT)) == TEXT
        one.writer.write(TEXT)
        await uart.expect(TEXT)
        one.writer.close()
        await uart.expect(b"\r\nCLOSED\r\n")
