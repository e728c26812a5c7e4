"""What happens when the line dies, in whatever way, and how it comes back."""

import logging
import os
import select
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import serial

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from core_pair import Pair
from mux_leaks import nothing_left
from mux_module import Module
from plugged import plugged

import cmux
from cmux import opening
from cmux import reconnector as reattaching
from cmux.line import physical as line
from cmux.protocol import Config, Frame, FrameType, Option, encode
from cmux.protocol.commands import MSC, Signals
from cmux.protocol.config import KeepAlive
from cmux.protocol.events import Cause, DataReceived, Outcome, ResetSuspected, SessionClosed, SignalsChanged
from cmux.protocol.link import Link
from cmux.protocol.messages import encode_message
from cmux.protocol.reset_watch import DOUBT, ResetWatch
from cmux.reconnector import stable_name

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]


def pull_the_plug(module: Module) -> None:
    module.stop()


def reset(module: Module) -> None:
    """The module starts anew: AT mode, and it says so."""

    def restart(core: object, now: float) -> None:
        module.in_mux = False
        module._emit(b"\r\nRDY\r\n\r\n+CFUN: 1\r\n")

    module.run(restart)


def fall_silent(module: Module) -> None:
    module.mute()


DEATHS: dict[str, tuple[Callable[[Module], None], dict[str, object], str]] = {
    "unplugged": (pull_the_plug, {}, "hung up"),
    "reset": (reset, {}, "the module was reset: it said 'RDY'"),
    "keep-alive lost": (
        fall_silent,
        {"keep_alive": KeepAlive.TEST, "keep_alive_interval": 0.1, "t1": 0.05, "t2": 0.1, "n2": 1},
        "keep-alive",
    ),
}


