"""Peers that get bits wrong: what can mean one thing only is taken, what can mean two is not (27.010 §5.4.4.2)."""

from __future__ import annotations

from itertools import product

import pytest
from core_pair import Pair
from lax_peer import MISTAKES, Mistake, as_linux_before_5_15, spoiled, without_final

from cmux.protocol import Config, Frame, FrameType, Multiplexer, Option, Role, commands, encode
from cmux.protocol.cause import CLOSED_HERE
from cmux.protocol.commands import CLD, MSC, NSC, PSC, RLS, Command, FCoff, FCon, Signals
from cmux.protocol.events import Cause, Closed, CommandDone, Opened, Outcome, SessionClosed, SessionOpened
from cmux.protocol.frames import BasicDecoder
from cmux.protocol.messages import parse_messages
from cmux.protocol.startup_steps import _is_a_modules, rescue_frames

mistakes = pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)


def uih(info: str, *, cr: bool = False) -> bytes:
    return encode(Frame(0, cr, FrameType.UIH, info=bytes.fromhex(info)))


def tolerated(mux: Multiplexer) -> object:
    return mux.stats()["answers_tolerated"]


# --- UA ---


@pytest.mark.clause("5.4.4.2", "5.4.1")
@pytest.mark.parametrize(("cr", "pf"), list(product((False, True), repeat=2)))
def test_ua_opens_whatever_its_bits_say(cr: bool, pf: bool) -> None:
    mux = Multiplexer(Role.INITIATOR)
    mux.start(0.0)
    mux.data_to_send(0.0)
    assert mux.receive_data(encode(Frame(0, cr, FrameType.UA, pf)), 0.0) == [SessionOpened(by_peer=False)]
    assert tolerated(mux) == (not (cr and pf))
    assert mux.stats()["frames_ignored"] == 0


def test_the_very_octets_of_linux_before_5_15() -> None:
    assert spoiled(bytes.fromhex("F9 03 73 01 D7 F9"), as_linux_before_5_15) == bytes.fromhex("F9 01 63 01 A3 F9")
    mux = Multiplexer(Role.INITIATOR)
    mux.start(0.0)
    mux.data_to_send(0.0)
    mux.receive_data(bytes.fromhex("F9 01 63 01 A3 F9"), 0.0)
    assert mux.session_open


@mistakes
@pytest.mark.parametrize("option", Option)
def test_a_session_with_a_peer_that_gets_bits_wrong(mistake: Mistake, option: Option) -> None:
    pair = Pair(Config(option=option))
    pair.to_host = lambda octets: spoiled(octets, mistake, option)
    pair.open(1, 2)
    assert pair.host.of(Opened) == [Opened(1, by_peer=False), Opened(2, by_peer=False)]
    pair.host.mux.send(1, b"out", pair.now)
    pair.module.mux.send(1, b"in", pair.now)
    pair.host.mux.test(b"?", pair.now)
    pair.settle()
    assert (pair.module.data(1), pair.host.data(1)) == (b"out", b"in")
    assert {(type(done.command), done.outcome) for done in pair.host.of(CommandDone)} == {
        (MSC, Outcome.ANSWERED),
        (commands.Test, Outcome.ANSWERED),
    }
    pair.host.mux.close(1, pair.now)
    pair.host.mux.open(1, pair.now)  # the UA of the DISC must not be taken for that of this SABM, nor the other way
    pair.settle()
    assert pair.host.mux.is_open(1)
    pair.host.mux.close(2, pair.now)
    pair.settle()
    assert pair.host.of(Closed)[-1].cause is Cause.LOCAL
    assert pair.host.mux.stats()["retransmissions"] == 0
    pair.host.mux.shutdown(pair.now)
    pair.settle()
    assert pair.host.of(SessionClosed) == [SessionClosed(Cause.LOCAL, CLOSED_HERE)]


@pytest.mark.clause("5.4.4.2", "5.4.2")
def test_strict_final_goes_by_the_letter() -> None:
    pair = Pair(Config(strict_final=True), Config())
    pair.start()
    pair.to_host = lambda octets: spoiled(octets, without_final)
    pair.open(1)
    pair.pass_time(1)
    assert pair.host.of(Closed) == [Closed(1, Cause.TIMEOUT, "the peer did not answer")]
    assert tolerated(pair.host.mux) == 0


def test_a_late_answer_with_f_0_is_not_taken_for_that_of_the_next_command() -> None:
    """Open and close at once: the first UA is about SABM, whatever its F bit says."""
    mux = Multiplexer(Role.INITIATOR)
    mux.start(0.0)
    mux.data_to_send(0.0)
    mux.receive_data(bytes.fromhex("F9 01 63 01 A3 F9"), 0.0)
    mux.open(1, 0.0)
    mux.data_to_send(0.0)
    mux.close(1, 0.0, drain=False)
    mux.data_to_send(0.0)
    answer = encode(Frame(1, False, FrameType.UA, False))
    assert mux.receive_data(answer, 0.01) == []
    assert [type(event) for event in mux.receive_data(answer, 0.02)] == [Closed]


