"""AT+QISEND: data at the prompt, by count, until Ctrl-Z, or until a timer expires."""

from __future__ import annotations

import pytest
from emulator_host import Lab, Turning, settle
from emulator_peer import connect, peer

from drivers.emulator import Behaviour, EmulatedModule

NASTY = b"\r\n0, CLOSED\r\n+RECEIVE: 0, 3\r\nIPD5:OK\r\n\x00\x1a\x1b+++ \xff"


@pytest.mark.requirement("S3.31", "S3.37", "S3.38", "S3.45")
async def test_a_fixed_length_is_sent_and_received_unchanged_whatever_the_octets() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await connect(lab.plain, one)
        await lab.plain.ask(f"AT+QISEND={len(NASTY)}", "\r\n> ")
        lab.plain.write(NASTY)
        await lab.plain.expect(NASTY + b"\r\nSEND OK\r\n")
        assert await one.reader.readexactly(len(NASTY)) == NASTY
        one.writer.write(NASTY)
        await lab.plain.expect(NASTY)
        await lab.plain.quiet()


@pytest.mark.requirement("S3.35", "S3.36", "S3.41")
@pytest.mark.parametrize(
    ("typed", "answer", "sent"),
    [
        (b"abc\x1a", b"abc\r\nSEND OK\r\n", b"abc"),
        (b"abc\x1b", b"abc\r\nOK\r\n", b""),
        (b"\x1a", b"\r\nSEND FAIL\r\n", b""),
        (b"x" * 1461 + b"\x1a", b"x" * 1461 + b"\r\nSEND OK\r\n", b"x" * 1460),
    ],
    ids=["Ctrl-Z", "ESC", "nothing", "more than 1460"],
)
async def test_data_until_ctrl_z(typed: bytes, answer: bytes, sent: bytes) -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await connect(lab.plain, one)
        await lab.plain.ask("AT+QISEND", "\r\n> ")
        lab.plain.write(typed)
        await lab.plain.expect(answer)
        await lab.plain.ask("AT+QISACK", f"\r\n+QISACK: {len(sent)}, {len(sent)}, 0\r\n\r\nOK\r\n")
        await lab.plain.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")
        assert await one.reader.read() == sent


@pytest.mark.parametrize("length", [1, 1459, 1460])
async def test_the_longest_length_is_1460(length: int) -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await connect(lab.plain, one)
        await lab.plain.ask("AT+QISEND=1461", "\r\nERROR\r\n")
        await lab.plain.ask("AT+QISEND=0", "\r\nERROR\r\n")
        await lab.plain.ask(f"AT+QISEND={length}", "\r\n> ")
        lab.plain.write(b"y" * length)
        await lab.plain.expect(b"y" * length + b"\r\nSEND OK\r\n")
        assert await one.reader.readexactly(length) == b"y" * length


async def test_the_line_feed_behind_qisend_is_not_data_but_a_line_feed_as_data_is() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await connect(lab.plain, one)
        lab.plain.write(b"AT\r\nAT+QISEND=3\r\n")
        await lab.plain.until(b"\r\n> ")
        lab.plain.write(b"\nab")
        await lab.plain.expect(b"\nab\r\nSEND OK\r\n")
        await lab.plain.ask("AT")
        await lab.plain.ask("AT+QISEND=3", "\r\n> ")
        lab.plain.write(b"\ncd")
        await lab.plain.expect(b"\ncd\r\nSEND OK\r\n")
        assert await one.reader.readexactly(6) == b"\nab\ncd"


@pytest.mark.requirement("S3.39", "S3.40", "S3.41", "S3.42")
async def test_the_timer_of_qiautos_sends_what_was_typed() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, peer() as one:
        await connect(lab.plain, one)
        await lab.plain.ask("AT+QIAUTOS=1,5")
        await lab.plain.ask("AT+QISEND", "\r\n> ")
        lab.plain.write(b"timed\x1a"[:5])
        await lab.plain.expect(b"timed")
        await clock.turn(4.9)
        await lab.plain.quiet()
        await clock.turn(0.2)
        await lab.plain.expect(b"\r\nSEND OK\r\n")
        await lab.plain.ask("AT+QISEND", "\r\n> ")
        await clock.turn(5.1)
        await lab.plain.expect(b"\r\nSEND FAIL\r\n")
        await lab.plain.ask("AT+QISEND", "\r\n> ")
        lab.plain.write(b"early\x1a")
        await lab.plain.expect(b"early\r\nSEND OK\r\n")
        await clock.turn(6)
        await lab.plain.quiet()
        assert await one.reader.readexactly(10) == b"timedearly"


@pytest.mark.requirement("S4.11")
@pytest.mark.parametrize(("esc_answer", "text"), [("OK", "OK"), ("ERROR", "ERROR"), ("SEND FAIL", "SEND FAIL")])
async def test_the_readings_of_esc_with_a_fixed_length(esc_answer: str, text: str) -> None:
    behaviour = Behaviour.parse(["esc_cancels_fixed=on", f"esc_answer={esc_answer}"])
    async with Lab(EmulatedModule(behaviour=behaviour)) as lab, peer() as one:
        await connect(lab.plain, one)
        await lab.plain.ask("AT+QISEND=10", "\r\n> ")
        lab.plain.write(b"ab\x1b")
        await lab.plain.expect(f"ab\r\n{text}\r\n".encode())
        await lab.plain.ask("AT+QISACK", "\r\n+QISACK: 0, 0, 0\r\n\r\nOK\r\n")


async def test_qisde_and_qiprompt_change_what_is_shown_while_sending() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await lab.plain.ask("AT+QIMUX=1")
        await connect(lab.plain, one, 2)
        await lab.plain.ask("AT+QISDE=0")
        for prompt, shown, sent in ((0, b"", b"SEND OK"), (2, b"", b"SEND OK"), (3, b"\r\n> ", b"2, SEND OK")):
            await lab.plain.ask(f"AT+QIPROMPT={prompt}")
            lab.plain.write(b"AT+QISEND=2,1\r")
            await lab.plain.expect(b"AT+QISEND=2,1\r" + shown)
            lab.plain.write(b"z")
            await lab.plain.expect(b"\r\n" + sent + b"\r\n")
        assert await one.reader.readexactly(3) == b"zzz"


async def test_a_session_lost_at_the_prompt_takes_the_data_and_then_says_so() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await connect(lab.plain, one)
        await lab.plain.ask("AT+QISEND=5", "\r\n> ")
        one.writer.write(b"last words")
        one.writer.close()
        await settle()
        await lab.plain.quiet()
        lab.plain.write(b"hello")
        await lab.plain.expect(b"hello\r\nSEND FAIL\r\nlast words\r\nCLOSED\r\n")
        await lab.plain.ask("AT+QISEND=5", "\r\nERROR\r\n")
