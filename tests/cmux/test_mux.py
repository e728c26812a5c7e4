"""The thread shell: opening, closing, and everything that can go wrong in between."""

import contextlib
import os
import signal
import sys
import threading

import pytest
import serial

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from mux_leaks import nothing_left
from mux_module import Module
from startup_waits import NOBODY, shorten_waits

import cmux
from cmux.protocol import Config, Frame, FrameType, encode
from cmux.protocol.events import Cause
from cmux.threads import startup_runner

UA = encode(Frame(0, True, FrameType.UA, True))
CLD = bytes.fromhex("F9 03 EF 05 C3 01 F2 F9")
QUICK = {"t1": 0.02, "t2": 0.05, "n2": 1}

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]


@pytest.fixture
def quick_at(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_waits(monkeypatch, 0.05)


def at_mode(module: Module) -> bool:
    return not module.in_mux and module.commands[-1] == "AT"


# --- A session ---


def test_a_session_from_at_mode_and_back() -> None:
    with Module() as module:
        with cmux.open(module.path) as mux:
            assert module.commands == ["AT", "AT+CMUX=0"]
            one, two = mux.channel(1), mux.channel(2)
            one.timeout = two.timeout = 10
            one.write(b"first")
            two.write(b"second")
            assert (one.read(5), two.read(6)) == (b"first", b"second")
            assert mux.name == module.path
        assert at_mode(module)
        assert module.commands[2:] == ["AT"]  # nothing else is said in AT mode
        assert module.closed(1)
        assert module.closed(2)


def test_closing_says_disc_for_each_channel_and_then_cld() -> None:
    with Module() as module:
        with cmux.open(module.path, channels=[1, 3]):
            pass
        raw = bytes(module.raw)
        places = [raw.index(encode(Frame(dlci, True, FrameType.DISC, True))) for dlci in (1, 3)]
        assert max(places) < raw.index(CLD)


def test_a_channel_is_always_the_same_port() -> None:
    with Module() as module, cmux.open(module.path) as mux:
        port = mux.channel(2)
        assert mux.channel(2) is port
        assert port.mux is mux
        assert port.dlci == 2
        port.close()
        assert not port.is_open
        assert mux.channel(2) is port
        assert port.is_open
        assert module.opened(2) == 2


def test_two_threads_that_ask_for_one_channel_get_one() -> None:
    with Module() as module, cmux.open(module.path) as mux:
        ports: list[object] = []
        barrier = threading.Barrier(8)

        def ask() -> None:
            barrier.wait()
            ports.append(mux.channel(1))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(ports) == 8
        assert len(set(map(id, ports))) == 1
        assert module.opened(1) == 1


def test_closing_twice_and_from_two_threads_is_one_closing() -> None:
    with Module() as module:
        mux = cmux.open(module.path)
        threads = [threading.Thread(target=mux.close) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        mux.close()
        assert bytes(module.raw).count(CLD) == 1
        assert "closed" in repr(mux)


def test_only_one_of_those_that_close_talks_to_the_module_and_the_others_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Linux 4d9b109060f6, 0af021678d5d: closing twice at once ended in races and dead-locks."""
    with Module() as module:
        mux = cmux.open(module.path)
        together = threading.Barrier(4)
        answers: list[object] = []
        talks: list[bool] = []
        leave = startup_runner.leave

        def counted(*arguments: object, **named: object) -> bool:
            talks.append(True)
            return leave(*arguments, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(startup_runner, "leave", counted)

        def close() -> None:
            together.wait(20)
            mux.close()
            answers.append(mux.back_in_at_mode)

        threads = [threading.Thread(target=close) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert answers == [True] * 4
        assert talks == [True]


def test_octets_behind_the_ok_reach_the_decoder() -> None:
    with (
        Module(answers_sabm=False, after_ok=UA, config=Config()) as module,
        cmux.open(module.path, **QUICK) as mux,
    ):
        assert mux.error is None


def test_a_module_that_is_in_multiplexer_mode_already() -> None:
    with Module(starts_in_mux=True) as module:
        with cmux.open(module.path, startup="none") as mux:
            port = mux.channel(1)
            port.timeout = 10
            port.write(b"x")
            assert port.read() == b"x"
        assert module.commands == []


def test_n1_is_told_and_used() -> None:
    with Module(config=Config(n1=100)) as module:
        with cmux.open(module.path, n1=100) as mux:
            port = mux.channel(1)
            port.timeout = 10
            port.write(b"z" * 100)
            assert port.read(100) == b"z" * 100
        assert module.commands[1] == "AT+CMUX=0,0,5,100"
        assert encode(Frame(1, True, FrameType.UIH, False, b"z" * 100)) in bytes(module.raw)


@pytest.mark.parametrize("manners", [{"echo": False}, {"noise": b"\r\n+CREG: 1\r\n"}, {"ignores_at": 1}])
def test_echo_unsolicited_results_and_a_late_start_do_no_harm(manners: dict[str, object]) -> None:
    with Module(**manners) as module, cmux.open(module.path) as mux:
        assert mux.channel(1).is_open


def test_a_module_left_in_multiplexer_mode_by_a_dead_host_is_taken_over(quick_at: None) -> None:
    with Module(starts_in_mux=True) as module, cmux.open(module.path) as mux:
        assert mux.channel(1).is_open


def test_a_paced_line_carries_every_octet() -> None:
    with Module() as module, cmux.open(module.path, line_rate=2_000_000) as mux:
        port = mux.channel(1)
        port.timeout = 20
        data = os.urandom(20_000)
        port.write(data)
        assert port.read(len(data)) == data


def test_what_the_peer_sends_on_a_channel_that_it_opened_waits_for_its_reader() -> None:
    with Module() as module, cmux.open(module.path) as mux:
        module.run(lambda core, now: core.open(4, now))
        module.wait(lambda: module.opened(4))
        module.run(lambda core, now: core.send(4, b"hello", now))
        port = mux.channel(4)
        port.timeout = 10
        assert port.read(5) == b"hello"
        assert bytes(module.raw).count(encode(Frame(4, True, FrameType.SABM, True))) == 0


def test_stats_tell_of_line_session_and_channels() -> None:
    with Module() as module, cmux.open(module.path) as mux:
        port = mux.channel(1)
        port.timeout = 10
        port.write(b"12345")
        port.read(5)
        stats = mux.stats()
        assert stats["line_octets_received"] > 0
        assert stats["dlcs"][1]["octets_received"] == 5
        assert stats["received_discarded"] == 0


# --- Ports that are not paths ---


class Bare:
    """A port object with nothing but read, write and close."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def read(self, size: int) -> bytes | None:
        try:
            return os.read(self.fd, size)
        except BlockingIOError:
            return None

    def write(self, data: bytes) -> int:
        return os.write(self.fd, data)

    def close(self) -> None:
        os.close(self.fd)


@pytest.mark.parametrize("make", [Bare, lambda path: serial.Serial(path), lambda path: Wrapped(path)])
def test_an_open_object_is_a_line_and_belongs_to_the_mux(make) -> None:
    with Module() as module:
        line = make(module.path)
        with cmux.open(line) as mux:
            port = mux.channel(1)
            port.timeout = 10
            port.write(b"hello")
            assert port.read(5) == b"hello"
        with pytest.raises((OSError, TypeError)):
            line.write(b"x")


class Wrapped(serial.Serial):
    """A port whose descriptor is nobody's business."""


def test_pyserial_urls_are_lines() -> None:
    with Module() as module, cmux.open(f"alt://{module.path}?class=PosixPollSerial") as mux:
        port = mux.channel(1)
        port.timeout = 10
        port.write(b"hello")
        assert port.read(5) == b"hello"


def test_a_tcp_line() -> None:
    with Module(tcp=True) as module:
        with cmux.open(module.path) as mux:
            port = mux.channel(1)
            port.timeout = 10
            port.write(b"hello" * 1000)
            assert port.read(5000) == b"hello" * 1000
        assert at_mode(module)


def test_a_tcp_line_that_nobody_serves() -> None:
    with Module(tcp=True) as module:
        pass
    with pytest.raises(cmux.PortError, match=module.path):
        cmux.open(module.path)


def test_a_tcp_line_that_is_cut() -> None:
    with Module(tcp=True) as module, cmux.open(module.path) as mux:
        port = mux.channel(1)
        module.stop()
        with pytest.raises(cmux.SessionEnded, match="hung up"):
            port.read()


def test_what_is_no_port_is_said_so() -> None:
    with pytest.raises(cmux.PortError, match="neither a path"):
        cmux.open(42)  # type: ignore[arg-type]


# --- Bad input ---


def test_a_port_that_does_not_exist() -> None:
    with pytest.raises(cmux.PortNotFound, match="/dev/nowhere") as caught:
        cmux.open("/dev/nowhere")
    assert caught.value.port == "/dev/nowhere"
    assert isinstance(caught.value, serial.SerialException)


def test_a_url_that_pyserial_does_not_know() -> None:
    with pytest.raises(cmux.PortNotFound, match="nosuch"):
        cmux.open("nosuch://port")


def test_a_port_in_use() -> None:
    with Module() as module, cmux.open(module.path):
        with pytest.raises(cmux.PortBusy, match="in use") as caught:
            cmux.open(module.path)
        assert caught.value.port == module.path


def test_a_file_is_no_port(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(cmux.PortError, match="file"):
        cmux.open(tmp_path / "file")


def test_a_silent_module(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_waits(monkeypatch, NOBODY)
    with Module(silent=True) as module, pytest.raises(cmux.ModuleSilent, match="no answer to AT") as caught:
        cmux.open(module.path)
    assert module.path in str(caught.value)


def test_a_module_that_refuses() -> None:
    with (
        Module(cmux_answer=b"\r\n+CME ERROR: 3\r\n") as module,
        pytest.raises(cmux.CmuxRefused, match=r"\+CME ERROR: 3"),
    ):
        cmux.open(module.path)


def test_ok_but_no_ua_and_the_module_is_taken_out_of_multiplexer_mode() -> None:
    with Module(answers_sabm=False) as module:
        with pytest.raises(cmux.NoMultiplexer, match="OK received, no UA"):
            cmux.open(module.path, **QUICK)
        assert CLD in bytes(module.raw)
        assert at_mode(module)


def test_a_line_that_echoes_is_named() -> None:
    with (
        Module(answers_sabm=False, echoes_frames=True) as module,
        pytest.raises(cmux.NoMultiplexer, match="the line echoes"),
    ):
        cmux.open(module.path, **QUICK)


def test_no_ua_without_at_does_not_speak_of_ok(quick_at: None) -> None:
    with Module(starts_in_mux=True, answers_sabm=False) as module:
        with pytest.raises(cmux.NoMultiplexer) as caught:
            cmux.open(module.path, startup="none", **QUICK)
        assert "OK received" not in str(caught.value)
        assert b"AT" not in bytes(module.raw)


@pytest.mark.parametrize("dlci", [0, 62, 63, 64, -1, "1", None])
def test_a_dlci_that_carries_no_data(dlci: object) -> None:
    with Module() as module:
        with cmux.open(module.path) as mux, pytest.raises(cmux.InvalidDlci, match="1 to 61") as caught:
            mux.channel(dlci)  # type: ignore[arg-type]
        assert caught.value.dlci == dlci
        before = len(module.commands)
        with pytest.raises(cmux.InvalidDlci):
            cmux.open(module.path, channels=[dlci])  # type: ignore[list-item]
        assert len(module.commands) == before  # the port has not even been touched


def test_a_channel_that_the_module_refuses() -> None:
    with Module(refuses=(3,)) as module, cmux.open(module.path) as mux:
        with pytest.raises(cmux.DlcRefused, match="DLCI 3") as caught:
            mux.channel(3)
        assert caught.value.dlci == 3
        assert isinstance(caught.value, serial.SerialException)
        assert mux.channel(1).is_open  # the others are not touched


def test_a_refused_channel_in_open_leaves_nothing_behind() -> None:
    with Module(refuses=(3,)) as module:
        with pytest.raises(cmux.DlcRefused):
            cmux.open(module.path, channels=[1, 3])
        assert at_mode(module)


def test_a_channel_that_the_module_does_not_answer(quick_at: None) -> None:
    with Module() as module, cmux.open(module.path, **QUICK) as mux:
        module.mute()
        with pytest.raises(cmux.DlcTimeout, match="DLCI 5") as caught:
            mux.channel(5)
        assert caught.value.cause is Cause.TIMEOUT


@pytest.mark.parametrize(
    "settings", [{"n1": 0x8000}, {"t1": 0}, {"n2": 256}, {"option": "slow"}, {"t1": 1.0, "t2": 0.5}]
)
def test_a_parameter_out_of_range_touches_no_port(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        cmux.open("/dev/nowhere", **settings)


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(TypeError, match="bogus"):
        cmux.open("/dev/nowhere", bogus=1)


def test_an_interrupt_in_the_middle_of_opening_leaves_the_module_in_at_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: cmux.Mux, first: bytes = b"") -> None:
        raise KeyboardInterrupt

    with Module() as module:
        monkeypatch.setattr(cmux.Mux, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            cmux.open(module.path)
        assert CLD in bytes(module.raw)
        assert at_mode(module)


def test_an_interrupt_in_the_middle_of_closing_leaves_the_module_in_at_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: cmux.Mux) -> None:
        raise KeyboardInterrupt

    with Module() as module:
        mux = cmux.open(module.path, channels=[1])
        monkeypatch.setattr(cmux.Mux, "_end_session", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mux.close()
        assert at_mode(module)
        assert mux.back_in_at_mode


# --- The line dies, the peer ends it ---


def collect(errors: list[BaseException], call, *arguments: object) -> threading.Thread:
    def run() -> None:
        try:
            call(*arguments)
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_when_the_line_dies_every_blocked_call_on_every_channel_raises_with_the_cause() -> None:
    with Module(loopback=()) as module:
        mux = cmux.open(module.path)
        reader, other, writer = mux.channel(1), mux.channel(2), mux.channel(3)
        module.run(lambda core, now: core.pause_reading(3, now))
        errors: list[BaseException] = []
        threads = [
            collect(errors, reader.read, 1),
            collect(errors, other.read_until),
            collect(errors, writer.write, bytes(1 << 20)),
        ]
        module.wait(lambda: len(module.data.get(3, b"")) >= 0)
        module.stop()
        for thread in threads:
            thread.join(10)
        assert [type(error) for error in errors] == [cmux.SessionEnded] * 3
        assert all(module.path in str(error) and "hung up" in str(error) for error in errors)
        assert mux.error is not None
        assert mux.error.cause is Cause.LINE_LOST
        with pytest.raises(cmux.SessionEnded, match="hung up"):
            mux.channel(4)
        with pytest.raises(serial.SerialException):
            reader.write(b"x")
        mux.close()  # and does not raise
        assert "hung up" in str(mux.error)  # the first cause stays


def test_what_had_arrived_before_the_line_died_can_still_be_read() -> None:
    with Module() as module:
        mux = cmux.open(module.path)
        port = mux.channel(1)
        port.timeout = 10
        port.write(b"last words")
        assert port.read(5) == b"last "
        module.stop()
        assert port.read(5) == b"words"
        with pytest.raises(cmux.SessionEnded):
            port.read(1)
        mux.close()


def test_a_channel_closed_by_the_peer_ends_its_calls_and_no_others() -> None:
    with Module() as module, cmux.open(module.path) as mux:
        port = mux.channel(1)
        errors: list[BaseException] = []
        thread = collect(errors, port.read, 1)
        module.run(lambda core, now: core.close(1, now))
        thread.join(10)
        assert [type(error) for error in errors] == [cmux.DlcClosed]
        assert errors[0].cause is Cause.PEER  # type: ignore[attr-defined]
        assert "DLCI 1" in str(errors[0])
        with pytest.raises(cmux.DlcClosed):
            port.write(b"x")
        assert mux.error is None
        assert mux.channel(1) is port  # it is opened again
        port.timeout = 10
        port.write(b"x")
        assert port.read() == b"x"


def test_a_peer_that_closes_the_multiplexer_down() -> None:
    with Module() as module, cmux.open(module.path) as mux:
        port = mux.channel(1)
        errors: list[BaseException] = []
        thread = collect(errors, port.read, 1)
        module.run(lambda core, now: core.shutdown(now))
        thread.join(10)
        assert len(errors) == 1
        assert mux.error is not None or isinstance(errors[0], cmux.DlcClosed)


def test_a_module_that_never_answers_the_close_down_is_left_after_a_bound(quick_at: None) -> None:
    with Module() as module:
        mux = cmux.open(module.path, channels=[1], **QUICK)
        module.mute()
        mux.close()


def test_text_where_frames_should_be_does_no_harm() -> None:
    with Module() as module, cmux.open(module.path) as mux:
        port = mux.channel(1)
        port.timeout = 10
        module.say(b"\r\nRDY\r\n\xf9\xf9")
        port.write(b"x")
        assert port.read() == b"x"


# --- Threads, callbacks, finalizers, forks ---


def test_closing_from_one_of_its_own_threads_does_not_wait_for_itself() -> None:
    with Module() as module:
        mux = cmux.open(module.path)
        port = mux.channel(1)
        done = threading.Event()
        received = port._handle.buffer.feed

        def feed(data: bytes) -> None:
            received(data)
            mux.close()
            done.set()

        port._handle.buffer.feed = feed  # type: ignore[method-assign]
        port.write(b"x")
        assert done.wait(10)
        mux.close()  # waits for the thread that does it
        assert at_mode(module)
        assert bytes(module.raw).count(encode(Frame(1, True, FrameType.DISC, True))) == 1  # the answer was read


def test_a_test_that_the_end_of_the_line_cancels_says_so() -> None:
    with Module() as module:
        mux = cmux.open(module.path)
        module.mute()
        stopper = threading.Thread(target=module.stop)
        stopper.start()
        with pytest.raises(cmux.SessionEnded, match="hung up"):
            mux.test()
        stopper.join()
        mux.close()


def test_a_finalizer_neither_waits_nor_takes_a_lock() -> None:
    with Module() as module:
        mux = cmux.open(module.path)
        port = mux.channel(1)
        port.fileno()
        with port._handle.condition, mux._engine._lock:  # what another thread might hold
            port._finalizing = True  # type: ignore[attr-defined]
            finished = threading.Thread(target=port.close)
            finished.start()
            finished.join(10)
            assert not finished.is_alive()
        mux.close()


def test_a_child_after_a_fork_has_a_dead_mux_and_says_nothing() -> None:
    with Module() as module:
        mux = cmux.open(module.path)
        port = mux.channel(1)
        read, write = os.pipe()
        at_work, forked = threading.Event(), threading.Event()

        def work() -> None:
            with port._handle.condition:
                at_work.set()
                forked.wait(20)

        worker = threading.Thread(target=work)
        worker.start()
        at_work.wait(20)
        with contextlib.suppress(DeprecationWarning):
            child = os.fork()
        if child == 0:
            signal.alarm(20)
            verdict = b"no error"
            try:
                try:
                    port.write(b"from the child")
                except cmux.SessionEnded as error:
                    verdict = str(error).encode()
                mux.close()
                os.write(write, verdict)
            finally:
                os._exit(0)
        forked.set()
        worker.join()
        os.waitpid(child, 0)
        os.close(write)
        assert b"belongs to the parent" in os.read(read, 1000)
        os.close(read)
        port.timeout = 10
        port.write(b"still here")
        assert port.read(10) == b"still here"
        assert b"from the child" not in bytes(module.raw)
        assert CLD not in bytes(module.raw)
        mux.close()


def test_a_channel_that_nobody_reads_stalls_no_other() -> None:
    with Module() as module, cmux.open(module.path) as mux:
        lazy, busy = mux.channel(1), mux.channel(2)
        busy.timeout = 20
        module.run(lambda core, now: None)
        sender = threading.Thread(target=lazy.write, args=(bytes(200_000),))
        sender.start()
        for _ in range(20):
            busy.write(b"ping")
            assert busy.read(4) == b"ping"
        sender.join()
        lazy.timeout = 20
        assert len(lazy.read(200_000)) == 200_000
        assert mux.stats()["received_discarded"] == 0