@pytest.mark.clause("5.3.3")
def test_a_late_dm_with_f_0_refuses_no_good_opening() -> None:
    """The rule for UA is not one for DM."""
    mux = Multiplexer(Role.INITIATOR)
    mux.start(0.0)
    mux.data_to_send(0.0)
    assert mux.receive_data(encode(Frame(0, True, FrameType.DM, False)), 0.0) == []
    assert mux.receive_data(encode(Frame(0, False, FrameType.UA, False)), 0.0) == [SessionOpened(by_peer=False)]


@pytest.mark.parametrize(("cr", "pf"), list(product((False, True), repeat=2)))
@pytest.mark.parametrize("kind", [FrameType.SABM, FrameType.DISC])
def test_commands_are_carried_out_whatever_their_bits_say(kind: FrameType, cr: bool, pf: bool) -> None:
    pair = Pair().open(1)
    mux = pair.module.mux
    mux.receive_data(encode(Frame(1, cr, kind, pf)), pair.now)
    assert encode(Frame(1, True, FrameType.UA, pf)) in mux.data_to_send(pair.now)
    assert mux.is_open(1) is (kind is FrameType.SABM)


# --- Before the session ---


@pytest.mark.parametrize("cr", [False, True])
@pytest.mark.parametrize(
    "frame",
    [
        Frame(0, False, FrameType.UIH, info=bytes.fromhex("C1 01")),
        Frame(0, False, FrameType.UIH, info=bytes.fromhex("E3 05 07 8D")),
        Frame(1, False, FrameType.SABM, True),
        Frame(0, False, FrameType.UA, False),
    ],
    ids=["answer to CLD", "MSC", "SABM", "UA"],
)
def test_a_module_that_multiplexes_already_is_known_by_any_frame_that_is_not_ours(frame: Frame, cr: bool) -> None:
    assert _is_a_modules(frame._replace(cr=cr))


def test_our_own_frames_that_come_back_are_not_a_modules() -> None:
    found = BasicDecoder().receive_data(rescue_frames(Option.BASIC, 8))
    assert len(found) == 2
    assert not any(map(_is_a_modules, found))


# --- Messages ---


@pytest.mark.clause("5.4.6.1", "5.2.1.5")
@pytest.mark.parametrize(
    ("octets", "body"),
    [
        ("E3 03 07 8D", MSC(1, Signals())),  # ofono, libgsm0710
        ("E3 01 07 8D", MSC(1, Signals())),
        ("E3 04 07 8D", MSC(1, Signals())),  # no EA in the length octet
        ("E3 09 07 8D", MSC(1, Signals())),
        ("E3 03 07 8C 13", MSC(1, Signals(), 0.2)),
        ("53 03 07 03", RLS(1, overrun=True)),
        ("11 E3", NSC(0xE3)),  # at-cmux
        ("A3", FCon()),
        ("63", FCoff()),
        ("43", PSC()),
        ("A3 00", FCon()),
        ("63 03", FCoff()),
        ("C3 03", CLD()),
    ],
)
def test_a_wrong_length_octet_that_leaves_one_meaning_is_read_over(octets: str, body: Command) -> None:
    (message,) = parse_messages(bytes.fromhex(octets))
    assert message.body == body
    assert message.problem


@pytest.mark.parametrize(
    "octets",
    [
        "E3 05 07",  # a length that MSC has: the signals were cut off
        "E3 07 07 8D",
        "E3 03 07 21 01",  # an answer to Test may follow
        "93 11 07 07 03",
        "23 0B 01",  # Test has any length
        "E2 05 07 8D",  # a type with EA = 0
        "FF 09 01",
    ],
)
def test_a_length_octet_that_leaves_two_meanings_is_not(octets: str) -> None:
    assert parse_messages(bytes.fromhex(octets))[0].body is None


def test_a_second_length_octet_with_an_ea_bit_of_its_own_is_understood_where_it_fits() -> None:
    pair = Pair().start()
    value = bytes(range(200))
    pair.module.mux.receive_data(uih("23 90 03" + value.hex(), cr=True), pair.now)
    assert uih("21 90 01" + value.hex()) in pair.module.mux.data_to_send(pair.now)
    assert pair.module.mux.stats()["control_malformed"] == 1
    pair.module.mux.receive_data(uih("23 90 01" + value.hex(), cr=True), pair.now)
    assert uih("21 90 01" + value.hex()) in pair.module.mux.data_to_send(pair.now)
    assert pair.module.mux.stats()["control_malformed"] == 1


def test_the_msc_of_ofono_stops_the_channel_and_is_answered_as_it_should_be() -> None:
    pair = Pair().open(1)
    mux = pair.module.mux
    mux.receive_data(uih("E3 03 07 8F", cr=True), pair.now)
    assert uih("E1 05 07 8F") in mux.data_to_send(pair.now)
    assert mux.signals(1) == Signals(fc=True)
    assert mux.stats()["control_malformed"] == 1


@pytest.mark.clause("5.4.6.3.8")
def test_nsc_with_the_bit_of_a_command_is_the_answer_that_it_is() -> None:
    pair = Pair().start()
    pair.to_module = lambda octets: b""
    pair.host.mux.test(b"?", pair.now)
    pair.settle()
    (done,) = pair.host.mux.receive_data(uih("13 03 23"), pair.now)
    assert isinstance(done, CommandDone)
    assert done.outcome is Outcome.NOT_SUPPORTED
    assert pair.host.mux.data_to_send(pair.now) == b""
