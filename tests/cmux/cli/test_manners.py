"""Manners of all commands: what was meant, one usage line and the error last, common options, colours."""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest
from listed_ports import port

import cmux.cli
import drivers.cli.subcommands
from cmux.cli import Commands
from cmux.cli.colours import has_colours
from cmux.cli.line_options import from_file
from cmux.spelling import did_you_mean, meant
from cmux.urls import parse_url
from drivers.cli import main

Captured = pytest.CaptureFixture[str]
COMMANDS = {one.name: one for one in (*drivers.cli.subcommands.COMMANDS, *cmux.cli.COMMANDS)}
PAGE = (Path(__file__).parents[3] / "docs/command-line.md").read_text(encoding="utf-8")
TABLE = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \| (.*) \| (.*) \|$", PAGE, re.MULTILINE)
"""The rows of the table of what the common options mean: command, stdout, with -q, with -v, with --json."""


def parser_of(name: str) -> argparse.ArgumentParser:
    """The parser of a command, whole."""
    commands = Commands("gsm0710", "…")
    commands.offer(COMMANDS[name])
    getattr(import_module(COMMANDS[name].module), COMMANDS[name].adder)(commands)
    choices: dict[str, argparse.ArgumentParser] = commands._subparsers.choices
    return choices[name]


def options_of(name: str) -> dict[str, argparse.Action]:
    return dict(parser_of(name)._option_string_actions)


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


# --- What was meant ---


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("atach", ("attach", "decode"), "attach"),
        ("--bodrate", ("--baudrate", "--option"), "--baudrate"),
        ("--MUX_BAUDRATE", ("--baudrate", "--mux-baudrate"), "--mux-baudrate"),
        ("help", ("attach", "--help"), "--help"),
        ("nothing-like-it", ("attach", "decode"), None),
        ("x", (), None),
    ],
)
def test_the_word_that_is_most_like_another_is_meant(word: str, known: tuple[str, ...], expected: str | None) -> None:
    assert meant(word, known) == expected
    assert did_you_mean(word, known) == ("" if expected is None else f"; did you mean {expected}?")


MEANT: dict[str, tuple[list[str], str]] = {
    "a command": (["atach", "/dev/x"], "gsm0710: error: there is no command 'atach'; did you mean attach?"),
    "help": (["help"], "gsm0710: error: there is no command 'help'; did you mean --help?"),
    "an option before the command": (
        ["--vrebose", "attach"],
        "gsm0710: error: unrecognized arguments: --vrebose; did you mean --verbose?",
    ),
    "an option of a line": (
        ["attach", "/dev/x", "--bodrate", "9600"],
        "gsm0710 attach: error: unrecognized arguments: --bodrate; did you mean --baudrate?",
    ),
    "an option with its value": (
        ["monitor", "/dev/x", "--porfile=m10"],
        "gsm0710 monitor: error: unrecognized arguments: --porfile=m10; did you mean --profile?",
    ),
    "one that is required": (
        ["terminal", "/dev/x", "--dcli", "2"],
        "gsm0710 terminal: error: unrecognized arguments: --dcli; did you mean --dlci?",
    ),
    "an option with an underscore": (
        ["attach", "/dev/x", "--mux_baudrate", "9600"],
        "gsm0710 attach: error: unrecognized arguments: --mux_baudrate; did you mean --mux-baudrate?",
    ),
    "a choice": (
        ["attach", "/dev/x", "--role", "responer"],
        "gsm0710 attach: error: argument --role: 'responer' is not one of initiator, responder; "
        "did you mean responder?",
    ),
    "nothing that is known": (
        ["doctor", "/dev/x", "--quux"],
        "gsm0710 doctor: error: unrecognized arguments: --quux",
    ),
}


@pytest.mark.parametrize("name", MEANT)
def test_it_is_asked_whether_that_was_meant_below_one_usage_line(capsys: Captured, name: str) -> None:
    arguments, said = MEANT[name]
    assert main(arguments) == 2
    output = capsys.readouterr()
    usage, error = output.err.splitlines()
    assert usage.startswith("usage: gsm0710 ")
    assert error == said
    assert output.out == ""


def test_a_word_like_no_command_is_told_which_there_are(capsys: Captured) -> None:
    assert main(["quux"]) == 2
    assert (
        capsys.readouterr().err.splitlines()[-1] == f"gsm0710: error: there is no command 'quux': {', '.join(COMMANDS)}"
    )


@pytest.mark.parametrize(
    "arguments",
    [["attach", "--baud", "9600"], ["attach", "--init", "--no such"], ["attach", "--", "--bodrate"]],
    ids=str,
)
def test_abbreviations_values_and_what_follows_two_dashes_are_no_unknown_options(
    capsys: Captured, arguments: list[str]
) -> None:
    main(arguments)
    assert "unrecognized arguments" not in capsys.readouterr().err


def test_who_asks_for_help_gets_it_however_the_rest_is_spelled(capsys: Captured) -> None:
    assert main(["attach", "--hlep", "--help"]) == 0
    assert "--baudrate" in capsys.readouterr().out


