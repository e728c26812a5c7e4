"""What the module says in AT mode, octet by octet."""

from __future__ import annotations

import pytest
from emulator_host import Lab, Turning

from drivers.emulator import Behaviour, EmulatedModule

BOOT = "\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n\r\nCall Ready\r\n"
ANSWERS = [
    ("AT", "\r\nOK\r\n"),
    ("at", "\r\nOK\r\n"),
    ("AT+QIFGCNT=0", "\r\nOK\r\n"),
    ("at+qifgcnt=1", "\r\nOK\r\n"),
    ("AT+QIFGCNT=2", "\r\nERROR\r\n"),
    ("AT+QIFGCNT=", "\r\nERROR\r\n"),
    ("AT+QIFGCNT=0,1", "\r\nERROR\r\n"),
    ("AT+QIFGCNT=?", "\r\n+QIFGCNT: (0,1)\r\n\r\nOK\r\n"),
    ("AT+QIFGCNT?", "\r\n+QIFGCNT: 0,255\r\n\r\nOK\r\n"),
    ("AT+QIMUX?", "\r\n+QIMUX: 0\r\n\r\nOK\r\n"),
    ("AT+QIMUX=?", "\r\n+QIMUX: (0,1)\r\n\r\nOK\r\n"),
    ("AT+QIMODE?", "\r\n+QIMODE: 0\r\n\r\nOK\r\n"),
    ("AT+QIMODE=?", "\r\n+QIMODE: (0-NORMAL MODE,1-TRANSPARENT MODE)\r\n\r\nOK\r\n"),
    ("AT+QIDNSIP?", "\r\n+QIDNSIP: 0\r\n\r\nOK\r\n"),
    ("AT+QISRVC?", "\r\n+QISRVC: 1\r\n\r\nOK\r\n"),
    ("AT+QISRVC=?", "\r\n+QISRVC: (1,2)\r\n\r\nOK\r\n"),
    ("AT+QISRVC=3", "\r\nERROR\r\n"),
    ("AT+QICSGP?", "\r\n+QICSGP: 1\r\n\r\nOK\r\n"),
    (
        "AT+QICSGP=?",
        "\r\n+QICSGP: 0-CSD,DIAL NUMBER,USER NAME,PASSWORD,RATE(0-3)\r\n"
        "+QICSGP: 1-GPRS,APN,USER NAME,PASSWORD\r\n\r\nOK\r\n",
    ),
    ('AT+QICSGP=1, "CMNET"', "\r\nOK\r\n"),
    ('AT+QICSGP=1,"CMNET","user","secret"', "\r\nOK\r\n"),
    ('AT+QICSGP=0,"17201","172","172"', "\r\nOK\r\n"),
    ('AT+QICSGP=0,"17201","172","172",4', "\r\nERROR\r\n"),
    ("AT+QICSGP=1", "\r\nERROR\r\n"),
    ('AT+QICSGP=1,"CMNET', "\r\nERROR\r\n"),
    ("AT+QITCFG=3,2,512,1", "\r\nOK\r\n"),
    ("AT+QITCFG?", "\r\n+QITCFG: 3,2,1024,1\r\n\r\nOK\r\n"),
    ("AT+QITCFG=3,2,1461,1", "\r\nERROR\r\n"),
    ("AT+QIAUTOS?", "\r\n+QIAUTOS: 0,0\r\n\r\nOK\r\n"),
    ("AT+QIAUTOS=1,5", "\r\nOK\r\n"),
    ("AT+QIAUTOS=1", "\r\nERROR\r\n"),
    ("AT+QIAUTOS=0,5", "\r\nERROR\r\n"),
    ("AT+QILPORT?", "\r\nTCP: 2020\r\nUDP: 2020\r\n\r\nOK\r\n"),
    ('AT+QILPORT="TCP",8000', "\r\nOK\r\n"),
    ('AT+QILPORT="SCTP",8000', "\r\nERROR\r\n"),
    ("AT+QIREGAPP?", "\r\n+QIREGAPP: CMNET,,\r\n\r\nOK\r\n"),
    ("AT+QIREGAPP=?", '\r\n+QIREGAPP: "APN","USER","PWD"\r\n\r\nOK\r\n'),
    ("AT+QISERVER?", "\r\n+QISERVER: 0, 0\r\n\r\nOK\r\n"),
    ("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: IP INITIAL\r\n"),
    ("AT+QISTATE", "\r\nOK\r\n\r\nSTATE: IP INITIAL\r\n"),
    ("AT+QISSTAT", "\r\nOK\r\n\r\nS: INITIAL\r\n"),
    ("AT+QILOCIP", "\r\nERROR\r\n"),
    ("AT+QISEND", "\r\nERROR\r\n"),
    ("AT+QISEND=10", "\r\nERROR\r\n"),
    ("AT+QICLOSE", "\r\nERROR\r\n"),
    ("AT+QISACK", "\r\nERROR\r\n"),
    ("AT+QIDEACT", "\r\nDEACT OK\r\n"),
    ("AT+QIOPEN=?", None),
    ("AT+QISEND=?", "\r\n+QISEND: (1-1460)\r\n\r\nOK\r\n"),
    ('AT+QIOPEN="TCP","www.quectel.com",80', "\r\nERROR\r\n"),
    ('AT+QIOPEN="TCP","127.0.0.1",0', "\r\nERROR\r\n"),
    ('AT+QIOPEN="TCP","127.0.0.1"', "\r\nERROR\r\n"),
    ('AT+QIOPEN=0,"TCP","127.0.0.1",80', "\r\nERROR\r\n"),
    ("ATI", "\r\nQuectel_Ltd\r\nQuectel_M10\r\nRevision:M10R04A02M32_SST\r\n\r\nOK\r\n"),
    ("AT+CGMM", "\r\nQuectel_M10\r\n\r\nOK\r\n"),
    ("AT+GSN", "\r\n861001001234560\r\n\r\nOK\r\n"),
    ("AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n"),
    ("AT+CSQ", "\r\n+CSQ: 28,0\r\n\r\nOK\r\n"),
    ("AT+CREG?", "\r\n+CREG: 0,1\r\n\r\nOK\r\n"),
    ("AT+CGREG?", "\r\n+CGREG: 0,1\r\n\r\nOK\r\n"),
    ("AT+CREG?;+CGREG?", "\r\n+CREG: 0,1\r\n\r\n+CGREG: 0,1\r\n\r\nOK\r\n"),
    ("AT+CREG=2;+CREG?", '\r\n+CREG: 2,1,"1806","2F1E"\r\n\r\nOK\r\n'),
    ("AT+QIMUX=9;+CREG?", "\r\nERROR\r\n"),
    ("AT+QIFGCNT=1;+QIFGCNT?", "\r\n+QIFGCNT: 1,0\r\n\r\nOK\r\n"),
    ("AT+CGATT?", "\r\n+CGATT: 1\r\n\r\nOK\r\n"),
    ("AT+COPS?", '\r\n+COPS: 0,0,"CHINA MOBILE"\r\n\r\nOK\r\n'),
    ("AT+CFUN?", "\r\n+CFUN: 1\r\n\r\nOK\r\n"),
    ("AT+CFUN=0", "\r\nOK\r\n"),
    ("AT+CFUN=2", "\r\nERROR\r\n"),
    ("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n"),
    ("AT+IPR?", "\r\n+IPR: 0\r\n\r\nOK\r\n"),
    ("AT+IPR=115200", "\r\nOK\r\n"),
    ("AT+IPR=12345", "\r\nERROR\r\n"),
    ("AT+IFC?", "\r\n+IFC: 0,0\r\n\r\nOK\r\n"),
    ("AT+IFC=2,2", "\r\nOK\r\n"),
    ("ATS0=3S0?", "\r\n003\r\n\r\nOK\r\n"),
    ("ATE1V1Q0X4&C1&D2", "\r\nOK\r\n"),
    ("ATE2", "\r\nERROR\r\n"),
    ("ATZ", "\r\nOK\r\n"),
    ("AT&F", "\r\nOK\r\n"),
    ("ATO", "\r\nNO CARRIER\r\n"),
    ("AT+NOSUCH", "\r\nERROR\r\n"),
    ("AT+NOSUCH=1,2", "\r\nERROR\r\n"),
    ("AT%", "\r\nERROR\r\n"),
    ("AT+", "\r\nERROR\r\n"),
    ("AT+CMUX?", "\r\n+CMUX:-1,0,5,127,10,3,30,10,2\r\n\r\nOK\r\n"),
    ("AT+CMUX=2", "\r\n+CME ERROR: 4\r\n"),
    ("AT+CMUX=0,1", "\r\n+CME ERROR: 3\r\n"),
    ("AT+CMUX=0,0,5,5", "\r\n+CME ERROR: 3\r\n"),
    (
        "AT+CMUX=?",
        "\r\n+CMUX: (0-1),(0),(1-5),(10-128),(1-255),(0-100),(2-255),(1-255),(1-7)\r\n\r\nOK\r\n",
    ),
]


