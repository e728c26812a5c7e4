"""The table of settings: what one way of opening a line takes, all take, and it arrives."""

import argparse
import ast
import asyncio
import dataclasses
import inspect
import runpy
import sys
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any
from urllib.parse import quote

import pytest
import serial

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from mux_leaks import nothing_left
from mux_module import Module
from startup_waits import shorten_waits

import cmux
import cmux.aio
from cmux import kinds, opening, settings
from cmux.cli.app import Commands
from cmux.cli.attach import Attached, add_attach
from cmux.cli.doctor import add_doctor, examine
from cmux.cli.line_options import LineOptions, from_arguments, from_file, keys
from cmux.cli.stopping import Stop
from cmux.cli.terminal import add_terminal
from cmux.line.base import Line
from cmux.profile_files import ProfileName
from cmux.protocol import Config, Option
from cmux.protocol.config import RANGES, KeepAlive, PriorityOrder, Wakeup
from cmux.protocol.link import Link
from cmux.protocol.start_options import START_RANGES, StartOptions
from cmux.protocol.wire import FrameType
from cmux.setting import GROUPS, Setting
from cmux.settings import (
    SETTINGS,
    LineSettings,
    OpeningSettings,
    SerialSettings,
    SessionSettings,
    StartSettings,
)
from cmux.urls import parse_url
from drivers.cli.demo import add_demo
from drivers.cli.monitor import add_monitor

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]

ROOT = Path(__file__).parents[2]
TABLES: dict[str, type] = {
    "opening": OpeningSettings,
    "start": StartSettings,
    "serial": SerialSettings,
    "session": SessionSettings,
}


# --- Five ways to open a line ---


@dataclass
class Opened:
    """A line that was opened in one of the ways, and what became of it."""

    module: Module
    path: Path
    line: Line | None = None
    line_rate: int | None = None
    mux: cmux.Mux | cmux.aio.Mux | None = None
    plan: opening.Plan | None = None

    def setting(self, name: str) -> object:
        """The attribute of pyserial's port."""
        return getattr(self.line._port, name)  # type: ignore[union-attr]

    def parameter(self, name: str) -> object:
        """The field of the session's `Config`."""
        return getattr(self.mux.config, name)  # type: ignore[union-attr]


Observe = Callable[[Opened], object]


@dataclass(frozen=True)
class Example:
    """A value that is not the default, as text and as Python has it, and how it shows that it has arrived."""

    text: str
    value: object
    seen: object
    observe: Observe
    module: dict[str, object] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)
    """Further settings that it needs, as text."""


def opened_port(name: str) -> Observe:
    return lambda opened: opened.setting(name)


def session(name: str, text: str, value: object, seen: object = None, more: dict[str, str] | None = None) -> Example:
    advanced = "advanced" in (text, *(more or {}).values())
    module = {"config": Config(option=Option.ADVANCED)} if advanced else {}
    seen = value if seen is None else seen
    return Example(text, value, seen, lambda opened: opened.parameter(name), module, more or {})


def port(name: str, text: str, value: object) -> Example:
    return Example(text, value, value, opened_port(name))


def reset_command(opened: Opened) -> object:
    return opened.mux._resetter._command  # type: ignore[union-attr]


def said(text: str, value: object, command: str) -> Example:
    return Example(text, value, True, lambda opened: command in opened.module.commands)


CAPTURE = "{path}/x.log"

