"""AT+QISEND in all its forms, and AT+QISENDEX."""

from __future__ import annotations

import asyncio

import pytest
from emulator_host import Turning, settle
from lte_module import ERROR, OK, connected, lab, send

GET_ERROR = "\r\n+QIGETERROR: {}\r\n\r\nOK\r\n"

HOSTILE = [
    bytes(range(256)),
    b"\r\nOK\r\n",
    b'\r\n+QIURC: "closed",0\r\n',
    b"\x1a",
    b"\x1b",
    b"\x00",
    b"> ",
    b"\r\nNO CARRIER\r\n",
    b"+++",
    b"\r",
    b"\nAT\r",
]


@pytest.mark.requirement("L4.1", "L4.2", "L4.10")
async def test_a_length_brings_a_prompt_and_exactly_that_many_octets_are_sent_whatever_they_are() -> None:
    async with lab() as one, connected(one.plain) as far:
        for data in HOSTILE:
            await one.plain.ask(f"AT+QISEND=0,{len(data)}", "\r\n> ")
            await one.plain.quiet()
            for at in range(len(data)):
                one.plain.write(data[at : at + 1])
            await one.plain.expect(data + b"\r\nSEND OK\r\n")
            assert await far.reader.readexactly(len(data)) == data
        await one.plain.ask("AT")


@pytest.mark.requirement("L4.10")
@pytest.mark.parametrize(("ate", "qisde"), [(0, 1), (1, 0), (0, 0)])
async def test_data_is_echoed_only_with_ate1_and_qisde_1(ate: int, qisde: int) -> None:
    async with lab() as one, connected(one.plain):
        await one.plain.ask("AT+QISDE?", "\r\n+QISDE: 1\r\n\r\nOK\r\n")
        await one.plain.ask(f"AT+QISDE={qisde};E{ate}")
        await one.plain.ask("AT+QISDE?", f"\r\n+QISDE: {qisde}\r\n\r\nOK\r\n", echo=bool(ate))
        await send(one.plain, 0, b"x", echo=False) if not ate else None
        if ate:
            await one.plain.ask("AT+QISEND=0,1", "\r\n> ")
            one.plain.write(b"x")
            await one.plain.expect(b"\r\nSEND OK\r\n")


@pytest.mark.requirement("L4.3")
async def test_1460_octets_are_the_most() -> None:
    async with lab() as one, connected(one.plain) as far:
        data = bytes(1460)
        await send(one.plain, 0, data)
        assert await far.reader.readexactly(1460) == data
        for command in ("AT+QISEND=0,1461", "AT+QISEND=0,-1", "AT+QISEND=0,x", "AT+QISEND=12", "AT+QISEND=0,1,1"):
            await one.plain.ask(command, ERROR)
            await one.plain.ask("AT+QIGETERROR", GET_ERROR.format("552,invalid parameters"))


@pytest.mark.requirement("L4.4")
async def test_without_a_length_ctrl_z_sends_and_esc_cancels() -> None:
    async with lab() as one, connected(one.plain) as far:
        await one.plain.ask("AT+QISEND=0", "\r\n> ")
        one.plain.write(b"one\r\ntwo\x1a")
        await one.plain.expect(b"one\r\ntwo\r\nSEND OK\r\n")
        assert await far.reader.readexactly(8) == b"one\r\ntwo"
        await one.plain.ask("AT+QISEND=0", "\r\n> ")
        one.plain.write(b"three\x1b")
        await one.plain.expect(b"three\r\nERROR\r\n")
        await one.plain.ask("AT+QIGETERROR", GET_ERROR.format("571,cancel send"))
        await one.plain.ask("AT+QISEND=0,0", "\r\n+QISEND: 8,8,0\r\n\r\nOK\r\n")


@pytest.mark.parametrize(
    ("answer", "shown"), [("OK", OK), ("SEND FAIL", "\r\nSEND FAIL\r\n"), ("ERROR", ERROR), ("none", "")]
)
async def test_other_readings_of_esc(answer: str, shown: str) -> None:
    async with lab(f"esc_answer={answer}") as one, connected(one.plain):
        await one.plain.ask("AT+QISEND=0", "\r\n> ")
        one.plain.write(b"\x1b")
        await one.plain.expect(shown.encode())
        await one.plain.ask("AT")


async def test_the_reading_in_which_esc_ends_a_fixed_length_too() -> None:
    async with lab("esc_cancels_fixed=on") as one, connected(one.plain):
        await one.plain.ask("AT+QISEND=0,5", "\r\n> ")
        one.plain.write(b"ab\x1b")
        await one.plain.expect(b"ab\r\nERROR\r\n")


