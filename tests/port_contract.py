"""What every pyserial port whose octets come back does: one set of checks, run over whatever port a test has.

Import everything from here and give a fixture ``looped`` that returns a `Looped`; each check below is a test then.
"""

from __future__ import annotations

import io
import itertools
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import serial

PATIENCE = 20.0


def at_once(ready: Callable[[], bool]) -> None:
    """Wait for what has happened by the time that `write` returns."""
    assert ready()


@dataclass(frozen=True)
class Looped:
    """A port that is open, what it cannot do, and how to hear from it."""

    port: serial.SerialBase
    lacks: frozenset[str] = frozenset()
    """Of: signals, fileno, gap (inter_byte_timeout)."""
    until: Callable[[Callable[[], bool]], None] = at_once
    """Waits until something holds that what comes to the port brings about."""

    def needs(self, what: str) -> None:
        if what in self.lacks:
            pytest.skip(f"this port has no {what}")


def arrive(looped: Looped, data: bytes) -> None:
    """Send octets and wait until all of them have come back."""
    port = looped.port
    before = port.in_waiting
    port.write(data)
    looped.until(lambda: port.in_waiting >= before + len(data))


def test_what_is_written_comes_back(looped: Looped) -> None:
    looped.port.timeout = PATIENCE
    assert looped.port.write(bytes(range(256))) == 256
    assert looped.port.read(256) == bytes(range(256))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, list])
def test_whatever_holds_octets_can_be_written(looped: Looped, kind: Callable[[bytes], object]) -> None:
    looped.port.timeout = PATIENCE
    looped.port.write(kind(b"abc"))
    assert looped.port.read(3) == b"abc"


def test_text_cannot_be_written(looped: Looped) -> None:
    with pytest.raises(TypeError):
        looped.port.write("text")


def test_a_time_out_of_zero_returns_what_is_there(looped: Looped) -> None:
    looped.port.timeout = 0
    assert looped.port.read(10) == b""
    arrive(looped, b"abc")
    assert looped.port.read(2) == b"ab"
    assert looped.port.read(10) == b"c"


def test_a_time_out_returns_what_has_come_until_then_and_not_before(looped: Looped) -> None:
    looped.port.timeout = 0.05
    arrive(looped, b"abc")
    started = time.monotonic()
    assert looped.port.read(10) == b"abc"
    assert time.monotonic() - started >= 0.049  # a lower bound holds on any machine


def test_no_time_out_waits_for_every_octet(looped: Looped) -> None:
    looped.port.timeout = None
    writer = threading.Thread(target=lambda: [looped.port.write(b"%d" % digit) for digit in range(10)])
    writer.start()
    assert looped.port.read(10) == b"0123456789"
    writer.join()


def test_a_gap_ends_a_read(looped: Looped) -> None:
    looped.needs("gap")
    looped.port.timeout, looped.port.inter_byte_timeout = PATIENCE, 0.05
    arrive(looped, b"abc")
    assert looped.port.read(10) == b"abc"


def test_octets_are_counted_and_thrown_away(looped: Looped) -> None:
    arrive(looped, b"abc")
    assert looped.port.in_waiting == 3
    looped.port.reset_input_buffer()
    assert looped.port.in_waiting == 0


def test_lines_are_read_line_by_line(looped: Looped) -> None:
    looped.port.timeout = PATIENCE
    arrive(looped, b"one\r\ntwo\nthree")
    assert looped.port.readline() == b"one\r\n"
    assert looped.port.read_until(b"\n") == b"two\n"
    assert looped.port.read_until(b"!", 3) == b"thr"
    looped.port.timeout = 0.01
    assert looped.port.readlines() == [b"ee"]


def test_octets_are_read_into_a_buffer(looped: Looped) -> None:
    arrive(looped, b"abcd")
    buffer = bytearray(3)
    assert looped.port.readinto(buffer) == 3
    assert buffer == b"abc"
    assert looped.port.read_all() == b"d"


def test_much_goes_through_unchanged(looped: Looped) -> None:
    looped.port.timeout = PATIENCE
    sent = bytes(range(256)) * 64  # loop:// holds no more than about 4096 without a reader
    writer = threading.Thread(target=lambda: [looped.port.write(sent[at : at + 512]) for at in range(0, 16384, 512)])
    writer.start()
    received = looped.port.read(len(sent))
    writer.join()
    assert received == sent


def test_flushing_and_throwing_away_end(looped: Looped) -> None:
    looped.port.write(b"x")
    looped.port.flush()
    looped.port.reset_output_buffer()
    assert looped.port.out_waiting == 0