EXAMPLES = {
    "baudrate": port("baudrate", "57600", 57600),
    "line_rate": Example("9600", 9600, 9600, lambda opened: opened.line_rate),
    "startup": Example("none", "none", [], lambda opened: opened.module.commands, {"starts_in_mux": True}),
    "profile": Example("sim800", "sim800", 127, lambda opened: opened.parameter("n1")),
    "other_rates": Example("4800,300", (4800, 300), 300, opened_port("baudrate"), {"baudrate": 300}),
    "channels": Example("2-3", [2, 3], [1, 1], lambda opened: [opened.module.opened(dlci) for dlci in (2, 3)]),
    "reattach": Example("yes", True, True, lambda opened: opened.mux._reopen is not None),  # type: ignore[union-attr]
    "reset_command": Example("true 'a b'", "true 'a b'", ("true", "a b"), reset_command),
    "drain_timeout": Example("2", 2.0, 2.0, lambda opened: opened.mux.drain_timeout),  # type: ignore[union-attr]
    "capture": Example(CAPTURE, CAPTURE, True, lambda opened: "SABM" in (opened.path / "x.log").read_text()),
    "capture_payload": Example(
        "no",
        False,
        False,
        lambda opened: opened.mux._capture._payload,
        more={"capture": CAPTURE},  # type: ignore[union-attr]
    ),
    "settle": Example("0.2", 0.2, 0.2, lambda opened: opened.mux._entered.settle),  # type: ignore[union-attr]
    "init": said("ATE1", ("ATE1",), "ATE1"),
    "open_timeout": Example("5", 5.0, 5.0, lambda opened: opened.plan.command.start.open_timeout),  # type: ignore[union-attr]
    "start_command": said("AT+CMUX=0,0", "AT+CMUX=0,0", "AT+CMUX=0,0"),
    "mux_baudrate": said("57600", 57600, "AT+CMUX=0,0,4,31"),
    "start_attempts": Example("3", 3, 3, lambda opened: opened.mux._attempts),  # type: ignore[union-attr]
    "leave_pause": Example("0.1", 0.1, 0.1, lambda opened: opened.mux._leave_pause),  # type: ignore[union-attr]
    "ask": Example("no", False, False, lambda opened: "AT+CMUX?" in opened.module.commands),
    "rtscts": port("rtscts", "yes", True),
    "dsrdtr": port("dsrdtr", "on", True),
    "bytesize": port("bytesize", "7", 7),
    "parity": port("parity", "E", "E"),
    "stopbits": port("stopbits", "2", 2),
    "option": session("option", "advanced", "advanced", Option.ADVANCED),
    "n1": session("n1", "64", 64),
    "n1_receive": session("n1_receive", "2000", 2000),
    "t1": session("t1", "0.5", 0.5),
    "t2": session("t2", "1.5", 1.5),
    "t3": session("t3", "5", 5.0),
    "n2": session("n2", "7", 7),
    "keep_alive": session("keep_alive", "msc", "msc", KeepAlive.MSC),
    "keep_alive_interval": session("keep_alive_interval", "60", 60.0),
    "wakeup": session("wakeup", "flags", "flags", Wakeup.FLAGS),
    "sleeps_after": session("sleeps_after", "20", 20.0),
    "wake_pause": session("wake_pause", "0.02", 0.02),
    "priority_order": session("priority_order", "high-first", "high-first", PriorityOrder.HIGH_FIRST),
    "frame_type": session("frame_type", "UI", "UI", FrameType.UI),
    "k": session("k", "3", 3),
    "xonxoff": session("xonxoff", "1", True, more={"option": "advanced"}),
    "adm": session("adm", "true", True),
    "break_octet": session("break_octet", "yes", True),
    "keep_open": session("keep_open", "yes", True),
    "shared_flags": session("shared_flags", "yes", True),
    "reserved_dlcis": session("reserved_dlcis", "yes", True),
    "rpn": session("rpn", "off", False),
    "strict_final": session("strict_final", "yes", True),
    "frame_gap": session("frame_gap", "0.2", 0.2),
    "queue_high": session("queue_high", "20000", 20000),
    "queue_low": session("queue_low", "100", 100),
}


def by_open(opened: Opened, settings: dict[str, object], texts: dict[str, str], observe: Observe) -> object:
    with cmux.open(opened.module.path, **settings) as opened.mux:  # type: ignore[arg-type]
        return observe(opened)


def by_aio_open(opened: Opened, settings: dict[str, object], texts: dict[str, str], observe: Observe) -> object:
    async def run() -> object:
        async with await cmux.aio.open(opened.module.path, **settings) as opened.mux:  # type: ignore[arg-type]
            return observe(opened)

    return asyncio.run(run())


def by_serve(opened: Opened, settings: dict[str, object], texts: dict[str, str], observe: Observe) -> object:
    with cmux.serve(opened.module.path, **settings) as opened.mux:  # type: ignore[arg-type]
        return observe(opened)


def by_aio_serve(opened: Opened, settings: dict[str, object], texts: dict[str, str], observe: Observe) -> object:
    async def run() -> object:
        async with await cmux.aio.serve(opened.module.path, **settings) as opened.mux:  # type: ignore[arg-type]
            return observe(opened)

    return asyncio.run(run())


