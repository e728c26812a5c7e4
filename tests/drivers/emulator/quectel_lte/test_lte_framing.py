"""The octets around commands and answers: echo, line ends, blanks, the last error."""

from __future__ import annotations

import pytest
from emulator_host import Lab
from lte_module import ERROR, OK, bg96, lab


@pytest.mark.requirement("L1.1", "L1.2", "L1.3", "L1.4", "L1.5", "L2.4")
@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (b"AT\r", b"AT\r\r\nOK\r\n"),
        (b"AT\r\n", b"AT\r\r\nOK\r\n"),
        (b"ATE0\r", b"ATE0\r\r\nOK\r\n"),
        (b"AT; &C0; +CMEE=1\r", b"AT; &C0; +CMEE=1\r\r\nOK\r\n"),
        (b"AT+NONEXISTENT\r", b"AT+NONEXISTENT\r\r\nERROR\r\n"),
        (b"AT+CMEE=2;+NONEXISTENT\r", b"AT+CMEE=2;+NONEXISTENT\r\r\nERROR\r\n"),
        (b"AT+QIACT?\r", b"AT+QIACT?\r\r\nOK\r\n"),
        (b"AT+QICSGP=1\r", b'AT+QICSGP=1\r\r\n+QICSGP: 1,"","","",0\r\n\r\nOK\r\n'),
        (b"AT+QIACT=?\r", b"AT+QIACT=?\r\r\n+QIACT: (1-16)\r\n\r\nOK\r\n"),
    ],
)
async def test_a_command_its_echo_and_its_answer(typed: bytes, answer: bytes) -> None:
    async with Lab(bg96()) as one:
        one.plain.write(typed)
        await one.plain.expect(answer)
        await one.plain.quiet()


@pytest.mark.requirement("L1.2", "L1.3")
async def test_with_ate0_nothing_comes_back_and_lf_behind_cr_stays_without_effect() -> None:
    async with Lab(bg96()) as one:
        await one.plain.ask("ATE0")
        one.plain.write(b"AT\r\nAT+QIACT?\r\n")
        await one.plain.expect(b"\r\nOK\r\n\r\nOK\r\n")
        await one.plain.quiet()


async def test_the_reading_in_which_commands_of_the_stack_fail_with_cme_errors_as_at_cmee_says() -> None:
    async with lab("qi_errors=CME") as one:
        for command, code in (("AT+QIACT=1", 561), ("AT+QIACT=17", 552), ("AT+QIRD", 552), ("AT+QISEND=0,1", 552)):
            await one.plain.ask(command, f"\r\n+CME ERROR: {code}\r\n")
        await one.plain.ask("AT+NONEXISTENT", ERROR)
        await one.plain.ask("AT+CMEE=0")
        await one.plain.ask("AT+QIACT=1", ERROR)


@pytest.mark.requirement("L1.1")
async def test_several_lines_have_one_line_end_between_them() -> None:
    async with lab() as one:
        await one.plain.ask("AT+QIACT=3")
        one.plain.write(b"AT+QIACT?\r")
        text = (await one.plain.until(b"\r\nOK\r\n")).decode()
        first, second = text.split("\r\n")[1:3]
        assert text == f"AT+QIACT?\r\r\n{first}\r\n{second}\r\n\r\nOK\r\n"
        assert first.startswith('+QIACT: 1,1,1,"127.10.')
        assert second.startswith('+QIACT: 3,1,1,"127.10.')
        assert first.split('"')[1] != second.split('"')[1]


@pytest.mark.requirement("L1.9", "L3.3")
@pytest.mark.parametrize(
    ("readings", "command", "error"),
    [
        ((), "AT+QIDEACT=9", "0,operate successfully"),
        ((), 'AT+QIOPEN=1,"TCP","127.0.0.1",7', "552,invalid parameters"),
        (("qigeterror_blank=on",), "AT+QIACT=17", "552, invalid parameters"),
        ((), "AT+QIACT=1", "561,open PDP context failed"),
        ((), "AT+QIRD", "552,invalid parameters"),
    ],
)
async def test_the_last_error_has_no_blank_behind_its_comma(
    readings: tuple[str, ...], command: str, error: str
) -> None:
    async with lab(*readings) as one:
        await one.plain.ask(command, OK if error.startswith("0") else ERROR)
        await one.plain.ask("AT+QIGETERROR", f"\r\n+QIGETERROR: {error}\r\n\r\nOK\r\n")
        await one.plain.ask("AT+QIGETERROR", f"\r\n+QIGETERROR: {error}\r\n\r\nOK\r\n")
