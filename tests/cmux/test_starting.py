"""`cmux.open` on modules in any state: left multiplexing, at another baud rate, with another N1, chatty."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from mux_leaks import nothing_left
from mux_module import Module
from startup_waits import shorten_waits

import cmux
from cmux.protocol import Config, Option
from cmux.protocol.config import KeepAlive, Wakeup
from cmux.protocol.profiles import Profile
from drivers.emulator import EmulatedModule

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_waits(monkeypatch, 0.1)


DOOMED_HOST = """
import sys
import cmux

mux = cmux.open(sys.argv[1], option=sys.argv[2])
port = mux.channel(2)
print("sending", flush=True)
while True:
    port.write(bytes(range(256)) * 64)
"""


def echoes(mux: cmux.Mux, dlci: int, data: bytes) -> bool:
    port = mux.channel(dlci)
    port.timeout = 20
    port.write(data)
    return port.read(len(data)) == data


@pytest.fixture(params=["basic", "advanced"])
def option(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("other", [False, True], ids=["same option", "other option"])
def test_the_next_host_gets_a_module_whose_host_was_killed_in_mid_transfer(
    option: str, other: bool, quick: None
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
        with cmux.open(path, option=next_option) as mux:  # how long that takes is worked out in test_starting_in_time
            assert echoes(mux, 2, b"rescued")


@pytest.mark.parametrize("n1", [31, 64, 127, 1500])
def test_the_default_host_gets_along_with_whatever_n1_the_module_sends(n1: int) -> None:
    with Module(config=Config(n1=n1)) as module, cmux.open(module.path) as mux:
        assert echoes(mux, 1, bytes(range(256)) * 40)
        assert mux.stats()["octets_discarded"] == 0


def test_a_profile_that_asks_makes_the_host_send_with_the_modules_n1() -> None:
    profile = Profile(name="own", title="", source="", at_cmux="asked")
    answers = {"AT+CMUX?": b"\r\n+CMUX: 0,0,5,1500,10,3,30,10,2\r\n\r\nOK\r\n"}
    with Module(config=Config(n1=1500), answers=answers) as module, cmux.open(module.path, profile=profile) as mux:
        assert mux.config.n1 == 1500
        assert echoes(mux, 1, bytes(3000))


def test_a_profile_names_its_channels() -> None:
    profile = Profile(name="own", title="", source="", channels={"at": 1, "gnss": 3})
    with Module() as module, cmux.open(module.path, profile=profile, channels=["gnss", 1]) as mux:
        assert mux.channel("gnss") is mux.channel(3)
        with pytest.raises(cmux.InvalidDlci, match="'ppp'"):
            mux.channel("ppp")


def test_a_profile_or_an_option_that_nobody_knows_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(cmux.ConfigError, match="profile = 'm99' is not generic, m10"):
        cmux.open("/nowhere", profile="m99")
    with pytest.raises(cmux.ConfigError, match="option = 'other' is not basic or advanced"):
        cmux.open("/nowhere", option="other")
    with pytest.raises(cmux.ConfigError, match="keep_alive = 'ping' is not none, test or msc"):
        cmux.open("/nowhere", keep_alive="ping")


def test_what_is_a_word_in_a_url_is_a_word_in_open_too() -> None:
    with Module() as module, cmux.open(module.path, keep_alive="test", wakeup="none") as mux:
        assert (mux.config.keep_alive, mux.config.wakeup) == (KeepAlive.TEST, Wakeup.NONE)


def test_an_option_other_than_the_profiles_leaves_its_n1_alone() -> None:
    with Module(config=Config(option=Option.ADVANCED)) as module:
        with cmux.open(module.path, profile="m10", option="advanced") as mux:
            assert mux.config == Config(option=Option.ADVANCED, t1=0.3, t2=0.6, n2=5)
        with cmux.open(module.path, profile="m10", option="advanced", n1=100) as mux:
            assert mux.config.n1 == 100


def test_a_module_at_another_baud_rate_is_found_and_spoken_to_at_that(quick: None) -> None:
    with Module(baudrate=57600) as module, cmux.open(module.path, other_rates=(9600, 57600)) as mux:
        assert echoes(mux, 1, b"found")


def test_a_module_without_an_at_mode_is_adopted_and_left_without_at(quick: None) -> None:
    with Module(knows_at=False) as module:
        with cmux.open(module.path) as mux:
            assert echoes(mux, 1, b"adopted")
        assert b"CMUX" not in bytes(module.raw)


@pytest.mark.parametrize("echo", [True, False])
@pytest.mark.parametrize("noise", [b"", b"\r\nRDY\r\n\r\n+CFUN: 1\r\n", b"\xff\x00\r\n\r\n"])
def test_echo_and_chatter_do_not_matter(echo: bool, noise: bytes) -> None:
    with Module(echo=echo, noise=noise, after_ok=b"\r\n+QIND: \r\n") as module, cmux.open(module.path) as mux:
        assert echoes(mux, 1, b"x")


def test_ua_and_msc_may_come_in_one_read() -> None:
    """The module's UA and its own MSC stand in one write of it: nothing is lost of either."""
    with Module() as module, cmux.open(module.path, channels=[1, 2]) as mux:
        assert (mux.channel(2).cts, mux.channel(2).dsr) == (True, True)
        assert echoes(mux, 2, b"x")


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """SIGINT, once the module multiplexes."""
    with ExitStack() as stack:
        stack.callback(signal.signal, signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        yield


def open_and_wait(path: str) -> None:
    """Open, and when the signal comes too late for that, let the end of the context close it."""
    with cmux.open(path, channels=[1]):
        while True:
            time.sleep(10)


@pytest.mark.parametrize("stage", ["AT", "AT+CMUX", "half an OK", "SABM", "channel"])
def test_sigint_at_any_stage_of_opening_leaves_the_module_out_of_multiplexer_mode(
    stage: str, interrupted: None
) -> None:
    manners: dict[str, dict[str, object]] = {
        "AT": {"ignores_at": 100},
        "AT+CMUX": {"cmux_answer": b""},
        "half an OK": {"cmux_answer": b"\r\nOK"},  # it multiplexes, and the host does not know yet
        "SABM": {"answers_sabm": False},
        "channel": {},
    }
    reached = {
        "AT": lambda: module.commands,
        "AT+CMUX": lambda: any("CMUX" in command for command in module.commands),
        "half an OK": lambda: module.in_mux,
        "SABM": lambda: module.in_mux,
        "channel": lambda: module.opened(1),
    }

    def kill() -> None:
        module.wait(reached[stage])
        module.manners.ignores_at = 0
        os.kill(os.getpid(), signal.SIGINT)

    with Module(**manners[stage]) as module:
        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(KeyboardInterrupt):
            open_and_wait(module.path)
        killer.join()
        assert not module.in_mux