@pytest.mark.requirement("L4.5", "L4.8")
@pytest.mark.parametrize("values", ["1", "1,1", '0,1,"127.0.0.1",7', "0,", "x", '5,1,"127.0.0.1",7'])
async def test_there_is_no_prompt_where_nothing_can_be_sent(values: str) -> None:
    async with lab() as one, connected(one.plain):
        await one.plain.ask(f"AT+QISEND={values}", ERROR)
        await one.plain.quiet()


@pytest.mark.requirement("L4.6")
async def test_a_length_of_0_asks_what_was_sent_and_acknowledged_since_opening() -> None:
    async with lab() as one, connected(one.plain) as far:
        await one.plain.ask("AT+QISEND=0,0", "\r\n+QISEND: 0,0,0\r\n\r\nOK\r\n")
        for total in (3, 6, 9):
            await send(one.plain, 0, b"abc")
            await far.reader.readexactly(3)
            await one.plain.ask("AT+QISEND=0,0", f"\r\n+QISEND: {total},{total},0\r\n\r\nOK\r\n")
        one.module.trigger("silence")
        await send(one.plain, 0, b"abc")
        await one.plain.ask("AT+QISEND=0,0", "\r\n+QISEND: 12,9,3\r\n\r\nOK\r\n")
        one.module.trigger("sound")
        assert await far.reader.readexactly(3) == b"abc"
        await one.plain.ask("AT+QISEND=0,0", "\r\n+QISEND: 12,12,0\r\n\r\nOK\r\n")


@pytest.mark.requirement("L4.7")
async def test_qisendex_sends_what_its_hexadecimal_text_stands_for() -> None:
    async with lab() as one, connected(one.plain) as far:
        await one.plain.ask('AT+QISENDEX=0,"3132"', "\r\nSEND OK\r\n")
        assert await far.reader.readexactly(2) == b"12"
        # A line of more than 256 characters: the most that AT+QISENDEX takes does fit.
        text = bytes(range(256)).hex()
        await one.plain.ask(f'AT+QISENDEX=0,"{text}"', "\r\nSEND OK\r\n")
        assert await far.reader.readexactly(256) == bytes(range(256))
        for values in ('0,"313"', '0,"3g"', '0,""', "0", '0,"31",1', '1,"31"', f'0,"{text}31"'):
            await one.plain.ask(f"AT+QISENDEX={values}", ERROR)


async def test_the_reading_in_which_qisendex_takes_510_characters() -> None:
    async with lab("sendex_max=510") as one, connected(one.plain) as far:
        await one.plain.ask(f'AT+QISENDEX=0,"{"31" * 256}"', "\r\n+CME ERROR: 50\r\n")
        await one.plain.ask(f'AT+QISENDEX=0,"{"31" * 255}"', "\r\nSEND OK\r\n")
        assert await far.reader.readexactly(255) == b"1" * 255


@pytest.mark.requirement("L4.9")
async def test_a_ctrl_z_behind_a_fixed_length_is_swallowed() -> None:
    async with lab() as one, connected(one.plain) as far:
        await one.plain.ask("AT+QISEND=0,3", "\r\n> ")
        one.plain.write(b"abc\x1a")
        await one.plain.expect(b"abc\r\nSEND OK\r\n")
        await one.plain.ask("AT+QISEND=0,2", "\r\n> ")
        one.plain.write(b"de\x1aAT\r")
        await one.plain.expect(b"de\r\nSEND OK\r\nAT\r\r\nOK\r\n")
        assert await far.reader.readexactly(5) == b"abcde"


async def test_a_full_buffer_says_send_fail_and_takes_the_same_data_later() -> None:
    clock = Turning()
    async with lab("send_timeout=10", clock=clock) as one, connected(one.plain) as far:
        one.module.trigger("silence")
        data = bytes(1460)
        await one.plain.ask("ATE0")
        for _ in range(12):  # 16384 octets are taken while nothing is acknowledged
            await send(one.plain, 0, data, echo=False)
        await one.plain.ask("AT+QISEND=0,1460", "\r\n> ", echo=False)
        one.plain.write(data)
        await clock.turn(9.9)
        await one.plain.quiet()
        await clock.turn(0.2)
        await one.plain.expect(b"\r\nSEND FAIL\r\n")
        await one.plain.ask("AT+QIGETERROR", GET_ERROR.format("558,socket write failed"), echo=False)
        one.module.trigger("sound")
        await send(one.plain, 0, data, echo=False)
        assert await far.reader.readexactly(13 * 1460) == bytes(13 * 1460)