@pytest.mark.requirement("S3.2", "S3.5", "S3.6", "S3.7", "S3.8", "S3.14")
@pytest.mark.parametrize(("command", "answer"), ANSWERS, ids=[command for command, _ in ANSWERS])
async def test_a_fresh_module_answers(command: str, answer: str | None) -> None:
    async with Lab(EmulatedModule()) as lab:
        if answer is None:
            lab.plain.write(command.encode() + b"\r")
            assert (await lab.plain.until(b"\r\nOK\r\n")).startswith(command.encode() + b"\r\r\n+")
        else:
            await lab.plain.ask(command, answer)
        await lab.plain.quiet()
        assert not lab.host.lost.is_set()


async def test_echo_stops_behind_the_command_that_turns_it_off() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await lab.plain.ask("AT", echo=False)
        await lab.plain.ask("ATE1", echo=False)
        await lab.plain.ask("AT")


async def test_with_atv0_results_are_numbers_and_the_state_is_one_too() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0V0", "0\r")
        await lab.plain.ask("AT+QIMUX?", "+QIMUX: 0\r\n0\r", echo=False)
        await lab.plain.ask("AT+NOSUCH", "4\r", echo=False)
        await lab.plain.ask("AT+QISTAT", "0\r0\r\n", echo=False)
        await lab.plain.ask("AT+QIREGAPP", "0\r", echo=False)
        await lab.plain.ask("AT+QISTAT", "0\r1\r\n", echo=False)
        await lab.plain.ask("ATV1", echo=False)


