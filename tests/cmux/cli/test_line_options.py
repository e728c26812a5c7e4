"""The options of a line: every command has them all, and files, URLs and Python have the same names."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from cmux.cli.app import Commands
from cmux.cli.attach import add_attach
from cmux.cli.doctor import add_doctor
from cmux.cli.line_options import from_file, keys
from cmux.cli.terminal import add_terminal
from cmux.settings import LineSettings
from cmux.urls import parse_url
from drivers.cli.demo import add_demo
from drivers.cli.monitor import add_monitor

LINE_OPTIONS = """
--baudrate 57600          --line-rate 9600        --rtscts                  --xonxoff          --startup none
--init ATE0               --start-command AT#X    --mux-baudrate 460800     --settle 0.2       --profile sim800
--option advanced         --n1 64                 --t1 0.5                  --t2 1.5           --n2 7
--keep-alive auto         --keep-alive-interval 5 --wakeup flags            --open-timeout 5   --no-ask
--rpn off                 --reset-command true    --start-attempts 3        --leave-pause 1
"""
"""What every command that opens a line takes, each with a value."""
CAPTURE = "--capture x.pcapng  --capture-no-payload"

COMMANDS: dict[str, Callable[[Commands], None]] = {
    "demo": add_demo,
    "attach /dev/x": add_attach,
    "monitor /dev/x": add_monitor,
    "terminal /dev/x --dlci 1": add_terminal,
    "doctor /dev/x": add_doctor,
}
OF_ONE_COMMAND = {
    "demo": "--port --model --json",
    "attach": "--config --role --channels --link --mode --group --metrics --hangup --tcp --reattach --no-reattach",
    "monitor": "--once --json --channels --link --reattach --no-reattach",
    "terminal": "--dlci --eol --echo --channels --link",
    "doctor": "--json --channels",
}
"""What a command has besides the options of a line."""
EVERY_COMMAND = ["-h", "--help", "-q", "--quiet", "-v", "--verbose", "--version"]
SPEC = [words.split() for words in re.findall(r"--[\w-]+(?: [^-\s]\S*)?", LINE_OPTIONS + CAPTURE)]
NAMES = {option.removeprefix("--no-").removeprefix("--").replace("capture-no", "capture").replace("-", "_")
         for option, *_ in SPEC}  # fmt: skip
NOT_OF_THE_LINE = {"channels", "reattach"}
"""Settings that are options of some commands only."""


def parser_of(command: str) -> argparse.ArgumentParser:
    commands = Commands("test", "")
    COMMANDS[command](commands)
    parser: argparse.ArgumentParser = commands._subparsers.choices[command.split()[0]]
    return parser


def options(command: str) -> set[str]:
    of_it = {*OF_ONE_COMMAND[command.split()[0]].split(), *EVERY_COMMAND}
    return {name for action in parser_of(command)._actions for name in action.option_strings} - of_it


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_takes_every_option_of_a_line_with_its_value(command: str) -> None:
    argv = [*command.split()[1:], *(word for option in SPEC for word in option)]
    given = vars(parser_of(command).parse_args(argv))
    assert {name for name in NAMES if given.get(name) is None} == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_have_the_same_options_of_a_line(command: str) -> None:
    assert options(command) == options("doctor /dev/x")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_names_each(command: str) -> None:
    shown = parser_of(command).format_help()
    for option, *_ in SPEC:
        assert re.search(rf"{option}\b", shown.replace("--ask, ", "")), option


def test_files_urls_and_python_have_the_names_of_the_options(tmp_path: Path) -> None:
    said = {name.removeprefix("--") for name in options("doctor /dev/x")}
    named = {name.replace("-", "_") for name in said if not name.startswith(("no-", "capture-no-"))}
    assert named == {*LineSettings.__annotations__} - NOT_OF_THE_LINE
    assert named >= NAMES
    assert {*keys()} == {*named, *NOT_OF_THE_LINE, "port", "link", "mode", "group", "hangup", "tcp", "role"}
    words = {"rtscts": "yes", "xonxoff": "yes", "ask": "no", "capture_payload": "no"}
    texts = {option.removeprefix("--").replace("-", "_"): value for option, *rest in SPEC for value in rest} | words
    url = parse_url("cmux:///dev/x?dlci=1" + "".join(f"&{name}={quote(text)}" for name, text in texts.items()))
    assert {*url.settings} == NAMES
    table = [f"{name} = {_written(value)}" for name, value in url.settings.items()]
    (tmp_path / "lines.toml").write_text("\n".join(["[one]", 'port = "/dev/x"', *table]))
    (line,) = from_file(str(tmp_path / "lines.toml"))
    assert {*line.settings} == NAMES


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(list(value) if isinstance(value, tuple) else value)