def test_a_read_can_be_cancelled(looped: Looped) -> None:
    looped.port.timeout = None
    answers: list[bytes] = []
    reader = threading.Thread(target=lambda: answers.append(looped.port.read(10)))
    reader.start()
    looped.port.cancel_read()  # one that comes before the read counts for it
    reader.join(PATIENCE)
    assert answers == [b""]


def test_a_closed_port_says_so(looped: Looped) -> None:
    port = looped.port
    port.close()
    port.close()
    assert not port.is_open
    for call in (lambda: port.read(1), lambda: port.write(b"x"), port.reset_input_buffer):
        with pytest.raises(serial.SerialException):
            call()


def test_a_port_opens_again_and_not_twice(looped: Looped) -> None:
    looped.port.close()
    looped.port.open()
    with pytest.raises(serial.SerialException):
        looped.port.open()
    looped.port.timeout = PATIENCE
    looped.port.write(b"again")
    assert looped.port.read(5) == b"again"


def test_a_port_is_a_context_manager_again_and_again(looped: Looped) -> None:
    looped.port.close()
    for _ in range(2):
        with looped.port as port:
            assert port.is_open
        assert not looped.port.is_open


def test_settings_are_kept_saved_and_checked(looped: Looped) -> None:
    port = looped.port
    saved = port.get_settings()
    port.baudrate, port.stopbits = 19200, serial.STOPBITS_TWO
    assert (port.baudrate, port.stopbits) == (19200, serial.STOPBITS_TWO)
    port.apply_settings({**saved, "unknown": 1})
    assert port.get_settings() == saved
    for name, value in (("baudrate", -1), ("parity", "?"), ("bytesize", 9), ("stopbits", 0), ("timeout", -1)):
        with pytest.raises(ValueError, match=r"."):
            setattr(port, name, value)


def test_the_lines_that_are_set_come_back_as_those_that_are_read(looped: Looped) -> None:
    looped.needs("signals")
    port = looped.port
    for state in (False, True):
        port.rts = port.dtr = state
        looped.until(lambda state=state: port.cts == port.dsr == state)


def test_the_names_that_older_programs_use_work(looped: Looped) -> None:
    port = looped.port
    assert port.isOpen()
    arrive(looped, b"abc")
    assert port.inWaiting() == 3
    port.flushInput()
    assert port.inWaiting() == 0
    port.flushOutput()
    port.sendBreak(0.01)
    port.writeTimeout, port.interCharTimeout = 1.5, None
    assert (port.write_timeout, port.writeTimeout, port.interCharTimeout) == (1.5, 1.5, None)
    saved = port.getSettingsDict()
    port.baudrate = 19200
    port.applySettingsDict(saved)
    assert port.getSettingsDict() == saved
    assert type(port).__name__ in repr(port)


def test_the_signals_have_older_names_too(looped: Looped) -> None:
    looped.needs("signals")
    port = looped.port
    for state in (False, True):
        port.setRTS(state)
        port.setDTR(state)
        looped.until(lambda state=state: port.getCTS() == port.getDSR() == state)
    assert {port.getRI(), port.getCD()} <= {False, True}


def test_it_is_a_file_of_octets_without_a_place(looped: Looped) -> None:
    port = looped.port
    assert (port.readable(), port.writable(), port.seekable()) == (True, True, False)
    port.timeout = PATIENCE
    port.writelines([b"one\n", b"two\n"])
    assert [next(port), next(port)] == [b"one\n", b"two\n"]
    port.write(b"abc")
    assert list(itertools.islice(port.iread_until(b"c"), 1)) == [b"abc"]


def test_a_break_can_be_sent(looped: Looped) -> None:
    port = looped.port
    port.break_condition = True
    assert port.break_condition
    port.break_condition = False
    port.send_break(0.01)


def test_select_waits_for_octets(looped: Looped) -> None:
    looped.needs("fileno")
    port = looped.port
    assert select.select([port.fileno()], [port.fileno()], [], 0) == ([], [port.fileno()], [])
    port.write(b"x")
    assert select.select([port.fileno()], [], [], PATIENCE)[0]
    assert port.read(1) == b"x"
    assert not select.select([port.fileno()], [], [], 0)[0]


def test_the_io_library_reads_text_from_it(looped: Looped) -> None:
    looped.port.timeout = 0.2
    text = io.TextIOWrapper(io.BufferedRWPair(looped.port, looped.port, 1), newline="\r\n")
    text.write("hello\n")
    text.flush()
    assert text.readline() == "hello\r\n"
    text.detach()
