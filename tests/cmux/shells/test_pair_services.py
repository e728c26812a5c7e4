"""Everything that the core can do, between two real shells in each combination: one opens, the other serves."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from joined import Joined, joined, told
from mux_module import Module
from shells import SHORT, Mux, Shell

from cmux.errors import InvalidDlci, StateError
from cmux.protocol.commands import COMMANDS, SNC, Parity, PortMask, PortSettings, Signals
from cmux.protocol.config import Parameters, Wakeup
from cmux.protocol.errors import FrameError
from cmux.protocol.events import Outcome
from cmux.protocol.power import Power

Join = Callable[..., Joined]
Caplog = pytest.LogCaptureFixture


@pytest.fixture
def join(two_shells: tuple[Shell, Shell]) -> Iterator[Join]:
    """Join the two; without AT commands unless it is asked for."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(joined(*two_shells, **{"startup": "none"} | settings))


@pytest.fixture(params=["host", "module"])
def asks(request: pytest.FixtureRequest) -> Callable[[Joined], tuple[Mux, Mux]]:
    """Who asks, and whom: each of the two."""
    return lambda pair: (pair.host, pair.module) if request.param == "host" else (pair.module, pair.host)


def cross(*pairs: tuple[Any, Any]) -> None:
    """Let octets cross both ways."""
    for one, other in pairs:
        for sender, receiver in ((one, other), (other, one)):
            sender.write(bytes(range(256)))
            assert receiver.read(256) == bytes(range(256))


def test_a_session_by_at_cmux(join: Join) -> None:
    pair = join(startup="at")
    cross(pair.channel(1), pair.channel(61))


# --- PN ---


@pytest.mark.clause("5.4.6.3.1", "5.5.2")
def test_a_channel_opens_with_the_parameters_that_were_asked_for(join: Join, tmp_path: Path) -> None:
    """N1, priority and convergence layer hold for both."""
    path = tmp_path / "line.jsonl"
    pair = join(open={"capture": path})
    opened, accepted = pair.channel(1, n1=20, priority=5, convergence=2)
    settled = Parameters(n1=20, priority=5, convergence=2)
    assert pair.host.parameters(1) == pair.module.parameters(1) == settled
    cross((opened, accepted))
    opened.set_signals(rtc=False)  # in the frames of layer 2
    opened.write(b"x")
    assert accepted.read(1) == b"x"
    assert pair.module.signals(1) == Signals(rtc=False)
    assert pair.host.channel(1, n1=20, priority=5, convergence=2).end is opened.end
    for sender in ("host", "module"):
        data = [frame["info"] for frame in frames_from(sender, path) if frame["dlci"] == 1 and frame["type"] == "UIH"]
        assert max(map(len, data)) == 2 * 20  # in hexadecimal digits


def test_the_peer_grants_less_and_the_channel_goes_by_that(join: Join) -> None:
    pair = join(serve={"n1": 20, "n1_receive": 50})
    opened, accepted = pair.channel(1, n1=100)
    assert pair.host.parameters(1).n1 == pair.module.parameters(1).n1 == 50
    cross((opened, accepted))
    assert pair.host.channel(1, n1=100).end is opened.end  # it was asked for that


def test_other_parameters_for_a_channel_that_is_open_are_an_error_that_shows_both(join: Join) -> None:
    pair = join()
    opened, accepted = pair.channel(1, n1=20)
    pair.module.channel(2)  # which the host has not taken yet
    pair.host.until(lambda core: core.is_open(2))
    there, wanted = Parameters(n1=20, priority=7), Parameters(n1=25)
    for mux in (pair.host, pair.module):
        with pytest.raises(StateError) as caught:
            mux.channel(1, n1=25)
        assert str(caught.value) == f"DLCI 1 is open with {there}, not with {wanted}: close it first"
    with pytest.raises(StateError, match="DLCI 2 is open with Parameters"):
        pair.host.channel(2, n1=25)
    cross((opened, accepted))
    opened.close()
    again, accepted = pair.channel(1, n1=25)
    assert pair.host.parameters(1).n1 == 25
    cross((again, accepted))


def test_a_responder_settles_parameters_and_opens_channels_too(join: Join) -> None:
    pair = join()
    opened = pair.module.channel(3, n1=20)
    accepted = pair.host.accept()
    assert accepted.dlci == 3
    assert pair.host.parameters(3) == pair.module.parameters(3) == Parameters(n1=20, priority=7)
    cross((opened, accepted))


@pytest.mark.clause("5.4.6.3.1")
def test_negotiate_settles_what_holds_from_the_next_opening_on(join: Join, asks: Callable[..., Any]) -> None:
    pair = join()
    one, other = asks(pair)
    granted = one.negotiate(1, n1=25, priority=3)
    assert granted == Parameters(n1=25, priority=3)
    cross(pair.channel(1))
    assert one.parameters(1) == other.parameters(1) == granted