class Waits:
    """Notes how threads wait: what has no time-out and ends was ended by somebody, at once, and did not look again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.conditions: dict[threading.Thread, list[float | None]] = {}
        self.polls: dict[str, list[float | None]] = {}
        plain_wait, plain_poll = threading.Condition.wait, select.poll
        noted = self

        def wait(condition: threading.Condition, timeout: float | None = None) -> bool:
            noted.conditions.setdefault(threading.current_thread(), []).append(timeout)
            return plain_wait(condition, timeout)

        class Poll:
            def __init__(self) -> None:
                self._poll = plain_poll()
                self.register = self._poll.register

            def poll(self, timeout: float | None = None) -> object:
                noted.polls.setdefault(threading.current_thread().name, []).append(timeout)
                return self._poll.poll(timeout)

        monkeypatch.setattr(threading.Condition, "wait", wait)
        monkeypatch.setattr(select, "poll", Poll)


@pytest.mark.parametrize("death", DEATHS)
def test_every_blocked_call_on_every_channel_is_woken_with_the_cause_which_is_logged_once(
    death: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That they raise within 1 s is shown without a watch: no call looks now and then, each waits to be woken."""
    die, settings, words = DEATHS[death]
    waits = Waits(monkeypatch)
    with Module(loopback=()) as module:
        mux = cmux.open(module.path, **settings)  # type: ignore[arg-type]
        first, second = mux.channel(1), mux.channel(2)
        first.timeout = second.timeout = None
        module.run(lambda core, now: core.pause_reading(2, now))
        assert second._handle is not None
        assert second._handle.engine.wait(lambda core: bool(core.signals(2) and core.signals(2).fc), 20)
        second.write(b"held back")  # there is something to flush, whichever thread comes first
        errors: dict[threading.Thread, Exception] = {}

        def call(work: Callable[[], object]) -> None:
            try:
                work()
            except serial.SerialException as error:
                errors[threading.current_thread()] = error

        works: list[Callable[[], object]] = [
            first.read,
            first.readline,
            second.read,
            lambda: second.write(bytes(100_000)),
            second.flush,
        ]
        threads = [threading.Thread(target=call, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        with caplog.at_level(logging.INFO, "cmux"):
            die(module)
            for thread in threads:
                thread.join(20)
            mux.close()  # waits for the thread that tells the news
        assert [type(errors[thread]) for thread in threads] == [cmux.SessionEnded] * len(works)
        assert all(words in str(error) for error in errors.values())
        assert {timeout for thread in threads for timeout in waits.conditions.get(thread, ())} <= {None}
        assert set(waits.polls[f"cmux reader {module.path}"]) == {None}
        assert words in str(mux.error)
        assert len([record for record in caplog.records if words in record.getMessage()]) == 1


def test_what_cannot_be_waited_for_is_looked_at_several_times_a_second() -> None:
    assert line._POLL_READ <= 0.2  # a port that has neither descriptor nor cancel_read
    assert DOUBT <= 0.7  # a module that may have been reset


# --- A reset, and what looks like one ---


@pytest.mark.parametrize("echo", [True, False])
def test_a_reset_module_is_back_in_at_mode_for_the_next_session(echo: bool) -> None:
    with Module(echo=echo) as module:
        mux = cmux.open(module.path)
        port = mux.channel(1)
        port.timeout = 20
        reset(module)
        with pytest.raises(cmux.SessionEnded, match="reset"):
            port.read()
        mux.close()
        with cmux.open(module.path) as mux:
            port = mux.channel(1)
            port.timeout = 20
            port.write(b"anew")
            assert port.read(4) == b"anew"


def test_a_module_that_goes_on_answering_was_not_reset() -> None:
    with Module() as module, cmux.open(module.path) as mux:
        port = mux.channel(1)
        module.say(b"\r\nRDY\r\n\xf9\xf9")
        port.timeout = 2 * DOUBT
        assert port.read() == b""
        port.write(b"lives")
        assert port.read(5) == b"lives"
        assert mux.error is None


def test_the_same_text_as_data_on_a_channel_is_data() -> None:
    with Module(loopback=()) as module, cmux.open(module.path) as mux:
        port = mux.channel(1)
        port.timeout = 20
        module.run(lambda core, now: core.send(1, b"\r\nRDY\r\n", now))
        assert port.read(7) == b"\r\nRDY\r\n"
        port.write(b"lives")
        module.wait(lambda: module.data.get(1) == b"lives")
        assert mux.test() is Outcome.ANSWERED
        assert mux.stats()["dlcs"][0]["frames_sent"] == 4  # type: ignore[index]  # SABM, MSC, answer to MSC, this Test


@pytest.mark.parametrize("option", [Option.BASIC, Option.ADVANCED])
def test_only_a_frame_of_the_module_ends_the_doubt(option: Option) -> None:
    watch = ResetWatch(Config(option=option))
    assert not watch.looks_reset(b"\r\nRD")
    assert watch.looks_reset(b"Y\r\n")
    assert watch.text == "RDY"
    watch.doubt(5.0)
    assert not watch.looks_reset(b"\r\nRDY\r\n")  # one doubt at a time
    watch.hear(encode(Frame(0, True, FrameType.UIH, False, b"\x23\x01"), option))  # our own, echoed
    assert watch.deadline == 5.0 + DOUBT
    watch.hear(encode(Frame(0, False, FrameType.UIH, False, b"\x21\x01"), option))
    assert watch.deadline is None


@pytest.mark.parametrize("lives", [False, True])
def test_nothing_is_believed_that_a_module_in_at_mode_may_echo(lives: bool) -> None:
    """What the host sends while it does not know yet comes back as it was: data, and signals that lift a flow stop."""
    pair = Pair().open(2)
    host, link = pair.host.mux, Link()
    link.multiplexer = host
    pair.module.mux.pause_reading(2, pair.now)
    pair.settle()
    host.send(2, b"held back", pair.now)
    assert host.data_to_send(pair.now) == b""
    echoed = b"".join(
        encode(Frame(dlci, True, FrameType.UIH, False, octets))
        for dlci, octets in ((0, encode_message(MSC(2, Signals()), command=True)), (2, b"from the host"))
    )
    genuine = encode(Frame(2, False, FrameType.UIH, False, b"from the module"))
    events = link.receive(b"\r\nRDY\r\n" + echoed[:20], pair.now)
    assert ResetSuspected("RDY") in events
    events += link.receive(echoed[20:] + (genuine if lives else b""), pair.now)
    if lives:  # then it was noise, and what came was no echo
        received = b"".join(event.data for event in events if isinstance(event, DataReceived))
        assert received == b"from the hostfrom the module"
        assert link.ended is None
        assert not any(isinstance(event, SessionClosed) for event in link.handle_timeout(pair.now + DOUBT))
        assert b"held back" in host.data_to_send(pair.now)
    else:
        assert not [event for event in events if isinstance(event, (DataReceived, SignalsChanged))]
        assert b"held back" not in host.data_to_send(pair.now)
        *_, end = link.handle_timeout(pair.now + DOUBT)
        assert end == SessionClosed(Cause.PEER, "the module was reset: it said 'RDY' and then sent no frame")


def test_what_waits_for_the_end_of_a_doubt_is_bounded() -> None:
    pair = Pair().open(2)
    link = Link()
    link.multiplexer = pair.host.mux
    link.receive(b"\r\nRDY\r\n", pair.now)
    for _ in range(100):
        link.receive(bytes(10_000), pair.now)
        assert link._watch is not None
        assert len(link._watch._held) <= 65536


# --- Coming back ---


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reattaching, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(reattaching, "LONGEST_DELAY", 0.05)


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "modem"


def test_a_line_that_comes_back_is_opened_anew_with_the_channels_that_were_open(soon: None, link: Path) -> None:
    with Module() as first, plugged(link, first.path):
        mux = cmux.open(link, reattach=True)
        kept, closed = mux.channel(1), mux.channel(2)
        closed.close()
        kept.timeout = 20
        kept.dtr = False
    with pytest.raises(cmux.SessionEnded):
        kept.read()
    assert mux.reattaching
    with Module() as second, plugged(link, second.path):
        assert mux.wait_attached(30)
        assert mux.error is None
        assert mux.reattached == 1
        assert not mux.reattaching
        assert kept.is_open
        kept.write(b"back")
        assert kept.read(4) == b"back"
        assert second.opened(1) == 1
        assert second.opened(2) == 0
        second.wait(lambda: second.signals or any(getattr(event, "signals", None) for event in second.events))
        mux.close()
        assert not second.in_mux


def test_whoever_waits_for_a_channel_that_is_refused_afterwards_is_told(soon: None, link: Path) -> None:
    with Module() as first, plugged(link, first.path):
        mux = cmux.open(link, reattach=True)
        kept, refused = mux.channel(1), mux.channel(2)
        refused.timeout = 20
    with pytest.raises(cmux.SessionEnded):
        refused.read()
    answers: dict[int, bool] = {}

    def wait(port: cmux.VirtualUart) -> None:
        answers[port.dlci] = port.wait_up(lambda: False)

    waiting = [threading.Thread(target=wait, args=(port,)) for port in (kept, refused)]
    for thread in waiting:
        thread.start()
    with Module(refuses=(2,)) as second, plugged(link, second.path):
        for thread in waiting:
            thread.join(30)
        assert answers == {1: True, 2: False}
        mux.close()


def test_a_device_that_comes_back_under_another_number_is_found_by_its_id(
    soon: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    monkeypatch.setattr(opening, "stable_name", lambda path: stable_name(path, str(by_id)))
    with Module() as first, plugged(tmp_path / "ttyUSB0", first.path):
        (by_id / "usb-modem").symlink_to("../ttyUSB0")
        mux = cmux.open(tmp_path / "ttyUSB0", reattach=True)
        port = mux.channel(1)
        port.timeout = 20
    with pytest.raises(cmux.SessionEnded):
        port.read()
    with Module() as second, plugged(tmp_path / "ttyUSB1", second.path):  # and there is no ttyUSB0
        os.symlink("../ttyUSB1", by_id / "new")
        os.replace(by_id / "new", by_id / "usb-modem")
        assert mux.wait_attached(30)
        port.write(b"x")
        assert port.read() == b"x"
        mux.close()


def test_a_module_that_was_reset_is_attached_again_on_the_line_that_stayed(soon: None) -> None:
    with Module() as module, cmux.open(module.path, reattach=True) as mux:
        port = mux.channel(1)
        port.timeout = 20
        reset(module)
        with pytest.raises(cmux.SessionEnded, match="reset"):
            port.read()
        assert mux.wait_attached(30)
        port.write(b"x")
        assert port.read() == b"x"
        assert mux.stats()["reattached"] == 1


def test_closing_ends_the_attempts(link: Path) -> None:
    with Module() as module, plugged(link, module.path):
        mux = cmux.open(link, reattach=True)
        port = mux.channel(1)
        port.timeout = 20
    with pytest.raises(cmux.SessionEnded):
        port.read()
    assert mux.reattaching
    mux.close()
    assert not mux.reattaching


def test_closing_cuts_an_attempt_short_that_a_silent_module_keeps_waiting(soon: None, link: Path) -> None:
    with Module() as module, plugged(link, module.path):
        mux = cmux.open(link, reattach=True, other_rates=())
    with Module(silent=True) as silent, plugged(link, silent.path):
        silent.wait(lambda: silent.raw)
        mux.close()


def test_waiting_for_a_line_ends_with_its_time_and_with_the_mux(link: Path) -> None:
    with Module() as module, plugged(link, module.path):
        mux = cmux.open(link, reattach=True)
        assert mux.wait_attached(0)
        port = mux.channel(1)
        port.timeout = 20
    with pytest.raises(cmux.SessionEnded):
        port.read()
    assert not mux.wait_attached(0)
    ended: list[Exception] = []

    def wait() -> None:
        try:
            mux.wait_attached()
        except cmux.SessionEnded as error:
            ended.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    mux.close()
    waiting.join(20)
    assert len(ended) == 1


def test_attempts_become_rarer_up_to_one_in_half_a_minute() -> None:
    backoff, delays = reattaching.Backoff(), list[float]()
    for _ in range(8):
        delays.append(backoff.delay)
        backoff.failed("x", OSError("not there"))
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30]
    backoff.succeeded()
    assert backoff.delay == 0.5


def test_an_open_object_cannot_be_attached_again() -> None:
    with serial.serial_for_url("loop://") as port, pytest.raises(cmux.ConfigError, match="cannot be opened again"):
        cmux.open(port, reattach=True)


def test_a_device_has_a_name_by_which_it_is_found_again(tmp_path: Path) -> None:
    (tmp_path / "ttyUSB0").touch()
    (tmp_path / "by-id").mkdir()
    (tmp_path / "by-id" / "usb-A").symlink_to("../ttyUSB1")
    (tmp_path / "by-id" / "usb-B").symlink_to("../ttyUSB0")
    assert stable_name(str(tmp_path / "ttyUSB0"), str(tmp_path / "by-id")) == str(tmp_path / "by-id" / "usb-B")
    assert stable_name(str(tmp_path / "ttyUSB2"), str(tmp_path / "by-id")) is None
    assert stable_name(str(tmp_path / "ttyUSB0"), str(tmp_path / "nowhere")) is None
