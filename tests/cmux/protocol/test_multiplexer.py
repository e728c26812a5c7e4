"""Two cores over a pipe, on a clock turned by hand (27.010 §5.3, §5.4, §5.8)."""

from __future__ import annotations

import pytest
from core_pair import Pair, deaf

from cmux.protocol import Config, Frame, FrameType, Multiplexer, Option, Role, commands, encode
from cmux.protocol.cause import CLOSED_HERE
from cmux.protocol.commands import MSC, Signals
from cmux.protocol.errors import InvalidDlci, StateError
from cmux.protocol.events import (
    Cause,
    Closed,
    CommandDone,
    FrameDropped,
    Opened,
    Outcome,
    Reestablished,
    SessionClosed,
    SessionOpened,
    SignalsChanged,
    UnknownCommand,
    Writable,
)

HELLO = b"Hello, welcome to use Quectel's module"


def uih(dlci: int, info: bytes, *, from_host: bool = True) -> bytes:
    return encode(Frame(dlci, from_host, FrameType.UIH, info=info))


class TestOpening:
    @pytest.mark.clause("5.8.1", "5.3.1", "5.3.2", "5.4.1")
    def test_sabm_on_dlci_0_opens_the_session(self) -> None:
        pair = Pair().start()
        assert pair.host.line == [bytes.fromhex("F9 03 3F 01 1C F9")]
        assert pair.module.line == [bytes.fromhex("F9 03 73 01 D7 F9")]
        assert pair.host.events == [SessionOpened(by_peer=False)]
        assert pair.module.events == [SessionOpened(by_peer=True)]

    @pytest.mark.clause("5.4.1", "5.4.6.3.7")
    def test_msc_goes_out_right_after_ua(self) -> None:
        pair = Pair().open(1)
        assert [frame.type for frame in pair.module.frames()[1:3]] == [FrameType.UA, FrameType.UIH]
        assert pair.module.frames()[2].info == bytes.fromhex("E3 05 07 8D")
        assert pair.host.of(Opened) == [Opened(1, by_peer=False)]
        assert pair.module.of(Opened) == [Opened(1, by_peer=True)]
        assert pair.host.of(SignalsChanged) == [SignalsChanged(1, Signals(), None)]

    @pytest.mark.clause("5.4.1", "5.7.1", "5.7.3")
    def test_sabm_is_repeated_n2_times_at_t1(self) -> None:
        pair = Pair(Config(n2=3))
        pair.to_module = deaf
        pair.host.mux.start(pair.now)
        pair.pass_time(0.399)
        assert len(pair.host.line) == 4
        assert pair.host.events == []
        pair.pass_time(0.002)
        assert pair.host.events == [SessionClosed(Cause.TIMEOUT, "the peer did not answer")]
        assert pair.host.mux.next_timeout() is None

    @pytest.mark.clause("5.7.3")
    def test_n2_of_0_sends_once(self) -> None:
        pair = Pair(Config(n2=0))
        pair.to_module = deaf
        pair.host.mux.start(pair.now)
        pair.pass_time(1)
        assert len(pair.host.line) == 1
        assert pair.host.of(SessionClosed)

    def test_t1_starts_when_the_frame_leaves_and_not_when_it_is_queued(self) -> None:
        mux = Multiplexer(Role.INITIATOR)
        mux.start(0.0)
        assert mux.next_timeout() is None
        assert mux.handle_timeout(50.0) == []
        mux.data_to_send(60.0)
        assert mux.next_timeout() == 60.0 + mux.config.t1

    @pytest.mark.clause("5.3.3", "5.4.1")
    def test_dm_refuses_a_channel_at_once(self) -> None:
        pair = Pair()
        pair.module.mux.refuse(4)
        pair.open(4)
        assert pair.host.of(Closed) == [Closed(4, Cause.REFUSED, "the peer refused it (DM)")]
        assert pair.module.frames()[-1] == Frame(4, True, FrameType.DM, True)

    @pytest.mark.clause("5.3.3")
    def test_dm_on_dlci_0_refuses_the_session(self) -> None:
        pair = Pair()
        pair.to_host = lambda octets: encode(Frame(0, True, FrameType.DM, True))
        pair.start()
        assert pair.host.events == [SessionClosed(Cause.REFUSED, "the peer refused it (DM)")]

    @pytest.mark.clause("5.4.4.2")
    def test_ua_with_f_0_is_discarded_where_the_specification_is_taken_at_its_word(self) -> None:
        pair = Pair(Config(strict_final=True))
        pair.to_host = lambda octets: encode(Frame(0, True, FrameType.UA, False))
        pair.start()
        assert not pair.host.mux.session_open
        assert pair.host.mux.stats()["frames_ignored"] == 1
        pair.pass_time(1)
        assert pair.host.events == [SessionClosed(Cause.TIMEOUT, "the peer did not answer")]
        assert pair.host.mux.stats()["frames_ignored"] == 4

    def test_our_own_sabm_echoed_by_a_module_in_at_mode_opens_nothing(self) -> None:
        pair = Pair()
        pair.to_module = deaf
        pair.host.mux.start(pair.now)
        echo = pair.host.mux.data_to_send(pair.now)
        assert pair.host.mux.receive_data(echo, pair.now) == []
        assert not pair.host.mux.session_open

    @pytest.mark.clause("5.4.6")
    def test_sabm_on_user_dlc_before_the_session_is_answered_with_dm(self) -> None:
        mux = Multiplexer(Role.RESPONDER)
        assert mux.receive_data(encode(Frame(1, True, FrameType.SABM, True)), 0.0) == []
        assert mux.data_to_send(0.0) == encode(Frame(1, True, FrameType.DM, True))

    @pytest.mark.parametrize("dlci", [62, 63])
    @pytest.mark.clause("5.6")
    def test_reserved_dlcis_are_refused(self, dlci: int) -> None:
        pair = Pair().start()
        line = encode(Frame(dlci, True, FrameType.SABM, True))
        pair.module.mux.receive_data(line, pair.now)
        assert pair.module.mux.data_to_send(pair.now) == encode(Frame(dlci, True, FrameType.DM, True))

    @pytest.mark.parametrize("dlci", [62, 63])
    @pytest.mark.clause("5.6")
    def test_reserved_dlcis_are_served_where_that_is_set(self, dlci: int) -> None:
        pair = Pair(Config(reserved_dlcis=True)).open(dlci)
        assert pair.host.mux.is_open(dlci)
        assert pair.module.of(Opened) == [Opened(dlci, by_peer=True)]
        pair.host.mux.send(dlci, b"x", pair.now)
        pair.settle()
        assert pair.module.data(dlci) == b"x"

    def test_up_to_61_channels(self) -> None:
        pair = Pair().open(*range(1, 62))
        assert len(pair.host.of(Opened)) == len(pair.module.of(Opened)) == 61

    def test_the_module_may_open_a_channel(self) -> None:
        pair = Pair().start()
        pair.module.mux.open(1, pair.now)
        pair.settle()
        assert pair.host.of(Opened) == [Opened(1, by_peer=True)]
        assert pair.module.frames()[1] == Frame(1, False, FrameType.SABM, True)
        assert pair.host.frames()[1] == Frame(1, False, FrameType.UA, True)

    def test_both_sides_open_one_channel_at_once(self) -> None:
        pair = Pair().start()
        pair.host.mux.open(1, pair.now)
        pair.module.mux.open(1, pair.now)
        pair.settle()
        pair.pass_time(2)
        assert len(pair.host.of(Opened)) == len(pair.module.of(Opened)) == 1
        assert pair.host.mux.is_open(1)
        assert pair.module.mux.is_open(1)

    def test_sabm_on_an_open_channel_is_answered_and_starts_it_anew(self) -> None:
        pair = Pair().open(1)
        pair.module.events.clear()
        pair.module.events += pair.module.mux.receive_data(encode(Frame(1, True, FrameType.SABM, True)), pair.now)
        assert pair.module.events == [Reestablished(1)]
        sent = pair.module.mux.data_to_send(pair.now)
        assert sent.startswith(encode(Frame(1, True, FrameType.UA, True)))
        assert b"\xe3\x05\x07\x8d" in sent

    def test_a_peer_that_starts_the_session_anew_has_no_channels(self) -> None:
        pair = Pair().open(1, 2)
        events = pair.module.mux.receive_data(encode(Frame(0, True, FrameType.SABM, True)), pair.now)
        assert [type(event) for event in events] == [Reestablished, Closed, Closed]
        assert pair.module.mux.session_open
        assert not pair.module.mux.is_open(1)