def test_what_a_silent_peer_leaves_undone_is_said(shell: Shell, quick_at: None) -> None:
    with Module() as module, shell.open(module.path, **SHORT) as mux:
        module.mute()
        assert mux.negotiate(1, n1=25) == Parameters(n1=31)
        assert mux.negotiate_port(1, PortSettings()) is None
        assert mux.service(1) is None
        assert mux.sleep() is False
        assert [ask() for ask in (mux.test, mux.hold_all, mux.release_all)] == [Outcome.TIMEOUT] * 3
        assert mux.line_status(1, parity=True) is Outcome.TIMEOUT
        assert mux.error is None


# --- FCoff and FCon ---


@pytest.mark.clause("5.4.6.3.5", "5.4.6.3.6")
def test_hold_all_stops_the_peers_data_and_release_all_lets_them_go(join: Join, asks: Callable[..., Any]) -> None:
    """DLCI 0 goes on, so what is answered shows that the line is not just slow."""
    pair = join()
    channels = [pair.channel(dlci) for dlci in (1, 2)]
    one, other = asks(pair)
    ends = [(opened, accepted) if one is pair.host else (accepted, opened) for opened, accepted in channels]
    assert one.hold_all() is Outcome.ANSWERED
    for _, held in ends:
        held.write(b"held back")
    assert [other.test() for _ in range(2)] == [Outcome.ANSWERED] * 2
    assert [receiver.waiting() for receiver, _ in ends] == [0, 0]
    for sender, held in ends:  # the other direction goes on
        sender.write(b"goes")
        assert held.read(4) == b"goes"
    assert one.release_all() is Outcome.ANSWERED
    assert [receiver.read(9) for receiver, _ in ends] == [b"held back"] * 2


# --- PSC ---


@pytest.mark.clause("5.4.6.3.2", "5.4.7")
@pytest.mark.parametrize("wakeup", list(Wakeup))
def test_both_sides_sleep_and_wake(join: Join, asks: Callable[..., Any], wakeup: Wakeup) -> None:
    """Data wake, whoever sends them, and so does `wake`."""
    pair = join(wakeup=wakeup)
    opened, accepted = pair.channel(1)
    one, other = asks(pair)
    for sender, receiver in ((opened, accepted), (accepted, opened)):
        assert one.sleep() is True
        other.until(lambda core: core.power is Power.ASLEEP)
        assert (one.asleep, other.asleep) == (True, True)
        sender.write(b"good morning")
        assert receiver.read(12) == b"good morning"
        assert (one.asleep, other.asleep) == (False, False)
    assert one.sleep() is True
    one.wake()
    one.until(lambda core: core.power is Power.AWAKE)
    assert one.test() is Outcome.ANSWERED
    assert other.asleep is False


# --- RLS, SNC, RPN, Test, break ---

ERRORS = ("overrun", "parity", "framing")


@pytest.mark.clause("5.4.6.3.10")
@pytest.mark.parametrize("error", ERRORS)
def test_errors_of_a_port_are_told(join: Join, asks: Callable[..., Any], error: str, caplog: Caplog) -> None:
    caplog.set_level(logging.DEBUG, "cmux")
    one, other = asks(join())
    assert one.line_status(1, **{error: True}) is Outcome.ANSWERED
    flags = ", ".join(f"{name}={name == error}" for name in ERRORS)
    assert told(caplog, other, "LineStatus") == [f"LineStatus(dlci=1, {flags})"]


@pytest.mark.clause("5.4.6.3.11")
def test_a_service_is_named_and_asked_for(join: Join, asks: Callable[..., Any], caplog: Caplog) -> None:
    caplog.set_level(logging.DEBUG, "cmux")
    one, other = asks(join())
    assert one.service(1) == SNC(1, SNC.DATA, SNC.NO_CODEC)
    assert one.service(1, SNC.VOICE, 2) == SNC(1, SNC.VOICE, 2)
    for service, codec, why in (
        (None, 3, "codec 3 needs a service"),
        (999, None, "the service 999"),
        (1, -1, "the codec -1"),
    ):
        with pytest.raises(FrameError, match=why):
            one.service(1, service, codec)
    assert told(caplog, other, "ServiceChanged") == [f"ServiceChanged(dlci=1, service={int(SNC.VOICE)}, codec=2)"]
    assert one.service(1) == SNC(1, SNC.VOICE, 2)


@pytest.mark.clause("5.4.6.3.9")
def test_the_port_behind_a_channel_is_set_and_asked_for(join: Join, asks: Callable[..., Any], caplog: Caplog) -> None:
    caplog.set_level(logging.DEBUG, "cmux")
    one, other = asks(join())
    assert one.negotiate_port(1) == PortSettings()
    wanted = PortSettings(baudrate=115200, parity=Parity.ODD)
    assert one.negotiate_port(1, wanted) == wanted
    changed = one.negotiate_port(1, PortSettings(baudrate=4800), PortMask.BAUDRATE)
    assert changed == PortSettings(baudrate=4800, parity=Parity.ODD)
    assert len(told(caplog, other, "PortChanged(dlci=1")) == 2
    assert one.negotiate_port(1) == changed


@pytest.mark.clause("5.4.6.3.4")
def test_octets_come_back_on_the_control_channel(join: Join, asks: Callable[..., Any]) -> None:
    one, _ = asks(join())
    for payload in (b"", b"x", bytes(29)):
        assert one.test(payload) is Outcome.ANSWERED