def by_url(opened: Opened, settings: dict[str, object], texts: dict[str, str], observe: Observe) -> object:
    query = "".join(f"&{name}={quote(text)}" for name, text in texts.items())
    with serial.serial_for_url(f"cmux://{opened.module.path}?dlci=1{query}") as uart:
        opened.mux = uart.mux
        return observe(opened)


def by_command(opened: Opened, options: LineOptions, observe: Observe) -> object:
    attached = Attached(options, Stop())
    try:
        opened.mux = attached.open(without=options.channels)
        return observe(opened)
    finally:
        attached.close()


def by_toml(opened: Opened, settings: dict[str, object], texts: dict[str, str], observe: Observe) -> object:
    def written(value: object) -> str:
        return str(value).lower() if isinstance(value, bool) else repr(list(value) if type(value) is tuple else value)

    lines = [f"port = '{opened.module.path}'", *(f"{name} = {written(value)}" for name, value in settings.items())]
    (opened.path / "lines.toml").write_text("\n".join(["[one]", *lines]))
    (options,) = from_file(str(opened.path / "lines.toml"))
    return by_command(opened, options, observe)


def by_command_line(opened: Opened, settings: dict[str, object], texts: dict[str, str], observe: Observe) -> object:
    arguments = parsed(add_attach, "attach", opened.module.path, *options_for(texts))
    return by_command(opened, from_arguments(arguments), observe)


SERVED: dict[str, tuple[object, Observe]] = {
    "startup": (True, lambda opened: opened.mux._link.multiplexing),  # type: ignore[union-attr]
    "channels": ([False, False], lambda opened: [dlci in opened.mux._refused for dlci in (2, 3)]),  # type: ignore[union-attr]
    "capture": (True, lambda opened: (opened.path / "x.log").exists()),
    "other_rates": (115200, opened_port("baudrate")),  # it waits at its own
    "reset_command": ((), reset_command),
    "settle": (None, lambda opened: opened.mux._entered),  # type: ignore[union-attr]
    "start_attempts": (1, lambda opened: opened.mux._attempts),  # type: ignore[union-attr]
    "leave_pause": (0.0, lambda opened: opened.mux._leave_pause),  # type: ignore[union-attr]
    **{name: ([], lambda opened: opened.module.commands) for name in ("init", "start_command", "mux_baudrate", "ask")},
}
"""What is seen of a setting at the end that answers, where that is something else."""

WAYS = {
    "cmux.open": by_open,
    "cmux.aio.open": by_aio_open,
    "cmux.serve": by_serve,
    "cmux.aio.serve": by_aio_serve,
    "a URL": by_url,
    "a TOML file": by_toml,
    "the command line": by_command_line,
}


def options_for(texts: dict[str, str]) -> list[str]:
    said = []
    for name, text in texts.items():
        row = SETTINGS[name]
        if not isinstance(row.kind, kinds.YesNo):
            said += [row.option, text]
        else:
            said.append(row.option if row.kind.read(text) else row.no or f"--no-{row.option[2:]}")
    return said


