"""Opening in both shells: a session from AT mode, its channels, lines of any kind, modules in any state."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
import serial
from mux_module import Module
from shells import PATIENCE, QUICK, SHORT, Shell
from startup_waits import shorten_waits
from typed_frames import DISC_0, OWN_DISC_1, SABM_0, SABM_1, UA_0, UA_1
from typist import Typist

import cmux
from cmux.protocol import Config, Frame, FrameType, Option, encode
from cmux.protocol.commands import Signals
from cmux.protocol.config import KeepAlive, Wakeup
from cmux.protocol.events import Outcome
from cmux.protocol.profiles import Profile
from drivers.emulator import EmulatedModule

UA = encode(Frame(0, True, FrameType.UA, True))


def at_mode(module: Module) -> bool:
    return not module.in_mux and module.commands[-1] == "AT"


# --- A session ---


def test_a_session_from_at_mode_and_back(shell: Shell) -> None:
    with Module() as module:
        with shell.open(module.path) as mux:
            assert module.commands == ["AT", "AT+CMUX?", "AT+CMUX=0"]
            channels = [mux.channel(dlci) for dlci in (1, 2, 3)]
            for channel in channels:
                channel.write(b"channel %d" % channel.dlci)
            assert [channel.read(9) for channel in channels] == [b"channel 1", b"channel 2", b"channel 3"]
            assert mux.name == module.path
            assert mux.error is None
        assert mux.back_in_at_mode
        assert at_mode(module)
        assert module.commands[3:] == ["AT"]  # nothing else is said in AT mode
        assert all(module.closed(dlci) for dlci in (1, 2, 3))


def test_whoever_asks_for_a_channel_at_once_gets_the_same_and_so_does_who_asks_later(shell: Shell) -> None:
    with Module() as module, shell.open(module.path) as mux:
        asked = [shell.start(mux.channel, 1) for _ in range(8)]
        ends = {asking.result(PATIENCE).end for asking in asked}
        assert ends == {mux.channel(1).end}
        assert module.opened(1) == 1


@pytest.mark.clause("5.4.2")
@pytest.mark.parametrize("end", [OWN_DISC_1, DISC_0], ids=["the channel", "the session"])
def test_a_channel_that_opens_and_ends_in_one_portion_has_ended(shell: Shell, peer: Typist, end: bytes) -> None:
    opening = shell.start(shell.open, peer.path, startup="none")
    peer.receives(SABM_0)
    peer.type(UA_0)
    mux = opening.result(PATIENCE)
    asked = shell.start(mux.channel, 1)
    peer.receives(SABM_1)
    peer.type(UA_1 + end)
    with pytest.raises((cmux.DlcClosed, cmux.SessionEnded)):
        asked.result(PATIENCE).read(1)
    peer.hang_up()
    mux.close()


def test_a_channel_closes_and_opens_again(shell: Shell) -> None:
    with Module() as module, shell.open(module.path) as mux:
        for times in (1, 2):
            channel = mux.channel(1)
            assert channel.echoes()
            channel.close()
            assert module.opened(1) == times
            assert module.closed(1)


def test_a_module_that_is_in_multiplexer_mode_already(shell: Shell) -> None:
    with Module(starts_in_mux=True) as module:
        with shell.open(module.path, startup="none") as mux:
            assert mux.channel(1).echoes()
        assert module.commands == []
        assert mux.back_in_at_mode is None


def test_n1_is_told_and_used(shell: Shell) -> None:
    with Module(config=Config(n1=100)) as module:
        with shell.open(module.path, n1=100) as mux:
            assert mux.channel(1).echoes(b"z" * 100)
        assert module.commands[1] == "AT+CMUX=0,0,5,100"
        assert encode(Frame(1, True, FrameType.UIH, False, b"z" * 100)) in bytes(module.raw)


@pytest.mark.parametrize("n1", [31, 64, 127, 1500])
def test_the_default_host_gets_along_with_whatever_n1_the_module_sends(shell: Shell, n1: int) -> None:
    with Module(config=Config(n1=n1)) as module, shell.open(module.path) as mux:
        assert mux.channel(1).echoes(bytes(range(256)) * 40)
        assert mux.stats()["octets_discarded"] == 0


def test_octets_behind_the_ok_reach_the_decoder(shell: Shell) -> None:
    with Module(answers_sabm=False, after_ok=UA, config=Config()) as module, shell.open(module.path, **QUICK) as mux:
        assert mux.error is None


def test_ua_and_msc_may_come_in_one_read(shell: Shell) -> None:
    """The module's UA and its own MSC stand in one write of it: nothing is lost of either."""
    with Module() as module, shell.open(module.path, channels=[1, 2]) as mux:
        channel = mux.channel(2)
        assert channel.echoes()
        signals = mux.signals(2)
        assert (signals.rtr, signals.rtc) == (True, True)