def test_keys_of_files_and_urls_and_settings_are_asked_about_as_well(tmp_path: Path) -> None:
    file = tmp_path / "lines.toml"
    file.write_text('[a]\nport = "/dev/x"\nbaudrat = 9600\n')
    with pytest.raises(cmux.cli.CommandError, match=r"unknown key 'baudrat'; did you mean baudrate\?$"):
        from_file(str(file))
    with pytest.raises(ValueError, match=r"unknown key 'baud_rate'; did you mean baudrate\?$"):
        parse_url("cmux:///dev/x?dlci=1&baud_rate=9600")
    with pytest.raises(TypeError, match=r"open\(\) got an unknown setting 'baud'; did you mean baudrate\?$"):
        cmux.open("/dev/x", baud=9600)  # type: ignore[call-arg]


# --- One usage line and the error last ---


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_tells_what_is_wrong_in_one_line_behind_one_about_its_usage(capsys: Captured, name: str) -> None:
    assert main([name, "--quux"]) == 2
    output = capsys.readouterr()
    usage, error = output.err.splitlines()
    assert usage.startswith(f"usage: gsm0710 {name} ")
    assert usage.endswith(f"[OPTIONS], see gsm0710 {name} --help")
    assert error == f"gsm0710 {name}: error: unrecognized arguments: --quux"
    assert output.out == ""


# --- The options that all commands have ---


@pytest.mark.parametrize("name", COMMANDS)
def test_the_common_options_are_the_same_everywhere(name: str) -> None:
    ours, others = options_of(name), options_of("attach")
    for option in ("-q", "--quiet", "-v", "--verbose", "--version", "-h", "--help"):
        assert (ours[option].help, ours[option].dest) == (others[option].help, others[option].dest)


@pytest.mark.parametrize("name", COMMANDS)
def test_with_json_each_is_an_object_on_a_line(name: str) -> None:
    option = options_of(name).get("--json")
    assert option is None or str(option.help).startswith("one JSON object per line instead of ")


def test_the_page_has_a_table_of_them_with_each_command() -> None:
    assert {row[0] for row in TABLE} == {*COMMANDS}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_a_row_of_the_table_says_where_there_is_json(row: tuple[str, ...]) -> None:
    name, *_, as_json = row
    assert (as_json == "–") == ("--json" not in options_of(name))


@pytest.mark.parametrize("arguments", [["demo"], ["ports"], ["decode", "x"]], ids=" ".join)
def test_json_was_asked_for_also_with_q(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cmux.cli.ports.ports", lambda: [port("/dev/ttyS0")])
    (tmp_path / "x").write_text("F9 03 3F 01 1C F9")
    assert main([*arguments, "-q", "--json"]) == 0
    output = capsys.readouterr()
    assert [type(json.loads(line)) for line in output.out.splitlines()].count(dict) > 0
    assert output.err == ""


def test_decode_has_json_under_both_names(tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "x"
    file.write_text("F9 03 3F 01 1C F9")
    assert main(["decode", str(file), "--json"]) == 0
    shown = capsys.readouterr().out
    assert main(["decode", str(file), "--format", "json"]) == 0
    assert capsys.readouterr().out == shown
    assert '"type": "SABM"' in shown


def test_decode_says_that_it_reads_what_is_typed(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    class Typed(Terminal):
        buffer = io.BytesIO(b"F9 03 3F 01 1C F9")

    monkeypatch.setattr(sys, "stdin", Typed())
    assert main(["decode"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said == ["reading what is typed; Ctrl-D ends it", "1 frame, 0 dropped, 0 octets in no frame"]
    Typed.buffer.seek(0)
    assert main(["decode", "-q"]) == 0
    assert capsys.readouterr().err == ""


# --- Colours ---


COLOURS: dict[str, tuple[type[io.StringIO], dict[str, str], bool]] = {
    "a terminal": (Terminal, {}, True),
    "a pipe": (io.StringIO, {}, False),
    "a terminal, and NO_COLOR": (Terminal, {"NO_COLOR": "1"}, False),
    "a terminal, and NO_COLOR that is empty": (Terminal, {"NO_COLOR": ""}, True),
    "a dumb terminal": (Terminal, {"TERM": "dumb"}, False),
    "a pipe, and FORCE_COLOR": (io.StringIO, {"FORCE_COLOR": "1"}, True),
    "a dumb terminal, and FORCE_COLOR": (Terminal, {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
    "both of them": (Terminal, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
}


@pytest.mark.parametrize("name", COLOURS)
def test_there_are_colours_where_they_are_wanted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, environment, expected = COLOURS[name]
    for variable in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in {"TERM": "xterm", "WT_SESSION": "1", **environment}.items():
        monkeypatch.setenv(variable, value)
    output = stream()
    monkeypatch.setattr(sys, "stdout", output)
    assert has_colours(output) is expected


def test_a_file_that_was_named_has_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not has_colours(io.StringIO())
