"""Every hint has an id: a module that it is for gets it, from ``doctor`` and the shells, in the words of the place."""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import logging
import os
import pickle
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from rows import each

if sys.platform == "win32":
    pytest.skip("the modules of these tests run on ptys", allow_module_level=True)

from computers import Computer, computer
from lax_peer import LaxModule, without_final
from misfits import CASES, Case
from mux_leaks import nothing_left
from mux_module import Module
from shells import QUICK, Shell
from startup_waits import NOBODY, shorten_waits

import cmux
from cmux.cli import doctor, main
from cmux.cli.app import Commands
from cmux.cli.attach import add_attach
from cmux.cli.doctor import add_doctor
from cmux.cli.hinted import HintsAsOptions, as_key, as_option
from cmux.cli.terminal import add_terminal
from cmux.line import facts
from cmux.line.physical import open_line
from cmux.protocol import Frame, FrameType, diagnosis, encode
from cmux.protocol.commands import CLD
from cmux.protocol.errors import StartupError
from cmux.protocol.hints import HINTS, as_keyword
from cmux.protocol.messages import encode_message
from cmux.settings import SETTINGS, LineSettings
from drivers.cli import main as program
from drivers.cli.demo import add_demo
from drivers.cli.monitor import add_monitor

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]

PAGE = Path(__file__).parents[3] / "docs" / "troubleshooting.md"
IN_BOTH_SHELLS = (
    *("port-busy", "silent", "cmux-refused", "control-refused", "strict-final"),
    *("frames-echoed-no-rtscts", "cts-off", "usb-ports"),
)
"""One for each place where a shell raises an error, or adds a fact to it; ``doctor`` runs on threads."""


IMPATIENT: dict[str, Any] = {**QUICK, "other_rates": ()}


def quick(monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    more = ("CMUX_WAIT", "INIT_WAIT", "ASK_WAIT", "HANG_UP_WAIT")
    shorten_waits(monkeypatch, 0.05 if case.answers else NOBODY, *more)
    monkeypatch.setattr(doctor, "_packages", lambda: iter(()))  # takes a while, and is about no line


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Computer]:
    """A computer that tells nothing about any port, unless it is made to."""
    with computer(tmp_path / "computer", monkeypatch) as made:
        yield made


def options(settings: dict[str, Any]) -> list[str]:
    """Settings as the command line has them."""
    found = []
    for name, value in settings.items():
        option = SETTINGS[name].option
        many = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        found += [option if value else SETTINGS[name].no_option] if isinstance(value, bool) else [option, many]
    return found


def test_every_hint_has_a_module_that_gets_it() -> None:
    assert set(CASES) == set(HINTS)


def test_an_id_is_a_word_that_stays_the_same() -> None:
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id) for id in HINTS)
    explained = {id for _, _, explains, _ in facts._FACTS for id in explains}
    chosen = {id for id, _ in (*diagnosis._WITHOUT_AT, *diagnosis._WITHOUT_UA)}
    assert explained | chosen <= set(HINTS)


