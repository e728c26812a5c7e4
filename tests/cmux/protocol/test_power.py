"""Power saving, and asking a silent peer whether it is there (27.010 §5.4.7, §5.4.6.3.2, §5.4.6.3.4)."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from core_pair import Pair, Station, deaf

from cmux.protocol import BasicDecoder, Config, Frame, FrameType, Multiplexer, Option, Role, encode
from cmux.protocol.commands import Signals
from cmux.protocol.commands import Test as Probe
from cmux.protocol.config import KeepAlive, Wakeup
from cmux.protocol.events import Cause, CommandDone, DataReceived, Outcome, PowerChanged, SessionClosed
from cmux.protocol.power import POWER_IGNORED, POWER_TRANSITIONS, Power, PowerInput
from cmux.protocol.transmitter import WAKEUP_FLAGS

FLAGS = {Option.BASIC: b"\xf9" * WAKEUP_FLAGS, Option.ADVANCED: b"\x7e" * WAKEUP_FLAGS}
BURST = FLAGS[Option.BASIC]
ASK, PERMIT = b"\x43\x01", b"\x41\x01"


def control(info: bytes, *, from_host: bool = True) -> bytes:
    return encode(Frame(0, from_host, FrameType.UIH, info=info))


def power(station: Station) -> str:
    return str(station.mux.stats()["power"])


def carry(pair: Pair, times: int = 200) -> None:
    """One frame at a time from each side, so that what the two say crosses."""
    for _ in range(times):
        for one, other in ((pair.host, pair.module), (pair.module, pair.host)):
            octets = one.mux.data_to_send(pair.now, 0)
            due = one.mux.next_timeout()
            if due is not None and due <= pair.now:
                one.events += one.mux.handle_timeout(pair.now)
            if octets:
                one.line.append(octets)
                other.events += other.mux.receive_data(octets, pair.now)


def talk(pair: Pair) -> None:
    """Both are there, whoever takes whom for asleep: data cross each way."""
    assert pair.host.of(SessionClosed) == pair.module.of(SessionClosed) == []
    for one, other in ((pair.host, pair.module), (pair.module, pair.host)):
        before = other.data(1)
        one.mux.send(1, b"are you there?", pair.now)
        pair.pass_time(11)
        assert other.data(1) == before + b"are you there?"
    assert pair.host.of(SessionClosed) == pair.module.of(SessionClosed) == []


def asleep(config: Config | None = None) -> Pair:
    pair = Pair(config).open(1)
    pair.host.mux.sleep(pair.now)
    pair.settle()
    assert pair.host.of(PowerChanged) == pair.module.of(PowerChanged) == [PowerChanged(Power.ASLEEP)]
    pair.host.line.clear()
    pair.module.line.clear()
    return pair


@pytest.mark.parametrize("pair", list(product(Power, PowerInput)), ids=lambda pair: f"{pair[0]}-{pair[1]}")
def test_every_pair_is_a_transition_or_ignored_for_a_reason(pair: tuple[Power, PowerInput]) -> None:
    assert (pair in POWER_TRANSITIONS) != (pair in POWER_IGNORED)
    assert POWER_IGNORED.get(pair, "a reason")


@pytest.mark.clause("5.4.6.3.2", "5.4.7")
@pytest.mark.parametrize("option", list(Option))
def test_the_one_that_has_something_to_say_sends_flags_and_waits_for_flags(option: Option) -> None:
    pair = asleep(Config(option=option))
    pair.host.mux.send(1, b"good morning", pair.now)
    assert pair.host.mux.data_to_send(pair.now) == FLAGS[option]
    assert pair.host.mux.data_to_send(pair.now) == b""
    pair.module.events += pair.module.mux.receive_data(FLAGS[option], pair.now)
    answer = pair.module.mux.data_to_send(pair.now)
    assert answer == FLAGS[option]
    pair.host.events += pair.host.mux.receive_data(answer, pair.now)
    octets = pair.host.mux.data_to_send(pair.now)
    assert octets == encode(Frame(1, True, FrameType.UIH, info=b"good morning"), option)
    pair.module.events += pair.module.mux.receive_data(octets, pair.now)
    pair.settle()
    assert pair.module.data(1) == b"good morning"
    assert pair.host.of(PowerChanged)[-1] == pair.module.of(PowerChanged)[-1] == PowerChanged(Power.AWAKE)


def test_the_answer_to_psc_leaves_before_sleep() -> None:
    pair = Pair().open(1)
    pair.module.mux.receive_data(encode(Frame(0, True, FrameType.UIH, info=b"\x43\x01")), pair.now)
    assert b"\x41\x01" in pair.module.mux.data_to_send(pair.now)
    assert pair.module.mux.stats()["power"] == "ASLEEP"


@pytest.mark.clause("5.7.6")
def test_no_answer_within_t3_ends_the_session() -> None:
    pair = asleep(Config(t3=2))
    pair.to_module = deaf
    pair.host.mux.send(1, b"hello?", pair.now)
    pair.pass_time(1.99)
    assert pair.host.of(SessionClosed) == []
    assert set(b"".join(pair.host.line)) == {0xF9}  # flags, again and again, and nothing else
    pair.pass_time(0.02)
    assert pair.host.of(SessionClosed) == [SessionClosed(Cause.TIMEOUT, "the peer did not wake up within T3 (2 s)")]


@pytest.mark.parametrize(("wakeup", "flags"), [(Wakeup.FLAGS, FLAGS[Option.BASIC]), (Wakeup.NONE, b"")])
def test_modems_without_the_handshake_are_a_setting(wakeup: Wakeup, flags: bytes) -> None:
    pair = asleep(Config(wakeup=wakeup))
    pair.host.mux.send(1, b"x", pair.now)
    assert pair.host.mux.data_to_send(pair.now) == flags + encode(Frame(1, True, FrameType.UIH, info=b"x"))


def test_sleep_that_the_peer_does_not_permit() -> None:
    pair = Pair().open(1)
    pair.to_module = deaf
    pair.host.mux.sleep(pair.now)
    pair.settle()
    pair.host.mux.receive_data(encode(Frame(0, False, FrameType.UIH, info=b"\x11\x03\x43")), pair.now)
    assert pair.host.mux.stats()["power"] == "AWAKE"


def test_a_module_that_answers_psc_with_0_has_refused() -> None:
    pair = Pair().open(1)
    pair.to_module = deaf
    pair.host.mux.sleep(pair.now)
    pair.settle()
    pair.host.mux.receive_data(encode(Frame(0, False, FrameType.UIH, info=b"\x41\x03\x00")), pair.now)
    assert pair.host.mux.stats()["power"] == "AWAKE"


def test_wake_without_data() -> None:
    pair = asleep()
    pair.host.mux.wake(pair.now)
    pair.settle()
    assert pair.host.of(PowerChanged)[-1] == pair.module.of(PowerChanged)[-1] == PowerChanged(Power.AWAKE)


def test_no_flags_are_sent_unasked() -> None:
    """Linux is confused by them: without PSC none leave, whatever comes."""
    pair = Pair().open(1)
    pair.host.mux.wake(pair.now)
    for one, other in ((pair.host, pair.module), (pair.module, pair.host)):
        one.mux.send(1, bytes(200), pair.now)
        pair.pass_time(100)
        other.mux.receive_data(BURST, pair.now)
        pair.pass_time(100)
    for station in (pair.host, pair.module):
        assert b"".join(station.line) == b"".join(map(encode, station.frames()))  # and nothing between the frames


class TestSleeping:
    @pytest.mark.clause("5.4.6.3.2")
    def test_psc_leaves_behind_the_data_that_are_due(self) -> None:
        pair = Pair().open(1)
        pair.host.line.clear()
        pair.host.mux.send(1, bytes(300), pair.now)
        pair.host.mux.sleep(pair.now)
        carry(pair)
        assert [frame.info for frame in pair.host.frames()][-1] == ASK
        assert len(pair.module.data(1)) == 300
        assert power(pair.host) == power(pair.module) == "ASLEEP"
        pair.pass_time(5)
        talk(pair)

    def test_psc_leaves_behind_the_commands_that_are_unanswered(self) -> None:
        pair = Pair().open(1)
        for _ in range(256):  # all but as many as can wait
            pair.host.mux.test(b"x", pair.now)
        pair.host.mux.sleep(pair.now)
        carry(pair, 700)
        assert [frame.info for frame in pair.host.frames()][-1] == ASK
        assert power(pair.host) == power(pair.module) == "ASLEEP"

    @pytest.mark.clause("5.1.5", "5.4.7")
    def test_data_that_come_while_psc_is_out_wake_the_peer(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.sleep(pair.now)
        assert pair.host.mux.data_to_send(pair.now) == control(ASK)
        pair.host.mux.send(1, b"late", pair.now)
        assert pair.host.mux.data_to_send(pair.now) == b""
        pair.host.events += pair.host.mux.receive_data(control(PERMIT, from_host=False), pair.now)
        pair.module.events += pair.module.mux.receive_data(control(ASK), pair.now)
        assert pair.module.mux.data_to_send(pair.now) == control(PERMIT, from_host=False)
        assert pair.host.mux.data_to_send(pair.now) + pair.host.mux.data_to_send(pair.now) == BURST
        pair.module.events += pair.module.mux.receive_data(BURST, pair.now)
        pair.settle()
        assert pair.module.data(1) == b"late"
        told = [PowerChanged(Power.ASLEEP), PowerChanged(Power.AWAKE)]
        assert pair.host.of(PowerChanged) == pair.module.of(PowerChanged) == told

    def test_data_of_the_one_that_is_asked_wake_the_other(self) -> None:
        pair = Pair().open(1)
        pair.module.mux.send(1, bytes(300), pair.now)
        pair.host.mux.sleep(pair.now)
        carry(pair)
        assert len(pair.host.data(1)) == 300
        talk(pair)

    @pytest.mark.clause("5.4.7")
    @pytest.mark.parametrize("answered", [True, False])
    def test_an_answer_that_is_under_way_is_no_answer_to_flags(self, answered: bool) -> None:
        """The module said it before it fell asleep: what we sent on hearing it would be lost. It comes within T2."""
        pair = Pair().open(1)
        pair.host.mux.test(b"x", pair.now)
        pair.host.mux.data_to_send(pair.now)
        pair.host.mux.receive_data(control(ASK, from_host=False), pair.now)
        assert pair.host.mux.data_to_send(pair.now) == control(PERMIT)
        pair.host.mux.send(1, b"data", pair.now)
        assert pair.host.mux.data_to_send(pair.now) == b""
        if answered:
            pair.host.mux.receive_data(control(b"\x21\x03x", from_host=False), pair.now)
        else:
            pair.host.mux.handle_timeout(pair.now + 0.3)
        assert pair.host.mux.data_to_send(pair.now) + pair.host.mux.data_to_send(pair.now) == BURST

    @pytest.mark.clause("5.4.7")
    @pytest.mark.parametrize("what", ["SABM", "DISC", "MSC", "Test"])
    @pytest.mark.parametrize("state", ["ASKING", "CROSSED", "DOZING"])
    def test_nothing_is_asked_of_a_peer_that_may_be_asleep_before_it_is_woken(self, state: str, what: str) -> None:
        pair = Pair().open(1)
        host = pair.host.mux
        if state == "DOZING":
            host.test(b"x", pair.now)
            host.data_to_send(pair.now)
        else:
            host.sleep(pair.now)
            assert host.data_to_send(pair.now) == control(ASK)
        if state != "ASKING":
            host.receive_data(control(ASK, from_host=False), pair.now)
            assert host.data_to_send(pair.now) == control(PERMIT)
        assert power(pair.host) == state
        if what == "SABM":
            host.open(2, pair.now)
        elif what == "DISC":
            host.close(1, pair.now)
        elif what == "MSC":
            host.pause_reading(1, pair.now)
        else:
            host.test(b"y", pair.now)
        assert host.data_to_send(pair.now) == b""
        host.receive_data(control(b"\x21\x03x" if state == "DOZING" else PERMIT, from_host=False), pair.now)
        assert host.data_to_send(pair.now) + host.data_to_send(pair.now) == BURST
        host.receive_data(BURST, pair.now)
        (frame,) = BasicDecoder().receive_data(host.data_to_send(pair.now))
        assert isinstance(frame, Frame)
        sent = {"SABM": (2, b""), "DISC": (1, b""), "MSC": (0, b"\xe3\x05\x07\x8f"), "Test": (0, b"\x23\x03y")}
        assert (frame.dlci, frame.info) == sent[what]

    def test_what_the_peer_asks_is_answered_while_psc_is_out(self) -> None:
        """It waits for our answers before it sleeps."""
        pair = Pair().open(1)
        host = pair.host.mux
        host.sleep(pair.now)
        host.data_to_send(pair.now)
        host.test(b"ours", pair.now)
        host.receive_data(control(b"\x23\x03x", from_host=False), pair.now)
        assert host.data_to_send(pair.now) == control(b"\x21\x03x")
        host.handle_timeout(pair.now + 0.3)
        assert host.data_to_send(pair.now + 0.3) == control(ASK)

    def test_both_ask_at_once(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.sleep(pair.now)
        pair.module.mux.sleep(pair.now)
        carry(pair)
        assert power(pair.host) == power(pair.module) == "ASLEEP"
        assert pair.host.of(PowerChanged) == pair.module.of(PowerChanged) == [PowerChanged(Power.ASLEEP)]
        talk(pair)

    @pytest.mark.parametrize("outcome", [b"\x11\x03\x43", b"\x41\x03\x00", b""], ids=["NSC", "0", "silence"])
    def test_who_permits_sleep_and_is_refused_sleeps(self, outcome: bytes) -> None:
        pair = Pair().open(1)
        pair.host.mux.sleep(pair.now)
        pair.host.mux.data_to_send(pair.now)
        pair.host.mux.receive_data(control(ASK, from_host=False), pair.now)
        assert pair.host.mux.data_to_send(pair.now) == control(PERMIT)
        if outcome:
            pair.host.mux.receive_data(control(outcome, from_host=False), pair.now)
            assert pair.host.mux.data_to_send(pair.now) == b""
        else:
            pair.to_module = deaf
            pair.pass_time(4 * 0.3 + 0.01)
        assert power(pair.host) == "ASLEEP"

    def test_a_lost_answer_to_psc_is_asked_for_again(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.sleep(pair.now)
        pair.to_host = deaf
        pair.settle()
        assert (power(pair.host), power(pair.module)) == ("ASKING", "ASLEEP")
        pair.to_host = lambda octets: octets
        pair.pass_time(0.31)
        assert power(pair.host) == power(pair.module) == "ASLEEP"
        talk(pair)

    def test_psc_that_is_never_answered_leaves_the_two_apart_but_alive(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.sleep(pair.now)
        pair.to_host = deaf
        pair.pass_time(2)
        assert (power(pair.host), power(pair.module)) == ("AWAKE", "ASLEEP")
        pair.to_host = lambda octets: octets
        pair.module.mux.send(1, b"good morning", pair.now)
        pair.pass_time(11)
        assert pair.host.data(1) == b"good morning"
        talk(pair)

    def test_waking_before_psc_has_left_takes_the_wish_back(self) -> None:
        pair = Pair().open(1)
        pair.host.line.clear()
        pair.host.mux.sleep(pair.now)
        pair.host.mux.wake(pair.now)
        pair.settle()
        assert pair.host.line == []
        assert power(pair.host) == "AWAKE"

    @pytest.mark.parametrize("by_peer", [False, True])
    def test_waking_before_sleep_is_agreed_upon_wakes_after_it(self, by_peer: bool) -> None:
        pair = Pair().open(1)
        if by_peer:
            pair.module.mux.sleep(pair.now)
            pair.host.mux.receive_data(pair.module.mux.data_to_send(pair.now), pair.now)
        else:
            pair.host.mux.sleep(pair.now)
            pair.host.mux.data_to_send(pair.now)
            pair.module.events += pair.module.mux.receive_data(control(ASK), pair.now)
        pair.host.mux.wake(pair.now)
        pair.settle()
        for station in (pair.host, pair.module):
            assert station.of(PowerChanged) == [PowerChanged(Power.ASLEEP), PowerChanged(Power.AWAKE)]
        pair.host.mux.sleep(pair.now)
        pair.settle()
        assert power(pair.host) == power(pair.module) == "ASLEEP"  # it is done, and once

    @pytest.mark.clause("5.4.1")
    def test_psc_leaves_behind_the_channels_that_open(self) -> None:
        pair = Pair().open(1)
        pair.host.line.clear()
        pair.host.mux.open(2, pair.now)
        pair.host.mux.sleep(pair.now)
        pair.to_module = deaf
        pair.pass_time(0.15)
        assert {frame.type for frame in pair.host.frames()} == {FrameType.SABM}
        pair.to_module = lambda octets: octets
        pair.pass_time(1)
        assert pair.module.mux.is_open(2)
        assert power(pair.host) == power(pair.module) == "ASLEEP"

    def test_data_that_may_not_leave_do_not_wake(self) -> None:
        pair = Pair().open(1)
        pair.module.mux.receive_data(control(b"\x63\x01"), pair.now)  # FCoff
        pair.module.mux.send(1, b"data", pair.now)
        pair.module.mux.test(b"x", pair.now)
        pair.module.mux.data_to_send(pair.now)
        pair.module.mux.receive_data(control(ASK), pair.now)
        pair.module.mux.data_to_send(pair.now)
        assert power(pair.module) == "DOZING"
        pair.module.mux.receive_data(control(b"\x21\x03x"), pair.now)
        assert pair.module.mux.data_to_send(pair.now) == b""
        assert power(pair.module) == "ASLEEP"

    @pytest.mark.clause("5.8.1")
    @pytest.mark.parametrize("state", ["ASKING", "ASLEEP"])
    @pytest.mark.parametrize("how", ["the peer starts anew", "the session ends"])
    def test_a_new_session_is_awake(self, state: str, how: str) -> None:
        pair = Pair().open(1)
        pair.module.mux.sleep(pair.now)
        pair.module.mux.data_to_send(pair.now)
        if state == "ASLEEP":
            pair.module.mux.receive_data(control(PERMIT), pair.now)
            pair.module.mux.data_to_send(pair.now)
        assert power(pair.module) == state
        if how == "the session ends":
            pair.module.mux.line_lost("unplugged", pair.now)
        pair.host.mux.line_lost("unplugged", pair.now)
        pair.start()
        assert power(pair.module) == "AWAKE"
        pair.open(1)
        pair.host.line.clear()
        pair.module.line.clear()
        pair.host.mux.receive_data(BURST, pair.now)
        pair.module.mux.receive_data(BURST, pair.now)
        pair.settle()
        assert pair.host.line == pair.module.line == []  # what was agreed is forgotten, too
        pair.module.mux.sleep(pair.now)
        pair.settle()
        assert power(pair.module) == power(pair.host) == "ASLEEP"


class TestWaking:
    @pytest.mark.clause("5.4.7")
    def test_who_is_awake_already_answers_flags(self) -> None:
        pair = asleep()
        pair.host.mux.send(1, b"hi", pair.now)
        pair.to_host = deaf
        pair.settle()
        assert (power(pair.host), power(pair.module)) == ("WAKING", "AWAKE")
        pair.to_host = lambda octets: octets
        pair.pass_time(0.5)
        assert power(pair.host) == "AWAKE"
        assert pair.module.data(1) == b"hi"
        talk(pair)

    @pytest.mark.clause("5.4.7")
    @pytest.mark.parametrize("state", ["AWAKE", "DRAINING", "ASKING", "CROSSED"])
    def test_flags_are_answered_on_the_way_to_the_next_sleep(self, state: str) -> None:
        pair = asleep()
        pair.host.mux.wake(pair.now)
        pair.pass_time(20)
        if state == "DRAINING":
            pair.host.mux.test(b"x", pair.now)
        if state != "AWAKE":
            pair.host.mux.sleep(pair.now)
        pair.host.mux.data_to_send(pair.now)
        if state == "CROSSED":
            pair.host.mux.receive_data(control(ASK, from_host=False), pair.now)
            pair.host.mux.data_to_send(pair.now)
        assert power(pair.host) == state
        pair.host.mux.receive_data(BURST, pair.now)
        assert pair.host.mux.data_to_send(pair.now) == BURST
        assert power(pair.host) == state

    def test_who_was_woken_by_data_tells_so_with_flags(self) -> None:
        """A module that sleeps while its last words are under way hears that we are awake."""
        pair = asleep()
        octets = encode(Frame(1, False, FrameType.UIH, info=b"URC"))
        pair.host.events += pair.host.mux.receive_data(octets, pair.now)
        assert pair.host.data(1) == b"URC"
        assert pair.host.mux.data_to_send(pair.now) == BURST

    @pytest.mark.clause("5.4.7")
    def test_flags_are_repeated_until_they_are_answered(self) -> None:
        pair = asleep()
        lost = [3]

        def lossy(octets: bytes) -> bytes:
            lost[0] -= 1
            return b"" if lost[0] >= 0 else octets

        pair.to_module = lossy
        pair.host.mux.send(1, b"hi", pair.now)
        pair.pass_time(0.29)
        assert pair.host.line == [BURST, BURST, BURST]
        pair.pass_time(0.02)
        assert pair.module.data(1) == b"hi"

    @pytest.mark.parametrize("at", range(WAKEUP_FLAGS))
    @pytest.mark.parametrize("mask", [0x40, 0xFF, 0x16])
    def test_a_damaged_flag_does_not_hide_the_flags_behind_it(self, at: int, mask: int) -> None:
        """It may begin a frame with a long information field, which flags would fill for ever."""
        pair = asleep()
        spoilt = BURST[:at] + bytes((BURST[at] ^ mask,)) + BURST[at + 1 :]
        pair.module.mux.receive_data(BURST, pair.now)
        assert pair.module.mux.data_to_send(pair.now) == BURST  # awake, and its answer is lost
        pair.now += 1
        pair.module.mux.receive_data(spoilt, pair.now)
        pair.module.mux.data_to_send(pair.now)
        pair.host.mux.send(1, b"hi", pair.now)
        pair.pass_time(1)
        assert pair.module.data(1) == b"hi"

    def test_a_frame_that_was_cut_short_does_not_swallow_the_flags_behind_it(self) -> None:
        """They let it grow for longer than the peer waits for an answer."""
        pair = asleep(Config(t3=2))
        pair.module.mux.receive_data(BURST, pair.now)
        pair.module.mux.data_to_send(pair.now)
        pair.now += 5
        pair.module.mux.receive_data(encode(Frame(1, True, FrameType.UIH, info=bytes(1500)))[:40], pair.now)
        pair.host.mux.send(1, b"hi", pair.now)
        pair.pass_time(3)
        assert pair.host.of(SessionClosed) == []
        assert power(pair.host) == "AWAKE"

    def test_flags_in_the_data_of_a_frame_are_not_answered(self) -> None:
        pair = asleep()
        pair.module.mux.receive_data(BURST, pair.now)
        pair.module.mux.data_to_send(pair.now)
        pair.now += 5
        octets = encode(Frame(1, True, FrameType.UIH, info=b"\xf9" * 5 + b"x"))
        pair.module.mux.receive_data(octets[:9], pair.now)
        assert octets[:9].endswith(b"\xf9" * 5)
        assert pair.module.mux.data_to_send(pair.now) == b""
        (event,) = pair.module.mux.receive_data(octets[9:], pair.now)
        assert event == DataReceived(1, b"\xf9" * 5 + b"x")

    @pytest.mark.parametrize("size", [1, 2, 5])
    def test_flags_are_seen_in_any_portions(self, size: int) -> None:
        pair = asleep()
        pair.module.mux.receive_data(BURST, pair.now)
        pair.module.mux.data_to_send(pair.now)
        pair.now += 1
        for start in range(0, len(BURST), size):
            pair.module.mux.receive_data(BURST[start : start + size], pair.now)
        assert pair.module.mux.data_to_send(pair.now) == BURST

    @pytest.mark.parametrize("option", list(Option))
    def test_the_flags_between_frames_are_not_answered(self, option: Option) -> None:
        pair = asleep(Config(option=option))
        pair.host.mux.wake(pair.now)
        pair.pass_time(10)
        octets = encode(Frame(1, True, FrameType.UIH, info=b"x" * 20), option) * 5
        for size in (1, 2, 3, len(octets)):
            for start in range(0, len(octets), size):
                pair.module.mux.receive_data(octets[start : start + size], pair.now)
            assert pair.module.mux.data_to_send(pair.now) == b""
            pair.now += 10

    def test_a_station_that_sends_no_flags_answers_them(self) -> None:
        pair = asleep(Config(wakeup=Wakeup.NONE))
        pair.module.mux.receive_data(encode(Frame(1, True, FrameType.UIH, info=b"x")), pair.now)
        assert pair.module.mux.data_to_send(pair.now) == b""
        pair.module.mux.receive_data(BURST, pair.now)
        assert pair.module.mux.data_to_send(pair.now) == BURST

    @pytest.mark.parametrize("delay", [0.02, 0.11, 0.6, 1.2])
    def test_two_that_are_awake_do_not_answer_each_other_for_ever(self, delay: float) -> None:
        pair = asleep()
        pair.host.mux.wake(pair.now)
        under_way: list[tuple[float, Station, bytes]] = []
        bursts, last = 0, pair.now
        for step in range(4000):
            now = pair.now + step / 100
            for one, other in ((pair.host, pair.module), (pair.module, pair.host)):
                one.mux.handle_timeout(now)
                octets = one.mux.data_to_send(now)
                if octets:
                    assert octets == BURST
                    bursts, last = bursts + 1, now
                    under_way.append((now + delay, other, octets))
            for arrival in [one for one in under_way if one[0] <= now]:
                under_way.remove(arrival)
                arrival[1].mux.receive_data(arrival[2], now)
        assert power(pair.host) == power(pair.module) == "AWAKE"
        assert last < pair.now + 10 * delay + 1
        assert bursts < 40

    def test_the_pause_between_answers_is_short_again_after_the_next_sleep(self) -> None:
        pair = asleep()
        for _ in range(3):
            answered = []
            for tenth in range(100):
                now = pair.now + tenth / 10
                pair.module.mux.receive_data(BURST, now)
                if pair.module.mux.data_to_send(now):
                    answered.append(tenth)
            assert answered[:3] in ([0, 1, 3], [0, 2, 4])
            gaps = [later - one for one, later in pairwise(answered)]
            assert gaps == sorted(gaps)
            assert max(gaps) <= 26  # a quarter of T3: it is answered several times in T3
            pair.now += 20
            pair.module.mux.receive_data(control(ASK), pair.now)
            pair.module.mux.data_to_send(pair.now)

    def test_who_is_woken_answers_however_often_it_has_answered_before(self) -> None:
        pair = asleep()
        for tenth in range(20):  # the module answers at longer and longer intervals: it is awake
            pair.module.mux.receive_data(BURST, pair.now + tenth / 10)
            pair.module.mux.data_to_send(pair.now + tenth / 10)
        pair.now += 2
        pair.module.mux.receive_data(control(ASK), pair.now)
        pair.module.mux.data_to_send(pair.now)
        assert power(pair.module) == "ASLEEP"
        pair.module.mux.receive_data(BURST, pair.now)
        assert pair.module.mux.data_to_send(pair.now) == BURST

    def test_both_wake_at_once(self) -> None:
        pair = asleep()
        pair.host.mux.send(1, b"from the host", pair.now)
        pair.module.mux.send(1, b"from the module", pair.now)
        flags = pair.host.mux.data_to_send(pair.now), pair.module.mux.data_to_send(pair.now)
        assert flags == (BURST, BURST)
        pair.host.mux.receive_data(BURST, pair.now)
        pair.module.mux.receive_data(BURST, pair.now)
        pair.settle()
        assert pair.host.data(1) == b"from the module"
        assert pair.module.data(1) == b"from the host"
        talk(pair)

    def test_flags_that_come_before_our_answer_to_psc_keep_us_awake(self) -> None:
        pair = Pair().open(1)
        pair.module.mux.receive_data(control(ASK) + BURST, pair.now)
        octets = pair.module.mux.data_to_send(pair.now)
        assert octets == BURST + control(PERMIT, from_host=False)
        assert power(pair.module) == "AWAKE"

    def test_flags_right_behind_the_answer_to_psc_wake(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.sleep(pair.now)
        pair.host.mux.data_to_send(pair.now)
        pair.host.mux.receive_data(control(PERMIT, from_host=False) + BURST, pair.now)
        assert pair.host.mux.data_to_send(pair.now) == BURST
        assert power(pair.host) == "AWAKE"


QUESTION = {KeepAlive.TEST: b"\x23\x0fgsm0710", KeepAlive.MSC: b"\xe3\x05\x07\x8d"}


class TestKeepAlive:
    @pytest.mark.clause("5.4.6.3.4", "5.4.6.3.7")
    @pytest.mark.parametrize("kind", [KeepAlive.TEST, KeepAlive.MSC])
    def test_a_silent_peer_that_answers_is_alive(self, kind: KeepAlive) -> None:
        pair = Pair(Config(keep_alive=kind, keep_alive_interval=5), Config()).open(1)
        pair.host.line.clear()
        pair.pass_time(4.9)
        assert pair.host.line == []
        pair.pass_time(20)
        assert [frame.info for frame in pair.host.frames()] == [QUESTION[kind]] * 4
        assert pair.host.mux.session_open

    @pytest.mark.parametrize("kind", [KeepAlive.TEST, KeepAlive.MSC])
    def test_n2_misses_end_the_session_with_the_reason(self, kind: KeepAlive) -> None:
        pair = Pair(Config(keep_alive=kind, keep_alive_interval=5), Config()).open(1)
        pair.to_module = deaf
        pair.host.line.clear()
        pair.pass_time(5 + 4 * 0.3 - 0.01)
        assert pair.host.of(SessionClosed) == []
        pair.pass_time(0.02)
        (closed,) = pair.host.of(SessionClosed)
        assert closed == SessionClosed(Cause.TIMEOUT, "the peer did not answer 4 keep-alive questions")
        assert [frame.info for frame in pair.host.frames()] == [QUESTION[kind]] * 4

    def test_nsc_is_a_sign_of_life(self) -> None:
        pair = Pair(Config(keep_alive=KeepAlive.TEST, keep_alive_interval=5), Config()).open(1)
        nsc = encode(Frame(0, False, FrameType.UIH, info=b"\x11\x03\x23"))
        pair.to_host = lambda octets: nsc
        pair.pass_time(60)
        assert pair.host.mux.session_open

    def test_data_while_the_question_is_out_are_a_sign_of_life(self) -> None:
        pair = Pair(Config(keep_alive=KeepAlive.TEST, keep_alive_interval=5), Config()).open(1)
        pair.to_module = deaf
        for question, seconds in enumerate((5.5, 4.5, 4.5)):
            pair.pass_time(seconds)
            assert len(pair.host.of(CommandDone)) == 1 + question  # the MSC of the opening: the question is out
            pair.module.mux.send(1, b"still here", pair.now)
            pair.pass_time(1)
            assert pair.host.of(CommandDone)[-1] == CommandDone(Probe(b"gsm0710"), Outcome.TIMEOUT, None)
        assert pair.host.mux.session_open
        pair.pass_time(10)
        assert not pair.host.mux.session_open

    @pytest.mark.clause("5.4.6.3.7")
    def test_msc_asks_nothing_while_no_channel_is_open(self) -> None:
        """It is chosen for modules that leave a Test unanswered, and an MSC would be about nothing."""
        pair = Pair(Config(keep_alive=KeepAlive.MSC, keep_alive_interval=5), Config()).start()
        pair.host.line.clear()
        pair.pass_time(60)
        assert pair.host.line == []
        assert pair.host.mux.next_timeout() is None
        pair.open(2, 3)
        pair.host.line.clear()
        pair.pass_time(5.1)
        assert [frame.info for frame in pair.host.frames()] == [b"\xe3\x05\x0b\x8d"]
        for dlci in (2, 3):
            pair.host.mux.close(dlci, pair.now)
        pair.to_module = deaf
        pair.pass_time(60)
        assert pair.host.mux.session_open

    @pytest.mark.parametrize("kind", [KeepAlive.TEST, KeepAlive.MSC])
    def test_only_its_own_questions_count(self, kind: KeepAlive) -> None:
        pair = Pair(Config(keep_alive=kind, keep_alive_interval=5), Config()).open(1)
        pair.pass_time(4)
        pair.to_module = deaf
        pair.host.mux.set_signals(1, Signals(ic=True), pair.now)
        pair.host.mux.test(b"mine", pair.now)
        pair.pass_time(1.3)
        timed_out = [done.command.name for done in pair.host.of(CommandDone) if done.outcome is Outcome.TIMEOUT]
        assert sorted(timed_out) == ["MSC", "Test"]
        assert pair.host.mux.session_open
        pair.pass_time(4 * 0.3 - 0.11)  # from then on the question is out
        assert pair.host.mux.session_open
        pair.pass_time(0.02)
        assert not pair.host.mux.session_open

    def test_a_question_whose_place_was_taken_is_asked_again(self) -> None:
        """An MSC that waits gives way to a newer one."""
        pair = Pair(Config(keep_alive=KeepAlive.MSC, keep_alive_interval=5), Config()).open(1)
        pair.pass_time(4.9)
        pair.to_module = deaf
        for index in range(5):
            pair.host.mux.set_signals(1, Signals(ic=not index & 1), pair.now)
            pair.pass_time(0.2)
        pair.pass_time(3)
        (closed,) = pair.host.of(SessionClosed)
        assert closed.cause is Cause.TIMEOUT

    @pytest.mark.clause("5.4.7")
    def test_who_sleeps_is_not_asked(self) -> None:
        pair = asleep(Config(keep_alive=KeepAlive.TEST, keep_alive_interval=5))
        pair.pass_time(100)
        assert pair.host.line == pair.module.line == []
        assert pair.host.mux.next_timeout() is None
        pair.host.mux.wake(pair.now)
        pair.pass_time(4.9)
        assert pair.host.frames() == pair.module.frames() == []  # its silence begins anew
        pair.pass_time(0.2)
        assert QUESTION[KeepAlive.TEST] in [frame.info for frame in pair.host.frames()]

    @pytest.mark.clause("5.7.2")
    @pytest.mark.parametrize(("n1", "question"), [(2, b"\x23\x01"), (5, b"\x23\x07gsm"), (9, b"\x23\x0fgsm0710")])
    def test_a_question_is_no_longer_than_n1(self, n1: int, question: bytes) -> None:
        pair = Pair(Config(keep_alive=KeepAlive.TEST, keep_alive_interval=5, n1=n1), Config()).start()
        pair.host.line.clear()
        pair.pass_time(5.1)
        assert [frame.info for frame in pair.host.frames()] == [question]

    def test_who_has_no_control_channel_is_not_asked(self) -> None:
        mux = Multiplexer(Role.INITIATOR, Config(adm=True, keep_alive=KeepAlive.TEST, keep_alive_interval=5))
        mux.start(0.0)
        mux.data_to_send(0.0)
        mux.receive_data(encode(Frame(0, True, FrameType.DM, True)), 0.0)
        assert mux.session_open
        assert mux.next_timeout() is None
        mux.handle_timeout(100.0)
        assert mux.data_to_send(100.0) == b""

    @pytest.mark.clause("5.4.6.3.4")
    @pytest.mark.parametrize("late", [b"one", b"", b"twp"])
    def test_other_octets_are_no_answer_to_a_test(self, late: bytes) -> None:
        """A late answer to the Test before, or one that was damaged: the FCS of UIH does not cover it."""
        pair = Pair().start()
        pair.to_module = deaf
        pair.host.mux.test(b"two", pair.now)
        pair.settle()
        for data, results in ((late, 0), (b"two", 1)):
            octets = control(bytes((0x21, len(data) << 1 | 1)) + data, from_host=False)
            pair.host.events += pair.host.mux.receive_data(octets, pair.now)
            assert len(pair.host.of(CommandDone)) == results
        assert pair.host.mux.stats()["control_ignored"] == 1
        assert pair.host.of(CommandDone) == [CommandDone(Probe(b"two"), Outcome.ANSWERED, Probe(b"two"))]

    def test_none_is_the_default(self) -> None:
        pair = Pair().open(1)
        pair.pass_time(1)
        assert pair.host.mux.next_timeout() is None