async def test_with_atq1_no_result_is_said() -> None:
    async with Lab(EmulatedModule()) as lab:
        lab.plain.write(b"ATE0Q1\r")
        await lab.plain.expect(b"ATE0Q1\r")
        lab.plain.write(b"AT+QIMUX?\r")
        await lab.plain.expect(b"\r\n+QIMUX: 0\r\n")
        await lab.plain.ask("ATQ0", echo=False)


@pytest.mark.parametrize(
    ("level", "answer"),
    [(0, "\r\nERROR\r\n"), (1, "\r\n+CME ERROR: 4\r\n"), (2, "\r\n+CME ERROR: operation not supported\r\n")],
)
async def test_cmee_decides_how_an_error_looks(level: int, answer: str) -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask(f"AT+CMEE={level}")
        await lab.plain.ask("AT+CMUX=2", answer)


async def test_the_line_feed_behind_a_command_is_no_part_of_anything() -> None:
    async with Lab(EmulatedModule()) as lab:
        lab.plain.write(b"AT\r\nATE0\r\nAT\r\n")
        await lab.plain.expect(b"AT\r\r\nOK\r\nATE0\r\r\nOK\r\n\r\nOK\r\n")
        await lab.plain.quiet()


async def test_junk_and_control_characters_before_at_are_ignored() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        lab.plain.write(b"\x1a\x1b\x00AT\r\nnonsense\r\r\n~~AAT+QIMUX?\r")
        await lab.plain.expect(b"\r\nOK\r\n\r\n+QIMUX: 0\r\n\r\nOK\r\n")
        await lab.plain.quiet()


