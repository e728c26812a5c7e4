"""A channel is a pyserial port: time-outs, cancelling, buffers, signals, select, the io library."""

import io
import select
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import serial
import serial.threaded

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from mux_leaks import nothing_left
from mux_module import Module

import cmux
from cmux.protocol import Frame, FrameType, bounds, encode
from cmux.protocol.commands import Signals
from cmux.protocol.events import SignalsChanged

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]


@pytest.fixture
def module(nothing_left: None) -> Iterator[Module]:
    with Module() as module:
        yield module


@pytest.fixture
def port(module: Module) -> Iterator[cmux.VirtualUart]:
    """A looped-back channel."""
    with cmux.open(module.path) as mux:
        port = mux.channel(1)
        port.timeout = 20
        yield port
        port.close()


@pytest.fixture
def quiet(module: Module, port: cmux.VirtualUart) -> cmux.VirtualUart:
    """A channel on which nothing comes back."""
    module.habits.loopback = ()
    return port


def arrive(module: Module, port: cmux.VirtualUart, data: bytes) -> None:
    """Let octets come in and wait until they have."""
    before = port.in_waiting
    module.run(lambda core, now: core.send(port.dlci, data, now))
    with port._handle.condition:
        assert port._handle.condition.wait_for(lambda: port.in_waiting >= before + len(data), 20)


# --- Reading ---


def test_it_is_a_serial_port(port: cmux.VirtualUart, module: Module) -> None:
    assert isinstance(port, serial.SerialBase)
    assert port.port == port.name == port.portstr == f"cmux://{module.path}?dlci=1"
    assert port.readable()
    assert port.writable()
    assert not port.seekable()


def test_a_timeout_of_zero_returns_what_is_there(quiet: cmux.VirtualUart, module: Module) -> None:
    quiet.timeout = 0
    assert quiet.read(10) == b""
    arrive(module, quiet, b"abc")
    assert quiet.read(2) == b"ab"
    assert quiet.read(10) == b"c"


def test_a_timeout_returns_what_has_come_until_then(quiet: cmux.VirtualUart, module: Module) -> None:
    quiet.timeout = 0.05
    arrive(module, quiet, b"abc")
    assert quiet.read(10) == b"abc"


def test_no_timeout_waits_for_every_octet(port: cmux.VirtualUart) -> None:
    port.timeout = None
    writer = threading.Thread(target=lambda: [port.write(b"%d" % digit) for digit in range(10)])
    writer.start()
    assert port.read(10) == b"0123456789"
    writer.join()


def test_inter_byte_timeout_ends_a_read_after_a_pause_but_not_before_the_first_octet(
    quiet: cmux.VirtualUart, module: Module
) -> None:
    quiet.timeout, quiet.inter_byte_timeout = None, 0.02
    module.run(lambda core, now: core.send(1, b"abc", now))
    assert quiet.read(10) == b"abc"


def test_read_until_takes_the_line_and_leaves_the_rest(quiet: cmux.VirtualUart, module: Module) -> None:
    arrive(module, quiet, b"one\r\ntwo\r\nthr")
    assert quiet.read_until(b"\r\n") == b"one\r\n"
    assert quiet.readline() == b"two\r\n"
    assert quiet.read_until(b"\r\n", size=2) == b"th"
    quiet.timeout = 0.01
    assert quiet.read_until(b"\r\n") == b"r"


def test_read_until_finds_an_end_that_comes_in_pieces(quiet: cmux.VirtualUart, module: Module) -> None:
    arrive(module, quiet, b"text\r")
    answers: list[bytes] = []
    reader = threading.Thread(target=lambda: answers.append(quiet.read_until(b"\r\nOK\r\n")))
    reader.start()
    for piece in (b"\nO", b"K", b"\r", b"\n+"):
        module.run(lambda core, now, piece=piece: core.send(1, piece, now))
    reader.join()
    assert answers == [b"text\r\nOK\r\n"]


def test_readinto_and_read_all(quiet: cmux.VirtualUart, module: Module) -> None:
    arrive(module, quiet, b"abcdef")
    buffer = bytearray(4)
    assert quiet.readinto(buffer) == 4
    assert buffer == b"abcd"
    assert quiet.read_all() == b"ef"


def test_in_waiting_counts_and_reset_empties(quiet: cmux.VirtualUart, module: Module) -> None:
    arrive(module, quiet, b"abc")
    assert quiet.in_waiting == 3
    quiet.reset_input_buffer()
    assert quiet.in_waiting == 0


