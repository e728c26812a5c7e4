"""What settings of pyserial do on a channel: RPN, XON/XOFF, and mistakes."""

import sys
import threading
from collections.abc import Iterator

import pytest
import serial

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from attached import Attach
from mux_leaks import nothing_left
from mux_module import Module

import cmux
from cmux.protocol import control
from cmux.protocol.commands import RPN, Flow, Parity, PortMask, PortSettings
from cmux.protocol.events import PortChanged

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]


@pytest.fixture
def module(nothing_left: None) -> Iterator[Module]:
    with Module() as module:
        yield module


@pytest.fixture
def more() -> str:
    """Settings of the line, where a test needs any."""
    return ""


@pytest.fixture
def port(module: Module, more: str) -> Iterator[cmux.VirtualUart]:
    with serial.serial_for_url(f"cmux://{module.path}?dlci=1{more}", baudrate=115200) as port:
        port.timeout = 20
        yield port


def told(module: Module) -> list[PortSettings]:
    return [event.settings for event in module.events if isinstance(event, PortChanged)]


def echoes(port: serial.SerialBase, data: bytes) -> bool:
    port.write(data)
    return bool(port.read(len(data)) == data)


# --- RPN ---


@pytest.mark.clause("5.4.6.3.9")
def test_opening_sends_no_rpn(port: cmux.VirtualUart, module: Module) -> None:
    assert echoes(port, b"x")
    assert told(module) == []


@pytest.mark.clause("5.4.6.3.9")
def test_each_change_of_an_open_port_goes_out_as_rpn(port: cmux.VirtualUart, module: Module) -> None:
    port.baudrate = 57600
    port.bytesize, port.parity, port.stopbits = 7, serial.PARITY_EVEN, serial.STOPBITS_TWO
    port.rtscts = True
    module.wait(lambda: len(told(module)) == 5)
    assert [settings.baudrate for settings in told(module)] == [57600] * 5
    assert told(module)[-1] == PortSettings(57600, 7, 1.5, Parity.EVEN, Flow.RTR_IN | Flow.RTR_OUT)
    port.dsrdtr = True
    module.wait(lambda: told(module)[-1].flow == Flow.RTR_IN | Flow.RTR_OUT | Flow.RTC_IN | Flow.RTC_OUT)


def test_settings_applied_together_are_told_together(port: cmux.VirtualUart, module: Module) -> None:
    port.apply_settings({"baudrate": 9600, "parity": "O", "bytesize": 7})
    assert echoes(port, b"x")
    assert told(module) == [PortSettings(9600, 7, 1, Parity.ODD)]
    with pytest.raises(ValueError, match="byte size"):
        port.apply_settings({"baudrate": 19200, "bytesize": 9})
    module.wait(lambda: told(module)[-1].baudrate == 19200)


def test_what_does_not_change_or_is_no_matter_of_the_line_is_not_told(port: cmux.VirtualUart, module: Module) -> None:
    port.baudrate = 115200
    port.timeout, port.write_timeout, port.inter_byte_timeout, port.exclusive = 19, 18, 17, True
    port.apply_settings(port.get_settings())
    assert echoes(port, b"x")
    assert told(module) == []


@pytest.mark.clause("5.4.6.3.9")
def test_a_baud_rate_that_rpn_cannot_code_stays_local(port: cmux.VirtualUart, module: Module) -> None:
    port.baudrate = 921600
    assert port.baudrate == 921600
    assert echoes(port, b"x")
    assert told(module) == []
    port.parity = serial.PARITY_ODD  # what else is told leaves the baud rate out, and the peer's as it is
    module.wait(lambda: told(module))
    (event,) = [event for event in module.events if isinstance(event, PortChanged)]
    assert event.mask == PortMask.ALL & ~PortMask.BAUDRATE
    assert event.settings == PortSettings(parity=Parity.ODD)


def test_the_first_baud_rate_that_can_be_told_is_told(port: cmux.VirtualUart, module: Module) -> None:
    port.close()
    port.baudrate = 921600
    port.open()
    port.baudrate = 9600  # which is RPN's default, and yet not what the peer was told
    module.wait(lambda: told(module))
    assert [settings.baudrate for settings in told(module)] == [9600]


def test_settings_made_while_closed_are_not_told(port: cmux.VirtualUart, module: Module) -> None:
    port.close()
    port.baudrate = 9600
    port.open()
    port.timeout = 20
    assert echoes(port, b"x")
    assert told(module) == []


@pytest.mark.clause("5.4.6.3.8")
def test_a_peer_without_rpn_changes_nothing_here(
    port: cmux.VirtualUart, module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(control._HANDLERS, RPN)  # it answers NSC
    port.baudrate = 9600
    assert port.baudrate == 9600
    assert echoes(port, b"x")
    assert port.mux.error is None


@pytest.mark.parametrize("more", ["&t1=0.2&t2=0.4&n2=2"])
def test_a_peer_that_leaves_rpn_unanswered_changes_nothing_here(
    port: cmux.VirtualUart, module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setitem(control._HANDLERS, RPN, lambda *arguments: asked.append(arguments))
    port.baudrate = 9600
    module.wait(lambda: len(asked) == 3)  # N2 = 2 repetitions
    assert port.baudrate == 9600
    assert echoes(port, b"x")
    assert port.mux.error is None


# --- Mistakes ---


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("baudrate", -1),
        ("baudrate", "fast"),
        ("baudrate", None),
        ("bytesize", 9),
        ("parity", "X"),
        ("stopbits", 3),
        ("timeout", -1),
        ("timeout", "x"),
        ("write_timeout", -1),
        ("inter_byte_timeout", -1),
        ("port", 5),
        ("port", "cmux://x"),
    ],
)
def test_an_invalid_setting_raises_value_error_and_changes_nothing(
    port: cmux.VirtualUart, module: Module, name: str, value: object
) -> None:
    before = getattr(port, name)
    with pytest.raises(ValueError, match=r"."):
        setattr(port, name, value)
    with pytest.raises(ValueError, match=r"."):
        cmux.VirtualUart(None, **({"nonsense": 1} if name == "port" else {name: value}))
    assert getattr(port, name) == before
    assert echoes(port, b"x")


