"""``cmux:`` URLs in pyserial: ports that share the multiplexer of their line."""

import gc
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from mux_leaks import nothing_left
from mux_module import Module

import cmux
from cmux.urlhandler import protocol_cmux

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]


@pytest.fixture
def module(nothing_left: None) -> Iterator[Module]:
    with Module() as module:
        yield module


def url(module: Module, dlci: int, more: str = "") -> str:
    return f"cmux://{module.path}?dlci={dlci}{more}"


def echoes(port: serial.SerialBase, data: bytes) -> bool:
    port.timeout = 20
    port.write(data)
    return bool(port.read(len(data)) == data)


def test_pyserial_finds_the_class_as_soon_as_cmux_is_imported() -> None:
    port = serial.serial_for_url("cmux:///dev/x?dlci=3", do_not_open=True, baudrate=57600)
    assert type(port) is cmux.VirtualUart is protocol_cmux.Serial
    assert (port.port, port.portstr, port.baudrate, port.is_open) == (*["cmux:///dev/x?dlci=3"] * 2, 57600, False)
    assert serial.protocol_handler_packages.count("cmux.urlhandler") == 1


def test_a_url_opens_line_and_channel_and_closes_both(module: Module) -> None:
    with serial.serial_for_url(url(module, 2)) as port:
        assert port.is_open
        assert port.port == port.portstr == port.name == url(module, 2)
        assert port.dlci == 2
        assert isinstance(port.mux, cmux.Mux)
        assert echoes(port, b"hello")
    assert port.mux is None
    assert not module.in_mux
    module.wait(lambda: module.commands[-1] == "AT")  # it was asked whether it is back


def test_a_class_with_a_port_set_later_opens_too_and_again(module: Module) -> None:
    port = cmux.VirtualUart(None, timeout=20)
    assert not port.is_open
    with pytest.raises(serial.SerialException, match="must be configured"):
        port.open()
    port.port = url(module, 1)
    for _ in range(2):
        port.open()
        assert echoes(port, b"x")
        port.close()
    assert module.opened(1) == 2


def test_a_constructor_with_a_url_opens_it(module: Module) -> None:
    with cmux.VirtualUart(url(module, 1), 9600, timeout=20) as port:
        assert port.is_open
        assert port.baudrate == 9600


def test_several_urls_share_one_multiplexer_that_ends_with_the_last(module: Module, tmp_path: Path) -> None:
    link = tmp_path / "modem"
    os.symlink(module.path, link)
    first = serial.serial_for_url(url(module, 1))
    second = serial.serial_for_url(f"cmux://{link}?dlci=2")
    assert first.mux is second.mux
    assert [command for command in module.commands if "CMUX=" in command] == ["AT+CMUX=0"]
    first.close()
    assert echoes(second, b"still here")
    second.close()
    assert not module.in_mux
    assert module.commands.count("AT+CMUX=0") == 1


