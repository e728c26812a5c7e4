"""Values that no setting and no option takes: said before the port is opened, with the name that the user wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import serial

import cmux
from cmux.settings import SETTINGS
from drivers.cli import main

Captured = pytest.CaptureFixture[str]

NO_PORT = "/dev/nosuchport"  # a value that is taken leads to the error that it is not there


def told_on_the_command_line(capsys: Captured, *arguments: str) -> str:
    assert main(list(arguments)) == 2
    return capsys.readouterr().err.splitlines()[-1]


# --- Numbers that only Python takes for numbers ---

ODD = {"an underscore": "1_0", "another script": "\u0661", "blanks": " 5 ", "a fraction": "1.", "base 16": "0x10"}
WHOLE = ["baudrate", "line_rate", "n1", "n2", "k", "mux_baudrate", "queue_low", "other_rates", "channels"]


@pytest.mark.parametrize("text", [ODD[name] for name in ("an underscore", "another script", "a fraction", "base 16")])
@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_number_is_written_in_digits(capsys: Captured, name: str, text: str) -> None:
    row = SETTINGS[name]
    assert row.option in told_on_the_command_line(capsys, "attach", NO_PORT, f"{row.option}={text}")
    with pytest.raises(ValueError, match=f"{name}="):
        serial.serial_for_url(f"cmux://{NO_PORT}?dlci=1&{name}={text}")


@pytest.mark.parametrize("text", ["1_0.5", "\u0661", " 2 ", "1e999", "nan", "-inf"])
@pytest.mark.parametrize("name", ["t3", "drain_timeout", "keep_alive_interval", "open_timeout"])
def test_seconds_are_written_in_digits(capsys: Captured, name: str, text: str) -> None:
    row = SETTINGS[name]
    assert row.option in told_on_the_command_line(capsys, "attach", NO_PORT, f"{row.option}={text}")


@pytest.mark.parametrize("text", ["1, 3", "1,3", "1-2 , 4"])
def test_a_list_may_have_blanks(text: str) -> None:
    with pytest.raises(cmux.PortNotFound):
        cmux.open(NO_PORT, channels=text)


# --- Channels that are none ---


@pytest.mark.parametrize("value", ["gnss", "nan", ["gnss"], [None], [True], [0], [62], [1.5]])
def test_a_channel_that_is_none_is_told_with_the_setting(value: Any) -> None:
    with pytest.raises(cmux.InvalidDlci, match=r"^channels: DLCI .* is not a data channel: use 1 to 61"):
        cmux.open(NO_PORT, channels=value)


@pytest.mark.parametrize("command", ["attach", "monitor", "doctor"])
def test_a_channel_that_is_none_is_told_with_the_option(capsys: Captured, command: str) -> None:
    said = told_on_the_command_line(capsys, command, NO_PORT, "--channels", "gnss")
    assert said.startswith(f"gsm0710 {command}: error: --channels: DLCI 'gnss' is not a data channel")


def test_a_channel_that_is_none_is_told_with_the_key(capsys: Captured, tmp_path: Path) -> None:
    file = tmp_path / "lines.toml"
    file.write_text(f'[a]\nport = "{NO_PORT}"\nchannels = ["gnss"]\n')
    assert main(["attach", "--config", str(file)]) == 1
    assert f"{file}: [a]: channels: DLCI 'gnss' is not a data channel" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"^channels: DLCI 'gnss' is not a data channel"):
        serial.serial_for_url(f"cmux://{NO_PORT}?dlci=1&channels=gnss")


@pytest.mark.parametrize("name", ["channels", "other_rates"])
@pytest.mark.parametrize("value", [b"x", bytearray(b"x"), {1: 2}])
def test_octets_and_tables_are_no_lists(name: str, value: Any) -> None:
    with pytest.raises(cmux.ConfigError, match=f"^{name} = "):
        cmux.open(NO_PORT, **{name: value})


# --- Names with NUL, which the system does not take; a file can have them ---


@pytest.mark.parametrize("key", ["link", "capture"])
def test_no_path_has_nul_in_it(capsys: Captured, tmp_path: Path, key: str) -> None:
    file = tmp_path / "lines.toml"
    file.write_text(f'[a]\nport = "{NO_PORT}"\n{key} = "a\\u0000b"\n')
    assert main(["attach", "--config", str(file)]) == 1
    assert f"{file}: [a]: {key} = 'a\\x00b' is not " in capsys.readouterr().err


def test_a_port_is_a_string(capsys: Captured, tmp_path: Path) -> None:
    file = tmp_path / "lines.toml"
    file.write_text("[a]\nport = 5\n")
    assert main(["attach", "--config", str(file)]) == 1
    assert f"{file}: [a]: port = 5 is not a string" in capsys.readouterr().err


# --- As the user wrote it ---

WRITTEN: dict[str, Callable[[str], list[str]]] = {
    "--n1: 0 is out of range": lambda _: ["emulate", "--port", NO_PORT, "--n1", "0"],
    "--loopback: 99 is out of range": lambda _: ["emulate", "--port", NO_PORT, "--loopback", "99"],
    "--seed: '1_0' is not a number": lambda _: ["emulate", "--port", NO_PORT, "--seed", "1_0"],
    "--behaviour: no behaviour": lambda _: ["emulate", "--port", NO_PORT, "--behaviour", "x=1"],
    "--faults: fault ber: a rate": lambda _: ["emulate", "--port", NO_PORT, "--faults", "ber=2"],
    "--host: 'y' is not an IPv4": lambda _: ["emulate", "--port", NO_PORT, "--host", "x=y"],
    "--route: 'x' is not ADDRESS": lambda _: ["emulate", "--port", NO_PORT, "--route", "x=127.0.0.1"],
    "--tcp: 3 ports": lambda _: ["emulate", "--tcp", "127.0.0.1:65534", "--count", "3"],
    "--tcp: 192.0.2.1 can be reached": lambda _: ["emulate", "--tcp", "192.0.2.1:0"],
    "--pty: '' is empty": lambda _: ["emulate", "--pty", ""],
    "emulate: error: argument --port: '' is empty": lambda _: ["emulate", "--port", ""],
    "demo: error: argument --port: '' is empty": lambda _: ["demo", "--port", ""],
    "error: --xonxoff needs": lambda _: ["attach", NO_PORT, "--xonxoff"],
    "--config": lambda file: ["attach", "--config", file, "--settle", "0"],
    "file: --channels, --no-ask, --settle": lambda file: [
        "attach", "--config", file, "--settle", "0", "--no-ask", "--channels", "1",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("said", "arguments"), WRITTEN.items(), ids=WRITTEN)
def test_the_option_is_named_as_it_was_written(
    capsys: Captured, said: str, arguments: Callable[[str], list[str]]
) -> None:
    assert said in told_on_the_command_line(capsys, *arguments("lines.toml"))


def test_the_capture_of_an_emulated_module_is_named_as_it_was_written(capsys: Captured, tmp_path: Path) -> None:
    path = tmp_path / "no" / "x.log"
    assert main(["emulate", "--port", NO_PORT, "--capture", str(path)]) == 1
    assert capsys.readouterr().err == f"gsm0710 emulate: --capture {path}: No such file or directory\n"