async def test_a_backspace_takes_back_a_character_but_not_the_at() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        lab.plain.write(b"AT\b\b\b\b+QIMUX=7\b?\b\b?\r")
        await lab.plain.expect(b"\r\n+QIMUX: 0\r\n\r\nOK\r\n")


@pytest.mark.parametrize(("length", "answer"), [(256, "\r\nOK\r\n"), (257, "\r\nERROR\r\n"), (5000, "\r\nERROR\r\n")])
async def test_a_line_of_more_than_256_characters_is_not_executed(length: int, answer: str) -> None:
    async with Lab(EmulatedModule()) as lab:
        command = "ATE0;" + ";" * (length - 5)
        lab.plain.write(command.encode() + b"\r")
        await lab.plain.expect(command.encode() + b"\r" + answer.encode())
        shown = "" if length <= 256 else "AT\r"
        lab.plain.write(b"AT\r")
        await lab.plain.expect(shown.encode() + b"\r\nOK\r\n")


async def test_a_module_on_basic_only_offers_mode_0() -> None:
    async with Lab(EmulatedModule(option="basic", n1=64)) as lab:
        await lab.plain.ask("AT+CMUX=1", "\r\n+CME ERROR: 4\r\n")
        lab.plain.write(b"AT+CMUX=?\r")
        await lab.plain.expect(b"AT+CMUX=?\r\r\n+CMUX: (0),(0),")
        await lab.plain.until(b"OK\r\n")
        await lab.plain.ask("AT+CMUX?", "\r\n+CMUX:-1,0,5,64,10,3,30,10,2\r\n\r\nOK\r\n")


async def test_a_restart_forgets_everything_and_says_so() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("AT+QIMUX=1")
        await lab.plain.ask("AT+QIREGAPP")
        await lab.plain.ask("AT+CFUN=1,1", "\r\nOK\r\n" + BOOT)
        await lab.plain.ask("AT+QIMUX?", "\r\n+QIMUX: 0\r\n\r\nOK\r\n")
        await lab.plain.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: IP INITIAL\r\n")


async def test_who_asks_in_time_after_a_restart_is_told_of_the_registration() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab:
        await lab.plain.ask("AT+CFUN=1,1", "\r\nOK\r\n" + BOOT)
        await lab.plain.ask("AT+CREG=1;+CGREG=2")
        await clock.turn(9.9)
        await lab.plain.quiet()
        await clock.turn(0.2)
        await lab.plain.expect(b'\r\n+CREG: 1\r\n\r\n+CGREG: 1,"1806","2F1E"\r\n')
        await lab.plain.ask("AT+CFUN=0", "\r\nOK\r\n\r\n+CREG: 0\r\n\r\n+CGREG: 0\r\n")
        await lab.plain.ask("AT+CFUN=1,1", "\r\nOK\r\n" + BOOT)
        await clock.turn(60)
        await lab.plain.quiet()


async def test_a_half_typed_command_keeps_unsolicited_lines_back_for_a_second() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock, behaviour=Behaviour(activation_time=3.0))) as lab:
        await lab.plain.ask("AT+QISERVER")
        lab.plain.write(b"AT+QIM")
        await lab.plain.expect(b"AT+QIM")
        await clock.turn(0.5)
        lab.plain.write(b"UX")
        await lab.plain.expect(b"UX")
        await clock.turn(0.9)
        lab.plain.write(b"?")
        await lab.plain.expect(b"?")
        await clock.turn(0.9)
        await lab.plain.quiet()
        await clock.turn(0.9)  # the network has answered, nobody types any more
        await lab.plain.expect(b"\r\nSERVER OK\r\n")
        lab.plain.write(b"\r")
        await lab.plain.expect(b"\r\r\n+QIMUX: 0\r\n\r\nOK\r\n")
