"""Power saving, and asking a silent peer whether it is there (27.010 §5.4.7, §5.4.6.3.2, §5.4.6.3.4)."""

from __future__ import annotations

from itertools import product

import pytest
from core_pair import Pair, deaf

from cmux.protocol import Config, Frame, FrameType, Option, encode
from cmux.protocol.config import KeepAlive, Wakeup
from cmux.protocol.events import Cause, PowerChanged, SessionClosed
from cmux.protocol.power import POWER_IGNORED, POWER_TRANSITIONS, Power, PowerInput
from cmux.protocol.transmitter import WAKEUP_FLAGS

FLAGS = {Option.BASIC: b"\xf9" * WAKEUP_FLAGS, Option.ADVANCED: b"\x7e" * WAKEUP_FLAGS}


def asleep(config: Config | None = None) -> Pair:
    pair = Pair(config).open(1)
    pair.host.mux.sleep(pair.now)
    pair.settle()
    assert pair.host.of(PowerChanged) == pair.module.of(PowerChanged) == [PowerChanged(Power.ASLEEP)]
    pair.host.line.clear()
    pair.module.line.clear()
    return pair


@pytest.mark.parametrize("pair", list(product(Power, PowerInput)), ids=lambda pair: f"{pair[0]}-{pair[1]}")
def test_every_pair_is_a_transition_or_ignored(pair: tuple[Power, PowerInput]) -> None:
    assert (pair in POWER_TRANSITIONS) != (pair in POWER_IGNORED)


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
    pair = Pair().open(1)
    pair.host.mux.send(1, bytes(200), pair.now)
    pair.pass_time(100)
    line = b"".join(pair.host.line)
    assert b"\xf9\xf9\xf9" not in line.replace(b"\xf9\xf9", b"\x00", 1000)


class TestKeepAlive:
    @pytest.mark.parametrize("kind", [KeepAlive.TEST, KeepAlive.MSC])
    def test_a_silent_peer_that_answers_is_alive(self, kind: KeepAlive) -> None:
        pair = Pair(Config(keep_alive=kind, keep_alive_interval=5), Config()).open(1)
        pair.host.line.clear()
        pair.pass_time(4.9)
        assert pair.host.line == []
        pair.pass_time(20)
        assert 3 <= len(pair.host.line) <= 5
        assert pair.host.mux.session_open

    @pytest.mark.parametrize("kind", [KeepAlive.TEST, KeepAlive.MSC])
    def test_n2_misses_end_the_session_with_the_reason(self, kind: KeepAlive) -> None:
        pair = Pair(Config(keep_alive=kind, keep_alive_interval=5), Config()).open(1)
        pair.to_module = deaf
        pair.pass_time(5 + 4 * 0.3 - 0.01)
        assert pair.host.of(SessionClosed) == []
        pair.pass_time(0.02)
        (closed,) = pair.host.of(SessionClosed)
        assert closed == SessionClosed(Cause.TIMEOUT, "the peer did not answer 4 keep-alive questions")

    def test_nsc_is_a_sign_of_life(self) -> None:
        pair = Pair(Config(keep_alive=KeepAlive.TEST, keep_alive_interval=5), Config()).open(1)
        nsc = encode(Frame(0, False, FrameType.UIH, info=b"\x11\x03\x23"))
        pair.to_host = lambda octets: nsc
        pair.pass_time(60)
        assert pair.host.mux.session_open

    def test_data_while_the_question_is_out_are_a_sign_of_life(self) -> None:
        pair = Pair(Config(keep_alive=KeepAlive.TEST, keep_alive_interval=5), Config()).open(1)
        pair.to_module = deaf
        for _ in range(20):
            pair.pass_time(1)
            pair.module.mux.send(1, b"still here", pair.now)
        assert pair.host.mux.session_open

    def test_none_is_the_default(self) -> None:
        pair = Pair().open(1)
        pair.pass_time(1)
        assert pair.host.mux.next_timeout() is None
