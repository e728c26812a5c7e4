"""What the commands say and show: lines as they come, reasons without Python's words, as much as was asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import serial

if sys.platform == "win32":
    pytest.skip("needs ptys", allow_module_level=True)

from attached import Attach
from chatty_module import ChattyModule, Screen
from mux_leaks import nothing_left
from mux_module import Module
from shells import Shell
from startup_waits import NOBODY, shorten_waits

import cmux
from cmux.cli import main
from cmux.cli.console import LineEnds
from cmux.cli.hinted import one_line
from cmux.line.physical import open_line
from cmux.pty import Pty
from drivers.cli import main as gsm0710

__all__ = ["nothing_left"]

Captured = pytest.CaptureFixture[str]


# --- Lines on the screen of the terminal ---

LINES = {
    "CR LF, as modules send it": ("\r\nOK\r\n", "\nOK\n"),
    "an echo of Enter before it": ("AT\r\r\nOK\r\n", "AT\nOK\n"),
    "LF alone": ("one\ntwo\n", "one\ntwo\n"),
    "CR alone": ("one\rtwo\r", "one\ntwo\n"),
    "an empty line": ("one\r\n\r\ntwo\r\n", "one\n\ntwo\n"),
    "empty lines of LF": ("one\n\ntwo", "one\n\ntwo"),
}


@pytest.mark.parametrize(("text", "shown"), LINES.values(), ids=LINES)
def test_a_line_end_is_one_line_end_however_it_is_cut(text: str, shown: str) -> None:
    assert LineEnds().rx(text) == shown
    ends = LineEnds()
    assert "".join(ends.rx(character) for character in text) == shown


@pytest.mark.parametrize("eol", ["cr", "crlf", "lf"])
def test_a_terminal_shows_each_line_once(eol: str) -> None:
    with ChattyModule() as module, Screen(module.path, "--dlci", "1", "--eol", eol) as screen:
        screen.wait_for(b"help ---")
        screen.wait_for(b"\n")
        module.say(1, b"\r\none\r\ntwo\r\n\r\nOK\r\n<")
        shown = screen.wait_for(b"<").replace(b"\r\r\n", b"\r\n")  # the terminal puts a CR before each LF
        assert shown == b"\r\none\r\ntwo\r\n\r\nOK\r\n"
        assert screen.leave() == 0


# --- A port that is none ---

NEEDED = "{scheme}://HOST:PORT is needed, with a PORT from 1 to 65535"
NO_PORT = "there is no such port (is the device plugged in? gsm0710 ports lists what is there)"
PORTS: dict[str, str] = {
    **{url: NEEDED.format(scheme="socket") for url in ("socket://", "socket://host", "socket://[::1]", "socket://h:0")},
    **{url: NEEDED.format(scheme="socket") for url in ("socket://127.0.0.1:99999", "socket://127.0.0.1:at")},
    **{url: NEEDED.format(scheme="rfc2217") for url in ("rfc2217://", "rfc2217://host", "rfc2217://host:x")},
    "socket://127.0.0.1:1": "connection refused (does a program listen there?)",
    "rfc2217://127.0.0.1:1": "connection refused (does a program listen there?)",
    "socket://127.0.0.1:1?logging=x": "the URL is not understood: 'x'",
    "loop://?x=1": "cannot be opened: unknown option: 'x'",
    "hwgrep://nosuchport": "cannot be opened: no ports found matching regexp 'nosuchport'",
    "hwgrep://(": "cannot be opened: missing ), unterminated subpattern at position 0",
    "nosuch://": "invalid URL, protocol 'nosuch' not known",
    "{folder}/file": "it is not a serial port",
    "{folder}": "it is not a serial port, but a folder",
    "/dev/null": "it is not a serial port",
    "{folder}/file/x": NO_PORT,
    "cmux://{folder}/no?dlci=1": f"{{folder}}/no: {NO_PORT}",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("")
    return tmp_path


@pytest.mark.parametrize(("port", "said"), PORTS.items(), ids=list(PORTS))
def test_a_port_that_is_none_is_said_in_words(shell: Shell, folder: Path, port: str, said: str) -> None:
    port, said = port.format(folder=folder), said.format(folder=folder)
    with pytest.raises(cmux.PortError) as caught:
        shell.open(port)
    assert str(caught.value) == f"{port}: {said}"
    assert caught.value.port == port


@pytest.mark.parametrize("command", ["attach", "doctor"])
@pytest.mark.parametrize("port", ["socket://", "{folder}/file"])
def test_the_commands_say_it_in_one_line(folder: Path, capsys: Captured, command: str, port: str) -> None:
    assert main([command, port.format(folder=folder)]) == 1
    output = capsys.readouterr()
    (line,) = output.err.splitlines()
    assert not any(word in line + output.out for word in ("Errno", "instances", "ioctl", "Could not"))


@pytest.mark.skipif(sys.platform != "linux", reason="a device that refuses in another way than most")
def test_the_words_of_termios_are_shown_without_its_number() -> None:
    with pytest.raises(cmux.PortError, match=r"^/dev/random: cannot be opened: Invalid argument$"):
        open_line("/dev/random", 115200)


def test_no_port_has_nul_in_its_name(shell: Shell) -> None:
    for settings in ({}, {"reattach": True}):
        with pytest.raises(cmux.PortError, match="no port has NUL in its name"):
            shell.open("/dev/a\0b", **settings)
    with pytest.raises(ValueError, match="contains NUL"):
        serial.serial_for_url("cmux://?port=/dev/a%00b&dlci=1")


@pytest.mark.parametrize(
    "port", ["socket://", "loop://?x=1", "hwgrep://(", "{folder}/file", "{folder}", "/dev/null", "{folder}/no"]
)
def test_the_emulated_module_says_it_in_one_line(folder: Path, capsys: Captured, port: str) -> None:
    port = port.format(folder=folder)
    assert gsm0710(["emulate", "--port", port]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"gsm0710 emulate: {port}: ")
    assert not any(word in line for word in ("Errno", "instances", "ioctl", "Could not", "could not"))


def test_an_exception_that_is_being_handled_is_not_the_reason() -> None:
    try:
        raise OSError(13, "Permission denied")
    except OSError:
        with pytest.raises(cmux.PortError, match=r"it is not a serial port$"):
            open_line("/dev/null", 115200)


# --- No folder for what is to be made ---


@pytest.mark.parametrize(
    ("command", "option"),
    [("attach", "--link"), ("attach", "--capture"), ("monitor", "--link"), ("doctor", "--capture")],
)
@pytest.mark.parametrize(("inside", "why"), [("no", "No such file or directory"), ("file", "Not a directory")])
def test_what_has_no_folder_is_named_as_written_before_the_port_is_opened(
    folder: Path, capsys: Captured, command: str, option: str, inside: str, why: str
) -> None:
    path = f"{folder}/{inside}/x.log"
    with Module() as module:
        assert gsm0710([command, module.path, option, path]) == 1
        assert module.commands == []
    assert capsys.readouterr().err == f"gsm0710 {command}: {option} {path}: {why}: {folder}/{inside}\n"


@pytest.mark.parametrize("key", ["link", "capture"])
def test_in_a_file_the_key_is_named_with_its_table(folder: Path, capsys: Captured, key: str) -> None:
    file = folder / "lines.toml"
    with Module() as module:
        file.write_text(f'[one]\nport = "{module.path}"\n{key} = "{folder}/no/x.log"\n')
        assert main(["attach", "--config", str(file)]) == 1
        assert module.commands == []
    said = f"{file}: [one]: {key} = '{folder}/no/x.log': No such file or directory: {folder}/no"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", ["attach", "doctor", "monitor"])
def test_a_folder_is_no_file_for_a_capture(folder: Path, capsys: Captured, command: str) -> None:
    with Module() as module:
        assert gsm0710([command, module.path, "--capture", str(folder)]) == 1
        assert module.commands == []
    assert capsys.readouterr() == ("", f"gsm0710 {command}: --capture {folder}: Is a directory\n")


def test_a_link_that_cannot_be_made_is_named_and_not_the_temporary_one(folder: Path) -> None:
    with pytest.raises(NotADirectoryError) as caught:
        Pty(f"{folder}/file/link")
    assert caught.value.filename == f"{folder}/file/link"


ERRORS = {
    "of a file": (FileNotFoundError(2, "No such file or directory", "/x"), "/x: No such file or directory"),
    "of a file whose name is octets": (IsADirectoryError(21, "Is a directory", b"/x"), "/x: Is a directory"),
    "of no file": (OSError(98, "Address already in use"), "Address already in use"),
    "without a number": (OSError("no pty"), "no pty"),
    "in lines": (ValueError("a\n b"), "a b"),
    "without words": (ValueError(), "ValueError"),
}


@pytest.mark.parametrize(("error", "text"), ERRORS.values(), ids=ERRORS)
def test_an_error_in_one_line(error: Exception, text: str) -> None:
    assert one_line(error) == text


# --- More, and less ---


def test_a_quiet_doctor_says_only_what_prevents_it(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    shorten_waits(monkeypatch, NOBODY)
    with Module() as module:
        assert main(["doctor", module.path, "-q"]) == 0
    assert capsys.readouterr() == ("", "")
    with Module(silent=True) as module:
        assert main(["doctor", "-q", module.path]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    assert "fails at AT: no answer to AT, asked 5 times" in line


def test_json_was_asked_for_also_when_quiet(capsys: Captured) -> None:
    with Module() as module:
        assert main(["doctor", module.path, "-q", "--json"]) == 0
    assert '"step": "verdict"' in capsys.readouterr().out


def test_a_quiet_terminal_has_no_banner() -> None:
    with ChattyModule() as module, Screen(module.path, "--dlci", "1", "-q") as screen:
        module.wait(lambda: module.opened(1))
        module.say(1, b"<")
        assert screen.wait_for(b"<") == b""
        assert screen.leave() == 0


def test_attach_tells_the_steps_when_it_is_to_show_more() -> None:
    with Module() as module, Attach(module.path, "--channels", "1", "-v").ready() as attach:
        code, said = attach.end()
    assert code == 0
    told = [line.removeprefix(f"cmux.{module.path}: ") for line in said.splitlines()]
    assert [line for line in told if not line.startswith("AT+CMUX?")] == [
        "AT: the module answers; echo is on",
        "AT+CMUX: AT+CMUX=0 is answered with OK",
        "the session is open",
        "DLCI 1 is open",
        "DLCI 1 is closed",
        "the session is closed",
    ]
    with Module() as module, Attach(module.path, "--channels", "1").ready() as attach:
        assert attach.end() == (0, "")


@pytest.mark.parametrize("columns", [60])
def test_a_monitor_keeps_to_the_width_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.chdir(tmp_path)
    with Module(
        answers={"ATI": b"\r\nQuectel_Ltd\r\nQuectel_M10\r\nRevision: M10R04A02M32_SST\r\n\r\nOK\r\n"}
    ) as module:
        assert gsm0710(["monitor", module.path, "--once", "--link", "a-name-of-forty-columns-for-each-channel"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert max(map(len, shown)) <= columns
    for dlci in range(1, 4):
        assert any(f"a-name-of-forty-columns-for-each-channel{dlci}" in line for line in shown)


# --- Wrong usage ---


def test_without_any_argument_there_is_the_help(capsys: Captured) -> None:
    assert gsm0710([]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("usage: gsm0710 ")
    assert "attach" in output.out
    assert output.err == ""


WRONG: dict[str, tuple[list[str], str, str]] = {
    "a value": (["attach", "/dev/x", "--n1", "x"], "attach", "argument --n1: 'x' is not"),
    "a choice": (["attach", "/dev/x", "--startup", "x"], "attach", "argument --startup: "),
    "what is missing": (["doctor"], "doctor", "the following arguments are required: PORT"),
    "an option that there is not": (["doctor", "/dev/x", "--nosuch"], "doctor", "unrecognized arguments: --nosuch"),
    "one argument too many": (["doctor", "/dev/x", "/dev/y"], "doctor", "unrecognized arguments: /dev/y"),
    "two that contradict each other": (
        ["monitor", "/dev/x", "--t1", "1", "--t2", "0.5"],
        "monitor",
        "--t2 0.5 must be",
    ),
    "an option of the command's own": (["attach", "/dev/x", "--link", "/"], "attach", "--link '/' has no name"),
    "none of a group": (["emulate"], "emulate", "--pty"),
}


@pytest.mark.parametrize(("arguments", "command", "said"), WRONG.values(), ids=WRONG)
def test_wrong_usage_is_told_in_one_line_behind_what_is_needed(
    capsys: Captured, arguments: list[str], command: str, said: str
) -> None:
    assert gsm0710(arguments) == 2
    usage, error = capsys.readouterr().err.splitlines()
    assert usage.startswith(f"usage: gsm0710 {command} ")
    assert usage.endswith(f"[OPTIONS], see gsm0710 {command} --help")
    assert error.startswith(f"gsm0710 {command}: error: ")
    assert said in error


@pytest.mark.parametrize("arguments", [["nosuch"], ["--nosuch"]])
def test_a_command_that_there_is_not_is_told_the_same_way(capsys: Captured, arguments: list[str]) -> None:
    assert gsm0710(arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[-1].startswith("gsm0710: error: ")
