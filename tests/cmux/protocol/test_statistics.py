"""What is counted: every frame, every octet, every discard, for each DLC and for all of them."""

from __future__ import annotations

from typing import Any

import pytest
from core_pair import Pair, Station, deaf

from cmux.protocol import Config, Frame, FrameType, Multiplexer, Option, Role, encode
from cmux.protocol.config import Parameters
from cmux.protocol.dlc import COUNTERS
from cmux.protocol.events import CommandDone, DropReason, FrameDropped, Outcome, SessionClosed
from cmux.protocol.frame_dispatcher import MAX_UNREAD

both_options = pytest.mark.parametrize("option", list(Option))


def stats(station: Station) -> dict[str, Any]:
    return station.mux.stats()


def of(station: Station, dlci: int) -> dict[str, Any]:
    return stats(station)["dlcs"][dlci]


def uih(dlci: int, info: bytes, option: Option = Option.BASIC) -> bytes:
    return encode(Frame(dlci, True, FrameType.UIH, info=info), option)


def busy_pair(option: Option = Option.BASIC) -> Pair:
    """Two channels, data both ways, a signal, a Test."""
    pair = Pair(Config(option=option)).open(1, 2)
    pair.host.mux.send(1, bytes(1000), pair.now)
    pair.module.mux.send(2, bytes(500), pair.now)
    pair.host.mux.test(b"ping", pair.now)
    pair.settle()
    pair.host.mux.close(2, pair.now)
    pair.settle()
    return pair


@both_options
def test_frames_and_octets_of_each_dlc_are_those_on_the_line(option: Option) -> None:
    pair = busy_pair(option)
    for sender, receiver in ((pair.host, pair.module), (pair.module, pair.host)):
        for dlci in (0, 1, 2):
            frames = [frame for frame in sender.frames() if frame.dlci == dlci]
            octets = sum(len(frame.info) for frame in frames)
            assert (of(sender, dlci)["frames_sent"], of(sender, dlci)["octets_sent"]) == (len(frames), octets)
            assert (of(receiver, dlci)["frames_received"], of(receiver, dlci)["octets_received"]) == (
                len(frames),
                octets,
            )
    assert of(pair.host, 1)["octets_sent"] == 1000
    assert of(pair.host, 2)["octets_received"] == 500


def test_the_session_counts_what_its_channels_count_together() -> None:
    pair = busy_pair()
    for station in (pair.host, pair.module):
        told = stats(station)
        for name in set(COUNTERS) - {"queue_peak"}:
            assert told[name] == sum(one[name] for one in told["dlcs"].values()), name
        assert told["frames_sent"] == len(station.frames())
    assert stats(pair.host)["queue_peak"] == of(pair.host, 1)["queue_peak"] == 1000
    assert stats(pair.host)["control_queue_peak"] >= 1


BAD = [
    (Option.BASIC, "F9 07 EF 05 41 54 00 F9", DropReason.FCS),
    (Option.BASIC, "F9 06 EF 05 41 54 00 F9", DropReason.ADDRESS),
    (Option.BASIC, "F9 07 E0 05 41 54 00 F9", DropReason.CONTROL),
    (Option.BASIC, "F9 07 3F 05 41 54 00 F9", DropReason.LENGTH),
    (Option.BASIC, "F9 07 EF 03 41 54 00 F9", DropReason.NO_CLOSING_FLAG),
    (Option.BASIC, "F9 07 EF FE 7F 41 54 F9", DropReason.TOO_LONG),
    (Option.BASIC, "F9 07 EF C9 41 54 00 F9", DropReason.TRUNCATED),
    (Option.ADVANCED, "7E 07 EF 41 54 00 7E", DropReason.FCS),
    (Option.ADVANCED, "7E 06 EF 41 54 00 7E", DropReason.ADDRESS),
    (Option.ADVANCED, "7E 07 E3 41 54 00 7E", DropReason.CONTROL),
    (Option.ADVANCED, "7E 07 EF 7E", DropReason.LENGTH),
    (Option.ADVANCED, "7E 07 EF 41 54 7D 7E", DropReason.ABORTED),
    (Option.ADVANCED, "7E 07 EF" + 1601 * "41" + "00 7E", DropReason.TOO_LONG),
]


@pytest.mark.clause("5.2.3")
@pytest.mark.parametrize(("option", "octets", "reason"), BAD, ids=lambda one: getattr(one, "name", ""))
@pytest.mark.parametrize("size", [1, 3, 10_000])
def test_a_bad_frame_is_counted_once_and_costs_no_other(
    option: Option, octets: str, reason: DropReason, size: int
) -> None:
    pair = Pair(Config(option=option)).open(1)
    line = bytes.fromhex(octets) + uih(1, b"good", option)
    for start in range(0, len(line), size):
        pair.module.events += pair.module.mux.receive_data(line[start : start + size], pair.now)
    pair.pass_time(1)
    assert [one.reason for one in pair.module.of(FrameDropped)] == [reason]
    assert stats(pair.module)["dropped"] == {reason.value: 1}
    assert pair.module.data(1) == b"good"


def test_what_convergence_layer_2_adds_is_no_data() -> None:
    pair = Pair().start()
    pair.host.mux.negotiate(1, Parameters(n1=31, convergence=2), pair.now)
    pair.open(1)
    pair.host.mux.send(1, bytes(100), pair.now)
    pair.settle()
    assert of(pair.host, 1)["octets_sent"] == of(pair.module, 1)["octets_received"] == 100