def test_cancel_read_ends_a_read_that_waits(quiet: cmux.VirtualUart) -> None:
    quiet.timeout = None
    answers: list[bytes] = []
    reader = threading.Thread(target=lambda: answers.append(quiet.read()))
    reader.start()
    quiet.cancel_read()
    reader.join(20)
    assert answers == [b""]


def test_what_nobody_reads_stops_the_peer_and_goes_on_when_it_is_read(quiet: cmux.VirtualUart, module: Module) -> None:
    sent = bytes(range(256)) * 1024
    module.run(lambda core, now: module.feed(1, sent))
    module.wait(lambda: any(isinstance(event, SignalsChanged) and event.signals.fc for event in module.events))
    assert quiet.in_waiting < bounds.RECEIVE_LIMIT
    assert quiet.read(len(sent)) == sent
    assert quiet.received_discarded == 0


def test_a_peer_that_does_not_stop_loses_octets_and_they_are_counted(
    quiet: cmux.VirtualUart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "RECEIVE_LIMIT", 100)
    quiet._handle.buffer.feed(bytes(150))
    assert quiet.in_waiting == 100
    assert quiet.received_discarded == 50
    assert quiet.mux.stats()["received_discarded"] == 50


# --- Writing ---


def test_write_takes_what_bytes_takes_and_says_how_much(port: cmux.VirtualUart) -> None:
    assert port.write(b"abc") == 3
    assert port.write(bytearray(b"def")) == 3
    assert port.write(memoryview(b"ghi")) == 3
    assert port.write([1, 2]) == 2  # type: ignore[arg-type]
    assert port.write(b"") == 0
    assert port.read(11) == b"abcdefghi\x01\x02"
    with pytest.raises(TypeError):
        port.write("text")  # type: ignore[arg-type]


@pytest.fixture
def stopped(quiet: cmux.VirtualUart, module: Module) -> cmux.VirtualUart:
    """A channel whose peer takes no data, filled to the brim."""
    module.run(lambda core, now: core.pause_reading(1, now))
    with quiet._handle.condition:
        quiet.write_timeout = 0
    engine = quiet._handle.engine
    assert engine.wait(lambda core: bool(core.signals(1) and core.signals(1).fc), 20)
    while quiet.write(bytes(4096)):
        pass
    return quiet


def test_a_write_timeout_of_zero_takes_what_fits(stopped: cmux.VirtualUart) -> None:
    assert stopped.write(b"x") == 0
    assert stopped.out_waiting > 0
    stopped.reset_output_buffer()
    assert stopped.out_waiting == 0
    assert stopped.write(b"x") == 1


def test_a_write_timeout_raises(stopped: cmux.VirtualUart) -> None:
    stopped.write_timeout = 0.01
    with pytest.raises(serial.SerialTimeoutException):
        stopped.write(b"x")
    with pytest.raises(serial.SerialTimeoutException):
        stopped.flush()


def test_cancel_write_ends_a_write_that_waits(stopped: cmux.VirtualUart) -> None:
    stopped.write_timeout = None
    written: list[int] = []
    writer = threading.Thread(target=lambda: written.append(stopped.write(b"xyz")))
    writer.start()
    stopped.cancel_write()
    writer.join(20)
    assert written == [0]


def test_throwing_the_output_away_lets_a_write_go_on(stopped: cmux.VirtualUart) -> None:
    stopped.write_timeout = None
    written: list[int] = []
    writer = threading.Thread(target=lambda: written.append(stopped.write(b"xyz")))
    writer.start()
    stopped.reset_output_buffer()
    writer.join(20)
    assert written == [3]


def test_closing_does_not_wait_for_ever_for_a_peer_that_takes_nothing(
    stopped: cmux.VirtualUart, module: Module
) -> None:
    stopped.mux.drain_timeout = 0.01
    stopped.close()
    module.wait(lambda: module.closed(1))
    stopped.open()
    stopped.timeout = 20
    assert stopped.out_waiting == 0  # nothing of before is left


def test_what_is_queued_has_half_a_second_unless_another_time_is_asked_for(port: cmux.VirtualUart) -> None:
    assert port.mux is not None
    assert port.mux.drain_timeout == 0.5


def test_closing_sends_what_is_queued(port: cmux.VirtualUart, module: Module) -> None:
    sent = bytes(10_000)
    port.write(sent)
    port.close()
    module.wait(lambda: module.closed(1))
    assert module.data[1] == sent


def test_flush_waits_until_the_line_has_it(port: cmux.VirtualUart, module: Module) -> None:
    port.write(bytes(10_000))
    port.flush()
    assert port.out_waiting == 0
    module.wait(lambda: len(module.data.get(1, b"")) == 10_000)


