"""The words by which things happen to a module: from Python, and as lines of text."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulator_host import Lab

from drivers.emulator import EmulatedModule, Moment
from drivers.emulator.words import WORDS, Word, read


def test_every_moment_is_a_word() -> None:
    assert {moment.value for moment in Moment} <= set(WORDS)


@pytest.mark.parametrize("name", WORDS)
def test_a_word_says_what_it_does_and_what_stands_behind_it(name: str) -> None:
    word = WORDS[name]
    assert name == name.lower()
    assert word.about
    optional = [argument.startswith("[") for argument in word.arguments.split()]
    assert optional == sorted(optional)  # what may be left out comes last
    page = (Path(__file__).parents[3] / "docs" / "emulator.md").read_text(encoding="utf-8")
    assert f"`{name}" in page


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "there is no word ''"),
        ("flood", "there is no word 'flood'; there are reset, "),
        ("reset now", "reset takes nothing behind it"),
        ("reset\nreset", "reset takes nothing behind it"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(line: str, message: str) -> None:
    with pytest.raises(ValueError, match="^" + message):
        read(line)


def test_the_last_argument_takes_the_rest_of_the_line() -> None:
    said: list[tuple[str, ...]] = []
    word = Word("", lambda modem, *arguments: said.append(arguments), "NUMBER TEXT")
    word.run(None, *word.split("+49170  two  words "))
    assert said == [("+49170", "two  words ")]
    with pytest.raises(ValueError, match="takes NUMBER TEXT behind it"):
        word.split("+49170")
    assert Word("", print, "[NUMBER]").split("") == []


async def test_a_word_and_the_moment_are_the_same_in_letters_of_any_size() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("AT+CREG=1")
        for off, on in (("registration_lost", "REGISTERED"), (Moment.REGISTRATION_LOST, " registered\r\n")):
            lab.module.trigger(off)
            await lab.plain.expect(b"\r\n+CREG: 0\r\n")
            lab.module.trigger(on)
            await lab.plain.expect(b"\r\n+CREG: 1\r\n")