@pytest.mark.clause("5.4.6.3.7")
@pytest.mark.parametrize("seconds", [0.0, 0.2, 3.0])
def test_a_break_reaches_the_peer(join: Join, asks: Callable[..., Any], seconds: float, caplog: Caplog) -> None:
    caplog.set_level(logging.DEBUG, "cmux")
    pair = join()
    pair.channel(1)
    pair.settle(1)
    one, other = asks(pair)
    one.send_break(1, seconds)
    assert one.test() is Outcome.ANSWERED  # it came behind the break
    assert len(told(caplog, other, f"break_length={seconds}")) == 1


# --- MSC ---


@pytest.mark.clause("5.4.6.3.7")
def test_each_side_knows_its_own_signals_and_the_peers(join: Join) -> None:
    pair = join()
    opened, accepted = pair.channel(1)
    for channel, one, other in ((opened, pair.host, pair.module), (accepted, pair.module, pair.host)):
        for rtc, rtr in ((False, True), (True, False), (True, True)):
            signals = Signals(rtc=rtc, rtr=rtr)
            channel.set_signals(rtc=rtc, rtr=rtr)
            assert one.own_signals(1) == signals
            other.until(lambda core, signals=signals: core.signals(1) == signals)
            assert other.signals(1) == signals
    assert pair.host.signals(2) is None


@pytest.mark.clause("5.4.6.3.7")
def test_each_side_can_say_that_it_rings_and_has_a_carrier(join: Join) -> None:
    pair = join()
    opened, accepted = pair.channel(1)
    for one, other in ((pair.host, pair.module), (pair.module, pair.host)):
        for signals in (Signals(ic=True), Signals(ic=True, dv=True), Signals(dv=True, rtc=False)):
            one.set_signals(1, signals)
            assert one.own_signals(1) == signals
            other.until(lambda core, signals=signals: core.signals(1) == signals)
    cross((opened, accepted))
    with pytest.raises(StateError, match="DLCI 2 is not open"):
        pair.module.set_signals(2, Signals(ic=True))
    for call in (pair.host.parameters, pair.host.signals, pair.host.own_signals):
        for dlci in (0, 62, True, "x"):
            with pytest.raises(InvalidDlci, match=f"DLCI {dlci!r} is not a data channel"):
                call(dlci)
    with pytest.raises(InvalidDlci):
        pair.host.set_signals(0, Signals())


@pytest.mark.clause("5.4.6.3.7")
def test_what_a_port_says_leaves_ring_and_carrier_as_they_were_set(join: Join) -> None:
    pair = join()
    opened, _ = pair.channel(1)
    pair.host.set_signals(1, Signals(ic=True, dv=True))
    if pair.host.shell.name == "threads":
        opened.set_signals(rtc=False)
        pair.module.until(lambda core: core.signals(1) == Signals(ic=True, dv=True, rtc=False))


# --- All of them ---

STARTED: dict[str, Callable[[Mux], object]] = {
    "PN": lambda mux: mux.negotiate(2, n1=20),
    "PSC": lambda mux: (mux.sleep(), mux.wake()),
    "Test": lambda mux: mux.test(),
    "FCoff": lambda mux: mux.hold_all(),
    "FCon": lambda mux: mux.release_all(),
    "RPN": lambda mux: mux.negotiate_port(1),
    "RLS": lambda mux: mux.line_status(1, parity=True),
    "SNC": lambda mux: mux.service(1),
    "MSC": lambda mux: mux.send_break(1, 0.2),
    "CLD": lambda mux: mux.close(),
}
"""All messages but NSC, which is an answer: test_serve shows it."""


def test_every_message_has_a_call_that_starts_it() -> None:
    missing = {body.name for body in COMMANDS.values()} - {"NSC"} - set(STARTED)
    assert missing == set(), (
        "missing: STARTED in tests/cmux/shells/test_pair_services.py, and maybe the call that it has to name, "
        "in cmux/protocol/services.py, cmux/threads/services.py and cmux/aio/services.py"
    )


def test_every_message_can_be_started_and_both_ends_capture_the_same(
    join: Join, asks: Callable[..., Any], tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "host.jsonl", tmp_path / "module.jsonl"
    pair = join(open={"capture": ours}, serve={"capture": theirs})
    pair.channel(1)
    pair.settle(1)
    one, _ = asks(pair)
    for start in STARTED.values():
        start(one)
    pair.host.close()
    pair.module.close()
    for sender in ("host", "module"):
        seen = [frames_from(sender, path) for path in (ours, theirs)]
        assert seen[0] == seen[1]
    sent = frames_from("host" if one is pair.host else "module", theirs)
    started = {command["name"] for frame in sent for command in frame["commands"] if command["command"]}
    assert started >= set(STARTED)


def frames_from(sender: str, path: Path) -> list[dict[str, Any]]:
    """Read the frames of one sender from a capture; where they stood and when they passed is left out."""
    frames = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [
        {key: value for key, value in frame.items() if key not in ("time", "offset")}
        for frame in frames
        if frame["from"] == sender
    ]