class TestData:
    @pytest.mark.clause("5.3.5", "5.2.1.2", "5.4.3.1", "5.5.1")
    def test_crosses_both_ways_with_the_right_cr_bit(self) -> None:
        pair = Pair().open(1)
        assert pair.host.mux.send(1, HELLO, pair.now) == len(HELLO)
        assert pair.module.mux.send(1, HELLO[::-1], pair.now) == len(HELLO)
        pair.settle()
        assert pair.module.data(1) == HELLO
        assert pair.host.data(1) == HELLO[::-1]
        assert {frame.cr for frame in pair.host.frames() if frame.type is FrameType.UIH} == {True}
        assert {frame.cr for frame in pair.module.frames() if frame.type is FrameType.UIH} == {False}

    @pytest.mark.clause("5.7.2")
    def test_no_frame_is_longer_than_n1(self) -> None:
        pair = Pair(Config(n1=10)).open(1)
        pair.host.mux.send(1, bytes(95), pair.now)
        pair.settle()
        assert [len(frame.info) for frame in pair.host.frames() if frame.dlci == 1] == [0] + [10] * 9 + [5]

    def test_frames_up_to_n1_receive_are_accepted(self) -> None:
        pair = Pair(Config(n1=31), Config(n1=1500)).open(1)
        pair.module.mux.send(1, bytes(1500), pair.now)
        pair.settle()
        assert pair.host.data(1) == bytes(1500)

    def test_consecutive_frames_of_one_channel_are_one_event(self) -> None:
        pair = Pair().open(1, 2)
        line = uih(1, b"a") + uih(1, b"b") + uih(2, b"c") + uih(1, b"d")
        events = pair.module.mux.receive_data(line, pair.now)
        assert [(event.dlci, event.data) for event in events] == [(1, b"ab"), (2, b"c"), (1, b"d")]

    def test_command_response_and_poll_bits_of_data_are_not_looked_at(self) -> None:
        pair = Pair().open(1)
        line = encode(Frame(1, False, FrameType.UIH, True, b"odd"))
        pair.module.events += pair.module.mux.receive_data(line, pair.now)
        assert pair.module.data(1) == b"odd"

    @pytest.mark.clause("5.3.3")
    def test_data_on_a_closed_channel_is_answered_with_dm_once_per_t1(self) -> None:
        pair = Pair().start()
        for _ in range(100):
            assert pair.module.mux.receive_data(uih(3, b"lost"), pair.now) == []
        assert pair.module.mux.data_to_send(pair.now) == encode(Frame(3, True, FrameType.DM, True))
        assert pair.module.mux.stats()["octets_discarded"] == 400
        pair.module.mux.receive_data(uih(3, b"lost"), pair.now + pair.module.mux.config.t1)
        assert pair.module.mux.data_to_send(pair.now) == encode(Frame(3, True, FrameType.DM, True))

    def test_send_takes_what_fits_and_writable_follows_at_the_low_water_mark(self) -> None:
        pair = Pair(Config(queue_high=1000, queue_low=100)).open(1)
        pair.host.events.clear()
        assert pair.host.mux.send(1, bytes(1500), pair.now) == 1000
        assert pair.host.mux.send(1, bytes(10), pair.now) == 0
        while pair.host.mux.unsent(1) > 100:
            assert pair.host.events == []
            assert pair.host.mux.data_to_send(pair.now, limit=0)
            due = pair.host.mux.next_timeout()
            if due is not None and due <= pair.now:
                pair.host.events += pair.host.mux.handle_timeout(pair.now)
        assert pair.host.events == [Writable(1)]

    def test_limit_hands_out_whole_frames_and_at_least_one(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.send(1, bytes(310), pair.now)
        assert len(pair.host.mux.data_to_send(pair.now, limit=0)) == 37
        assert len(pair.host.mux.data_to_send(pair.now, limit=40)) == 74
        assert len(pair.host.mux.data_to_send(pair.now)) == 37 * 7

    @pytest.mark.parametrize("shared", [False, True])
    @pytest.mark.parametrize("option", list(Option))
    def test_limit_counts_the_octets_of_the_line(self, option: Option, shared: bool) -> None:
        """Also those that transparency adds: what is handed out beyond the first frame fits the limit."""
        pair = Pair(Config(option=option, n1=64, shared_flags=shared)).open(1)
        pair.host.mux.send(1, b"\x7e" * 1280, pair.now)
        pair.host.mux.test(b"\x7d" * 60, pair.now)
        first = len(pair.host.mux.data_to_send(pair.now, limit=0))
        frame = 2 + 4 * (option is Option.BASIC) + 64 * (1 + (option is Option.ADVANCED)) + 3 - shared
        portions = []
        while octets := pair.host.mux.data_to_send(pair.now, limit=4 * frame):
            portions.append(octets)
            assert len(octets) <= 5 * frame + 8
        assert first > 60
        assert len(portions) == 4
        pair.module.events += pair.module.mux.receive_data(b"".join(portions), pair.now)
        assert pair.module.data(1) == b"\x7e" * 1280

    def test_channels_take_turns(self) -> None:
        pair = Pair().open(1, 2, 3)
        for dlci in (1, 2, 3):
            pair.host.mux.send(dlci, bytes(31 * 3), pair.now)
        pair.settle()
        order = [frame.dlci for frame in pair.host.frames() if frame.type is FrameType.UIH and frame.dlci]
        assert order == [1, 2, 3] * 3

    def test_writable_follows_also_when_the_queue_is_thrown_away(self) -> None:
        pair = Pair(Config(queue_high=1000, queue_low=100)).open(1)
        pair.host.events.clear()
        pair.host.mux.send(1, bytes(1500), pair.now)
        pair.host.mux.discard(1)
        pair.settle()
        assert pair.host.events == [Writable(1)]

    def test_discard_throws_the_queue_away_and_counts_it(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.send(1, bytes(100), pair.now)
        assert pair.host.mux.discard(1) == 100
        assert pair.host.mux.unsent(1) == 0
        pair.settle()
        assert pair.module.data(1) == b""
        assert pair.host.mux.stats()["octets_discarded"] == 100


class TestClosing:
    @pytest.mark.clause("5.3.4", "5.4.2")
    def test_disc_is_answered_with_ua(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.close(1, pair.now)
        pair.settle()
        assert pair.host.of(Closed) == [Closed(1, Cause.LOCAL, "closed")]
        assert pair.module.of(Closed) == [Closed(1, Cause.PEER, "the peer closed it")]

    def test_what_is_queued_goes_out_before_disc(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.send(1, bytes(100), pair.now)
        pair.host.mux.close(1, pair.now)
        pair.settle()
        assert pair.module.data(1) == bytes(100)
        assert pair.host.of(Closed) == [Closed(1, Cause.LOCAL, "closed")]

    def test_what_is_discarded_on_closing_is_told(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.send(1, bytes(100), pair.now)
        pair.host.mux.close(1, pair.now, drain=False)
        pair.settle()
        assert pair.module.data(1) == b""
        assert pair.host.of(Closed) == [Closed(1, Cause.LOCAL, "closed", 100)]

    @pytest.mark.clause("5.3.3", "5.4.2")
    def test_disc_on_a_closed_channel_is_answered_with_dm(self) -> None:
        pair = Pair().start()
        pair.module.mux.receive_data(encode(Frame(2, True, FrameType.DISC, True)), pair.now)
        assert pair.module.mux.data_to_send(pair.now) == encode(Frame(2, True, FrameType.DM, True))

    @pytest.mark.clause("5.4.2", "5.7.3")
    def test_disc_is_repeated_and_given_up(self) -> None:
        pair = Pair().open(1)
        pair.to_module = deaf
        pair.host.line.clear()
        pair.host.mux.close(1, pair.now)
        pair.pass_time(1)
        assert len(pair.host.line) == 4
        assert pair.host.of(Closed) == [Closed(1, Cause.TIMEOUT, "the peer did not answer")]

    def test_a_channel_can_be_opened_again_while_it_closes(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.close(1, pair.now)
        pair.host.mux.open(1, pair.now)
        pair.settle()
        assert [type(event) for event in pair.host.events if isinstance(event, (Opened, Closed))] == [
            Opened,
            Closed,
            Opened,
        ]
        assert pair.module.mux.is_open(1)

    @pytest.mark.clause("5.8.2", "5.4.6.3.3")
    def test_shutdown_sends_disc_each_then_cld(self) -> None:
        pair = Pair().open(1, 2)
        pair.host.line.clear()
        pair.host.mux.shutdown(pair.now)
        pair.settle()
        sent = pair.host.frames()
        assert [(frame.dlci, frame.type) for frame in sent] == [
            (1, FrameType.DISC),
            (2, FrameType.DISC),
            (0, FrameType.UIH),
        ]
        assert sent[-1].info == bytes.fromhex("C3 01")
        assert pair.host.events[-1] == SessionClosed(Cause.LOCAL, CLOSED_HERE)
        assert pair.module.events[-1] == SessionClosed(Cause.PEER, "the peer closed the multiplexer down (CLD)")

    def test_a_peer_that_never_answers_cld_is_closed_all_the_same(self) -> None:
        pair = Pair().open(1)
        pair.to_module = deaf
        pair.host.mux.shutdown(pair.now)
        pair.pass_time(5)
        assert pair.host.events[-1] == SessionClosed(Cause.LOCAL, CLOSED_HERE)
        assert pair.host.mux.next_timeout() is None

    @pytest.mark.clause("5.3.4", "5.8.2")
    def test_disc_on_dlci_0_closes_the_session(self) -> None:
        pair = Pair().open(1, 2)
        events = pair.module.mux.receive_data(encode(Frame(0, True, FrameType.DISC, True)), pair.now)
        assert [type(event) for event in events] == [Closed, Closed, SessionClosed]
        assert pair.module.mux.data_to_send(pair.now) == encode(Frame(0, True, FrameType.UA, True))

    def test_forced_close_without_length_octet(self) -> None:
        """What the Linux documentation recommends for leaving a stuck module."""
        pair = Pair().open(1)
        events = pair.module.mux.receive_data(bytes.fromhex("F9 03 EF 03 C3 16 F9"), pair.now)
        assert isinstance(events[-1], SessionClosed)
        assert b"\xc1\x01" in pair.module.mux.data_to_send(pair.now)

    def test_a_peer_that_starts_anew_while_we_shut_down_gets_a_new_session(self) -> None:
        """Its answer to our CLD was lost: for it the old session is over."""
        pair = Pair().open(1)
        pair.to_module = deaf
        pair.module.mux.shutdown(pair.now)
        pair.pass_time(0.5)
        pair.to_module = lambda octets: octets
        pair.start()
        assert [type(event) for event in pair.module.events[-2:]] == [SessionClosed, SessionOpened]
        pair.open(1)
        assert pair.module.mux.is_open(1)

    @pytest.mark.clause("5.4.6.3.3")
    def test_cld_without_a_session_is_answered_and_ends_it(self) -> None:
        """A host that finds a multiplexer and knows of no session wants to be rid of it."""
        mux = Multiplexer(Role.RESPONDER)
        events = mux.receive_data(bytes.fromhex("F9 03 EF 05 C3 01 F2 F9") + b"AT\r", 0.0)
        assert [type(event) for event in events] == [SessionClosed]
        assert mux.take_unread() == b"AT\r"
        assert mux.data_to_send(0.0) == bytes.fromhex("F9 01 EF 05 C1 01 93 F9")

    @pytest.mark.parametrize("size", [1, 3, 1000])
    def test_octets_behind_the_end_of_the_session_are_not_lost(self, size: int) -> None:
        pair = Pair().open(1)
        line = bytes.fromhex("F9 03 EF 05 C3 01 F2 F9") + b"AT@POFF\r\n"
        rest = b""
        for at in range(0, len(line), size):
            if not pair.module.mux.session_open:
                rest += line[at : at + size]
                continue
            pair.module.events += pair.module.mux.receive_data(line[at : at + size], pair.now)
            rest += pair.module.mux.take_unread()
        assert rest.lstrip(b"\xf9") == b"AT@POFF\r\n"
        assert pair.module.mux.stats()["dropped"] == {}

    def test_a_session_can_be_started_again(self) -> None:
        pair = Pair().open(1)
        for _ in range(3):
            pair.host.mux.shutdown(pair.now)
            pair.settle()
            assert not pair.host.mux.session_open
            pair.open(1)
            assert pair.host.mux.is_open(1)

    def test_loss_of_the_line_reaches_every_channel(self) -> None:
        pair = Pair().open(1, 2)
        events = pair.host.mux.line_lost("unplugged", pair.now)
        assert events == [
            Closed(1, Cause.LINE_LOST, "unplugged"),
            Closed(2, Cause.LINE_LOST, "unplugged"),
            SessionClosed(Cause.LINE_LOST, "unplugged"),
        ]
        assert pair.host.mux.line_lost("again", pair.now) == []
        assert pair.host.mux.data_to_send(pair.now) == b""


class TestControlChannel:
    @pytest.mark.clause("5.4.6.3.4")
    def test_test_comes_back(self) -> None:
        pair = Pair().start()
        pair.host.mux.test(b"ping", pair.now)
        pair.settle()
        assert pair.host.of(CommandDone) == [
            CommandDone(commands.Test(b"ping"), Outcome.ANSWERED, commands.Test(b"ping"))
        ]

    @pytest.mark.clause("5.4.6.3.8")
    @pytest.mark.parametrize("octet", [0xFB, 0x03, 0x0F])
    def test_unknown_command_is_answered_with_nsc(self, octet: int) -> None:
        pair = Pair().start()
        events = pair.module.mux.receive_data(uih(0, bytes((octet, 0x03, 0x55))), pair.now)
        assert events == [UnknownCommand(octet, b"\x55")]
        assert bytes((0x11, 0x03, octet)) in pair.module.mux.data_to_send(pair.now)

    @pytest.mark.parametrize("octet", [0x23, 0x11])
    def test_nsc_is_matched_also_when_it_is_shifted(self, octet: int) -> None:
        pair = Pair().start()
        pair.host.mux.test(b"ping", pair.now)
        pair.host.mux.data_to_send(pair.now)
        events = pair.host.mux.receive_data(uih(0, bytes((0x11, 0x03, octet)), from_host=False), pair.now)
        assert events == [CommandDone(commands.Test(b"ping"), Outcome.NOT_SUPPORTED, None)]

    @pytest.mark.clause("5.7.5", "5.7.3")
    def test_command_is_repeated_n2_times_at_t2(self) -> None:
        pair = Pair().start()
        pair.to_module = deaf
        pair.host.line.clear()
        pair.host.mux.test(b"ping", pair.now)
        pair.pass_time(2)
        assert len(pair.host.line) == 4
        assert pair.host.of(CommandDone) == [CommandDone(commands.Test(b"ping"), Outcome.TIMEOUT, None)]

    def test_one_command_of_a_type_is_outstanding(self) -> None:
        pair = Pair().start()
        pair.host.mux.test(b"1", pair.now)
        pair.host.mux.test(b"2", pair.now)
        assert pair.host.mux.data_to_send(pair.now).count(b"\x23") == 1
        pair.pass_time(1)
        assert [done.command for done in pair.host.of(CommandDone)] == [commands.Test(b"1"), commands.Test(b"2")]

    @pytest.mark.clause("5.4.6.3.7")
    @pytest.mark.parametrize("value", ["07 8D", "07 8C 23", "07 8D 01", "E5 0D"])
    def test_msc_is_echoed_octet_for_octet_also_for_closed_channels(self, value: str) -> None:
        pair = Pair().start()
        octets = bytes.fromhex(value)
        length = bytes((len(octets) << 1 | 1,))
        pair.module.mux.receive_data(uih(0, b"\xe3" + length + octets), pair.now)
        assert b"\xe1" + length + octets in pair.module.mux.data_to_send(pair.now)

    @pytest.mark.clause("5.4.6.3.7")
    def test_msc_goes_out_when_signals_change_and_only_then(self) -> None:
        pair = Pair().open(1)
        pair.host.line.clear()
        pair.host.mux.set_signals(1, Signals(), pair.now)
        pair.settle()
        assert pair.host.line == []
        pair.host.mux.set_signals(1, Signals(rtc=False), pair.now)
        pair.settle()
        assert pair.module.of(SignalsChanged)[-1] == SignalsChanged(1, Signals(rtc=False), None)
        assert pair.module.mux.signals(1) == Signals(rtc=False)

    def test_an_echo_of_msc_that_differs_has_it_repeated(self) -> None:
        """The FCS of UIH does not cover the message: one of the two was damaged on the way."""
        pair = Pair().open(1)
        pair.host.mux.set_signals(1, Signals(rtc=False), pair.now)
        damaged = pair.host.mux.data_to_send(pair.now).replace(b"\x07\x89", b"\x07\x8b")
        pair.module.mux.receive_data(damaged, pair.now)
        pair.host.mux.receive_data(pair.module.mux.data_to_send(pair.now), pair.now)
        pair.settle()
        assert pair.module.mux.signals(1) == Signals(rtc=False)

    def test_signals_set_before_opening_are_said_after_ua(self) -> None:
        pair = Pair().start()
        pair.host.mux.set_signals(1, Signals(rtc=False), pair.now)
        pair.open(1)
        assert pair.module.mux.signals(1) == Signals(rtc=False)

    @pytest.mark.clause("5.4.6.3.7")
    def test_break(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.send_break(1, 0.4, pair.now)
        pair.settle()
        assert pair.module.of(SignalsChanged)[-1] == SignalsChanged(1, Signals(), 0.4)

    @pytest.mark.parametrize("stop", [Signals(fc=True), Signals(rtr=False)])
    @pytest.mark.clause("5.4.8")
    def test_a_peer_that_says_stop_gets_no_data(self, stop: Signals) -> None:
        pair = Pair().open(1, 2)
        pair.module.mux.set_signals(1, stop, pair.now)
        pair.settle()
        pair.host.mux.send(1, b"later", pair.now)
        pair.host.mux.send(2, b"now", pair.now)
        pair.settle()
        assert (pair.module.data(1), pair.module.data(2)) == (b"", b"now")
        pair.module.mux.set_signals(1, Signals(), pair.now)
        pair.settle()
        assert pair.module.data(1) == b"later"

    def test_pause_and_resume_reading(self) -> None:
        pair = Pair().open(1)
        pair.module.mux.pause_reading(1, pair.now)
        pair.settle()
        pair.host.mux.send(1, b"later", pair.now)
        pair.settle()
        assert pair.module.data(1) == b""
        pair.module.mux.resume_reading(1, pair.now)
        pair.settle()
        assert pair.module.data(1) == b"later"

    @pytest.mark.clause("5.4.6.3.5", "5.4.6.3.6")
    def test_fcoff_stops_all_channels_but_the_control_channel(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.receive_data(uih(0, b"\x63\x01", from_host=False), pair.now)
        assert b"\x61\x01" in pair.host.mux.data_to_send(pair.now)
        pair.host.mux.send(1, b"later", pair.now)
        pair.host.mux.test(b"ping", pair.now)
        pair.settle()
        assert pair.module.data(1) == b""
        assert pair.host.of(CommandDone)[-1].outcome is Outcome.ANSWERED
        pair.host.mux.receive_data(uih(0, b"\xa3\x01", from_host=False), pair.now)
        pair.settle()
        assert pair.module.data(1) == b"later"

    def test_several_messages_in_one_frame_are_all_answered(self) -> None:
        pair = Pair().open(1)
        pair.module.mux.receive_data(uih(0, bytes.fromhex("23 03 41 E3 05 07 0D FB 01")), pair.now)
        sent = pair.module.mux.data_to_send(pair.now)
        assert all(bytes.fromhex(part) in sent for part in ("21 03 41", "E1 05 07 0D", "11 03 FB"))

    def test_unexpected_answers_are_counted(self) -> None:
        pair = Pair().open(1)
        before = pair.host.mux.stats()["control_ignored"]
        pair.host.mux.receive_data(uih(0, bytes.fromhex("C1 01 21 03 41 11 03 93 E1 05 07 8D"), from_host=False), 0)
        assert pair.host.mux.stats()["control_ignored"] == before + 4


class TestPartialFrames:
    claims_50 = bytes.fromhex("F9 07 EF 65")

    def test_are_given_up_after_the_gap_when_a_good_frame_lies_behind(self) -> None:
        pair = Pair().open(1)
        mux = pair.module.mux
        assert mux.receive_data(self.claims_50 + uih(1, b"good"), 200.0) == []
        assert mux.next_timeout() == 200.0 + mux.config.frame_gap
        events = mux.handle_timeout(200.0 + mux.config.frame_gap)
        assert [type(event).__name__ for event in events] == ["FrameDropped", "DataReceived"]
        assert mux.stats()["dropped"] == {"truncated": 1}
        assert mux.next_timeout() is None

    def test_are_given_up_after_t2_otherwise(self) -> None:
        pair = Pair().open(1)
        mux = pair.module.mux
        mux.receive_data(self.claims_50 + b"nothing whole", 200.0)
        assert mux.handle_timeout(200.0 + mux.config.frame_gap) == []
        assert mux.next_timeout() == 200.0 + mux.config.t2
        (dropped,) = mux.handle_timeout(200.0 + mux.config.t2)
        assert isinstance(dropped, FrameDropped)
        assert mux.next_timeout() is None

    def test_are_not_given_up_while_they_grow(self) -> None:
        pair = Pair().open(1)
        mux = pair.module.mux
        line = uih(1, bytes(40))
        at = 200.0
        for octet in line[:-1]:
            assert mux.receive_data(bytes((octet,)), at) == []
            at += mux.config.frame_gap * 0.9
            assert mux.handle_timeout(at) == []
        (event,) = mux.receive_data(line[-1:], at)
        assert event.data == bytes(40)


class TestOwnMistakes:
    @pytest.mark.parametrize("dlci", [-1, 0, 62, 63, 64, "1", None])
    def test_dlci_that_carries_no_data(self, dlci: int) -> None:
        mux = Pair().start().host.mux
        for call in (
            lambda: mux.open(dlci, 0),
            lambda: mux.send(dlci, b"", 0),
            lambda: mux.close(dlci, 0),
            lambda: mux.set_signals(dlci, Signals(), 0),
        ):
            with pytest.raises(InvalidDlci, match="use 1 to 61"):
                call()

    def test_calls_before_the_session_is_open(self) -> None:
        mux = Multiplexer()
        with pytest.raises(StateError):
            mux.open(1, 0)
        with pytest.raises(StateError):
            mux.test(b"", 0)

    def test_send_on_a_closed_channel(self) -> None:
        with pytest.raises(StateError, match="DLCI 1 cannot send: it is CLOSED"):
            Pair().start().host.mux.send(1, b"x", 0)


def test_a_peer_that_floods_us_with_commands_loses_answers_and_nothing_grows() -> None:
    pair = Pair().start()
    mux = pair.module.mux
    for _ in range(2000):
        mux.receive_data(encode(Frame(9, True, FrameType.DISC, True)) + uih(0, b"\x23\x03A"), pair.now)
    assert len(mux._session.transmitter._control) <= 1024
    assert mux.stats()["control_overflow"] > 0


def test_statistics_are_a_plain_dictionary() -> None:
    pair = Pair().open(1)
    pair.host.mux.send(1, HELLO, pair.now)
    pair.settle()
    stats = pair.host.mux.stats()
    assert stats["dlcs"][1]["octets_sent"] == len(HELLO)
    assert stats["dlcs"][1]["state"] == "OPEN"


@pytest.mark.parametrize("dlci", [1, 61])
def test_lost_ua_is_repaired_by_the_next_sabm(dlci: int) -> None:
    pair = Pair().start()
    pair.to_host = deaf
    pair.host.mux.open(dlci, pair.now)
    pair.settle()
    pair.to_host = lambda octets: octets
    pair.pass_time(1)
    assert pair.host.mux.is_open(dlci)
    assert pair.module.mux.is_open(dlci)
    assert pair.module.of(Reestablished) == [Reestablished(dlci)]


def test_msc_of_this_side_is_answered() -> None:
    pair = Pair().open(1)
    assert pair.host.of(CommandDone) == [
        CommandDone(MSC(1, Signals()), Outcome.ANSWERED, MSC(1, Signals())),
    ]