def parsed(add: Callable[[Commands], None], *argv: str) -> argparse.Namespace:
    commands = Commands("test", "")
    add(commands)
    return commands.parser.parse_args(argv)


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Where the line and the rate of its pacing are put when it is opened."""
    opened = Opened(None, tmp_path)  # type: ignore[arg-type]
    open_line, link, plan_open = opening.open_line, Link.__init__, opening.Plan.open_line

    def watched_open(plan: opening.Plan, **settings: Any) -> Line:
        opened.plan = plan
        return plan_open(plan, **settings)

    def watched_line(*arguments: object, **settings: object) -> Line:
        opened.line = open_line(*arguments, **settings)  # type: ignore[arg-type]
        return opened.line

    def watched_link(self: Link, *arguments: object, **settings: object) -> None:
        opened.line_rate = settings["line_rate"]  # type: ignore[assignment]
        link(self, *arguments, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "open_line", watched_line)
    monkeypatch.setattr(opening.Plan, "open_line", watched_open)
    monkeypatch.setattr(Link, "__init__", watched_link)
    return opened


APART = (
    *(("startup",), ("profile",), ("other_rates",), ("start_command",), ("mux_baudrate",)),  # a start of its own
    ("option", "xonxoff"),  # a module with the advanced option
)
"""Settings that do not go together with the others."""


def together(*without: str) -> list[tuple[str, ...]]:
    """Return all settings but some, those that go together in one group."""
    apart = {name for group in APART for name in group}
    groups = (tuple(name for name in SETTINGS if name not in apart), *APART)
    return [group for names in groups if (group := tuple(name for name in names if name not in without))]


def set_together(names: tuple[str, ...], tmp_path: Path) -> tuple[dict[str, str], Module]:
    """Return the settings as text, and a module that suits them."""
    examples = [EXAMPLES[name] for name in names]
    texts = {key: text for one in examples for key, text in one.more.items()}
    texts |= dict(zip(names, (one.text for one in examples), strict=True))
    habits = {key: value for one in examples for key, value in one.module.items()}
    return {key: text.format(path=tmp_path) for key, text in texts.items()}, Module(**habits)


CASES = [("cmux.open", (name,)) for name in SETTINGS]
CASES += [(way, names) for way in WAYS if way != "cmux.open" for names in together()]


@pytest.mark.parametrize(("way", "names"), CASES, ids=lambda one: one if isinstance(one, str) else one[0])
def test_what_is_set_arrives_in_each_way(
    way: str, names: tuple[str, ...], opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten_waits(monkeypatch, 0.1)
    wanted = {name: (EXAMPLES[name].seen, EXAMPLES[name].observe) for name in names}
    if way.endswith("serve"):
        wanted |= {name: SERVED[name] for name in names if name in SERVED}
    texts, opened.module = set_together(names, tmp_path)
    values = {key: SETTINGS[key].read(text) for key, text in texts.items()}

    def observe(opened: Opened) -> object:
        return {name: look(opened) for name, (_, look) in wanted.items()}

    with opened.module:
        assert WAYS[way](opened, values, texts, observe) == {name: seen for name, (seen, _) in wanted.items()}


def test_a_peer_may_open_all_channels_where_none_are_named_to_serve(opened: Opened) -> None:
    with Module() as opened.module, cmux.serve(opened.module.path) as opened.mux:
        assert opened.mux._refused == set()
    with Module() as opened.module, cmux.serve(opened.module.path, channels=[2], refuse=[2, 5]) as opened.mux:
        assert opened.mux._refused == {*range(1, 62)}


def test_what_is_set_is_not_the_default(opened: Opened, tmp_path: Path) -> None:
    def as_set(opened: Opened) -> list[str]:
        assert not (tmp_path / "x.log").exists()
        return [name for name, one in EXAMPLES.items() if name != "capture" and one.observe(opened) == one.seen]

    with Module() as opened.module:
        assert by_open(opened, {"capture": f"{tmp_path}/y.log"}, {}, as_set) == []


@pytest.mark.parametrize("names", together("reattach", "channels"), ids=lambda names: names[0])
def test_doctor_goes_by_it(
    names: tuple[str, ...], opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the two that are no option of doctor, and what it is about."""
    shorten_waits(monkeypatch, 0.1)
    seen: list[cmux.Mux] = []
    start = cmux.Mux._start
    monkeypatch.setattr(cmux.Mux, "_start", lambda mux: (seen.append(mux), start(mux))[1])
    texts, opened.module = set_together(names, tmp_path)
    with opened.module:
        arguments = parsed(add_doctor, "doctor", opened.module.path, "--channels", "2", *options_for(texts))
        for finding in examine(from_arguments(arguments)):
            assert finding.ok or finding.step in ("AT+CMUX=?", "AT+CMUX?", "note"), finding
        opened.mux = seen.pop()
        if names == ("startup",):  # it ends with AT all the same where that is right
            assert opened.module.commands == []
        else:
            assert {name: EXAMPLES[name].observe(opened) for name in names} == {
                name: EXAMPLES[name].seen for name in names
            }
        assert opened.module.opened(2) == 1


# --- One table ---


def complaints(rows: dict[str, Setting], fields: set[str], examples: set[str], page: str) -> list[str]:
    """What was forgotten when a row was added, each with the place."""
    found = []
    for name, row in rows.items():
        if not row.help:
            found.append(f"cmux/settings.py: {name} has no help text")
        if row.group not in GROUPS:
            found.append(f"cmux/settings.py: {name} has the group {row.group!r}, which --help does not show")
        if f"| `{name}` | {row.help} |" not in page:
            found.append(f"docs/settings.md: no table has {name}")
        if name not in examples:
            found.append(f"tests/cmux/test_settings.py: EXAMPLES does not show how {name} arrives")
    session = set(typing.get_type_hints(SessionSettings)) & set(rows)
    found += [f"cmux/protocol/config.py: Config has no field {name}" for name in sorted(session - fields)]
    found += [f"cmux/settings.py: SessionSettings has no row for Config.{name}" for name in sorted(fields - set(rows))]
    return found