@pytest.mark.parametrize(("reading", "answer"), [("ERROR", ERROR), ("SEND FAIL", "\r\nSEND FAIL\r\n")])
async def test_a_connection_lost_at_the_prompt_takes_the_octets_then_says_so(reading: str, answer: str) -> None:
    async with lab(f"send_lost={reading}") as one, connected(one.plain) as far:
        await one.plain.ask("AT+QISEND=0,4", "\r\n> ")
        one.plain.write(b"ab")
        await one.plain.expect(b"ab")
        far.writer.close()
        await one.plain.quiet()
        one.plain.write(b"cd")
        await one.plain.expect(f'cd{answer}\r\n+QIURC: "closed",0\r\n'.encode())


@pytest.mark.requirement("L2.11")
async def test_a_context_lost_at_the_prompt_is_told_behind_the_error() -> None:
    async with lab() as one, connected(one.plain):
        await one.plain.ask("AT+QISEND=0,2", "\r\n> ")
        one.module.trigger("pdp_deact")
        await one.plain.quiet()
        one.plain.write(b"ab")
        await one.plain.expect(b'ab\r\nERROR\r\n\r\n+QIURC: "pdpdeact",1\r\n')
        await one.plain.ask("AT+QIGETERROR", GET_ERROR.format("570,PDP context broken down"))


async def test_lines_at_the_prompt_in_the_reading_that_lets_them_through() -> None:
    async with lab("interleave=on") as one, connected(one.plain) as far:
        await one.plain.ask("AT+QISEND=0,1", "\r\n> ")
        far.writer.write(b"x")
        await one.plain.expect(b'\r\n+QIURC: "recv",0\r\n')
        one.plain.write(b"y")
        await one.plain.expect(b"y\r\nSEND OK\r\n")


async def test_a_prompt_without_a_blank_as_a_bg96_manual_prints_it() -> None:
    async with lab("prompt_blank=off") as one, connected(one.plain):
        await one.plain.ask("AT+QISEND=0,1", "\r\n>")


async def test_a_prompt_is_given_up_after_the_time_of_qicfg() -> None:
    clock = Turning()
    async with lab(model="ec25", clock=clock) as one, connected(one.plain) as far:
        await one.plain.ask('AT+QICFG="qisend/timeout",5')
        await one.plain.ask("AT+QISEND=0,3", "\r\n> ")
        one.plain.write(b"ab")
        await one.plain.expect(b"ab")
        await clock.turn(4.9)
        await one.plain.quiet()
        await clock.turn(0.2)
        await one.plain.expect(b"\r\nSEND FAIL\r\n")
        await one.plain.ask("AT")
        await one.plain.ask("AT+QISEND=0,3", "\r\n> ")
        one.plain.write(b"abc")
        await one.plain.expect(b"abc\r\nSEND OK\r\n")
        await clock.turn(6)
        await one.plain.quiet()
        assert await far.reader.readexactly(3) == b"abc"


async def test_hexadecimal_text_at_the_prompt_and_in_what_is_read() -> None:
    async with lab() as one, connected(one.plain) as far:
        await one.plain.ask('AT+QICFG="dataformat",1,1')
        await one.plain.ask("AT+QISEND=0,6", "\r\n> ")
        one.plain.write(b"31320a")
        await one.plain.expect(b"31320a\r\nSEND OK\r\n")
        assert await far.reader.readexactly(3) == b"12\n"
        await one.plain.ask("AT+QISEND=0,3", "\r\n> ")
        one.plain.write(b"31x")
        await one.plain.expect(b"31x\r\nERROR\r\n")
        far.writer.write(b"ab\xff")
        await one.plain.expect(b'\r\n+QIURC: "recv",0\r\n')
        await one.plain.ask("AT+QIRD=0", "\r\n+QIRD: 3\r\n6162FF\r\n\r\nOK\r\n")


async def test_a_hurried_host_that_types_ahead_loses_nothing() -> None:
    async with lab() as one, connected(one.plain) as far:
        one.plain.write(b"ATE0\rAT+QISEND=0,3\rabcAT+QISEND=0,0\rAT+QISEND=0,2\rdeAT\r")
        await one.plain.expect(b"ATE0\r\r\nOK\r\n\r\n> \r\nSEND OK\r\n\r\n+QISEND: 3,")
        await one.plain.until(b"\r\nOK\r\n")
        await one.plain.expect(b"\r\n> \r\nSEND OK\r\n\r\nOK\r\n")
        assert await far.reader.readexactly(5) == b"abcde"
        await settle()
        await asyncio.sleep(0)
