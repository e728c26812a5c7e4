"""The typed transcripts of the app note, played against the module."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulator_host import Lab
from emulator_player import transcript_player
from emulator_transcripts import CHAPTER8, TRANSCRIPTS, play, read

from drivers.emulator import EmulatedModule


async def example(name: str) -> None:
    async with transcript_player() as player:
        await player.lab.plain.ask("ATE0")
        await player.play(TRANSCRIPTS / f"{name}.txt")


@pytest.mark.requirement("S3.1", "S3.2", "S3.3", "S3.4", "S3.5", "S3.6")
async def test_3_1_initialize() -> None:
    await example("chapter3/3.1-initialize")


@pytest.mark.requirement("S3.15", "S3.16", "S3.17", "S3.18")
async def test_3_2_step_by_step() -> None:
    await example("chapter3/3.2-step-by-step")


@pytest.mark.requirement("S2.2", "S3.20")
async def test_3_2_at_once() -> None:
    await example("chapter3/3.2-at-once")


@pytest.mark.requirement("S3.21", "S3.22", "S3.23", "S3.24", "S3.28", "S3.30")
async def test_3_3_transparent() -> None:
    await example("chapter3/3.3-transparent")


@pytest.mark.requirement("S3.31", "S3.32", "S3.33", "S3.34", "S3.36", "S3.44")
async def test_3_4_ctrl_z() -> None:
    await example("chapter3/3.4-ctrl-z")


@pytest.mark.requirement("S3.37", "S3.38")
async def test_3_4_fixed_length() -> None:
    await example("chapter3/3.4-fixed-length")


@pytest.mark.requirement("S3.39", "S3.40", "S3.41", "S3.42", "S3.43")
async def test_3_4_timer() -> None:
    await example("chapter3/3.4-timer")


@pytest.mark.requirement("S3.45", "S3.46", "S3.47", "S3.48", "S3.49")
async def test_3_4_received() -> None:
    await example("chapter3/3.4-received")


@pytest.mark.requirement("S3.50", "S3.51", "S3.52", "S3.53", "S3.54", "S3.55")
async def test_3_5_close() -> None:
    await example("chapter3/3.5-close")


@pytest.mark.requirement("S4.1", "S4.3")
async def test_4_2_step_by_step() -> None:
    await example("chapter4/4.2-step-by-step")


@pytest.mark.requirement("S2.3", "S4.4", "S4.5")
async def test_4_2_at_once() -> None:
    await example("chapter4/4.2-at-once")


@pytest.mark.requirement("S1.3", "S4.6", "S4.7", "S4.12")
async def test_4_3_ctrl_z() -> None:
    await example("chapter4/4.3-ctrl-z")


@pytest.mark.requirement("S4.8")
async def test_4_3_fixed_length() -> None:
    await example("chapter4/4.3-fixed-length")


@pytest.mark.requirement("S4.9", "S4.11")
async def test_4_3_timer() -> None:
    await example("chapter4/4.3-timer")


@pytest.mark.requirement("S4.13", "S4.14")
async def test_4_3_received() -> None:
    await example("chapter4/4.3-received")


@pytest.mark.requirement("S4.15", "S4.16")
async def test_4_4_close() -> None:
    await example("chapter4/4.4-close")


@pytest.mark.requirement("S5.1", "S5.2", "S5.5", "S5.6", "S5.10")
async def test_5_2_step_by_step() -> None:
    await example("chapter5/5.2-step-by-step")


@pytest.mark.requirement("S2.4", "S5.4")
async def test_5_2_at_once() -> None:
    await example("chapter5/5.2-at-once")


@pytest.mark.requirement("S5.3", "S5.8", "S5.9")
async def test_5_2_udp() -> None:
    await example("chapter5/5.2-udp")


@pytest.mark.requirement("S5.7", "S5.11")
async def test_5_3_transparent() -> None:
    await example("chapter5/5.3-transparent")


@pytest.mark.requirement("S5.12", "S5.14")
async def test_5_4_send_receive() -> None:
    await example("chapter5/5.4-send-receive")


@pytest.mark.requirement("S5.15", "S5.16", "S5.17", "S5.18")
async def test_5_5_close() -> None:
    await example("chapter5/5.5-close")


@pytest.mark.requirement("S6.2", "S6.3", "S6.4", "S6.6", "S6.8")
async def test_6_2_step_by_step() -> None:
    await example("chapter6/6.2-step-by-step")


@pytest.mark.requirement("S2.5", "S6.5")
async def test_6_2_at_once() -> None:
    await example("chapter6/6.2-at-once")


@pytest.mark.requirement("S6.7")
async def test_6_2_udp() -> None:
    await example("chapter6/6.2-udp")


@pytest.mark.requirement("S6.9", "S6.11", "S6.12")
async def test_6_3_send_receive() -> None:
    await example("chapter6/6.3-send-receive")


@pytest.mark.requirement("S6.13", "S6.14", "S6.15")
async def test_6_4_close() -> None:
    await example("chapter6/6.4-close")


@pytest.mark.requirement("S2.6", "S7.1", "S7.4", "S7.5", "S7.8", "S7.9")
async def test_7_2_establish() -> None:
    await example("chapter7/7.2-establish")


@pytest.mark.requirement("S7.2", "S7.12", "S7.13", "S7.14", "S7.15")
async def test_7_3_send_receive() -> None:
    await example("chapter7/7.3-send-receive")


@pytest.mark.requirement("S7.10", "S7.11", "S7.16", "S7.17")
async def test_7_4_close() -> None:
    await example("chapter7/7.4-close")


@pytest.mark.requirement("S2.8", "S9.1", "S9.3")
async def test_9_1_open_by_name() -> None:
    await example("chapter9/9.1-open-by-name")


@pytest.mark.requirement("S9.5", "S9.6")
async def test_9_2_step_by_step() -> None:
    await example("chapter9/9.2-step-by-step")


@pytest.mark.requirement("S9.7", "S9.8")
async def test_9_2_at_once() -> None:
    await example("chapter9/9.2-at-once")


@pytest.mark.requirement("S10.3", "S10.4", "S10.5", "S10.6", "S10.7")
async def test_10_1_maintain() -> None:
    await example("chapter10/10.1-maintain")


@pytest.mark.requirement("S10.9", "S10.10", "S10.11", "S10.13")
async def test_10_2_detect() -> None:
    await example("chapter10/10.2-detect")


@pytest.mark.requirement("S10.12")
async def test_10_2_muxip() -> None:
    await example("chapter10/10.2-muxip")


def test_every_file_is_played() -> None:
    files = {path.relative_to(TRANSCRIPTS).with_suffix("").as_posix() for path in TRANSCRIPTS.glob("chapter*/*.txt")}
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in sorted(files) if f'"{name}"' not in text and not name.startswith("chapter8/")] == []


async def play_chapter_8(option: int) -> None:
    pieces = read(CHAPTER8)
    assert len(pieces) > 40
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex(f"AT+CMUX={option}", option)
        uarts = {number: await lab.open(number) for number in (1, 2, 3)}
        for uart in uarts.values():
            await uart.ask("ATE0")
        await play(pieces, uarts)


@pytest.mark.requirement("S8.2", "S8.4", "S8.6", "S8.8", "S8.9", "S8.10")
async def test_chapter_8_in_the_basic_option() -> None:
    await play_chapter_8(0)


@pytest.mark.requirement("S8.11", "S8.12", "S8.13", "S8.16", "S8.17", "S8.18")
async def test_chapter_8_in_the_advanced_option() -> None:
    await play_chapter_8(1)
