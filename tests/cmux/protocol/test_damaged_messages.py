"""Damage inside messages of DLCI 0, which the FCS of UIH does not cover: what was misheard is said again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from core_pair import Pair

from cmux.protocol import Config, Frame, FrameType, Multiplexer, Option, Role, encode
from cmux.protocol.commands import Signals
from cmux.protocol.events import FlowChanged
from cmux.protocol.frames import AdvancedDecoder, BasicDecoder

OPTIONS = list(Option)
T1 = Config().t1


def damage_once(option: Option, said: str, heard: str) -> Callable[[bytes], bytes]:
    """A line that makes another message of one, once, and leaves its FCS as it was."""
    left = [1]

    def line(octets: bytes) -> bytes:
        decoder = BasicDecoder() if option is Option.BASIC else AdvancedDecoder()
        out = b""
        for item in decoder.receive_data(octets):
            assert isinstance(item, Frame)
            if not item.dlci and item.info.hex() == said and left:
                left.clear()
                item = item._replace(info=bytes.fromhex(heard))
            out += encode(item, option)
        return out

    return line


def talks(pair: Pair, *dlcis: int) -> bool:
    """Whether data cross both ways on each of these."""
    for dlci in dlcis:
        for sender, receiver in ((pair.host, pair.module), (pair.module, pair.host)):
            before = receiver.data(dlci)
            sender.mux.send(dlci, b"x" * 1000, pair.now)
            pair.pass_time(2 * Config().n2 * T1)
            if receiver.data(dlci)[len(before) :] != b"x" * 1000:
                return False
    return True


@pytest.mark.clause("5.2.1.6")
@pytest.mark.clause("5.4.6.3.7")
@pytest.mark.parametrize("option", OPTIONS)
def test_flow_control_heard_for_another_channel_is_taken_back(option: Option) -> None:
    pair = Pair(Config(option=option)).open(1, 2)
    pair.to_module = damage_once(option, "e305078f", "e3050b8f")
    pair.host.mux.pause_reading(1, pair.now)
    pair.pass_time(1)
    pair.host.mux.resume_reading(1, pair.now)
    pair.pass_time(1)
    assert talks(pair, 1, 2)


@pytest.mark.clause("5.2.1.6")
@pytest.mark.clause("5.4.6.3.6")
@pytest.mark.parametrize("option", OPTIONS)
def test_a_stop_of_all_channels_that_nobody_asked_for_is_taken_back(option: Option) -> None:
    pair = Pair(Config(option=option)).open(1, 2)
    pair.to_module = damage_once(option, "e30507cd", "630507cd")  # one bit makes FCoff of MSC
    pair.host.mux.set_signals(1, Signals(ic=True), pair.now)
    pair.pass_time(1)
    assert [event.held for event in pair.module.of(FlowChanged)] == [True, False]
    assert talks(pair, 1, 2)


@pytest.mark.clause("5.2.1.6")
@pytest.mark.clause("5.4.6.3.7")
def test_an_answer_heard_as_a_command_is_taken_back() -> None:
    pair = Pair().open(1)
    pair.to_host = damage_once(Option.BASIC, "e105078f", "e305078f")
    pair.host.mux.pause_reading(1, pair.now)
    pair.pass_time(1)
    assert pair.host.mux.signals(1) == Signals()
    pair.host.mux.resume_reading(1, pair.now)
    pair.pass_time(1)
    assert talks(pair, 1)


@pytest.mark.parametrize("said", ["e305078f", "6301"], ids=["MSC", "FCoff"])
def test_an_answer_of_ours_that_comes_back_says_nothing(said: str) -> None:
    """A module that was reset echoes it: whoever says the contrary hears that, too, and lets its channels go."""
    pair = Pair().open(1)
    pair.host.mux.receive_data(encode(Frame(0, False, FrameType.UIH, info=bytes.fromhex(said))), pair.now)
    pair.host.mux.send(1, b"held", pair.now)
    answer = pair.host.mux.data_to_send(pair.now)
    assert answer
    pair.host.mux.receive_data(answer, pair.now)
    assert pair.host.mux.data_to_send(pair.now) == b""
    assert pair.host.mux.unsent(1) == 4


@pytest.mark.clause("5.4.6.3.6")
def test_a_stop_that_was_meant_holds_however_often_it_is_answered() -> None:
    pair = Pair().open(1)
    pair.host.mux.hold_all(pair.now)
    pair.settle()
    pair.host.line.clear()
    answer = encode(Frame(0, False, FrameType.UIH, info=b"\x61\x01"))
    for _ in range(3):
        pair.now += T1
        pair.host.events += pair.host.mux.receive_data(answer, pair.now)
        pair.settle()
    assert pair.host.line == []


@pytest.mark.clause("5.4.6.3.7")
def test_a_peer_that_answers_with_signals_of_its_own_is_not_told_for_ever() -> None:
    mux = Multiplexer(Role.RESPONDER, Config())
    for dlci in (0, 1):
        mux.receive_data(encode(Frame(dlci, True, FrameType.SABM, True)), 0.0)
    now, said = 0.0, 0
    own = encode(Frame(0, True, FrameType.UIH, info=bytes.fromhex("e10507cd")))  # we say 8D, it answers CD, always
    for _ in range(1000):
        said += mux.data_to_send(now).count(b"\xe3\x05\x07")
        mux.receive_data(own, now)
        mux.handle_timeout(now)
        now += T1
    assert said <= 2 * (mux.config.n2 + 1)
