"""Calls, frames and losses that meet at the wrong moment: what both stations make of them."""

from __future__ import annotations

import pytest
from core_pair import Pair, deaf

from cmux.protocol import BasicDecoder, Config, Frame, FrameType, Multiplexer, Role, commands, encode
from cmux.protocol.commands import FCoff, FCon, Parity, PortSettings, Signals
from cmux.protocol.config import Parameters
from cmux.protocol.errors import ConfigError, StateError
from cmux.protocol.events import (
    Cause,
    Closed,
    CommandDone,
    FlowChanged,
    LineStatus,
    Opened,
    Outcome,
    PortChanged,
    Reestablished,
    SessionClosed,
    SessionOpened,
    SignalsChanged,
    Writable,
)

LAYER_2 = Parameters(n1=64, convergence=2)


def uih(dlci: int, info: str | bytes, *, from_host: bool = True) -> bytes:
    octets = bytes.fromhex(info) if isinstance(info, str) else info
    return encode(Frame(dlci, from_host, FrameType.UIH, info=octets))


def command(dlci: int, kind: FrameType, *, from_host: bool = True) -> bytes:
    return encode(Frame(dlci, from_host, kind, True))


def frames(octets: bytes) -> list[Frame]:
    found = BasicDecoder(32767).receive_data(octets)
    assert all(isinstance(item, Frame) for item in found)
    return [item for item in found if isinstance(item, Frame)]


def intact(octets: bytes) -> bytes:
    return octets


def ask_until_refused(mux: Multiplexer, now: float) -> int:
    """Send as many Test commands as are taken; return how many that were."""
    taken = 0
    while taken < 300 and not mux._session.control.full:
        mux.test(b"x", now)
        taken += 1
    with pytest.raises(StateError, match="256 commands already wait"):
        mux.test(b"x", now)
    return taken


