"""A module that sleeps by itself and loses what wakes it: flags, then a pause, then frames; nothing is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sleepy_module import SLEEPS_AFTER, WAKE_PAUSE, SleepyModule

from cmux.errors import ConfigError
from cmux.protocol import Config, FrameType, Multiplexer, Option, Role, waits
from cmux.protocol.commands import PSC, Signals
from cmux.protocol.config import KeepAlive, Wakeup
from cmux.protocol.events import Cause, Closed, CommandDone, Outcome, PowerChanged, SessionClosed
from cmux.protocol.link import Link
from cmux.protocol.power import Power
from cmux.protocol.profiles import Profile
from cmux.protocol.transmitter import WAKEUP_FLAGS

CONFIG = Config(sleeps_after=SLEEPS_AFTER, wake_pause=WAKE_PAUSE)
BURST = b"\xf9" * WAKEUP_FLAGS
ASLEEP = 60.0
"""Seconds after which such a module sleeps."""


def slept(config: Config = CONFIG, *, slow: bool = False) -> SleepyModule:
    """A session with an open channel whose module has fallen asleep."""
    module = SleepyModule(config, slow=slow).open(1)
    module.pass_time(ASLEEP)
    module.said.clear()
    return module


def said_after_flags(module: SleepyModule, since: float) -> list[tuple[float, FrameType]]:
    """When which frames were said, behind flags that the module has lost; the times count from `since`."""
    assert module.said[0] == (since, module.lost)
    assert not module.lost.strip(b"\xf9\x7e")
    return [(at - since, frame.type) for at, frame in module.frames()]


class TestFirstFrame:
    """ubxlib #94."""

    @pytest.mark.parametrize("option", Option)
    def test_flags_go_first_and_the_frame_when_the_module_is_awake(self, option: Option) -> None:
        module = slept(replace(CONFIG, option=option, n1=0, n1_receive=0))
        module.host.send(1, b"AT\r", module.now)
        start = module.now
        module.pass_time(1)
        assert said_after_flags(module, start) == [(pytest.approx(WAKE_PAUSE), FrameType.UIH)]
        assert module.data(module.heard, 1) == b"AT\r"

    def test_without_the_setting_it_is_lost(self) -> None:
        module = slept(Config(t1=0.4))  # the first SABM is lost, too
        module.host.send(1, b"AT\r", module.now)
        module.pass_time(1)
        assert b"AT\r" in module.lost
        assert module.data(module.heard, 1) == b""

    def test_what_is_written_during_the_pause_stays_queued_and_in_order(self) -> None:
        module = slept()
        module.host.send(1, b"one ", module.now)
        module.pass_time(WAKE_PAUSE / 2)
        module.host.send(1, b"two", module.now)
        assert module.host.unsent(1) == len(b"one two")
        module.pass_time(WAKE_PAUSE)
        assert module.host.unsent(1) == 0
        assert module.data(module.heard, 1) == b"one two"

    @pytest.mark.parametrize("silence", [0.0, SLEEPS_AFTER * 0.9])
    def test_a_module_that_cannot_sleep_yet_gets_its_frame_at_once(self, silence: float) -> None:
        module = slept()
        module.host.send(1, b"a", module.now)
        module.pass_time(WAKE_PAUSE)
        module.pass_time(silence)
        module.said.clear()
        module.host.send(1, b"b", module.now)
        module.settle()
        assert [(at, frame.info) for at, frame in module.frames()] == [(module.now, b"b")]
        assert BURST not in module.said[0][1]

    def test_what_the_module_says_counts_as_well(self) -> None:
        module = slept()
        module.core.send(1, b"RING", module.now)
        module.pass_time(SLEEPS_AFTER * 0.9)
        module.host.send(1, b"ATA", module.now)
        module.settle()
        assert module.data(module.heard, 1) == b"ATA"
        assert module.lost == b""

    @pytest.mark.parametrize("slow", [False, True])
    def test_an_answer_to_a_module_that_wakes_up_to_speak_waits_without_flags(self, slow: bool) -> None:
        module = slept(slow=slow)
        module.core.test(b"?", module.now)
        module.settle()
        assert module.said == []
        module.pass_time(1)
        assert module.lost == b""
        assert any(isinstance(event, CommandDone) and event.outcome is Outcome.ANSWERED for event in module.heard)

    def test_flags_that_the_line_takes_late_are_followed_by_the_whole_pause(self) -> None:
        """RTS/CTS, or a driver that is slow: the pause counts from when they have left."""
        link = Link(Role.INITIATOR, CONFIG)
        link.start(0)
        assert link.next_write(0) == BURST
        link.blocked(0)
        link.handle_timeout(5)
        link.wrote(3, 5)
        assert link.next_write(5) == b""  # not all of them, as the shell has the rest
        link.wrote(5, 6)
        assert link.next_timeout() == pytest.approx(6 + WAKE_PAUSE)
        assert link.next_write(6 + WAKE_PAUSE / 2) == b""
        assert link.next_write(6 + WAKE_PAUSE).startswith(b"\xf9\x03\x3f")

    def test_a_pause_of_0_is_flags_alone(self) -> None:
        host = Multiplexer(Role.INITIATOR, replace(CONFIG, wake_pause=0.0))
        host.start(0)
        assert host.data_to_send(0) == BURST + bytes.fromhex("F9 03 3F 01 1C F9")

    def test_what_was_discarded_meanwhile_leaves_no_timer_behind(self) -> None:
        module = slept()
        module.host.send(1, b"x", module.now)
        module.settle()
        module.host.discard(1)
        assert module.host.next_timeout() is None
        module.pass_time(WAKE_PAUSE * 2)
        module.host.send(1, b"y", module.now)
        module.pass_time(1)
        assert module.data(module.heard, 1) == b"y"