@pytest.mark.parametrize("id", CASES)
def test_who_needs_a_hint_gets_it_from_doctor(
    id: str, here: Computer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[id]
    quick(monkeypatch, case)
    with ExitStack() as stack:
        _doctor(id, case, _path(stack, case, here, tmp_path), capsys)


@pytest.mark.parametrize("id", IN_BOTH_SHELLS)
def test_an_error_has_the_id_and_the_hint_in_pythons_words(
    id: str, shell: Shell, here: Computer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[id]
    quick(monkeypatch, case)
    with ExitStack() as stack:
        path = _path(stack, case, here, tmp_path)
        with pytest.raises((cmux.StartupError, cmux.PortError)) as caught:
            shell.open(path, **{**IMPATIENT, **case.settings})
    error = caught.value
    assert error.id == error.hint.id == id
    if isinstance(error, StartupError):
        assert str(error) == f"{path}: {error.said} ({error.hint.told()}) [{id}]"
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - as another process would get it
        assert (type(again), again.id, str(again)) == (type(error), id, str(error))


def _path(stack: ExitStack, case: Case, here: Computer, folder: Path) -> str:
    if case.module is None:
        assert case.port is not None
        return case.port(folder)
    module: Module = stack.enter_context(case.module())
    case.prepare(here, module.path)
    return module.path


def _doctor(id: str, case: Case, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", path, "--json", "--channels", "1-2", *options({**IMPATIENT, **case.settings})])
    told = capsys.readouterr()
    found = [json.loads(line) for line in told.out.splitlines()]
    assert all(list(one) == ["step", "ok", "id", "text"] for one in found)
    step = next(one for one in found if one["step"] == case.step and one["id"] is not None)
    assert (step["id"], step["ok"]) == (id, case.ok)
    assert case.words in step["text"]
    assert code == (case.step == "verdict")
    assert not code or case.words in told.err
    assert not re.search(r"<\w+>|[{}]", step["text"]), "a value is missing"
    assert f"[{id}]" not in step["text"], "it has a key of its own"
    assert not code or told.err.endswith(f" [{id}]\n")


# --- What a hint names is there, where it is shown ---


@cache
def parsers() -> dict[str, argparse.ArgumentParser]:
    """The commands that open a line, with their parsers."""
    commands = Commands("gsm0710", "")
    for add in (add_attach, add_doctor, add_terminal, add_monitor, add_demo):
        add(commands)
    [choices] = [one.choices for one in commands.parser._actions if isinstance(one, argparse._SubParsersAction)]
    return dict(choices)


@each(("id", HINTS))
def test_an_option_in_a_hint_is_one_of_each_command_that_may_show_it(id: str) -> None:
    assert len(parsers()) == 5
    for name, value in HINTS[id].settings:
        written = as_option(name, value).split(maxsplit=1)
        for command, parser in parsers().items():
            assert written[0] in parser._option_string_actions, command
        if value is not None and "<" not in value:
            SETTINGS[name].read(value)
    assert "--" not in re.sub(r"\{[^}]*\}", "", HINTS[id].text), "an option is a mark, so that Python shows a keyword"


@each(("id", HINTS))
def test_a_keyword_in_a_hint_is_one_of_open(id: str) -> None:
    for name, value in HINTS[id].settings:
        assert name in get_type_hints(LineSettings)
        written = as_keyword(name, value)
        if value is not None and "<" not in value:
            keyword, _, text = written.partition("=")
            SETTINGS[keyword].checked(ast.literal_eval(text))
    assert not re.search(r"\b[a-z]\w*=", re.sub(r"\{[^}]*\}", "", HINTS[id].text)), "a keyword is a mark"


def _messages() -> Iterator[tuple[str, str]]:
    """The texts outside of the command line that are no docstrings."""
    folder = Path(inspect.getfile(cmux)).parent
    for path in sorted(folder.rglob("*.py")):
        if path.parent.name != "cli":
            module = ast.parse(path.read_text(encoding="utf-8"))
            alone = {id(one.value) for one in ast.walk(module) if isinstance(one, ast.Expr)}
            for one in ast.walk(module):
                if isinstance(one, ast.Constant) and isinstance(one.value, str) and id(one) not in alone:
                    yield path.name, one.value


def test_no_message_from_python_names_an_option_of_a_command_without_the_command() -> None:
    rows = {row.no for row in SETTINGS.values()} | {"--", "--no-"}
    named = {text for _, text in _messages() if re.search(r"(?<!attach )--", text) and text not in rows}
    assert named == set()


def test_a_keyword_in_a_message_from_python_exists() -> None:
    known = {*get_type_hints(LineSettings), *inspect.signature(cmux.open).parameters}
    named = {word for _, text in _messages() for word in re.findall(r"\b([a-z]\w*)=(?:True|False|\d|\"[a-z])", text)}
    assert named <= known | {"dlci", "open"}  # of a URL; of the text that pyserial has for a port


@pytest.mark.parametrize(
    ("name", "value", "keyword", "option", "key"),
    [
        ("settle", None, "settle", "--settle", "settle"),
        ("option", "basic", 'option="basic"', "--option basic", 'option = "basic"'),
        ("rtscts", "yes", "rtscts=True", "--rtscts", "rtscts = true"),
        ("rtscts", "no", "rtscts=False", "--no-rtscts", "rtscts = false"),
        ("capture_payload", "no", "capture_payload=False", "--capture-no-payload", "capture_payload = false"),
        ("baudrate", "9600", "baudrate=9600", "--baudrate 9600", "baudrate = 9600"),
        ("init", "AT+IFC=2,2", 'init="AT+IFC=2,2"', "--init AT+IFC=2,2", 'init = "AT+IFC=2,2"'),
    ],
)
def test_a_setting_is_written_as_its_user_writes_it(
    name: str, value: str | None, keyword: str, option: str, key: str
) -> None:
    assert (as_keyword(name, value), as_option(name, value), as_key(name, value)) == (keyword, option, key)


def test_each_command_and_its_log_show_options_and_a_file_its_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quick(monkeypatch, CASES["other-option"])
    with Module(knows_at=False) as module:
        for port in (["attach", module.path], ["monitor", module.path], ["demo", "--port", module.path]):
            assert program([*port, "--option", "advanced", "-v"]) == 1
            assert "(use --option basic)" in capsys.readouterr().err
        (tmp_path / "lines.toml").write_text(f'[one]\nport = "{module.path}"\noption = "advanced"\n')
        assert main(["attach", "--config", str(tmp_path / "lines.toml")]) == 1
        assert '(use option = "basic")' in capsys.readouterr().err


def test_the_log_shows_options_too() -> None:
    error = cmux.ModuleSilent("/dev/x", "said", HINTS["other-option"].filled(option="basic"))
    formatter = HintsAsOptions("%(message)s")
    record = logging.LogRecord("cmux", logging.INFO, "", 1, "not yet back: %s", (error,), None)
    assert formatter.format(record) == "not yet back: /dev/x: said (use --option basic) [other-option]"
    assert record.getMessage() == 'not yet back: /dev/x: said (use option="basic") [other-option]'
    plain = logging.LogRecord("cmux", logging.INFO, "", 1, "%(one)s", ({"one": 1},), None)
    assert formatter.format(plain) == "1"


# --- What is told depends on what was heard, and on what is in force ---


def test_a_module_that_dies_of_an_early_sabm_opens_when_it_is_left_alone(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch, CASES["sabm-too-early"])
    module = CASES["sabm-too-early"].module
    assert module is not None
    with module() as early, pytest.raises(cmux.NoMultiplexer, match=r"give it more silence, settle=0\.5"):
        shell.open(early.path, **IMPATIENT)
    with module() as early, shell.open(early.path, **{**IMPATIENT, "t1": 0.3, "t2": 0.6}, settle=0.15) as mux:
        assert mux.error is None


def test_what_was_heard_at_the_first_rate_says_more_than_silence_at_the_next(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch, CASES["strict-final"])
    with LaxModule(without_final, baudrate=9600) as module, pytest.raises(cmux.NoMultiplexer) as caught:
        shell.open(module.path, baudrate=9600, strict_final=True, **{**IMPATIENT, "t1": 0.1, "t2": 0.2})
    assert caught.value.id == "strict-final"


def test_a_port_on_a_line_of_another_has_the_id_of_what_is_wrong_with_that(monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch, CASES["cmux-refused"])
    with Module(cmux_answer=b"\r\nERROR\r\n") as module, pytest.raises(cmux.CmuxError) as caught:
        cmux.open(f"cmux://{module.path}?dlci=1")
    assert caught.value.id == "cmux-refused"  # type: ignore[attr-defined]
    with pytest.raises(cmux.PortNotFound) as missing:
        cmux.open("cmux:///dev/nowhere?dlci=1")
    assert missing.value.id == missing.value.hint.id == "port-not-found"


class Closed(Module):
    """A module that does not answer SABM but on DLCI 0; any command is answered."""

    def _receive(self, data: bytes) -> None:
        for dlci in (1, 2):
            data = data.replace(encode(Frame(dlci, True, FrameType.SABM, True)), b"")
        super()._receive(data)


def test_channels_that_are_not_answered_are_no_module_that_is_gone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = Case("None of these channels opens", Closed)
    quick(monkeypatch, case)
    with Closed() as module:
        _doctor("no-channel", case, module.path, capsys)


def test_a_module_without_a_control_channel_is_not_said_to_answer_ua(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quick(monkeypatch, CASES["control-refused"])
    module = CASES["control-refused"].module
    assert module is not None
    with module() as without:
        main(["doctor", without.path, "--adm", *options({**IMPATIENT, "n2": 0})])
    assert "SABM is answered with DM: there is no control channel" in capsys.readouterr().out


# --- A session that lasts for a moment ---


class Hasty(Module):
    """A module that closes the session down in the same breath in which it opens it."""

    def _receive(self, data: bytes) -> None:
        if self.in_mux and encode(Frame(0, True, FrameType.SABM, True)) in data:
            cld = Frame(0, False, FrameType.UIH, False, encode_message(CLD(), command=True))
            self._emit(encode(Frame(0, True, FrameType.UA, True)) + encode(cld))
        else:
            super()._receive(data)


def test_a_session_that_is_closed_down_at_once_was_open(shell: Shell) -> None:
    with Hasty() as module, pytest.raises(cmux.SessionEnded, match=r"closed the multiplexer down \(CLD\)"):
        shell.open(module.path, channels=[1], t1=0.1, n2=1)


def test_what_a_server_says_before_it_hangs_up_is_told(shell: Shell) -> None:
    case = CASES["connection-closed"]
    with case.module() as module, pytest.raises(cmux.SessionEnded, match="after 'Port already in use'"):  # type: ignore[misc]
        shell.open(module.path)


# --- The computer ---

NO_RTSCTS = {"frames-echoed-no-rtscts", "damaged-frames-no-rtscts"}
"""What is a fact of every port without that flow control."""


def test_flow_control_that_stty_has_set_counts_as_that_which_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, here: Computer
) -> None:
    import termios

    with Module() as module:
        line = open_line(module.path, 115200)
        try:
            here.cts_is_off(module.path)
            assert {fact.hint.id for fact in line.facts()} == NO_RTSCTS
            attributes = termios.tcgetattr(line.fileno())  # type: ignore[attr-defined]  # a pty has a descriptor
            attributes[2] |= termios.CRTSCTS
            termios.tcsetattr(line.fileno(), termios.TCSANOW, attributes)  # type: ignore[attr-defined]
            assert [fact.hint.id for fact in line.facts()] == ["cts-off", "cts-off-now"]
            monkeypatch.setattr(facts, "clear_to_send", lambda fd: True)
            assert [fact.hint.id for fact in line.facts()] == []
        finally:
            line.close()
        assert list(line.facts()) == []


def test_an_inherited_flow_control_is_to_blame_where_nothing_was_asked_for(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, here: Computer
) -> None:
    import termios

    quick(monkeypatch, CASES["cts-off"])
    with Module(silent=True) as module:
        fd = os.open(module.path, os.O_RDWR | os.O_NOCTTY)
        try:
            attributes = termios.tcgetattr(fd)
            attributes[2] |= termios.CRTSCTS
            termios.tcsetattr(fd, termios.TCSANOW, attributes)
            here.cts_is_off(module.path)
            with pytest.raises(cmux.ModuleSilent, match="no octet has left this computer: CTS is off") as caught:
                shell.open(module.path, **IMPATIENT)
        finally:
            os.close(fd)
    assert caught.value.id == "cts-off"


def facts_of(path: str) -> set[str]:
    """The facts of a port by their ids."""
    line = open_line(path, 115200)
    try:
        return {fact.hint.id for fact in line.facts()} - NO_RTSCTS
    finally:
        line.close()


def test_what_is_as_it_should_be_is_no_fact(here: Computer) -> None:
    with Module() as module:
        assert facts_of(module.path) == set()
        here.latency(module.path, 1)
        here.on_usb(module.path, "ftdi_sio")  # an adapter with four ports: they are no ports of a module
        here.write("proc/consoles", "tty0 -WU (EC p  ) 4:1\n\n")
        here.write("proc/7/comm", "agetty\n")
        here.write("proc/7/stat", "7 (agetty) S 1 7 7 1025 7 0 0\n")
        here.write("proc/8/comm", "bash\n")
        assert facts_of(module.path) == set()


def test_a_login_is_known_by_its_arguments_too(here: Computer) -> None:
    with Module() as module:
        here.write("proc/7/comm", "getty\n")
        here.write("proc/7/cmdline", f"getty\x00115200\x00{module.path}\x00")
        assert facts_of(module.path) == {"getty"}


def test_a_pty_has_no_wire_and_what_is_no_terminal_no_facts() -> None:
    with Module(tcp=True) as module:
        assert facts_of(module.path) == set()
    with Module() as module:
        line = open_line(module.path, 115200)
        assert facts.clear_to_send(line.fileno()) is None  # type: ignore[attr-defined]
        assert facts.has_rtscts(line.fileno()) is False  # type: ignore[attr-defined]
        assert facts.framing(line.fileno()) == "8N1"  # type: ignore[attr-defined]
        line.close()


# --- The page ---


def test_the_page_has_each_hint_as_the_command_line_shows_it() -> None:
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert rows == {id: hint.told(as_option).replace("<", r"\<") for id, hint in HINTS.items()}