class TestFlowOfTheWholeLine:
    """FCon and FCoff take each other's place (27.010 §5.4.6.3.5, §5.4.6.3.6)."""

    @pytest.mark.clause("5.4.6.3.5")
    def test_fcoff_is_not_said_again_after_fcon(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.hold_all(pair.now)
        line = pair.host.mux.data_to_send(pair.now)
        pair.now += 0.29
        pair.host.mux.release_all(pair.now)
        line += pair.host.mux.data_to_send(pair.now)
        pair.now += 0.02  # the answers are still under way when T2 of FCoff would have run out
        events = pair.host.mux.handle_timeout(pair.now)
        line += pair.host.mux.data_to_send(pair.now)
        assert CommandDone(FCoff(), Outcome.SUPERSEDED, None) in events
        told = pair.module.mux.receive_data(line, pair.now)
        assert [event.held for event in told if isinstance(event, FlowChanged)] == [True, False]

    @pytest.mark.clause("5.4.6.3.6")
    def test_a_lost_fcoff_is_not_said_after_fcon(self) -> None:
        pair = Pair().open(1)
        pair.to_module = deaf
        pair.host.mux.hold_all(pair.now)
        pair.settle()
        pair.to_module = intact
        pair.host.mux.release_all(pair.now)
        pair.pass_time(5)
        pair.module.mux.send(1, b"hello", pair.now)
        pair.settle()
        assert pair.host.data(1) == b"hello"

    def test_an_unanswered_fcon_is_not_said_again_after_a_newer_fcoff(self) -> None:
        pair = Pair().open(1)
        pair.to_host = deaf
        pair.host.mux.release_all(pair.now)
        pair.pass_time(1.25)
        pair.to_host = intact
        pair.host.mux.hold_all(pair.now)
        pair.pass_time(3)
        pair.module.mux.send(1, b"data", pair.now)
        pair.settle()
        assert pair.host.data(1) == b""

    def test_the_wish_that_was_replaced_before_it_left_has_its_result(self) -> None:
        pair = Pair().open(1)
        for wish in (pair.host.mux.hold_all, pair.host.mux.release_all, pair.host.mux.hold_all):
            wish(pair.now)
        pair.settle()
        done = [(type(one.command), one.outcome) for one in pair.host.of(CommandDone) if one.command.name != "MSC"]
        assert done == [
            (FCoff, Outcome.SUPERSEDED),
            (FCon, Outcome.SUPERSEDED),
            (FCoff, Outcome.ANSWERED),
        ]


class TestWaitingCommands:
    def test_more_than_may_wait_are_refused_to_the_caller_and_those_taken_have_their_results(self) -> None:
        pair = Pair().open(1)
        pair.host.events.clear()
        taken = ask_until_refused(pair.host.mux, pair.now)
        pair.pass_time(60)
        assert len(pair.host.of(CommandDone)) == taken == 257

    def test_however_many_wait_fc_psc_and_cld_leave(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.pause_reading(1, pair.now)
        pair.settle()
        ask_until_refused(pair.host.mux, pair.now)
        pair.host.mux.resume_reading(1, pair.now)
        assert b"\xe3\x05\x07\x8d" in pair.host.mux.data_to_send(pair.now)
        pair.host.mux.shutdown(pair.now)
        pair.pass_time(60)
        assert pair.host.of(SessionClosed)

    @pytest.mark.parametrize("end", ["restart", "CLD", "line"])
    def test_a_command_that_never_gets_its_answer_has_a_result_all_the_same(self, end: str) -> None:
        pair = Pair().open(1)
        mux = pair.module.mux
        mux.test(b"x", pair.now)
        mux.data_to_send(pair.now)
        if end == "line":
            events = mux.line_lost("unplugged", pair.now)
        else:
            events = mux.receive_data(command(0, FrameType.SABM) if end == "restart" else uih(0, "C3 01"), pair.now)
        assert CommandDone(commands.Test(b"x"), Outcome.CANCELLED, None) in events
        assert end == "restart" or isinstance(events[-1], SessionClosed)

    def test_signals_are_said_again_a_few_times_to_a_peer_that_never_answers_msc(self) -> None:
        """zephyr #98644: a flood of MSC."""
        pair = Pair().start()
        pair.to_host = lambda octets: b"".join(encode(one) for one in frames(octets) if one.info[:1] != b"\xe1")
        pair.open(1)
        pair.host.line.clear()
        for _ in range(120):
            pair.module.mux.send(1, b"data", pair.now)
            pair.pass_time(0.5)
        assert sum(one.info[:1] == b"\xe3" for one in pair.host.frames()) <= 2 * (Config().n2 + 1)

    def test_an_nsc_of_linux_is_matched_before_the_type_of_a_response(self) -> None:
        pair = Pair().start()
        pair.host.mux.sleep(pair.now)
        pair.host.mux.negotiate(1, Parameters(n1=31), pair.now)
        pair.host.mux.data_to_send(pair.now)
        (event,) = pair.host.mux.receive_data(uih(0, "11 03 41", from_host=False), pair.now)
        assert isinstance(event, CommandDone)
        assert event.command.name == "PN"

    def test_an_answer_without_the_break_octet_is_an_answer(self) -> None:
        pair = Pair().open(1)

        def shorten(octets: bytes) -> bytes:
            return b"".join(
                uih(0, b"\xe1\x05" + one.info[2:3] + bytes((one.info[3] | 1,)), from_host=False)
                if one.info[:2] == b"\xe1\x07"
                else encode(one)
                for one in frames(octets)
            )

        pair.to_host = shorten
        pair.host.mux.send_break(1, 0.4, pair.now)
        pair.settle()
        assert sum(event.break_length is not None for event in pair.module.of(SignalsChanged)) == 1


class TestClosing:
    def test_discarding_what_a_closing_waits_for_closes(self) -> None:
        pair = Pair().open(1)
        pair.module.mux.pause_reading(1, pair.now)
        pair.settle()
        pair.host.mux.send(1, bytes(100), pair.now)
        pair.host.mux.close(1, pair.now)
        pair.settle()
        assert pair.host.mux.discard(1) == 100
        pair.settle()
        assert pair.host.of(Closed) == [Closed(1, Cause.LOCAL, "closed")]

    def test_what_is_opened_again_while_it_drains_is_told(self) -> None:
        pair = Pair().open(1)
        pair.module.mux.pause_reading(1, pair.now)
        pair.settle()
        pair.host.mux.send(1, bytes(99), pair.now)
        pair.host.events.clear()
        pair.host.mux.close(1, pair.now)
        pair.host.mux.open(1, pair.now)
        pair.settle()
        assert pair.host.events == [Opened(1, by_peer=False)]
        pair.module.mux.resume_reading(1, pair.now)
        pair.settle()
        assert pair.host.mux.is_open(1)
        assert len(pair.module.data(1)) == 99

    def test_a_channel_that_is_kept_open_drains_first(self) -> None:
        pair = Pair(Config(keep_open=True), Config()).open(1)
        pair.host.mux.send(1, b"precious", pair.now)
        pair.host.mux.close(1, pair.now)
        pair.settle()
        assert pair.module.data(1) == b"precious"
        assert pair.host.of(Closed) == [Closed(1, Cause.LOCAL, "closed; the peer keeps it open")]
        assert pair.module.mux.is_open(1)

    def test_a_channel_that_is_kept_open_tells_nothing_until_it_is_opened(self) -> None:
        pair = Pair(Config(keep_open=True), Config()).open(1)
        pair.host.mux.close(1, pair.now)
        pair.settle()
        pair.host.events.clear()
        pair.module.mux.set_signals(1, Signals(ic=True), pair.now)
        pair.settle()
        assert pair.host.events == []
        pair.host.mux.receive_data(command(1, FrameType.SABM, from_host=False), pair.now)
        assert pair.host.of(Reestablished) == []

    def test_the_closing_that_was_never_answered_is_said_once_more(self) -> None:
        pair = Pair().open(1)
        pair.module.mux.pause_reading(1, pair.now)  # so that the host has no reason to send on it
        pair.settle()
        pair.to_host = deaf
        pair.module.mux.close(1, pair.now)
        pair.pass_time(1)
        pair.to_host = intact
        pair.host.mux.test(b"x", pair.now)
        pair.pass_time(1)
        assert not pair.host.mux.is_open(1)
        assert len(pair.module.of(Closed)) == 1

    def test_unasked_dm_refuses_no_sabm_that_has_just_left(self) -> None:
        mux = Multiplexer(Role.INITIATOR)
        mux.start(0)
        mux.receive_data(command(0, FrameType.UA), 0)
        mux.open(1, 0)
        mux.data_to_send(0)
        assert mux.receive_data(encode(Frame(1, True, FrameType.DM, False)), 0) == []
        mux.handle_timeout(0.1)
        mux.data_to_send(0.1)
        (event,) = mux.receive_data(encode(Frame(1, True, FrameType.DM, False)), 0.2)  # it answers with F = 0
        assert isinstance(event, Closed)
        assert event.cause is Cause.REFUSED

    @pytest.mark.clause("5.8.2")
    def test_messages_behind_cld_are_not_obeyed(self) -> None:
        mux = Multiplexer(Role.RESPONDER)
        mux.receive_data(command(0, FrameType.SABM), 0)
        events = mux.receive_data(uih(0, "C3 01 63 01 83 11 01 10 07 0A 40 00 03 02"), 0)
        assert isinstance(events[-1], SessionClosed)
        mux.receive_data(command(0, FrameType.SABM) + command(1, FrameType.SABM), 0)
        assert mux.parameters(1).convergence == 1

    def test_the_end_of_a_session_is_told_once(self) -> None:
        pair = Pair().open(1)
        pair.to_host = deaf
        pair.host.mux.shutdown(pair.now)  # CLD again and again: its answers are lost
        pair.pass_time(5)
        assert len(pair.module.of(SessionClosed)) == 1

    def test_both_close_down_at_once_and_nothing_follows_the_answers(self) -> None:
        pair = Pair().start()
        pair.host.mux.shutdown(pair.now)
        pair.module.mux.shutdown(pair.now)
        pair.module.line.clear()
        pair.settle()
        assert FrameType.DM not in {one.type for one in pair.module.frames()}


class TestStarting:
    def test_start_while_it_is_shut_down_opens_anew_afterwards(self) -> None:
        pair = Pair().open(1)
        pair.host.events.clear()
        pair.host.mux.shutdown(pair.now)
        pair.host.mux.start(pair.now)
        pair.settle()
        assert [type(event) for event in pair.host.events] == [Closed, SessionClosed, SessionOpened]

    def test_start_shutdown_start_before_any_answer(self) -> None:
        pair = Pair()
        pair.to_module = deaf
        pair.host.mux.start(pair.now)
        pair.settle()
        pair.host.mux.shutdown(pair.now)
        pair.host.mux.start(pair.now)
        pair.to_module = intact
        pair.pass_time(5)
        assert pair.host.mux.session_open

    def test_nothing_from_before_leaves_ahead_of_the_answer_to_a_restart(self) -> None:
        pair = Pair().open(1)
        pair.module.mux.test(b"old", pair.now)
        pair.module.mux.open(2, pair.now)
        pair.module.mux.receive_data(command(0, FrameType.SABM), pair.now)
        assert [one.type for one in frames(pair.module.mux.data_to_send(pair.now))] == [FrameType.UA]

    def test_what_both_open_at_once_is_open_though_one_refuses_it_to_the_other(self) -> None:
        pair = Pair().start()
        pair.module.mux.refuse(1)
        pair.host.mux.open(1, pair.now)
        pair.module.mux.open(1, pair.now)
        crossing = pair.host.mux.data_to_send(pair.now), pair.module.mux.data_to_send(pair.now)
        pair.module.mux.receive_data(crossing[0], pair.now)
        pair.host.mux.receive_data(crossing[1], pair.now)
        pair.settle()
        assert pair.host.mux.is_open(1)
        assert pair.module.mux.is_open(1)

    def test_msc_ahead_of_ua_holds(self) -> None:
        pair = Pair().start()
        mux = pair.host.mux
        mux.open(1, pair.now)
        mux.data_to_send(pair.now)
        events = mux.receive_data(uih(0, "E3 05 07 8F", from_host=False) + command(1, FrameType.UA), pair.now)
        assert events == [Opened(1, by_peer=False), SignalsChanged(1, Signals(fc=True), None)]
        mux.send(1, b"x", pair.now)
        assert [one for one in frames(mux.data_to_send(pair.now)) if one.dlci == 1] == []

    def test_a_pause_before_the_opening_is_said_after_ua(self) -> None:
        pair = Pair().start()
        pair.host.mux.pause_reading(1, pair.now)
        pair.open(1)
        assert pair.module.mux.signals(1) == Signals(fc=True)

    def test_an_opening_that_the_peer_was_ahead_of_is_not_repeated_when_it_closes(self) -> None:
        pair = Pair().start()
        pair.to_module = deaf
        pair.host.mux.negotiate(1, Parameters(n1=64), pair.now)
        pair.host.mux.open(1, pair.now)  # waits for PN
        pair.settle()
        pair.host.mux.receive_data(command(1, FrameType.SABM, from_host=False), pair.now)
        pair.to_module = intact
        pair.pass_time(3)
        pair.host.events.clear()
        pair.host.events += pair.host.mux.receive_data(command(1, FrameType.DISC, from_host=False), pair.now)
        pair.pass_time(1)
        assert pair.host.of(Opened) == []


class TestNegotiation:
    """Both stations end up with the same parameters (27.010 §5.4.6.3.1)."""

    def test_layer_2_needs_room_for_one_octet_of_data(self) -> None:
        mux = Multiplexer(Role.RESPONDER)
        mux.receive_data(command(0, FrameType.SABM) + uih(0, "83 11 01 10 07 0A 01 00 03 02"), 0)
        mux.receive_data(command(1, FrameType.SABM), 0)
        assert mux.parameters(1).convergence == 1
        mux.send(1, b"x", 0)
        assert frames(mux.data_to_send(0))[-1].info == b"x"
        with pytest.raises(ConfigError, match="n1 = 2"):
            Parameters(n1=2, convergence=2)

    @pytest.mark.clause("5.4.6.3.1")
    @pytest.mark.parametrize("n1", [0, 1, 2, 1700])
    def test_n1_only_goes_down(self, n1: int) -> None:
        mux = Multiplexer(Role.RESPONDER)
        mux.receive_data(command(0, FrameType.SABM), 0)
        mux.data_to_send(0)
        mux.receive_data(uih(0, bytes.fromhex("83 11 01 00 07 0A") + n1.to_bytes(2, "little") + b"\x03\x02"), 0)
        (answer,) = frames(mux.data_to_send(0))
        assert int.from_bytes(answer.info[6:8], "little") <= n1

    def test_a_connection_that_was_used_begins_with_the_defaults_when_the_peer_opens_it_again(self) -> None:
        pair = Pair().start()
        pair.host.mux.negotiate(1, LAYER_2, pair.now)
        pair.open(1)
        pair.to_module = deaf
        pair.host.mux.close(1, pair.now)
        pair.pass_time(2)
        pair.to_module = intact
        pair.host.mux.open(1, pair.now)
        pair.settle()
        pair.host.mux.send(1, b"abc", pair.now)
        pair.settle()
        assert pair.module.data(1) == b"abc"

    def test_after_a_lost_answer_the_opening_asks_for_the_defaults_first(self) -> None:
        pair = Pair().start()
        pair.to_host = deaf
        pair.host.mux.negotiate(1, LAYER_2, pair.now)
        pair.pass_time(2)
        pair.to_host = intact
        pair.host.mux.open(1, pair.now)
        pair.settle()
        pair.host.mux.send(1, b"abc", pair.now)
        pair.settle()
        assert pair.module.data(1) == b"abc"

    def test_two_that_cross_are_granted_alike(self) -> None:
        pair = Pair().start()
        pair.host.mux.negotiate(1, LAYER_2, pair.now)
        pair.module.mux.negotiate(1, Parameters(n1=100, priority=3, k=1), pair.now)
        crossing = pair.host.mux.data_to_send(pair.now), pair.module.mux.data_to_send(pair.now)
        pair.module.mux.receive_data(crossing[0], pair.now)
        pair.host.mux.receive_data(crossing[1], pair.now)
        pair.open(1)
        assert pair.host.mux.parameters(1) == pair.module.mux.parameters(1)
        assert (pair.host.mux.parameters(1).n1, pair.host.mux.parameters(1).k) == (64, 1)

    def test_an_opening_waits_for_every_negotiation(self) -> None:
        pair = Pair().start()
        pair.host.mux.negotiate(1, Parameters(n1=40), pair.now)
        pair.host.mux.negotiate(1, Parameters(n1=50), pair.now)
        pair.host.mux.open(1, pair.now)
        pair.settle()
        assert pair.host.mux.parameters(1).n1 == 50

    @pytest.mark.clause("5.4.6.3.9")
    @pytest.mark.parametrize(
        ("mask", "octet", "parity"),
        [
            ("10 00", 0x1B, Parity.NONE),  # the kind alone, without a parity bit in force
            ("08 00", 0x1B, Parity.EVEN),  # the bit alone: its kind was never set, so it is the one that came
            ("18 00", 0x1B, Parity.EVEN),
            ("18 00", 0x13, Parity.NONE),
        ],
    )
    def test_the_mask_of_rpn_tells_the_parity_bit_from_its_kind(self, mask: str, octet: int, parity: Parity) -> None:
        pair = Pair().open(1)
        (event,) = pair.module.mux.receive_data(uih(0, f"93 11 07 03 {octet:02X} 00 11 13 {mask}"), pair.now)
        assert isinstance(event, PortChanged)
        assert event.settings == PortSettings(parity=parity)

    def test_the_kind_of_a_parity_bit_in_force_is_kept_or_changed_by_itself(self) -> None:
        pair = Pair().open(1)
        pair.module.mux.receive_data(uih(0, "93 11 07 03 1B 00 11 13 18 00"), pair.now)
        (event,) = pair.module.mux.receive_data(uih(0, "93 11 07 03 0B 00 11 13 08 00"), pair.now)
        assert isinstance(event, PortChanged)
        assert event.settings.parity is Parity.EVEN
        (event,) = pair.module.mux.receive_data(uih(0, "93 11 07 03 0B 00 11 13 10 00"), pair.now)
        assert isinstance(event, PortChanged)
        assert event.settings.parity is Parity.ODD

    @pytest.mark.clause("5.4.6.3.9")
    def test_the_kind_of_a_parity_bit_is_meant_without_the_bit(self) -> None:
        """The bit beside it means nothing where the mask leaves it out."""
        pair = Pair().open(1)
        pair.module.mux.receive_data(uih(0, "93 11 07 03 1B 00 11 13 18 00"), pair.now)
        pair.module.mux.data_to_send(pair.now)
        (event,) = pair.module.mux.receive_data(uih(0, "93 11 07 03 33 00 11 13 10 00"), pair.now)
        assert isinstance(event, PortChanged)
        assert event.settings.parity is Parity.SPACE
        assert bytes.fromhex("91 11 07 03 3B 00 11 13 10 00") in pair.module.mux.data_to_send(pair.now)


class TestValues:
    @pytest.mark.parametrize(
        "message",
        [
            "83 13 01 00 07 0A 1F 00 03 02 55",
            "A3 03 00",
            "63 03 00",
            "C3 03 00",
            "E3 09 07 8D 13 00",
            "53 07 07 03 00",
            "93 05 07 07",
            "D3 05 07 05",
        ],
    )
    def test_a_wrong_number_of_value_octets_is_counted(self, message: str) -> None:
        pair = Pair().open(1)
        pair.module.mux.receive_data(uih(0, message), pair.now)
        assert pair.module.mux.stats()["control_malformed"] == 1

    @pytest.mark.clause("5.4.6.3.10")
    def test_a_line_status_without_the_error_bit_has_no_errors(self) -> None:
        pair = Pair().open(1)
        events = pair.host.mux.receive_data(uih(0, "53 05 07 02", from_host=False), pair.now)
        assert events == [LineStatus(1, overrun=False, parity=False, framing=False)]

    def test_nothing_is_told_of_channels_that_nobody_can_have(self) -> None:
        pair = Pair().open(1)
        line = "53 05 03 03 D3 07 FF 03 01 93 11 FF 03 1B 00 11 13 7F 3F 83 11 3F 00 3D 0A 1F 00 03 02"
        assert pair.host.mux.receive_data(uih(0, line, from_host=False), pair.now) == []
        assert len(frames(pair.host.mux.data_to_send(pair.now))) == 4  # they are answered all the same


class TestQueue:
    def full(self) -> Pair:
        pair = Pair(Config(queue_high=1000, queue_low=100)).open(1)
        assert pair.host.mux.send(1, bytes(1500), pair.now) == 1000
        return pair

    @pytest.mark.parametrize("data", [b"", b"small"])
    def test_writable_follows_whatever_is_sent_in_between(self, data: bytes) -> None:
        pair = self.full()
        for _ in range(10):
            pair.host.mux.data_to_send(pair.now, 0)
        pair.host.mux.send(1, data, pair.now)
        pair.settle()
        assert pair.host.of(Writable) == [Writable(1)]

    def test_what_a_closed_connection_had_no_room_for_means_nothing_to_the_next(self) -> None:
        pair = self.full()
        pair.host.mux.close(1, pair.now, drain=False)
        pair.settle()
        pair.open(1)
        pair.host.mux.send(1, b"small", pair.now)
        pair.settle()
        assert pair.host.of(Writable) == []

    def test_discarding_leaves_the_signals_of_layer_2(self) -> None:
        pair = Pair().start()
        pair.host.mux.negotiate(1, LAYER_2, pair.now)
        pair.open(1)
        pair.host.mux.pause_reading(1, pair.now)
        pair.settle()
        pair.host.mux.resume_reading(1, pair.now)
        pair.host.mux.discard(1)
        pair.settle()
        pair.module.mux.send(1, b"hello", pair.now)
        pair.settle()
        assert pair.host.data(1) == b"hello"

    def test_a_break_of_layer_2_leaves_before_the_channel_closes(self) -> None:
        pair = Pair().start()
        pair.host.mux.negotiate(1, LAYER_2, pair.now)
        pair.open(1)
        pair.host.mux.send_break(1, 0.4, pair.now)
        pair.host.mux.close(1, pair.now)
        pair.settle()
        assert [event.break_length for event in pair.module.of(SignalsChanged) if event.break_length] == [0.4]
        assert not pair.module.mux.is_open(1)

    def test_signals_that_cannot_be_said_without_a_control_channel_are_counted(self) -> None:
        mux = Multiplexer(Role.INITIATOR, Config(adm=True))
        mux.start(0)
        mux.data_to_send(0)
        mux.receive_data(command(0, FrameType.DM), 0)
        mux.open(1, 0)
        mux.data_to_send(0)
        mux.receive_data(command(1, FrameType.UA), 0)
        before = mux.stats()["signals_unsaid"]
        mux.pause_reading(1, 0)
        mux.send_break(1, 1, 0)
        assert mux.stats()["signals_unsaid"] == before + 2  # type: ignore[operator]

    def test_a_break_on_a_closed_channel_is_refused_to_the_caller(self) -> None:
        with pytest.raises(StateError, match="DLCI 1 cannot send a break: it is CLOSED"):
            Pair().start().host.mux.send_break(1, 0.4, 0)


def test_the_answer_to_an_older_command_is_not_taken_for_the_one_to_the_latest() -> None:
    """Both open and close at once, then the module opens again: DM for its first SABM comes when its second is out."""
    pair = Pair().start()
    pair.host.mux.open(1, pair.now)
    pair.module.mux.open(1, pair.now)
    pair.host.mux.close(1, pair.now, drain=False)
    pair.module.mux.close(1, pair.now, drain=False)
    pair.module.mux.open(1, pair.now)
    pair.pass_time(0.6)
    assert pair.host.mux.is_open(1) == pair.module.mux.is_open(1)