class TestSessions:
    """What opens and closes is preceded by flags, too."""

    def test_sabm_is_and_its_timer_starts_when_it_leaves(self) -> None:
        """A module whose session begins without AT commands may be asleep already."""
        module = SleepyModule(replace(CONFIG, t1=0.1))  # T1 is over before the pause is
        start = module.now
        module.link.start(start)
        module.pass_time(1)
        assert said_after_flags(module, start) == [(pytest.approx(WAKE_PAUSE), FrameType.SABM)]
        assert module.host.session_open

    def test_a_channel_is_opened_by_one_sabm(self) -> None:
        module = slept()
        start = module.now
        module.host.open(2, start)
        module.pass_time(1)
        assert said_after_flags(module, start)[0] == (pytest.approx(WAKE_PAUSE), FrameType.SABM)
        assert sum(frame.type is FrameType.SABM for _, frame in module.frames()) == 1
        assert module.host.is_open(2)

    @pytest.mark.parametrize("drain", [False, True])
    def test_disc_is_and_data_that_is_to_leave_before_it_does(self, drain: bool) -> None:
        module = slept()
        start = module.now
        module.host.send(1, b"last", start)
        module.host.close(1, start, drain=drain)
        module.pass_time(1)
        kinds = [FrameType.UIH, FrameType.DISC] if drain else [FrameType.DISC]
        assert [kind for _, kind in said_after_flags(module, start)] == kinds
        assert module.data(module.heard, 1) == (b"last" if drain else b"")
        assert [event.cause for event in module.events if isinstance(event, Closed)] == [Cause.LOCAL]

    def test_cld_is(self) -> None:
        module = slept()
        start = module.now
        module.host.shutdown(start)
        module.pass_time(1)
        assert said_after_flags(module, start)[0] == (pytest.approx(WAKE_PAUSE), FrameType.DISC)
        assert [event.cause for event in module.events if isinstance(event, SessionClosed)] == [Cause.LOCAL]
        assert any(isinstance(event, SessionClosed) for event in module.heard)

    def test_the_waits_of_the_shells_allow_for_it(self) -> None:
        plain = replace(CONFIG, sleeps_after=None)
        for wait in (waits.opening, waits.answer, waits.closing, waits.shutdown):
            assert wait(CONFIG) >= wait(plain) + WAKE_PAUSE
        assert waits.draining(CONFIG, 0.5) == 0.5 + WAKE_PAUSE
        assert waits.draining(CONFIG, 0) == 0
        assert waits.draining(plain, 0.5) == 0.5

    def test_the_other_end_does_the_same(self) -> None:
        """A host that sleeps, for ``serve``."""
        module = Multiplexer(Role.RESPONDER, CONFIG)
        host = Multiplexer(Role.INITIATOR)
        host.start(0)
        module.receive_data(host.data_to_send(0), 0)
        assert module.data_to_send(0) == b""
        assert module.next_timeout() == pytest.approx(WAKE_PAUSE)
        host.receive_data(module.data_to_send(WAKE_PAUSE), WAKE_PAUSE)
        assert host.session_open
        module.test(b"?", 10)
        assert module.data_to_send(10) == BURST