def test_what_the_peer_sends_on_a_channel_that_it_opened_waits_for_its_reader(shell: Shell) -> None:
    with Module() as module, shell.open(module.path) as mux:
        module.run(lambda core, now: core.open(4, now))
        module.wait(lambda: module.opened(4))
        module.run(lambda core, now: core.send(4, b"hello", now))
        assert mux.channel(4).read(5) == b"hello"
        assert bytes(module.raw).count(encode(Frame(4, True, FrameType.SABM, True))) == 0


def test_stats_tell_of_line_session_and_channels(shell: Shell) -> None:
    with Module() as module, shell.open(module.path) as mux:
        mux.channel(1).echoes(b"12345")
        stats = mux.stats()
        assert stats["line_octets_received"] > 0
        assert stats["dlcs"][1]["octets_received"] == 5
        assert (stats["reattached"], stats["received_discarded"]) == (0, 0)


def test_the_advanced_option(shell: Shell) -> None:
    with Module(config=Config(option=Option.ADVANCED)) as module, shell.open(module.path, option="advanced") as mux:
        assert mux.channel(1).echoes(bytes(range(256)))


@pytest.mark.clause("5.4.6.3.4")
def test_the_peer_sends_octets_back_on_the_control_channel(shell: Shell) -> None:
    with Module() as module, shell.open(module.path) as mux:
        asked = [shell.start(mux.test), shell.start(mux.test, b"other")]
        assert [asking.result(PATIENCE) for asking in asked] == [Outcome.ANSWERED] * 2


def test_a_peer_that_sends_no_octets_back_is_said_so(shell: Shell, quick_at: None) -> None:
    with Module() as module, shell.open(module.path, **SHORT) as mux:
        module.mute()
        assert mux.test() is Outcome.TIMEOUT
        assert mux.mux._awaited == []


def test_signals_go_both_ways(shell: Shell) -> None:
    with Module() as module, shell.open(module.path) as mux:
        channel = mux.channel(1)
        channel.set_signals(rtc=False)
        module.run(lambda core, now: core.set_signals(1, Signals(ic=True), now))
        mux.until(lambda core: core.signals(1) == Signals(ic=True))
        assert mux.signals(1) == Signals(ic=True)
        module.wait(lambda: module.signals.get(1) == Signals(rtc=False))
        assert mux.own_signals(1) == Signals(rtc=False)


# --- Lines that are no paths ---


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


class Wrapped(serial.Serial):
    """A port whose descriptor is nobody's business."""


@pytest.mark.parametrize("make", [Bare, serial.Serial, Wrapped])
def test_an_open_object_is_a_line_and_belongs_to_the_mux(shell: Shell, make: Callable[[str], Bare]) -> None:
    with Module() as module:
        line = make(module.path)
        with shell.open(line) as mux:
            assert mux.channel(1).echoes()
        with pytest.raises((OSError, TypeError)):
            line.write(b"x")


def test_pyserial_urls_are_lines(shell: Shell) -> None:
    with Module() as module, shell.open(f"alt://{module.path}?class=PosixPollSerial") as mux:
        assert mux.channel(1).echoes()


def test_a_tcp_line(shell: Shell) -> None:
    with Module(tcp=True) as module:
        with shell.open(module.path) as mux:
            assert mux.channel(1).echoes(b"hello" * 1000)
        assert at_mode(module)


def test_a_line_in_process(shell: Shell) -> None:
    with EmulatedModule(loopback=[2]) as module, shell.open(module.port(), profile="m10", channels=["at"]) as mux:
        assert mux.channel(2).echoes(bytes(5000))


# --- A module in any state ---

DOOMED_HOST = """
import sys
import cmux

mux = cmux.open(sys.argv[1], option=sys.argv[2])
port = mux.channel(2)
print("sending", flush=True)
while True:
    port.write(bytes(range(256)) * 64)
"""


