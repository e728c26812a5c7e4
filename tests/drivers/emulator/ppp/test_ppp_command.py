"""The command of `EmulatedModule(ppp=…)`: split as a shell would, and looked for before the module starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.emulator import EmulatedModule
from drivers.emulator.ppp.command import find_command, split_command


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("slirp-fullbolt ppp", ("slirp-fullbolt", "ppp")),
        ("pppd nodetach 'connect script' \"a b\"", ("pppd", "nodetach", "connect script", "a b")),
        (["a program", "$HOME", "; rm"], ("a program", "$HOME", "; rm")),
        ("sh -c 'a; b'", ("sh", "-c", "a; b")),
    ],
)
def test_a_text_is_split_and_words_stay_as_they_are(command: str | list[str], words: tuple[str, ...]) -> None:
    assert split_command(command) == words


@pytest.mark.parametrize("command", ["", "   ", [], [""], "'open", "a\0b", ["a", "\0"]])
def test_what_is_no_command_is_refused(command: str | list[str]) -> None:
    with pytest.raises(ValueError, match=r"is empty|is no command|octet 0"):
        split_command(command)
    with pytest.raises(ValueError, match=r"is empty|is no command|octet 0"):
        EmulatedModule(ppp=command)


def test_a_program_is_found_on_the_path_and_its_arguments_stay() -> None:
    path, *arguments = find_command("sh -c 'exit 1'")
    assert path.endswith("/sh")
    assert arguments == ["-c", "exit 1"]


def test_a_program_that_does_not_exist_is_named_before_the_module_starts(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("no program")
    for command, told in (("no-such-program x", "no such program"), (str(plain), "cannot be executed")):
        with pytest.raises(OSError, match=told) as caught:
            EmulatedModule(ppp=command)
        assert caught.value.filename == command.split()[0]