FIELDS = {field.name for field in dataclasses.fields(Config)}


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


def test_every_row_is_complete(page: str) -> None:
    assert complaints(dict(SETTINGS), FIELDS, set(EXAMPLES), page) == []


def test_what_is_forgotten_with_a_row_is_named(page: str) -> None:
    row = Setting("somewhere", kinds.YES_NO, "", name="made_up")
    assert complaints({**SETTINGS, "made_up": row}, FIELDS | {"t4"}, set(EXAMPLES), page) == [
        "cmux/settings.py: made_up has no help text",
        "cmux/settings.py: made_up has the group 'somewhere', which --help does not show",
        "docs/settings.md: no table has made_up",
        "tests/cmux/test_settings.py: EXAMPLES does not show how made_up arrives",
        "cmux/settings.py: SessionSettings has no row for Config.t4",
    ]
    assert complaints(dict(SETTINGS), FIELDS - {"t1"}, set(EXAMPLES), page) == [
        "cmux/protocol/config.py: Config has no field t1"
    ]


def test_the_type_of_a_keyword_its_row_and_where_it_goes_agree() -> None:
    hints = typing.get_type_hints(LineSettings)
    assert set(hints) == set(SETTINGS)
    assert sum(len(typing.get_type_hints(table)) for table in TABLES.values()) == len(SETTINGS)
    for name in typing.get_type_hints(SerialSettings):
        assert isinstance(getattr(serial.SerialBase, name), property)
    for name, (low, high) in RANGES.items():
        kind = SETTINGS[name].kind
        assert isinstance(kind, kinds.Number)
        assert (kind.low, kind.high) == (low, high)
    fields = typing.get_type_hints(Config)
    for name, hint in hints.items():
        row = SETTINGS[name]
        assert row.name == name
        kinds_of = [one for one in typing.get_args(hint) or (hint,) if one is not NoneType]
        if name in fields:
            assert fields[name] in (*kinds_of, hint)
        if isinstance(row.kind, kinds.Number):
            assert kinds_of == [int if row.kind.whole else float]
        elif isinstance(row.kind, kinds.YesNo):
            assert kinds_of == [bool]
        elif isinstance(row.kind, kinds.Words) and name != "stopbits":
            words = [word for one in kinds_of for word in typing.get_args(one) or ()] or list(typing.get_args(hint))
            assert [str(word) for word in words] == list(row.kind.words), name


@pytest.mark.parametrize("function", [cmux.open, cmux.aio.open, cmux.serve, cmux.aio.serve])
def test_a_signature_has_the_settings_with_their_types(function: Callable[..., object]) -> None:
    parameters = dict(inspect.signature(function).parameters)
    if "serve" in function.__name__:
        parameters = {name: one for name, one in parameters.items() if name not in ("on_command", "refuse")}
    assert {name: one.annotation for name, one in parameters.items()} == {
        "port": "str | os.PathLike[str] | SerialLike",
        "settings": "Unpack[LineSettings]",
    }