# --- Open and closed ---


def test_a_closed_port_refuses_everything(port: cmux.VirtualUart) -> None:
    port.close()
    port.close()
    for call in (
        port.read,
        lambda: port.write(b"x"),
        lambda: port.in_waiting,
        lambda: port.out_waiting,
        port.flush,
        port.reset_input_buffer,
        port.reset_output_buffer,
        port.fileno,
        lambda: port.cts,
        port.send_break,
        port.readline,
    ):
        with pytest.raises(serial.PortNotOpenError):
            call()


def test_a_port_can_be_opened_again_but_not_twice(port: cmux.VirtualUart, module: Module) -> None:
    with pytest.raises(serial.SerialException, match="already open"):
        port.open()
    port.close()
    port.open()
    port.write(b"again")
    assert port.read(5) == b"again"
    assert module.opened(1) == 2


def test_closing_in_another_thread_ends_a_read(quiet: cmux.VirtualUart) -> None:
    quiet.timeout = None
    errors: list[Exception] = []

    def read() -> None:
        try:
            quiet.read()
        except serial.PortNotOpenError as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    with quiet._handle.condition:
        pass
    quiet.close()
    reader.join(20)
    assert len(errors) == 1


def test_it_is_a_context_manager_that_can_be_used_twice(port: cmux.VirtualUart) -> None:
    for _ in range(2):
        with port as same:
            assert same is port
            port.write(b"x")
            assert port.read() == b"x"
        assert not port.is_open


def test_settings_are_kept_and_checked(port: cmux.VirtualUart) -> None:
    port.baudrate, port.parity, port.bytesize = 921600, "E", 7
    settings = port.get_settings()
    port.apply_settings({**settings, "baudrate": 9600})
    assert (port.baudrate, port.parity, port.bytesize) == (9600, "E", 7)
    with pytest.raises(ValueError, match="parity"):
        port.parity = "?"
    with pytest.raises(ValueError, match="timeout"):
        port.timeout = -1


# --- Signals ---


def last_signals(module: Module) -> Signals | None:
    changes = [event for event in module.events if isinstance(event, SignalsChanged)]
    return changes[-1].signals if changes else None


def test_rts_and_dtr_go_out_as_rtr_and_rtc(port: cmux.VirtualUart, module: Module) -> None:
    port.dtr = False
    module.wait(lambda: last_signals(module) == Signals(rtc=False))
    port.rts = False
    module.wait(lambda: last_signals(module) == Signals(rtc=False, rtr=False))
    port.dtr = port.rts = True
    module.wait(lambda: last_signals(module) == Signals())


def test_signals_set_before_opening_are_the_first_that_the_peer_hears(port: cmux.VirtualUart, module: Module) -> None:
    port.close()
    port.dtr = False
    module.events.clear()
    port.open()
    module.wait(lambda: last_signals(module))
    assert not last_signals(module).rtc  # type: ignore[union-attr]
    assert len([event for event in module.events if isinstance(event, SignalsChanged)]) == 1


def test_the_peers_signals_are_cts_dsr_ri_and_cd(port: cmux.VirtualUart, module: Module) -> None:
    assert (port.cts, port.dsr, port.ri, port.cd) == (True, True, False, True)
    module.run(lambda core, now: core.set_signals(1, Signals(rtc=False, rtr=False, ic=True, dv=False), now))
    assert port._handle.engine.wait(lambda core: core.signals(1) == Signals(False, False, False, True, False), 20)
    assert (port.cts, port.dsr, port.ri, port.cd) == (False, False, True, False)


@pytest.mark.parametrize(("signal", "line"), [("rtr", "cts"), ("rtc", "dsr"), ("ic", "ri"), ("dv", "cd")])
def test_each_signal_of_the_peer_is_one_line_and_no_other(
    port: cmux.VirtualUart, module: Module, signal: str, line: str
) -> None:
    """Linux c19d93542a60: two of them were confused, which shows only when they differ."""
    idle = Signals(rtc=False, rtr=False, ic=False, dv=False)
    only = replace(idle, **{signal: True})
    module.run(lambda core, now: core.set_signals(1, only, now))
    assert port._handle.engine.wait(lambda core: core.signals(1) == only, 20)
    assert [name for name in ("cts", "dsr", "ri", "cd") if getattr(port, name)] == [line]


def test_a_break_arrives_with_its_length(port: cmux.VirtualUart, module: Module) -> None:
    port.send_break(0.4)
    module.wait(
        lambda: (
            [event.break_length for event in module.events if isinstance(event, SignalsChanged)][-1:]
            == [pytest.approx(0.4)]
        )
    )
    port.break_condition = True
    assert port.break_condition
    port.break_condition = False


