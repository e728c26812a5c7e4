"""``gsm0710 ports``: a table for people, an object a line for programs, and one line where there is no port."""

from __future__ import annotations

import json

import pytest
from listed_ports import port

from cmux.cli import main
from cmux.cli import ports as command
from cmux.line.listing import ListedPort
from cmux.line.usb_modems import Kind

Captured = pytest.CaptureFixture[str]


SEVERAL = [
    port("/dev/ttyS0", console=True, login="agetty (process 812)", driver="serial8250"),
    port("/dev/ttyUSB0", Kind.ADAPTER, vid=0x0403, pid=0x6001, maker="FTDI", product="FT232R USB UART"),
    port(
        "/dev/ttyUSB2",
        Kind.AT,
        vid=0x2C7C,
        pid=0x0125,
        maker="Quectel",
        product="Quectel EG25-G",
        interface=2,
        link="/dev/serial/by-id/usb-Quectel-if02",
        user="ModemManager (process 731)",
    ),
]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[ListedPort]:
    """The ports that there are, which a test may change."""
    there = list(SEVERAL)
    monkeypatch.setattr(command, "ports", lambda: there)
    return there


def test_a_row_for_each_port(found: list[ListedPort], capsys: Captured) -> None:
    assert main(["ports"]) == 0
    console = "the kernel's console, agetty (process 812)"
    assert capsys.readouterr().out.splitlines() == [
        "path          USB ids    looks like             maker and product     used by",
        f"/dev/ttyS0    -          this computer's own    -                     {console}",
        "/dev/ttyUSB0  0403:6001  USB adapter or device  FTDI FT232R USB UART  -",
        "/dev/ttyUSB2  2c7c:0125  AT port of a module    Quectel EG25-G        ModemManager (process 731)",
    ]


def test_with_v_a_second_row_has_more(found: list[ListedPort], capsys: Captured) -> None:
    assert main(["ports", "-v"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  driver serial8250" in lines
    assert "  interface 2, link /dev/serial/by-id/usb-Quectel-if02" in lines


def test_as_json_every_key_is_there(found: list[ListedPort], capsys: Captured) -> None:
    assert main(["ports", "--json"]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len({tuple(one) for one in objects}) == 1
    assert objects[2] == {
        "path": "/dev/ttyUSB2",
        "kind": "at",
        "vid": "2c7c",
        "pid": "0125",
        "maker": "Quectel",
        "product": "Quectel EG25-G",
        "serial_number": None,
        "interface": 2,
        "driver": None,
        "link": "/dev/serial/by-id/usb-Quectel-if02",
        "console": False,
        "login": None,
        "user": "ModemManager (process 731)",
    }


@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=str)
@pytest.mark.parametrize("quiet", [False, True])
def test_where_there_is_none_one_line_says_so_and_nothing_has_failed(
    found: list[ListedPort], capsys: Captured, arguments: list[str], quiet: bool
) -> None:
    found.clear()
    assert main(["ports", *arguments, *["-q"] * quiet]) == 0
    output = capsys.readouterr()
    assert output.out == ""
    assert len(output.err.splitlines()) == (not quiet)
    assert quiet or output.err.startswith("no serial port was found")


def test_every_kind_has_words() -> None:
    assert {*command._WORDS} == {*Kind}