def test_no_signature_takes_just_any_keyword() -> None:
    for path in [*(ROOT / "cmux").rglob("*.py"), *(ROOT / "drivers").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.args.kwarg is not None:
                annotation = node.args.kwarg.annotation
                assert annotation is not None, f"{path}: {node.name}"
                assert ast.unparse(annotation) != "Any", f"{path}: {node.name}"


def test_each_way_knows_each_name() -> None:
    assert {*keys()} == {*SETTINGS, "port", "link", "mode", "group", "hangup", "tcp", "role"}
    with pytest.raises(ValueError, match="unknown key") as raised:
        parse_url("cmux://x?dlci=1&speed=1")
    assert str(raised.value).endswith(f"dlci, port, {', '.join(SETTINGS)}")
    for add, command, without in (
        (add_attach, "attach /dev/x", ()),
        (add_monitor, "monitor /dev/x", ()),
        (add_terminal, "terminal /dev/x --dlci 2", ("reattach",)),
        (add_doctor, "doctor /dev/x", ("reattach",)),
        (add_demo, "demo --port /dev/x", ("reattach", "channels")),
    ):
        texts = {name: example.text for name, example in EXAMPLES.items() if name not in without}
        options = from_arguments(parsed(add, *command.split(), *options_for(texts)), "/dev/x")
        assert options.settings == {name: SETTINGS[name].read(text) for name, text in texts.items()}


def test_the_help_of_a_command_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(add_attach, "attach", "--help")
    shown = capsys.readouterr().out
    for row in SETTINGS.values():
        assert row.option in shown
    for group in GROUPS:
        assert f"\n{group}:\n" in shown


def test_a_new_setting_is_one_row_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = Setting(GROUPS[0], kinds.YES_NO, "what nobody has thought of yet", False, name="made_up")
    monkeypatch.setitem(settings._OPENING, "made_up", row)
    monkeypatch.setitem(settings._ALL, "made_up", row)

    def arrives(given: object) -> object:
        return settings.told_apart(given)[0]["made_up"]  # type: ignore[arg-type, typeddict-item]

    assert arrives({"made_up": True}) is True
    assert arrives(parse_url("cmux:///dev/x?dlci=1&made_up=yes").settings) is True
    (tmp_path / "lines.toml").write_text("[one]\nport = '/dev/x'\nmade_up = true")
    assert arrives(from_file(str(tmp_path / "lines.toml"))[0].settings) is True
    for add, command in ((add_attach, "attach"), (add_monitor, "monitor"), (add_doctor, "doctor")):
        assert arrives(from_arguments(parsed(add, command, "/dev/x", "--made-up")).settings) is True
    with pytest.raises(cmux.ConfigError, match="made_up = 5 is not true or false"):
        cmux.open("/nowhere", made_up=5)  # type: ignore[call-arg]
    with pytest.raises(SystemExit):
        parsed(add_attach, "attach", "--help")
    assert "what nobody has thought of yet" in capsys.readouterr().out
    assert "`made_up`" in runpy.run_path(str(ROOT / "docs" / "tables.py"))["settings"]()


def test_the_rows_of_the_start_are_the_fields_of_its_options() -> None:
    assert set(typing.get_type_hints(StartSettings)) == {one.name for one in dataclasses.fields(StartOptions)}
    for name, (low, high) in START_RANGES.items():
        kind = SETTINGS[name].kind
        assert isinstance(kind, kinds.Number)
        assert (kind.low, kind.high) == (low, high)


def test_commands_are_given_one_by_one_where_settings_are_text(tmp_path: Path) -> None:
    url = parse_url("cmux:///dev/x?dlci=1&init=ATE0&init=AT%2BIFC%3D2%2C2")
    line = parsed(add_attach, "attach", "/dev/x", "--init", "ATE0", "--init", "AT+IFC=2,2")
    (tmp_path / "lines.toml").write_text('[one]\nport = "/dev/x"\ninit = ["ATE0", "AT+IFC=2,2"]')
    (table,) = from_file(str(tmp_path / "lines.toml"))
    ways = [url.settings, from_arguments(line).settings, table.settings, {"init": iter(["ATE0", "AT+IFC=2,2"])}]
    for given in ways:
        assert settings.told_apart(given)[1] == {"init": ("ATE0", "AT+IFC=2,2")}  # type: ignore[arg-type]
    assert settings.told_apart({"init": "ATE0"})[1] == {"init": ("ATE0",)}
    with pytest.raises(cmux.ConfigError, match="more than 32"):
        cmux.open("/nowhere", init=["AT"] * 33)


# --- What is not allowed ---


WRONG = {
    kinds.Number: ("fast", True, None, float("nan"), float("inf"), -1, [1]),
    kinds.YesNo: ("yes", 1, 0.0),
    kinds.OnOff: ("maybe", 1, 0.0, None),
    kinds.Words: ("nothing", True, 77, object()),
    ProfileName: ("nothing", True, 77, object(), "nowhere.toml", b"m10"),
    kinds.CaptureFile: (5, b"x", True, "x.pcap", "x.txt"),
    kinds.Several: (5, "1-", "x y", [1.5], [True]),
    kinds.Program: (5, "", " ", "'", b"true", ["true"], "''", "a\0b"),
    kinds.AtCommand: (5, "", "AT\r", b"AT", "ATé", ["AT"], "A" * 256),
    kinds.AtCommands: (5, "", b"AT", [""], ["AT\n"], [5], {"AT": 1}),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_value_that_is_not_allowed_is_named_with_what_is(name: str) -> None:
    row = SETTINGS[name]
    for value in WRONG[type(row.kind)]:
        if value is None and row.optional:
            continue
        with pytest.raises(ValueError, match="channel|" + name) as raised:
            cmux.open("/nowhere", **{name: value})
        assert isinstance(raised.value, cmux.ConfigError | cmux.InvalidDlci)
        assert repr(value) in str(raised.value) or repr(value[0]) in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("baudrate", "fast", "baudrate = 'fast' is not a number"),
        ("baudrate", 0, "baudrate = 0 is out of range: 1 to 20000000"),
        ("n2", 1.5, "n2 = 1.5 is not a whole number"),
        ("n2", True, "n2 = True is not a number"),
        ("t1", float("inf"), "t1 = inf is out of range: 0.01 to 2.55"),
        ("rtscts", 1, "rtscts = 1 is not true or false"),
        ("startup", "later", "startup = 'later' is not at or none"),
        ("capture", 5, "capture = 5 is not a string or a path"),
        ("capture", "x.pcap", "capture = 'x.pcap' is not a file whose name ends in .pcapng, .jsonl or .log"),
        ("parity", "X", "parity = 'X' is not N, E, O, M or S"),
        ("other_rates", "9600,fast", "other_rates = '9600,fast' is not a list like 9600,19200"),
        ("channels", "0-3", "DLCIs are 1 to 61"),
        ("channels", "gnss", "DLCI 'gnss' is not a data channel"),
        ("channels", [62], "DLCI 62 is not a data channel"),
    ],
)
def test_what_a_message_says(name: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=name.rstrip("s") if "channel" not in name else "DLCI") as raised:
        cmux.open("/nowhere", **{name: value})
    assert message in str(raised.value)