# --- XON/XOFF ---


def feed(module: Module, port: cmux.VirtualUart, data: bytes, left: bytes) -> None:
    """Let octets come in, and wait until what is left of them is there."""
    module.run(lambda core, now: core.send(port.dlci, data, now))
    assert port.read(len(left)) == left


def test_xoff_stops_writing_and_xon_lets_it_go_and_both_are_taken_out(port: cmux.VirtualUart, module: Module) -> None:
    module.habits.loopback = ()
    port.xonxoff = True
    feed(module, port, b"a\x13b", b"ab")
    port.write_timeout = 0.05
    with pytest.raises(serial.SerialTimeoutException):
        port.write(b"too early")
    assert 1 not in module.data
    port.write_timeout = None
    writer = threading.Thread(target=port.write, args=(b"in time",))
    writer.start()
    feed(module, port, b"c\x11d", b"cd")
    writer.join(20)
    assert not writer.is_alive()
    module.wait(lambda: module.data.get(1) == b"in time")


def test_the_last_of_several_counts(port: cmux.VirtualUart, module: Module) -> None:
    module.habits.loopback = ()
    port.xonxoff = True
    feed(module, port, b"\x13\x11\x13x\x11", b"x")
    assert port.write(b"goes") == 4
    module.wait(lambda: module.data.get(1) == b"goes")
    feed(module, port, b"\x11y\x13", b"y")
    port.write_timeout = 0
    assert port.write(b"stays") == 0


def test_turning_xonxoff_off_lets_writing_go_and_both_octets_pass(port: cmux.VirtualUart, module: Module) -> None:
    module.habits.loopback = ()
    port.xonxoff = True
    feed(module, port, b"\x13x", b"x")
    writer = threading.Thread(target=port.write, args=(b"freed",))
    writer.start()
    port.xonxoff = False
    writer.join(20)
    module.wait(lambda: module.data.get(1) == b"freed")
    feed(module, port, b"\x13y\x11", b"\x13y\x11")


def test_a_long_write_with_xonxoff_arrives_whole(port: cmux.VirtualUart, module: Module) -> None:
    module.habits.loopback = ()
    port.xonxoff = True
    sent = bytes(range(32, 127)) * 50
    assert port.write(sent) == len(sent)
    module.wait(lambda: module.data.get(1) == sent)


def test_cancel_write_ends_a_write_that_xoff_holds(port: cmux.VirtualUart, module: Module) -> None:
    module.habits.loopback = ()
    port.xonxoff = True
    feed(module, port, b"\x13x", b"x")
    written: list[int] = []
    writer = threading.Thread(target=lambda: written.append(port.write(b"held")))
    writer.start()
    port.cancel_write()
    writer.join(20)
    assert written == [0]


def test_closing_ends_a_write_that_xoff_holds(port: cmux.VirtualUart, module: Module) -> None:
    module.habits.loopback = ()
    port.xonxoff = True
    feed(module, port, b"\x13x", b"x")
    errors: list[Exception] = []

    def write() -> None:
        try:
            port.write(b"held")
        except serial.PortNotOpenError as error:
            errors.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    port.close()
    writer.join(20)
    assert len(errors) == 1


# --- Modules that dislike RPN ---


@pytest.mark.parametrize("more", ["&rpn=off", "&rpn=no"])
def test_with_rpn_off_a_change_stays_here_and_the_port_works(port: cmux.VirtualUart, module: Module) -> None:
    port.baudrate = 9600
    port.apply_settings({"parity": "O", "bytesize": 7})
    assert echoes(port, b"x")
    assert told(module) == []
    assert (port.baudrate, port.parity) == (9600, "O")


@pytest.mark.parametrize("more", ["&rpn=off"])
def test_with_rpn_off_it_is_sent_when_it_is_asked_for(port: cmux.VirtualUart, module: Module) -> None:
    assert isinstance(port.mux, cmux.Mux)
    settings = PortSettings(baudrate=57600)
    assert port.mux.negotiate_port(1, settings) == settings
    assert told(module) == [settings]


def test_with_rpn_off_a_client_of_attach_causes_none(module: Module) -> None:
    with Attach(module.path, "--channels", "1", "--rpn", "off").ready() as attach:
        with serial.Serial(attach.paths[1], 57600, stopbits=2, timeout=20) as client:
            assert echoes(client, b"x")
        assert attach.end() == (0, "")
    assert told(module) == []


@pytest.mark.parametrize("value", ["off", False])
def test_rpn_is_a_word_or_a_truth_value(module: Module, value: str | bool) -> None:
    with cmux.open(module.path, rpn=value) as mux:  # type: ignore[arg-type]
        assert mux.config.rpn is False


@pytest.mark.parametrize("value", ["perhaps", 0, None, 1.0])
def test_anything_else_is_not(value: object) -> None:
    with pytest.raises(cmux.ConfigError, match=r"^rpn = .* is not on or off$"):
        cmux.open("/dev/x", rpn=value)  # type: ignore[arg-type]