class TestMessages:
    """Each command on DLCI 0 goes the same way, and its T2 starts when it leaves."""

    def test_test_and_msc(self) -> None:
        module = slept(replace(CONFIG, t1=0.1, t2=0.2))
        module.host.test(b"?", module.now)
        module.host.set_signals(1, Signals(rtc=False), module.now)
        start = module.now
        module.pass_time(1)
        assert len(said_after_flags(module, start)) == 2
        done = [event.outcome for event in module.events if isinstance(event, CommandDone)]
        assert done == [Outcome.ANSWERED, Outcome.ANSWERED]
        assert module.host.stats()["command_retransmissions"] == 0

    def test_a_keep_alive_that_was_asked_for_wakes_it_each_time(self) -> None:
        module = SleepyModule(replace(CONFIG, keep_alive=KeepAlive.TEST, keep_alive_interval=10)).open()
        module.pass_time(35)
        assert not module.lost.strip(b"\xf9")
        assert len(module.frames()) == 3
        assert module.host.session_open

    @pytest.mark.parametrize("wakeup", Wakeup)
    def test_psc_and_what_wakes_from_it(self, wakeup: Wakeup) -> None:
        """A module that has agreed to sleep loses as much as one that sleeps by itself, after no silence at all."""
        module = slept(replace(CONFIG, wakeup=wakeup))
        module.core.config = replace(module.core.config, wakeup=wakeup)
        start = module.now
        module.host.sleep(start)
        module.pass_time(0.5)
        assert said_after_flags(module, start) == [(pytest.approx(WAKE_PAUSE), FrameType.UIH)]
        assert next(event for event in module.events if isinstance(event, CommandDone)).command == PSC()
        assert PowerChanged(Power.ASLEEP) in module.events
        module.said.clear()
        start = module.now
        module.host.send(1, b"up", start)
        module.pass_time(1)
        assert module.said[0] == (start, BURST)
        frames = [(at - start, frame.info) for at, frame in module.frames()]
        assert frames == [(pytest.approx(WAKE_PAUSE), b"up")]
        assert module.data(module.heard, 1) == b"up"


class TestSettings:
    """Where the two are checked."""

    def test_the_pause_ends_before_the_module_sleeps_again(self) -> None:
        with pytest.raises(ConfigError, match=r"wake_pause = 0\.5 .* sleeps_after = 0\.5"):
            Config(sleeps_after=0.5, wake_pause=0.5)

    def test_a_profile_has_them(self) -> None:
        profile = Profile(name="x", title="x", source="x", settings={"sleeps_after": 9.2, "wake_pause": 0.05})
        assert (profile.config().sleeps_after, profile.config().wake_pause) == (9.2, 0.05)

    @pytest.mark.parametrize("value", [0, -1, "9", float("nan"), float("inf"), True])
    def test_what_is_no_time_is_refused(self, value: object) -> None:
        with pytest.raises(ConfigError, match="sleeps_after"):
            Config(sleeps_after=value)  # type: ignore[arg-type]


writes = st.tuples(st.just("write"), st.integers(1, 2), st.binary(min_size=1, max_size=80))
told = st.tuples(st.just("tell"), st.integers(1, 2), st.binary(min_size=1, max_size=80))
asks = st.tuples(st.sampled_from(("test", "signals", "reopen")), st.integers(1, 2), st.just(b""))
gaps = st.sampled_from(
    (0.0, WAKE_PAUSE / 3, WAKE_PAUSE, SLEEPS_AFTER - 0.01, SLEEPS_AFTER, SLEEPS_AFTER + 0.01, ASLEEP)
)
steps = st.lists(st.tuples(gaps, writes | told | asks), min_size=1, max_size=25)


@settings(deadline=None)
@given(steps, st.booleans(), st.sampled_from(Option))
@example(
    [(ASLEEP, ("write", 1, b"a")), (WAKE_PAUSE / 3, ("tell", 1, b"b")), (0.0, ("write", 2, b"c"))], True, Option.BASIC
)
def test_nothing_is_lost_and_nothing_changes_its_order(
    steps: list[tuple[float, tuple[str, int, bytes]]], slow: bool, option: Option
) -> None:
    module = SleepyModule(replace(CONFIG, option=option, n1=0, n1_receive=0), slow=slow).open(1, 2)
    to_module, to_host = {1: b"", 2: b""}, {1: b"", 2: b""}
    for gap, (what, dlci, data) in steps:
        module.pass_time(gap)
        if what == "write":
            assert module.host.send(dlci, data, module.now) == len(data)
            to_module[dlci] += data
        elif what == "tell":
            assert module.core.send(dlci, data, module.now) == len(data)
            to_host[dlci] += data
        elif what == "test":
            module.host.test(b"?", module.now)
        elif what == "signals":
            own = module.host.own_signals(dlci)
            module.host.set_signals(dlci, replace(own, rtc=not own.rtc), module.now)
        else:
            module.host.close(3, module.now) if module.host.is_open(3) else module.host.open(3, module.now)
    module.pass_time(ASLEEP)
    assert not module.lost.strip(b"\xf9\x7e")
    for dlci in (1, 2):
        assert module.data(module.heard, dlci) == to_module[dlci]
        assert module.data(module.events, dlci) == to_host[dlci]
    stats = module.host.stats()
    assert (stats["retransmissions"], stats["command_retransmissions"]) == (0, 0)