@pytest.mark.parametrize("option", ["basic", "advanced"])
@pytest.mark.parametrize("other", [False, True], ids=["same option", "other option"])
def test_the_next_host_gets_a_module_whose_host_was_killed_in_mid_transfer(
    shell: Shell, option: str, other: bool, quick_at: None
) -> None:
    next_option = {"basic": "advanced", "advanced": "basic"}[option] if other else option
    with EmulatedModule(loopback=[2]) as module:
        path = module.serve_pty()
        host = subprocess.Popen([sys.executable, "-c", DOOMED_HOST, path, option], stdout=subprocess.PIPE, text=True)
        assert host.stdout is not None
        assert host.stdout.readline() == "sending\n"
        host.send_signal(signal.SIGKILL)
        host.wait()
        host.stdout.close()
        with shell.open(path, option=next_option) as mux:  # how long that takes: see test_starting_in_time
            assert mux.channel(2).echoes(b"rescued")


@pytest.mark.requirement("L9.8")
def test_a_module_left_in_multiplexer_mode_by_a_dead_host_is_taken_over(shell: Shell, quick_at: None) -> None:
    with Module(starts_in_mux=True) as module, shell.open(module.path) as mux:
        assert mux.channel(1).echoes()


def test_a_module_at_another_baud_rate_is_found_and_spoken_to_at_that(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten_waits(monkeypatch, 0.3)  # it does answer, and only at one of the rates
    with Module(baudrate=57600) as module, shell.open(module.path, other_rates=(9600, 57600)) as mux:
        assert mux.channel(1).echoes(b"found")


def test_a_module_without_an_at_mode_is_adopted_and_left_without_at(shell: Shell, quick_at: None) -> None:
    with Module(knows_at=False) as module:
        with shell.open(module.path) as mux:
            assert mux.channel(1).echoes(b"adopted")
        assert b"CMUX" not in bytes(module.raw)
        assert mux.back_in_at_mode is None


@pytest.mark.parametrize(
    "habits",
    [
        *({"echo": echo, "noise": noise} for echo in (True, False) for noise in (b"", b"\xff\x00\r\n\r\n")),
        *({"echo": echo, "noise": b"\r\nRDY\r\n\r\n+CFUN: 1\r\n"} for echo in (True, False)),
        {"noise": b"\r\n+CREG: 1\r\n"},
        {"ignores_at": 1},
    ],
    ids=repr,
)
def test_echo_chatter_and_a_late_start_do_not_matter(shell: Shell, habits: dict[str, object]) -> None:
    with Module(after_ok=b"\r\n+QIND: \r\n", **habits) as module, shell.open(module.path) as mux:
        assert mux.channel(1).echoes()


def test_text_where_frames_should_be_does_no_harm(shell: Shell) -> None:
    with Module() as module, shell.open(module.path) as mux:
        channel = mux.channel(1)
        module.send_raw(b"\r\nRDY\r\n\xf9\xf9")
        assert channel.echoes()


# --- Profiles and settings ---


def test_a_profile_that_asks_makes_the_host_send_with_the_modules_n1(shell: Shell) -> None:
    profile = Profile(name="own", title="", source="", at_cmux="asked")
    answers = {"AT+CMUX?": b"\r\n+CMUX: 0,0,5,1500,10,3,30,10,2\r\n\r\nOK\r\n"}
    with Module(config=Config(n1=1500), answers=answers) as module, shell.open(module.path, profile=profile) as mux:
        assert mux.config.n1 == 1500
        assert mux.channel(1).echoes(bytes(3000))


def test_a_profile_names_its_channels(shell: Shell) -> None:
    profile = Profile(name="own", title="", source="", channels={"at": 1, "gnss": 3})
    with Module() as module, shell.open(module.path, profile=profile, channels=["gnss", 1]) as mux:
        assert mux.channel("gnss").end is mux.channel(3).end
        with pytest.raises(cmux.InvalidDlci, match="'ppp'"):
            mux.channel("ppp")


def test_what_is_a_word_in_a_url_is_a_word_in_open_too(shell: Shell) -> None:
    with Module() as module, shell.open(module.path, keep_alive="test", wakeup="none") as mux:
        assert (mux.config.keep_alive, mux.config.wakeup) == (KeepAlive.TEST, Wakeup.NONE)


def test_an_option_other_than_the_profiles_leaves_its_n1_alone(shell: Shell) -> None:
    with Module(config=Config(option=Option.ADVANCED)) as module:
        with shell.open(module.path, profile="m10", option="advanced") as mux:
            assert mux.config == Config(option=Option.ADVANCED, t1=0.3, t2=0.6, n2=5)
        with shell.open(module.path, profile="m10", option="advanced", n1=100) as mux:
            assert mux.config.n1 == 100