# --- select, and the libraries around it ---


def test_fileno_is_readable_exactly_while_octets_wait(quiet: cmux.VirtualUart, module: Module) -> None:
    fd = quiet.fileno()
    assert quiet.fileno() == fd
    assert select.select([fd], [fd], [], 0) == ([], [fd], [])
    arrive(module, quiet, b"ab")
    assert select.select([fd], [], [], 0)[0] == [fd]
    quiet.read(1)
    assert select.select([fd], [], [], 0)[0] == [fd]
    quiet.read(1)
    assert select.select([fd], [], [], 0)[0] == []


def test_fileno_is_readable_at_once_when_octets_wait_already(quiet: cmux.VirtualUart, module: Module) -> None:
    arrive(module, quiet, b"x")
    assert select.select([quiet.fileno()], [], [], 0)[0]


def test_select_wakes_when_the_line_dies(quiet: cmux.VirtualUart, module: Module) -> None:
    fd = quiet.fileno()
    module.stop()
    assert select.select([fd], [], [], 20)[0] == [fd]
    with pytest.raises(cmux.SessionEnded):
        quiet.read()


def test_the_io_library_works_on_it(port: cmux.VirtualUart) -> None:
    port.timeout = 0.1
    text = io.TextIOWrapper(io.BufferedRWPair(port, port), newline="\r\n")
    text.write("hello\n")
    text.flush()
    assert text.readline() == "hello\r\n"
    with pytest.raises(serial.PortNotOpenError):  # the pair closes the port twice; every pyserial port says this
        text.close()


def test_pyserials_reader_thread_works_on_it(port: cmux.VirtualUart) -> None:
    lines: list[str] = []
    got = threading.Event()

    class Lines(serial.threaded.LineReader):
        def handle_line(self, line: str) -> None:
            lines.append(line)
            got.set()

    with serial.threaded.ReaderThread(port, Lines) as protocol:
        protocol.write_line("hello")
        assert got.wait(20)
    assert lines == ["hello"]
    assert not port.is_open


def test_time_does_not_stand_still_for_a_waiting_read(quiet: cmux.VirtualUart) -> None:
    quiet.timeout = 0.02
    started = time.monotonic()
    assert quiet.read() == b""
    assert time.monotonic() - started >= 0.02  # a lower bound holds on any machine


def test_cancelling_a_write_of_a_closed_port_does_not_end_the_next_one(quiet: cmux.VirtualUart) -> None:
    quiet.close()
    quiet.cancel_write()
    quiet.open()
    assert quiet.write(b"four") == 4


def test_what_waits_for_octets_of_a_channel_that_the_peer_closes_is_told_so(
    module: Module, port: cmux.VirtualUart
) -> None:
    module.run(lambda core, now: core.close(1, now))
    with pytest.raises(cmux.DlcClosed):
        port.wait_down(lambda: False)
    with pytest.raises(cmux.DlcClosed):
        port.wait_with({}, octets=True)


def test_a_port_that_is_open_can_be_used_at_once(port: cmux.VirtualUart) -> None:
    assert port.wait_up(lambda: False)


def test_a_channel_that_the_peer_lets_go_again_is_opened_by_who_waits_for_it(module: Module) -> None:
    with cmux.open(module.path, reattach=True) as mux:
        port = mux.channel(1)
        port.close()
        assert not port.wait_up(lambda: True)


def test_settings_of_a_closed_port_are_kept_for_the_next_opening(port: cmux.VirtualUart) -> None:
    port.close()
    port.apply_settings({"baudrate": 19200})
    port.open()
    assert port.baudrate == 19200
    assert port.is_open


def test_what_came_before_the_end_is_read_first_and_then_the_end(module: Module, port: cmux.VirtualUart) -> None:
    arrive(module, port, b"last words")
    module.run(lambda core, now: core.close(1, now))
    with pytest.raises(cmux.DlcClosed):
        port.wait_down(lambda: False)
    port.timeout = None
    assert port.read(100) == b"last words"
    with pytest.raises(cmux.DlcClosed):
        port.read(1)


def test_a_peer_that_establishes_an_open_channel_anew_may_send_and_be_sent_to(
    module: Module, port: cmux.VirtualUart
) -> None:
    port.write(b"before")
    assert port.read(6) == b"before"
    module.send_raw(encode(Frame(1, False, FrameType.SABM, True)))
    assert port.mux.test()  # that has come
    port.write(b"after")
    assert port.read(5) == b"after"