def test_ports_opened_by_many_threads_at_once_share_one_multiplexer(module: Module) -> None:
    ports: list[cmux.VirtualUart] = []
    threads = [
        threading.Thread(target=lambda dlci=dlci: ports.append(serial.serial_for_url(url(module, dlci))))
        for dlci in (1, 2, 3, 4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({port.mux for port in ports}) == 1
    for port in ports:
        port.close()
    assert module.commands.count("AT+CMUX=0") == 1


def test_other_line_settings_are_refused_by_name(module: Module) -> None:
    with serial.serial_for_url(url(module, 1, "&baudrate=9600&n2=4")):
        with pytest.raises(ValueError, match="baudrate=19200 here, 9600 there") as raised:
            serial.serial_for_url(url(module, 2, "&baudrate=19200&n2=4"))
        assert "n2" not in str(raised.value)
        with pytest.raises(ValueError, match=r"baudrate=115200 here.*n2=default here, 4 there"):
            serial.serial_for_url(url(module, 2))
        serial.serial_for_url(url(module, 2, "&n2=4&baudrate=9600")).close()


def test_settings_that_say_the_default_are_no_other_settings(module: Module) -> None:
    with serial.serial_for_url(url(module, 1)), serial.serial_for_url(url(module, 2, "&baudrate=115200&option=basic")):
        pass


def test_the_channels_own_baud_rate_is_no_setting_of_the_line(module: Module) -> None:
    with (
        serial.serial_for_url(url(module, 1), baudrate=300) as first,
        serial.serial_for_url(url(module, 2), 2400) as second,
    ):
        assert first.mux is second.mux


def test_a_channel_that_is_open_already_is_busy(module: Module) -> None:
    with serial.serial_for_url(url(module, 1)) as port:
        with pytest.raises(cmux.PortBusy, match="DLCI 1 is open in this program already"):
            serial.serial_for_url(url(module, 1))
        with pytest.raises(cmux.PortBusy):
            port.mux.channel(1)
        other = port.mux.channel(2)
        with pytest.raises(cmux.PortBusy):
            serial.serial_for_url(url(module, 2))
        other.close()
        serial.serial_for_url(url(module, 2)).close()
        assert echoes(port, b"x")


def test_a_wrong_url_is_refused_before_anything_is_opened() -> None:
    port = cmux.VirtualUart()
    with pytest.raises(ValueError, match="unknown key 'speed'"):
        port.port = "cmux:///dev/x?dlci=1&speed=9600"
    with pytest.raises(ValueError, match="dlci"):
        serial.serial_for_url("cmux:///dev/x", do_not_open=True)
    with pytest.raises(ValueError, match="string"):
        port.port = 5  # type: ignore[assignment]
    assert port.port is None


def test_the_port_of_a_mux_stays_the_port_of_a_mux(module: Module) -> None:
    with cmux.open(module.path) as mux:
        port = mux.channel(1)
        with pytest.raises(ValueError, match="belongs to its Mux"):
            port.port = "cmux:///dev/x?dlci=1"


def test_setting_another_url_on_an_open_port_moves_it(module: Module) -> None:
    with serial.serial_for_url(url(module, 1)) as port:
        port.port = url(module, 2)
        assert port.is_open
        assert port.dlci == 2
        assert echoes(port, b"moved")


def test_what_fails_to_open_leaves_nothing_behind(module: Module, tmp_path: Path) -> None:
    with pytest.raises(cmux.PortNotFound):
        serial.serial_for_url(f"cmux://{tmp_path}/nowhere?dlci=1")
    module.habits.refuses = (2,)
    with pytest.raises(cmux.DlcRefused):
        serial.serial_for_url(url(module, 2))
    assert not module.in_mux
    with serial.serial_for_url(url(module, 1)) as port:
        assert echoes(port, b"x")


def test_a_line_that_died_is_opened_anew_by_the_next_url(nothing_left: None, tmp_path: Path) -> None:
    link = tmp_path / "modem"
    first_module = Module()
    with first_module:
        os.symlink(first_module.path, link)
        old = serial.serial_for_url(f"cmux://?port={link}&dlci=1", timeout=20)
    with pytest.raises(cmux.SessionEnded):
        old.read()
    link.unlink()
    with Module() as module:
        os.symlink(module.path, link)
        with serial.serial_for_url(f"cmux://?port={link}&dlci=1") as port:
            old.close()
            assert echoes(port, b"x")


def test_a_port_that_was_forgotten_leaves_its_channel_to_others(module: Module) -> None:
    with serial.serial_for_url(url(module, 2)):
        module.habits.loopback = ()
        forgotten = serial.serial_for_url(url(module, 1))
        assert forgotten.write(b"old") == 3
        del forgotten
        gc.collect()
        module.wait(lambda: module.data.get(1) == b"old")
        module.habits.loopback = (1,)
        with serial.serial_for_url(url(module, 1)) as port:
            assert echoes(port, b"new")


def test_a_line_whose_session_the_module_has_ended_is_opened_anew_by_the_next_url(module: Module) -> None:
    old = serial.serial_for_url(url(module, 1), timeout=20)
    ended = old.mux
    module.send_raw(bytes.fromhex("F903EF05C301F2F9"))  # CLD
    with pytest.raises(cmux.SessionEnded):
        old.read()
    with serial.serial_for_url(url(module, 1)) as port:
        assert port.mux is not ended
        old.close()  # which leaves the new line alone
        assert echoes(port, b"x")
    assert module.commands.count("AT+CMUX=0") == 2


def test_a_closed_port_of_a_url_knows_its_dlci_and_has_no_channel_to_wait_for(module: Module) -> None:
    port = serial.serial_for_url(url(module, 3), do_not_open=True)
    assert port.dlci == 3
    assert port.received_discarded == 0
    with pytest.raises(serial.PortNotOpenError):
        port.wait_up(lambda: True)
    with pytest.raises(serial.PortNotOpenError):
        port.wait_down(lambda: True)
    port.cancel_read()
    port.cancel_write()
    port.close()
    assert cmux.VirtualUart().dlci == 0