def test_a_name_that_nobody_knows_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="unknown setting 'speed'"):
        cmux.open("/nowhere", speed=9600)  # type: ignore[call-arg]


def test_none_says_what_saying_nothing_says(opened: Opened) -> None:
    optional = {name: None for name, row in SETTINGS.items() if row.optional}
    names = "line_rate option n1 capture rtscts dsrdtr start_command mux_baudrate reset_command sleeps_after"
    assert set(names.split()) == set(optional)
    with Module() as opened.module, cmux.open(opened.module.path, **optional) as mux:  # type: ignore[arg-type]
        assert mux.config == cmux.Profile(name="", title="", source="").config()
    assert opened.setting("rtscts") is False


def test_lists_of_channels_are_ranges_and_numbers_and_names() -> None:
    read = SETTINGS["channels"].read
    assert read("1-4") == (1, 2, 3, 4)
    assert read("3,1,2-2") == (1, 2, 3)
    assert read("gnss,3,at") == (3, "gnss", "at")
    for wrong in ("", "1-x", "0", "60-62", "4-1", "1-999999999999", "9-", "1,,2"):
        with pytest.raises(ValueError, match=r"DLCI"):
            read(wrong)


def test_names_of_channels_are_those_of_the_profile() -> None:
    options = LineOptions(port="/dev/x", settings={"profile": "sara-r4", "channels": "gnss,1"})  # type: ignore[typeddict-item]
    assert options.channels == (1, 3)
    assert LineOptions(port="/dev/x").channels == (1, 2, 3, 4)


def test_a_row_writes_its_default_as_a_text_that_it_reads() -> None:
    for name, row in SETTINGS.items():
        if not row.otherwise:
            assert row.checked(row.read(row.usual)) == row.checked(row.default), name


def test_a_profile_is_checked_when_it_is_made() -> None:
    wrongs: list[dict[str, object]] = [{"name": 5}, {"at_cmux": "longest"}]
    wrongs += [{"settings": {name: value}} for name, value in (("t1", "x"), ("n2", 300), ("settel", 1))]
    for wrong in wrongs:
        with pytest.raises(cmux.ConfigError):
            cmux.Profile(**{"name": "own", "title": "", "source": "", **wrong})  # type: ignore[arg-type]
