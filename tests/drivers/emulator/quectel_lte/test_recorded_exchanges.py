"""What logs, captures and clients of LTE modules have, typed in tests/transcripts/lte, played against a BG96."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulator_player import transcript_player
from emulator_transcripts import TRANSCRIPTS

LTE = TRANSCRIPTS / "lte"


async def exchange(name: str, *, echo: bool = False) -> None:
    async with transcript_player(model="bg96") as player:
        if not echo:
            await player.lab.plain.ask("ATE0")
        await player.play(LTE / f"{name}.txt")


@pytest.mark.requirement("L1.2")
async def test_the_echo_ends_with_ate0_and_ate0_itself_comes_back() -> None:
    await exchange("echo", echo=True)


@pytest.mark.requirement("L1.5", "L1.9", "L2.6")
async def test_single_commands_as_they_were_captured() -> None:
    await exchange("single-commands")


@pytest.mark.requirement("L1.1", "L2.1", "L2.2", "L2.4", "L2.5")
async def test_a_context_from_never_set_to_active() -> None:
    await exchange("context")


@pytest.mark.requirement("L4.2", "L4.6")
async def test_a_session_from_the_first_command_to_the_last() -> None:
    """What the driver says is typed in the same file, and played with the driver for itself."""
    await exchange("session")


@pytest.mark.requirement("L5.5", "L6.2")
async def test_closing_what_is_not_open_is_ok_and_reading_it_an_error() -> None:
    await exchange("not-open")


@pytest.mark.requirement("L3.1", "L5.1", "L5.2", "L5.3", "L5.4")
async def test_five_octets_are_read_and_counted() -> None:
    await exchange("read")


@pytest.mark.requirement("L3.4", "L4.5", "L5.8", "L6.1")
async def test_a_peer_closes_and_its_number_stays_taken() -> None:
    await exchange("state")


@pytest.mark.requirement("L3.7", "L7.1")
async def test_a_listener_wants_a_port_of_its_own() -> None:
    await exchange("listener")


@pytest.mark.requirement("L10.1")
async def test_a_name_has_three_addresses() -> None:
    await exchange("names")


@pytest.mark.requirement("L9.4", "L9.5", "L9.6")
async def test_the_octets_of_a_multiplexer_that_begins() -> None:
    await exchange("multiplexer")


@pytest.mark.requirement("L1.3", "L2.9", "L4.1")
async def test_what_tinygsm_says_and_compares() -> None:
    await exchange("client-tinygsm")


@pytest.mark.requirement("L4.7", "L5.7")
async def test_what_hologram_says_and_compares() -> None:
    await exchange("client-hologram")


@pytest.mark.requirement("L4.6")
async def test_what_esp_modem_says_and_compares() -> None:
    await exchange("client-esp-modem")


@pytest.mark.requirement("L9.6")
async def test_what_device_os_says_and_compares() -> None:
    await exchange("client-device-os")


@pytest.mark.requirement("L5.7", "L10.1")
async def test_what_at_device_says_and_compares() -> None:
    await exchange("client-at-device")


@pytest.mark.requirement("L1.4")
async def test_what_ofono_says_and_compares() -> None:
    await exchange("client-ofono")


def test_every_file_is_played() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [path.stem for path in sorted(LTE.glob("*.txt")) if f'"{path.stem}"' not in text] == []
