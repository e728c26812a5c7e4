"""Convergence layers 1 and 2, UI frames for data, and the advanced option end to end (27.010 §5.5, §5.3.6)."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from core_pair import Pair, deaf
from hypothesis import given
from hypothesis import strategies as st

from cmux.protocol import (
    AdvancedDecoder,
    BasicDecoder,
    Config,
    Frame,
    FrameType,
    Multiplexer,
    Option,
    Role,
    encode,
)
from cmux.protocol.cause import CLOSED_HERE
from cmux.protocol.commands import Signals, build_status, split_status
from cmux.protocol.config import Parameters
from cmux.protocol.errors import ConfigError, StateError
from cmux.protocol.events import (
    Cause,
    Closed,
    CommandDone,
    DataReceived,
    Opened,
    Outcome,
    SessionClosed,
    SessionOpened,
    SignalsChanged,
)

both_options = pytest.mark.parametrize("option", list(Option))


def layer_2(option: Option = Option.ADVANCED, **more: object) -> Pair:
    pair = Pair(Config(option=option)).start()
    pair.host.mux.negotiate(1, Parameters(n1=64, convergence=2, **more), pair.now)  # type: ignore[arg-type]
    return pair.open(1)


class TestLayer2:
    @both_options
    @pytest.mark.clause("5.5.2")
    def test_every_frame_begins_with_the_signals(self, option: Option) -> None:
        pair = layer_2(option)
        pair.host.line.clear()
        pair.host.mux.send(1, bytes(100), pair.now)
        pair.settle()
        assert [frame.info for frame in pair.host.frames()] == [b"\x8d" + bytes(63), b"\x8d" + bytes(37)]
        assert pair.module.data(1) == bytes(100)

    @both_options
    @pytest.mark.clause("5.5.2")
    def test_signals_and_break_cross_without_msc(self, option: Option) -> None:
        pair = layer_2(option)
        pair.host.line.clear()
        pair.host.mux.set_signals(1, Signals(rtc=False), pair.now)
        pair.host.mux.send_break(1, 0.6, pair.now)
        pair.settle()
        assert {frame.dlci for frame in pair.host.frames()} == {1}
        assert pair.module.of(SignalsChanged)[-2:] == [
            SignalsChanged(1, Signals(rtc=False), None),
            SignalsChanged(1, Signals(rtc=False), 0.6),
        ]

    @pytest.mark.clause("5.4.8")
    def test_flow_control_in_the_status_octet_is_obeyed(self) -> None:
        pair = layer_2()
        pair.module.mux.pause_reading(1, pair.now)
        pair.settle()
        pair.host.mux.send(1, b"later", pair.now)
        pair.settle()
        assert pair.module.data(1) == b""
        pair.module.mux.resume_reading(1, pair.now)
        pair.settle()
        assert pair.module.data(1) == b"later"

    def test_breaks_that_nobody_takes_do_not_pile_up(self) -> None:
        pair = layer_2()
        for _ in range(1000):
            pair.host.mux.send_break(1, 0.2, pair.now)
        assert len(pair.host.mux._session.dlc(1).status_due) <= 16
        assert pair.host.mux.stats()["control_overflow"] == 984

    def test_frame_without_a_whole_status_is_counted(self) -> None:
        pair = layer_2()
        for info in (b"", b"\x8c"):
            pair.module.mux.receive_data(encode(Frame(1, True, FrameType.UIH, info=info), Option.ADVANCED), pair.now)
        assert pair.module.mux.stats()["control_malformed"] == 2

    @given(st.binary(max_size=20))
    def test_no_status_raises(self, info: bytes) -> None:
        parts = split_status(info)
        assert parts is None or info.endswith(parts[2])

    def test_status_there_and_back(self) -> None:
        signals = Signals(fc=True, rtc=False, ic=True)
        assert split_status(build_status(signals, 1.0) + b"data") == (signals, 1.0, b"data")
        assert split_status(build_status(signals) + b"data") == (signals, None, b"data")


@both_options
@pytest.mark.clause("5.3.6", "5.2.1.6")
def test_ui_frames_carry_data_and_their_fcs_covers_it(option: Option) -> None:
    pair = Pair(Config(option=option)).start()
    pair.host.mux.negotiate(1, Parameters(n1=64, frame_type=FrameType.UI), pair.now)
    pair.open(1)
    pair.host.mux.send(1, b"precious", pair.now)
    octets = bytearray(pair.host.mux.data_to_send(pair.now))
    octets[octets.index(b"precious")] ^= 0x01
    events = pair.module.mux.receive_data(bytes(octets), pair.now)
    assert not [event for event in events if isinstance(event, DataReceived)]
    assert pair.module.mux.stats()["dropped"] == {"fcs": 1}
    pair.host.mux.send(1, b"precious", pair.now)
    pair.settle()
    assert pair.module.data(1) == b"precious"
    assert {frame.type for frame in pair.host.frames() if frame.dlci == 1} == {FrameType.SABM, FrameType.UI}


@pytest.mark.clause("5.3.5", "5.2.1.6")
@both_options
def test_damage_in_the_information_field_of_uih_is_delivered(option: Option) -> None:
    """27.010 §5.2.1.6: the FCS of UIH does not reach the information field. What runs on a channel has to check."""
    pair = Pair(Config(option=option)).open(1)
    pair.host.mux.send(1, b"precious", pair.now)
    octets = bytearray(pair.host.mux.data_to_send(pair.now))
    octets[octets.index(b"precious")] ^= 0x01
    (event,) = pair.module.mux.receive_data(bytes(octets), pair.now)
    assert event == DataReceived(1, b"qrecious")


@pytest.mark.clause("5.2.1.6")
@pytest.mark.parametrize(
    ("option", "n1", "kind", "percent"),
    [
        (Option.BASIC, 31, FrameType.UIH, 84),
        (Option.BASIC, 127, FrameType.UIH, 95),
        (Option.ADVANCED, 64, FrameType.UIH, 92),
        (Option.BASIC, 31, FrameType.UI, 0),
    ],
)
def test_how_often_one_damaged_octet_is_delivered(option: Option, n1: int, kind: FrameType, percent: int) -> None:
    """Any octet of a frame damaged in any way: these are the figures of docs/protocol.md."""
    frame = Frame(1, True, kind, info=bytes(0x41 + place % 26 for place in range(n1)))
    octets = encode(frame, option)
    delivered = 0
    for place, mask in product(range(len(octets)), range(1, 256)):
        damaged = octets[:place] + bytes((octets[place] ^ mask,)) + octets[place + 1 :]
        decoder = BasicDecoder() if option is Option.BASIC else AdvancedDecoder()
        items = decoder.receive_data(damaged)
        delivered += any(isinstance(one, Frame) and (one.dlci, len(one.info)) == (1, n1) for one in items)
        assert frame not in items
    assert round(100 * delivered / (255 * len(octets))) == percent
    assert not percent or f"{percent} %" in (Path(__file__).parents[3] / "docs" / "protocol.md").read_text("utf-8")


@pytest.mark.clause("5.4.6", "5.3.6")
def test_ui_for_all_channels_is_a_setting_and_holds_for_the_control_channel() -> None:
    pair = Pair(Config(frame_type=FrameType.UI)).open(1)
    pair.host.mux.send(1, b"x", pair.now)
    pair.host.mux.test(b"y", pair.now)
    pair.settle()
    for station in (pair.host, pair.module):
        assert {frame.type for frame in station.frames() if frame.info} == {FrameType.UI}
    assert pair.module.data(1) == b"x"
    assert pair.host.of(CommandDone)[-1].outcome is Outcome.ANSWERED
    with pytest.raises(ConfigError, match="frame_type"):
        Config(frame_type=FrameType.I)


class TestAdvancedOption:
    @pytest.mark.clause("5.2.7.1", "5.2.7.3")
    @pytest.mark.parametrize("dlci", [1, 4, 36, 61])
    def test_every_octet_crosses_on_every_channel(self, dlci: int) -> None:
        pair = Pair(Config(option=Option.ADVANCED)).open(dlci)
        pair.host.mux.send(dlci, bytes(range(256)), pair.now)
        pair.module.mux.send(dlci, bytes(range(256)), pair.now)
        pair.settle()
        assert pair.module.data(dlci) == pair.host.data(dlci) == bytes(range(256))
        line = b"".join(pair.host.line + pair.module.line)
        assert not set(line) & {0x11, 0x13, 0x91, 0x93}

    def test_bare_xon_and_xoff_are_dropped_where_they_are_in_use(self) -> None:
        frame = encode(Frame(1, True, FrameType.UIH, info=b"ab"), Option.ADVANCED)
        noisy = frame[:3] + b"\x13" + frame[3:4] + b"\x91" + frame[4:]
        for xonxoff, wanted in ((True, b"ab"), (False, b"\x13a\x91b")):
            pair = Pair(Config(option=Option.ADVANCED, xonxoff=xonxoff)).open(1)
            (event,) = pair.module.mux.receive_data(noisy, pair.now)
            assert event == DataReceived(1, wanted)

    def test_switching_the_option_resets_the_decoder(self) -> None:
        mux = Multiplexer(Role.RESPONDER)
        mux.receive_data(bytes.fromhex("F9 07 EF 65 7E 7E"), 0.0)
        mux.reconfigure(Config(option=Option.ADVANCED))
        mux.receive_data(encode(Frame(0, True, FrameType.SABM, True), Option.ADVANCED), 0.0)
        assert mux.session_open
        with pytest.raises(StateError, match="open session"):
            mux.reconfigure(Config())

    @given(st.binary(max_size=60), st.binary(max_size=60))
    def test_any_switch_at_any_octet_leaves_a_clean_decoder(self, before: bytes, after: bytes) -> None:
        mux = Multiplexer(Role.RESPONDER)
        mux.receive_data(b"\xf9" + before, 0.0)
        if mux.session_open:
            mux.line_lost("switch", 0.0)
        mux.reconfigure(Config(option=Option.ADVANCED))
        frame = encode(Frame(0, True, FrameType.SABM, True), Option.ADVANCED)
        assert SessionOpened(by_peer=True) in mux.receive_data(b"\x7e" + frame, 0.0)
        mux.receive_data(after, 0.0)


class TestAdm:
    """Some modems answer DM on DLCI 0 and serve data channels all the same."""

    def adm(self) -> Pair:
        pair = Pair(Config(adm=True), Config()).start()
        return pair

    def test_dm_on_dlci_0_opens_a_session_without_control_channel(self) -> None:
        mux = Multiplexer(Role.INITIATOR, Config(adm=True))
        mux.start(0.0)
        mux.data_to_send(0.0)
        assert mux.receive_data(encode(Frame(0, True, FrameType.DM, True)), 0.0) == [SessionOpened(by_peer=False)]
        mux.open(1, 0.0)
        assert mux.data_to_send(0.0) == encode(Frame(1, True, FrameType.SABM, True))
        assert mux.receive_data(encode(Frame(1, True, FrameType.UA, True)), 0.0) == [Opened(1, by_peer=False)]
        assert mux.data_to_send(0.0) == b""  # no MSC: there is nobody on DLCI 0
        mux.send(1, b"x", 0.0)
        assert mux.data_to_send(0.0) == encode(Frame(1, True, FrameType.UIH, info=b"x"))
        mux.shutdown(0.0)
        assert mux.data_to_send(0.0) == encode(Frame(1, True, FrameType.DISC, True))
        events = mux.receive_data(encode(Frame(1, True, FrameType.UA, True)), 0.0)
        assert events == [Closed(1, Cause.LOCAL, "closed"), SessionClosed(Cause.LOCAL, CLOSED_HERE)]

    def test_a_peer_with_a_control_channel_is_used_as_ever(self) -> None:
        pair = Pair(Config(adm=True), Config()).open(1)
        assert pair.host.of(SignalsChanged)

    def test_without_the_setting_dm_refuses_the_session(self) -> None:
        pair = Pair()
        pair.to_host = lambda octets: encode(Frame(0, True, FrameType.DM, True))
        pair.start()
        assert pair.host.of(SessionClosed)[0].cause is Cause.REFUSED


def test_statistics_count_each_class_of_bad_frame_and_stall() -> None:
    pair = Pair().open(1)
    good = encode(Frame(1, True, FrameType.UIH, info=b"AT"))
    mux = pair.module.mux
    mux.receive_data(good[:-2] + bytes((good[-2] ^ 1,)) + good[-1:], pair.now)
    mux.receive_data(bytes.fromhex("F9 02 EF 03 41 00 F9"), pair.now)
    mux.receive_data(bytes.fromhex("F9 03 E0 03 41 00 F9"), pair.now)
    assert mux.stats()["dropped"] == {"fcs": 1, "address": 1, "control": 1}
    pair.module.mux.pause_reading(1, pair.now)
    pair.settle()
    pair.host.mux.send(1, bytes(500), pair.now)
    told = pair.host.mux.stats()["dlcs"][1]  # type: ignore[index]
    assert (told["flow_stalls"], told["queue_peak"]) == (1, 500)
    pair.to_module = deaf
    pair.host.mux.open(2, pair.now)
    pair.pass_time(1)
    assert pair.host.mux.stats()["retransmissions"] == 3