@pytest.mark.clause("5.7.3")
def test_retransmissions_are_counted_for_the_channel_whose_frame_is_repeated() -> None:
    pair = Pair().open(1)
    pair.to_module = deaf
    pair.host.mux.open(2, pair.now)
    pair.host.mux.close(1, pair.now)
    pair.host.mux.test(b"?", pair.now)
    pair.pass_time(5)
    told = stats(pair.host)
    assert [told["dlcs"][dlci]["retransmissions"] for dlci in (0, 1, 2)] == [3, 3, 3]
    assert told["retransmissions"] == 9
    assert told["command_retransmissions"] == 3
    (done,) = [one for one in pair.host.of(CommandDone) if one.outcome is Outcome.TIMEOUT]
    assert done.command.name == "Test"


@pytest.mark.clause("5.4.8", "5.4.6.3.6")
def test_stalls_are_counted_for_one_channel_and_for_all() -> None:
    pair = Pair().open(1, 2)
    pair.module.mux.pause_reading(1, pair.now)
    pair.settle()
    assert (of(pair.host, 1)["flow_stalls"], of(pair.host, 2)["flow_stalls"], stats(pair.host)["holds"]) == (1, 0, 0)
    for _ in range(2):
        pair.module.mux.hold_all(pair.now)
        pair.settle()
    assert (stats(pair.host)["holds"], stats(pair.host)["flow_stalls"]) == (1, 2)
    pair.module.mux.release_all(pair.now)
    pair.module.mux.hold_all(pair.now)
    pair.settle()
    assert stats(pair.host)["holds"] == 2


def test_every_octet_that_is_thrown_away_is_counted_where_it_belongs() -> None:
    pair = Pair(Config(option=Option.ADVANCED)).open(1)
    mux = pair.module.mux
    mux.receive_data(uih(5, b"stray", Option.ADVANCED), pair.now)
    assert of(pair.module, 5)["octets_discarded"] == 5
    mux.receive_data(encode(Frame(1, True, FrameType.I, info=b"no error recovery"), Option.ADVANCED), pair.now)
    assert of(pair.module, 1)["octets_discarded"] == 17
    assert stats(pair.module)["frames_ignored"] == 1
    mux.send(1, bytes(100), pair.now)
    mux.discard(1)
    assert of(pair.module, 1)["octets_discarded"] == 117
    assert stats(pair.module)["octets_discarded"] == 122


@pytest.mark.parametrize("octets", [b"\xf9\x07\xef\x65abc", b"\xf9\x07"])
def test_a_partial_frame_that_the_line_ends_in_is_counted(octets: bytes) -> None:
    pair = Pair().open(1)
    pair.module.mux.receive_data(octets, pair.now)
    events = pair.module.mux.line_lost("unplugged", pair.now)
    (dropped,) = [event for event in events if isinstance(event, FrameDropped)]
    assert (dropped.reason, dropped.raw) == (DropReason.TRUNCATED, octets)
    assert stats(pair.module)["dropped"] == {"truncated": 1}
    assert isinstance(events[-1], SessionClosed)


def test_a_frame_behind_a_damaged_length_is_delivered_when_the_line_ends() -> None:
    pair = Pair().open(1)
    pair.module.mux.receive_data(b"\xf9\x07\xef\x65" + uih(1, b"good"), pair.now)
    pair.module.events += pair.module.mux.line_lost("unplugged", pair.now)
    assert pair.module.data(1) == b"good"


class TestUnread:
    """Octets behind the frame that ends a session are for somebody else: nothing of them gets lost."""

    cld = uih(0, b"\xc3\x01")

    def test_is_kept_until_it_is_taken(self) -> None:
        mux = Multiplexer(Role.RESPONDER)
        mux.receive_data(self.cld + b"AT1\r", 0.0)
        mux.receive_data(self.cld + b"AT2\r", 0.0)
        assert mux.take_unread() == b"AT1\rAT2\r"
        assert mux.take_unread() == b""

    def test_is_bounded_and_what_is_more_is_counted(self) -> None:
        mux = Multiplexer(Role.RESPONDER)
        for _ in range(100):
            mux.receive_data(self.cld + b"A" * 1000, 0.0)
        assert mux.take_unread() == b"A" * MAX_UNREAD
        assert mux.stats()["octets_skipped"] == 100_000 - MAX_UNREAD

    @pytest.mark.clause("5.8.1")
    def test_frames_behind_the_sabm_of_a_new_session_belong_to_it(self) -> None:
        """A peer whose answer to our CLD was lost starts anew without waiting: SABM 0, 1, 2 in one read."""
        pair = Pair().open(1)
        pair.to_module = deaf
        mux = pair.module.mux
        mux.shutdown(pair.now)
        mux.data_to_send(pair.now)
        mux.receive_data(b"".join(encode(Frame(dlci, True, FrameType.SABM, True)) for dlci in (0, 1, 2)), pair.now)
        assert mux.session_open
        assert mux.is_open(1)
        assert mux.is_open(2)
        assert mux.take_unread() == b""


def test_looking_at_a_channel_makes_no_record_of_it() -> None:
    mux = Multiplexer()
    for dlci in range(1, 62):
        assert mux.unsent(dlci) == mux.discard(dlci) == 0
        assert not mux.is_open(dlci)
        assert mux.signals(dlci) is None
        assert mux.own_signals(dlci)
        assert mux.parameters(dlci).n1 == 31
    assert set(mux.stats()["dlcs"]) == {0}  # type: ignore[call-overload]


def test_what_is_returned_is_the_callers() -> None:
    pair = Pair().open(1)
    told = stats(pair.host)
    told["dlcs"][1]["frames_sent"] = told["frames_sent"] = -1
    told["dropped"]["fcs"] = 9
    assert of(pair.host, 1)["frames_sent"] > 0
    assert stats(pair.host)["frames_sent"] > 0
    assert stats(pair.host)["dropped"] == {}
