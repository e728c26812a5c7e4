"""The ports that there are: pyserial's list and a computer of the test are put together, and no port is opened."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from serial.tools.list_ports_common import ListPortInfo

if sys.platform != "linux":
    pytest.skip("reads what Linux tells", allow_module_level=True)

from computers import Computer, computer
from lock_files import OtherProgram

from cmux.line import locks
from cmux.line.listing import ListedPort, listed
from cmux.line.usb_modems import Kind
from cmux.pty import Pty

EC25 = (0x2C7C, 0x0125)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Computer]:
    """A computer without a port."""
    with computer(tmp_path, monkeypatch) as made:
        monkeypatch.setattr(locks, "DIRECTORY", tmp_path / "var/lock")
        yield made


def listing(*names: str) -> dict[str, ListedPort]:
    """What is listed where pyserial lists these names, by the path."""
    return {port.path: port for port in listed(ListPortInfo(f"/dev/{name}") for name in names)}


def test_a_computer_without_ports_has_none(here: Computer) -> None:
    assert listing() == {}


@pytest.mark.parametrize(
    ("interface", "kind"), [(0, Kind.DIAGNOSTICS), (1, Kind.GNSS), (2, Kind.AT), (3, Kind.AT), (4, Kind.MODEM)]
)
def test_the_ports_of_a_known_module_are_told_apart_by_their_interface(
    here: Computer, interface: int, kind: Kind
) -> None:
    here.usb_port("ttyUSB2", *EC25, interface=interface, told={"manufacturer": "Quectel", "product": "EG25-G"})
    port = listing("ttyUSB2")["/dev/ttyUSB2"]
    assert (port.kind, port.vid, port.pid, port.interface) == (kind, *EC25, interface)
    assert (port.maker, port.product, port.driver) == ("Quectel", "EG25-G", "option1")


KINDS: dict[str, tuple[tuple[int, int], dict[str, object], Kind]] = {
    "another product of a maker of modules": ((0x2C7C, 0xFFFF), {}, Kind.MODEM),
    "one that says it takes AT commands": ((0x1546, 0x1199), {"driver": "cdc_acm", "protocol": "01"}, Kind.AT),
    "one that says nothing of the kind": ((0x1546, 0x1199), {"driver": "cdc_acm", "protocol": "00"}, Kind.MODEM),
    "a receiver for positions of a maker of modules": ((0x1546, 0x01A7), {"driver": "cdc_acm"}, Kind.ADAPTER),
    "a board that says it takes AT commands": ((0x2341, 0x0043), {"driver": "cdc_acm", "protocol": "01"}, Kind.ADAPTER),
    "an adapter": ((0x0403, 0x6001), {"driver": "ftdi_sio"}, Kind.ADAPTER),
    "a driver of modules alone": ((0x9999, 0x0001), {"driver": "option1"}, Kind.MODEM),
}


@pytest.mark.parametrize("name", KINDS)
def test_others_are_guessed_from_what_is_known(here: Computer, name: str) -> None:
    ids, options, kind = KINDS[name]
    here.usb_port("ttyX0", *ids, **options)  # type: ignore[arg-type]
    assert listing("ttyX0")["/dev/ttyX0"].kind is kind


def test_a_maker_that_says_no_name_is_named_by_its_id(here: Computer) -> None:
    here.usb_port("ttyUSB0", 0x10C4, 0xEA60, driver="cp210x")
    port = listing("ttyUSB0")["/dev/ttyUSB0"]
    assert (port.maker, port.product) == ("Silicon Labs", None)


def test_what_the_rules_of_modemmanager_have_noted_goes_before_all(here: Computer) -> None:
    with Pty() as pty:  # a port that is there, for the number of its device
        number = os.stat(pty.path).st_rdev
        note = f"run/udev/data/c{os.major(number)}:{os.minor(number)}"
        here.write(note, "S:serial/by-id/usb-x\nE:ID_MM_CANDIDATE=1\nE:ID_MM_PORT_TYPE_AT_SECONDARY=1\n")
        assert [port.kind for port in listed([ListPortInfo(pty.path)])] == [Kind.AT]
        here.write(note, "E:ID_MM_PORT_TYPE_GPS=1\n")
        assert [port.kind for port in listed([ListPortInfo(pty.path)])] == [Kind.GNSS]


def test_ports_that_the_kernel_has_reserved_only_are_not_there(here: Computer) -> None:
    here.own_port("ttyS0")
    here.own_port("ttyS1", kind=0)
    assert {path: port.kind for path, port in listing("ttyS0", "ttyS1").items()} == {"/dev/ttyS0": Kind.UART}


def test_ports_that_pyserial_does_not_know_are_there(here: Computer) -> None:
    here.own_port("ttymxc1", driver="imx-uart")
    (here.root / "sys/class/tty/tty1").mkdir()
    port = listing()["/dev/ttymxc1"]
    assert (port.kind, port.driver, port.vid) == (Kind.UART, "imx-uart", None)
    assert len(listing()) == 1


def test_the_driver_is_that_of_the_port_and_not_of_the_layers_between(here: Computer) -> None:
    here.own_port("ttyS0")
    layer = here.root / "sys/devices/platform/serial8250/ttyS0/ttyS0:0.0"
    layer.mkdir()
    (here.root / "sys/bus/drivers/port").mkdir()
    (layer / "driver").symlink_to(here.root / "sys/bus/drivers/port")
    link = here.root / "sys/class/tty/ttyS0/device"
    link.unlink()
    link.symlink_to(layer)
    assert listing("ttyS0")["/dev/ttyS0"].driver == "serial8250"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("proc/consoles", "ttyS0                -W- (EC p  )    4:64\n"),
        ("proc/cmdline", "root=/dev/sda1 console=tty0 console=ttyS0,115200n8 quiet\n"),
    ],
)
def test_a_console_of_the_kernel_is_told_as_it_runs_and_as_it_was_named(here: Computer, file: str, text: str) -> None:
    here.write(file, text)
    found = listing("ttyS0", "ttyS1")
    assert {path: port.console for path, port in found.items()} == {"/dev/ttyS0": True, "/dev/ttyS1": False}


def test_a_login_is_told_with_its_process(here: Computer) -> None:
    with Pty() as pty:
        here.getty(pty.path)
        (port,) = listed([ListPortInfo(pty.path)])
        assert port.login == "agetty (process 812)"


def test_who_has_it_open_or_has_locked_it_is_told(here: Computer) -> None:
    with OtherProgram() as other:
        here.write("var/lock/LCK..ttyUSB0", f"{other.process:10d}\n")
        port = listing("ttyUSB0")["/dev/ttyUSB0"]
        assert port.user is not None
        assert f"(process {other.process})" in port.user


def test_a_path_that_stays_is_told(here: Computer) -> None:
    folder = here.root / "dev/serial/by-id"
    folder.mkdir(parents=True)
    (folder / "usb-Quectel-if02").symlink_to("/dev/ttyUSB2")
    assert listing("ttyUSB2")["/dev/ttyUSB2"].link == "/dev/serial/by-id/usb-Quectel-if02"


def test_they_are_in_the_order_of_their_numbers(here: Computer) -> None:
    assert [*listing("ttyUSB10", "ttyUSB9", "ttyACM0")] == ["/dev/ttyACM0", "/dev/ttyUSB9", "/dev/ttyUSB10"]
