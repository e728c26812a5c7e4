"""Figures 1 to 3 of the app note under the behaviours of their names, and what differs with the defaults."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
from emulator_host import settle
from emulator_player import TranscriptPlayer, transcript_player
from emulator_transcripts import TRANSCRIPTS, pieces_of

from drivers.emulator import SETS, Behaviour

FIGURES = TRANSCRIPTS / "figures"


async def play(name: str) -> None:
    async with transcript_player(Behaviour.parse([name])) as player:
        await player.play(FIGURES / f"{name}.txt")


@pytest.mark.requirement("S3.56", "S3.57", "S3.34", "S3.46")
async def test_figure_1() -> None:
    await play("figure1")


@pytest.mark.requirement("S4.17", "S4.18")
async def test_figure_2() -> None:
    await play("figure2")


@pytest.mark.requirement("S9.3", "S9.4")
async def test_figure_3() -> None:
    await play("figure3")


class RecordingPlayer(TranscriptPlayer):
    """Plays the input of a transcript and records the output, whatever it is."""

    async def record(self, path: Path) -> list[str]:
        for who, direction, octets in pieces_of(path):
            if who.startswith("server") or direction == ">":
                await self._step(who, direction, octets)
                await settle()
        return self.lab.plain.received.decode().splitlines()


async def output_of(name: str, behaviour: Behaviour) -> list[str]:
    async with transcript_player(behaviour) as player:
        player.__class__ = RecordingPlayer
        assert isinstance(player, RecordingPlayer)
        return await player.record(FIGURES / f"{name}.txt")


RECEIVED = "RCV FROM:116.226.41.43:7020"
DIFFERENCES = {
    "figure1": ["- "],  # D17: the blank line of ATI
    "figure2": [f"- {RECEIVED}"] * 3,  # D2 and D3: the word, and that the line is there without AT+QISHOWRA=1
    "figure3": ["- ", f"- {RECEIVED}"],  # D2, D3: the address line, and the line end before it
}
"""What a figure shows (-) and the defaults do not (+ where they say something else)."""


@pytest.mark.parametrize("name", SETS)
async def test_the_defaults_differ_from_the_figures_exactly_here(name: str) -> None:
    figure, default = await output_of(name, Behaviour.parse([name])), await output_of(name, Behaviour())
    assert [line for line in difflib.ndiff(figure, default) if line[0] in "+-"] == DIFFERENCES[name]


@pytest.mark.parametrize("name", ["recv_from=RCV FROM", "address_line=on"])
async def test_d2_and_d3_are_two_readings(name: str) -> None:
    with_one = await output_of("figure2", Behaviour.parse([name]))
    wanted = {"recv_from=RCV FROM": [], "address_line=on": ["RECV FROM:116.226.41.43:7020"] * 3}[name]
    assert [line for line in with_one if "FROM" in line] == wanted
