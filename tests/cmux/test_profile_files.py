"""A profile of one's own in a TOML file: wherever a profile is named, and what is wrong with one is said."""

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

import cmux
from cmux.cli import main
from cmux.cli.app import Commands
from cmux.cli.attach import add_attach
from cmux.cli.doctor import add_doctor
from cmux.cli.line_options import from_arguments, from_file
from cmux.cli.terminal import add_terminal
from cmux.opening import make_plan
from cmux.protocol import Config
from cmux.protocol.config import KeepAlive
from cmux.protocol.profiles import PROFILES, Profile
from cmux.settings import LineSettings, find_profile
from cmux.urls import parse_url
from drivers.cli.demo import add_demo
from drivers.cli.monitor import add_monitor

TRACKER = """
title = "the module on our board"
source = "line log of 2026-11-02"
at_cmux = "full"

[channels]
at = 1
gnss = 3

[settings]
n1 = 512
t1 = 1
keep_alive = "msc"
rpn = "off"
settle = 1.5
init = ["ATE0", "AT+IFC=2,2"]

[port_speeds]
921600 = 8
"""


@pytest.fixture
def tracker(tmp_path: Path) -> str:
    path = tmp_path / "tracker.toml"
    path.write_text(TRACKER)
    return str(path)


def parsed(add: Callable[[Commands], None], *argv: str) -> argparse.Namespace:
    commands = Commands("test", "")
    add(commands)
    return commands.parser.parse_args(argv)


def by_command(add: Callable[[Commands], None], *argv: str) -> Callable[[str, Path], LineSettings]:
    return lambda path, folder: from_arguments(parsed(add, *argv, "--profile", path), "/dev/x").settings


def by_lines(path: str, folder: Path) -> LineSettings:
    (folder / "lines.toml").write_text(f"[one]\nport = '/dev/x'\nprofile = '{path}'\n")
    return from_file(str(folder / "lines.toml"))[0].settings


WAYS: dict[str, Callable[[str, Path], LineSettings]] = {
    "Python": lambda path, folder: {"profile": path},
    "a path in Python": lambda path, folder: {"profile": Path(path)},
    "a URL": lambda path, folder: parse_url(f"cmux:///dev/x?dlci=1&profile={path}").settings,
    "lines.toml": by_lines,
    "attach": by_command(add_attach, "attach", "/dev/x"),
    "monitor": by_command(add_monitor, "monitor", "/dev/x"),
    "terminal": by_command(add_terminal, "terminal", "/dev/x", "--dlci", "1"),
    "doctor": by_command(add_doctor, "doctor", "/dev/x"),
    "demo": by_command(add_demo, "demo", "--port", "/dev/x"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_file_says_what_is_known_about_a_module_in_each_way(way: str, tracker: str, tmp_path: Path) -> None:
    plan = make_plan("/dev/x", {**WAYS[way](tracker, tmp_path), "channels": ["gnss", 1], "reattach": True})
    assert (plan.profile.name, plan.profile.title) == ("tracker", "the module on our board")
    assert (plan.config.n1, plan.config.t1, plan.config.keep_alive, plan.config.rpn) == (512, 1, KeepAlive.MSC, False)
    assert (plan.command.start.settle, plan.command.start.init) == (1.5, ("ATE0", "AT+IFC=2,2"))
    assert (plan.command.full, plan.command.port_speeds) == (True, {921600: 8})
    assert plan.channels == [3, 1]


def test_a_file_is_the_same_as_the_profile_in_python(tracker: str) -> None:
    assert find_profile(tracker) == Profile(
        name="tracker",
        title="the module on our board",
        source="line log of 2026-11-02",
        at_cmux="full",
        channels={"at": 1, "gnss": 3},
        settings={
            "n1": 512,
            "t1": 1,
            "keep_alive": KeepAlive.MSC,
            "rpn": False,
            "settle": 1.5,
            "init": ("ATE0", "AT+IFC=2,2"),
        },
        port_speeds={921600: 8},
    )


def test_an_empty_file_is_any_module(tmp_path: Path) -> None:
    (tmp_path / "own.toml").touch()
    profile = find_profile(tmp_path / "own.toml")
    assert (profile.name, profile.title, profile.source) == ("own", "own", str(tmp_path / "own.toml"))
    assert profile.config() == PROFILES["generic"].config() != Config()


def test_what_the_user_says_goes_before_the_file(tracker: str) -> None:
    plan = make_plan("/dev/x", {"profile": tracker, "t1": 0.5, "settle": 0.0})
    assert (plan.config.t1, plan.config.n1, plan.command.start.settle) == (0.5, 512, 0)


WRONG = [
    ("settle = 1", "unknown key 'settle' (under [settings]?): name, title, source"),
    ("speed = 1", "unknown key 'speed': name, title, source"),
    ("at_cmux = 'longer'", "at_cmux = 'longer' is not"),
    ("title = 5", "title = 5 is not a string"),
    ("channels = 5", "channels = 5 is not a table: [channels], then name = value"),
    ("[channels]\nat = 62", "[channels] at = 62 is not a DLCI from 1 to 61"),
    ("[channels]\nat = true", "[channels] at = True is not a DLCI from 1 to 61"),
    ("[settings]\nspeed = 1", "[settings] has an unknown key 'speed': option, n1,"),
    ("[settings]\nbaudrate = 1", "[settings] has an unknown key 'baudrate'"),
    ("[settings]\nt1 = 'x'", "t1 = 'x' is not a number"),
    ("[settings]\nt1 = 99", "t1 = 99 is out of range: 0.01 to 2.55"),
    ("[settings]\nkeep_alive = 'ping'", "keep_alive = 'ping' is not none, test, msc or auto"),
    ("[settings]\nt1 = 2\nt2 = 1", "t2 = 1 must be longer than t1 = 2"),
    ("[port_speeds]\nfast = 8", "[port_speeds] has the key 'fast', which is not a number of bits per second"),
    ("[port_speeds]\n921600 = 100", "port_speeds = 100 is out of range: 0 to 99"),
    ("title", "Expected '=' after a key"),
    ("title = 'one'\ntitle = 'two'", "Cannot overwrite a value"),
]


@pytest.mark.parametrize(("text", "problem"), WRONG)
def test_what_is_wrong_with_a_file_is_said(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(cmux.ConfigError) as raised:
        cmux.open("/nowhere", profile=path)
    assert str(raised.value).startswith(f"profile = '{path}': {problem}")


@pytest.mark.parametrize("command", ["attach /nowhere", "doctor /nowhere", "terminal /nowhere --dlci 1"])
def test_the_command_line_says_it_too(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "own.toml"
    path.write_text("[settings]\nt1 = 99")
    assert main([*command.split(), "--profile", str(path)]) == 2
    assert f"argument --profile: '{path}': t1 = 99 is out of range" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["missing", "a folder", "not text"])
def test_a_file_that_cannot_be_read_is_said(what: str, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    if what == "a folder":
        path.mkdir()
    elif what == "not text":
        path.write_bytes(b"\xff")
    with pytest.raises(cmux.ConfigError) as raised:
        find_profile(str(path))
    said = {"missing": "it cannot be read: No such file", "a folder": "it cannot be read: Is a directory"}
    assert str(raised.value).startswith(f"profile = '{path}': {said.get(what, '')}")


def test_another_ending_is_the_name_of_no_profile() -> None:
    with pytest.raises(cmux.ConfigError) as raised:
        find_profile("tracker")
    assert str(raised.value) == (
        f"profile = 'tracker' is not {', '.join(PROFILES)} or the path of a file that ends in .toml"
    )
