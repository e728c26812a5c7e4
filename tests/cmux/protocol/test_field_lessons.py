"""What broke other implementations on real lines; each test names the report that it comes from."""

from __future__ import annotations

import ast
from collections.abc import Callable
from itertools import pairwise, product
from pathlib import Path

import pytest
from core_pair import Pair, deaf
from syntax_trees import tree
from vector_table import GOOD, MISPRINTED

import cmux.protocol
from cmux.protocol import (
    AdvancedDecoder,
    BasicDecoder,
    Config,
    Frame,
    FrameType,
    Multiplexer,
    Option,
    Role,
    bounds,
    encode,
)
from cmux.protocol.commands import MSC, Signals
from cmux.protocol.config import KeepAlive, Parameters
from cmux.protocol.errors import ConfigError, StateError
from cmux.protocol.events import (
    Closed,
    CommandDone,
    DataReceived,
    DropReason,
    FrameDropped,
    Opened,
    Outcome,
    SessionClosed,
    SessionOpened,
    SignalsChanged,
)
from cmux.protocol.messages import encode_message
from cmux.protocol.pacing import Pacer
from cmux.protocol.wire import MessageType

both_options = pytest.mark.parametrize("option", list(Option))


def uih(dlci: int, info: bytes, *, from_host: bool = True) -> bytes:
    return encode(Frame(dlci, from_host, FrameType.UIH, info=info))


@pytest.mark.parametrize("size", [127, 128, 256, 446, 1500])
def test_long_frames_cut_at_every_position(size: int) -> None:
    """esp-protocols #46, zephyr #67062: two-octet lengths."""
    frame = Frame(1, True, FrameType.UIH, info=bytes(index & 0xFF for index in range(size)))
    line = encode(frame)
    for at in range(len(line)):
        one = BasicDecoder()
        assert [*one.receive_data(line[:at]), *one.receive_data(line[at:])] == [frame]


def test_four_flags_and_uih_with_the_poll_bit() -> None:
    """esp-protocols #789 (SIM7600)."""
    pair = Pair().open(1)
    line = b"\xf9" * 4 + encode(Frame(1, False, FrameType.UIH, True, b"RDY"))
    (event,) = pair.host.mux.receive_data(line, pair.now)
    assert event == DataReceived(1, b"RDY")


def test_an_abort_does_not_merge_two_frames() -> None:
    """gsm0710muxd, gsmMuxd: the FCS of UIH covers the header only, so the merged frame passed."""
    items = AdvancedDecoder().receive_data(bytes.fromhex("7E07EF127D7E07EF123456057E"))
    assert [item.info for item in items if isinstance(item, Frame)] == [bytes.fromhex("123456")]


@pytest.mark.parametrize("line", ["7E7D7E", "7E0F7E", "7E0FEF7E", "7E7E7D", "7D7E", "F9FFFF0080", "F9F9", "F903"])
@pytest.mark.parametrize("decoder", [BasicDecoder, AdvancedDecoder])
def test_input_that_read_out_of_bounds_elsewhere(line: str, decoder: type[BasicDecoder]) -> None:
    """ofono gsm0710.c, libgsm0710."""
    one = decoder()
    good = encode(Frame(1, True, FrameType.UIH, info=b"AT"), one.option)
    found = one.receive_data(bytes.fromhex(line) + good * 200)
    found += [item for _, item in one.finish()]
    assert sum(isinstance(item, Frame) for item in found) >= 199


def test_sabm_waits_for_a_slow_module() -> None:
    """zephyr #38652 (EC21): T1 and N2 are parameters."""
    pair = Pair(Config(t1=0.5, n2=9))
    pair.to_module = deaf
    pair.host.mux.start(pair.now)
    pair.pass_time(4.4)
    pair.to_module = lambda octets: octets
    pair.pass_time(0.2)
    assert pair.host.mux.session_open


@pytest.mark.parametrize(("first", "second"), list(product(["open", "close", "shutdown"], repeat=2)))
def test_any_call_in_any_state_and_no_news_after_the_end(first: str, second: str) -> None:
    """zephyr #74708, #52885: cancelling is allowed in every state; nothing is told after it is over."""
    pair = Pair().start()
    mux = pair.host.mux
    calls = {
        "open": lambda: mux.open(1, pair.now),
        "close": lambda: mux.close(1, pair.now),
        "shutdown": lambda: mux.shutdown(pair.now),
    }
    for name in (first, second, first):
        try:
            calls[name]()
        except StateError:
            assert name == "open"
    pair.pass_time(5)
    for events in (pair.host.events, pair.module.events):
        told = [event for event in events if isinstance(event, (Opened, Closed)) and event.dlci == 1]
        assert all(type(one) is not type(other) for one, other in pairwise(told))
        if any(isinstance(event, SessionClosed) for event in events):
            assert isinstance(events[-1], SessionClosed)


@pytest.mark.parametrize("answer", [FrameType.UA, FrameType.DM, None])
def test_giving_up_while_a_channel_opens_ends_with_one_closed(answer: FrameType | None) -> None:
    """zephyr #74708: released while it was being opened; the module may have opened it, so DISC goes out."""
    pair = Pair().start()
    pair.to_host = deaf
    mux = pair.host.mux
    mux.open(1, pair.now)
    pair.settle()
    mux.close(1, pair.now)
    pair.settle()
    assert not pair.module.mux.is_open(1)
    if answer is not None:
        pair.host.events += mux.receive_data(encode(Frame(1, True, answer, True)), pair.now)
    pair.pass_time(2)
    assert len(pair.host.of(Closed)) == 1
    assert pair.host.of(Opened) == []
    assert mux.next_timeout() is None


def test_ua_twice_late_and_among_other_frames() -> None:
    """esp-protocols #669, #140: URCs before UA, UA again, UA and MSC in one read."""
    mux = Multiplexer(Role.INITIATOR)
    ua = encode(Frame(0, True, FrameType.UA, True))
    mux.start(0.0)
    mux.data_to_send(0.0)
    mux.receive_data(b"\r\nQCRDY\r\n" + ua + ua, 0.0)
    mux.open(1, 0.0)
    mux.data_to_send(0.0)
    line = ua + encode(Frame(1, True, FrameType.UA, True)) + uih(0, b"\xe3\x05\x07\x0d", from_host=False)
    events = mux.receive_data(line + encode(Frame(1, True, FrameType.UA, True)), 0.0)
    assert [type(event) for event in events] == [Opened, SignalsChanged]


def test_a_module_that_opens_channels_with_the_hosts_bit() -> None:
    """esp-protocols #507 (Cavli C16QS): SABM from the module with C/R = 1."""
    pair = Pair().start()
    events = pair.host.mux.receive_data(bytes.fromhex("F9 07 3F 01 DE F9"), pair.now)
    assert events == [Opened(1, by_peer=True)]


def test_flow_state_is_forgotten_when_a_channel_opens_again() -> None:
    """Particle gsm0710muxer 535930c."""
    pair = Pair().open(1)
    pair.module.mux.pause_reading(1, pair.now)
    pair.settle()
    pair.host.mux.close(1, pair.now)
    pair.settle()
    pair.open(1)
    pair.host.mux.send(1, b"x", pair.now)
    pair.settle()
    assert pair.module.data(1) == b"x"


@pytest.mark.parametrize("cr", [True, False])
def test_data_and_messages_with_either_command_bit(cr: bool) -> None:
    """zephyr #63577, #96617 (ME910, BG95): right on sending, not looked at on receiving."""
    pair = Pair().open(1)
    line = encode(Frame(0, cr, FrameType.UIH, info=b"\x23\x03A")) + encode(Frame(1, cr, FrameType.UIH, info=b"x"))
    pair.module.events += pair.module.mux.receive_data(line, pair.now)
    assert pair.module.data(1) == b"x"
    (answer,) = BasicDecoder().receive_data(pair.module.mux.data_to_send(pair.now))
    assert isinstance(answer, Frame)
    assert (answer.cr, answer.info) == (False, b"\x21\x03A")


def test_a_module_that_says_nothing_of_its_signals_after_ua_is_not_taken_for_stopped() -> None:
    """Particle gsm0710muxer 535930c, and a SIMCom A7672 that sends no MSC: FC = 1 of the last connection is over."""
    pair = Pair().open(1)
    mux = pair.host.mux
    mux.receive_data(uih(0, b"\xe3\x05\x07\x8f", from_host=False), pair.now)
    mux.close(1, pair.now)
    mux.receive_data(encode(Frame(1, True, FrameType.UA, True)), pair.now)
    mux.open(1, pair.now)
    mux.receive_data(encode(Frame(1, True, FrameType.UA, True)), pair.now)
    mux.data_to_send(pair.now)
    mux.send(1, b"flows", pair.now)
    assert mux.data_to_send(pair.now) == uih(1, b"flows")


def test_a_stall_or_discard_touches_no_other_octets() -> None:
    """ubxlib #163."""
    pair = Pair().open(1, 2)
    pair.module.mux.pause_reading(1, pair.now)
    pair.settle()
    pair.host.mux.send(1, bytes(500), pair.now)
    pair.host.mux.send(2, b"untouched", pair.now)
    pair.host.mux.discard(1)
    pair.settle()
    pair.module.mux.resume_reading(1, pair.now)
    pair.host.mux.send(1, b"new", pair.now)
    pair.settle()
    assert (pair.module.data(1), pair.module.data(2)) == (b"new", b"untouched")


def test_one_msc_for_each_change_of_signals() -> None:
    """zephyr #98644: a flood of MSC."""
    pair = Pair().open(1)
    pair.host.line.clear()
    for _ in range(10):
        pair.host.mux.pause_reading(1, pair.now)
    pair.settle()
    assert len(pair.host.frames()) == 1
    for stop in (False, True) * 50:  # only the latest state matters while an answer is awaited
        (pair.host.mux.pause_reading if stop else pair.host.mux.resume_reading)(1, pair.now)
    pair.settle()
    assert len(pair.host.frames()) <= 3
    assert pair.module.mux.signals(1) == Signals(fc=True)


def test_dm_is_taken_by_its_type_and_not_by_its_command_bit() -> None:
    """Linux n_gsm: DM with the bit of the standard was ignored, so that a refusal looked like a time-out."""
    for cr in (True, False):
        pair = Pair().start()
        pair.to_module = deaf
        pair.host.mux.open(4, pair.now)
        pair.settle()
        (event,) = pair.host.mux.receive_data(encode(Frame(4, cr, FrameType.DM, True)), pair.now)
        assert isinstance(event, Closed)


def test_constants_that_were_wrong_for_years_elsewhere() -> None:
    """DM 04 (Particle), Test answer 41 (libgsm0710), Test 43 (ofono)."""
    assert FrameType.DM == 0x0F
    types = {kind.name: f"{kind << 2 | 3:02X}" for kind in MessageType}
    assert types == {
        "PN": "83",
        "PSC": "43",
        "CLD": "C3",
        "TEST": "23",
        "FCON": "A3",
        "FCOFF": "63",
        "MSC": "E3",
        "NSC": "13",
        "RPN": "93",
        "RLS": "53",
        "SNC": "D3",
    }
    assert encode_message(MSC(1, Signals()), command=True)[1] == 0x05  # two octets, not 03


@pytest.mark.parametrize("dlci", range(64))
def test_a_dlci_from_the_line_is_data(dlci: int) -> None:
    """gsmMuxd, gsm0710muxd, NuttX: it indexed an array."""
    pair = Pair().start()
    address = dlci << 2 | 3
    for info in (
        bytes((0xE3, 0x05, address, 0x8D)),
        bytes((0x93, 0x03, address)),
        bytes((0x53, 0x05, address, 0x03)),
        bytes((0xD3, 0x03, address)),
        bytes((0x83, 0x11, dlci, 0, 7, 10, 31, 0, 3, 2)),
    ):
        pair.module.mux.receive_data(uih(0, info), pair.now)
        assert pair.module.mux.data_to_send(pair.now)
    pair.module.mux.receive_data(uih(dlci, b"?") if dlci else b"", pair.now)


def test_a_test_that_asks_for_a_version_is_a_test() -> None:
    """Siemens/Cinterion multiplexer guide v06: Test "TEMUXVERSION2" asks for its version 2."""
    pair = Pair().start()
    pair.module.mux.receive_data(uih(0, b"\x23\x1bTEMUXVERSION2"), pair.now)
    assert b"\x21\x1bTEMUXVERSION2" in pair.module.mux.data_to_send(pair.now)


def test_eight_flags_and_cld_close_from_any_state() -> None:
    """Nordic's scripts for a module that was left in multiplexer mode."""
    for opened in (False, True):
        pair = Pair()
        if opened:
            pair.open(1)
        events = pair.module.mux.receive_data(b"\xf9" * 8 + bytes.fromhex("F9 03 EF 05 C3 01 F2 F9"), pair.now)
        assert isinstance(events[-1], SessionClosed)
        assert b"\xc1\x01" in pair.module.mux.data_to_send(pair.now)


def test_a_peer_that_answers_fcoff_only_after_fcon() -> None:
    """Linux n_gsm: its mute includes the answer itself; nobody may wait for it."""
    pair = Pair().open(1)
    pair.to_module = deaf
    pair.host.mux.hold_all(pair.now)
    pair.pass_time(3)
    pair.to_module = lambda octets: octets
    pair.host.mux.release_all(pair.now)
    pair.settle()
    assert [done.outcome for done in pair.host.of(CommandDone)][-2:] == [Outcome.TIMEOUT, Outcome.ANSWERED]


def test_msc_for_a_channel_that_was_just_closed_is_answered() -> None:
    """Linux n_gsm sends one after the UA to its DISC."""
    pair = Pair().open(1)
    pair.host.mux.close(1, pair.now)
    pair.settle()
    pair.module.mux.receive_data(uih(0, b"\xe3\x05\x07\x81"), pair.now)
    assert b"\xe1\x05\x07\x81" in pair.module.mux.data_to_send(pair.now)


def test_disc_again_after_its_ua_is_answered_with_dm() -> None:
    """gsm0710muxd repeats DISC after UA, and sends a control octet C3 on DLCI 0."""
    pair = Pair(Config(option=Option.ADVANCED)).open(1)
    disc = encode(Frame(1, True, FrameType.DISC, True), Option.ADVANCED)
    pair.module.mux.receive_data(disc, pair.now)
    pair.module.mux.data_to_send(pair.now)
    pair.module.mux.receive_data(disc + bytes.fromhex("7E 03 C3 00 7E"), pair.now)
    assert pair.module.mux.data_to_send(pair.now) == encode(Frame(1, True, FrameType.DM, True), Option.ADVANCED)
    assert pair.module.mux.session_open


def test_two_flags_a_frame_and_none_between() -> None:
    """Linux n_gsm: one shared or one extra flag costs it frames."""
    pair = Pair().open(1)
    pair.host.mux.send(1, b"\x00" * 100, pair.now)
    octets = pair.host.mux.data_to_send(pair.now)
    for frame in BasicDecoder().receive_data(octets):
        assert isinstance(frame, Frame)
        line = encode(frame)
        assert octets.startswith(line)
        octets = octets[len(line) :]
    assert octets == b""


# --- Framing ------------------------------------------------------------------------------------------------------


@both_options
@pytest.mark.parametrize("first", [0x29, 0xC9, ord("l")])
def test_a_lost_octet_costs_its_own_frame_and_nothing_behind_it(option: Option, first: int) -> None:
    """zephyr #81053, esp-protocols #799: a length octet was lost, and good frames with it; DLCI 0 goes on working.

    The first octet of the data is taken for the length then: 20, 100 (more than comes), or one of two octets.
    """
    line = encode(Frame(1, True, FrameType.UIH, info=bytes((first,)) + b"ost"), option)
    good = encode(Frame(1, True, FrameType.UIH, info=b"good"), option)
    question = encode(Frame(0, True, FrameType.UIH, info=b"\x23\x03?"), option)
    for at in range(len(line)):
        pair = Pair(Config(option=option)).open(1)
        mux = pair.module.mux
        pair.module.events += mux.receive_data(line[:at] + line[at + 1 :] + good * 3 + question, pair.now)
        pair.now += mux.config.frame_gap
        pair.module.events += mux.handle_timeout(pair.now)
        assert pair.module.data(1).endswith(b"good" * 3)
        assert b"\x21\x03?" in mux.data_to_send(pair.now)
        assert mux.session_open


@both_options
@pytest.mark.parametrize("before", [b"", b"\x00\xff", b"\r\nRDY\r\n" * 10, b"\x07\xef\x06"])
def test_one_flag_is_enough_to_go_on_after_whatever_was_wrong(option: Option, before: bytes) -> None:
    """zephyr #66171: it waited for F9 F9 F9, which modems never send, before it took frames again."""
    good = Frame(1, True, FrameType.UIH, info=b"good")
    line = encode(good, option)
    bad = line[:-2] + bytes((line[-2] ^ 1,)) + line[-1:]
    decoder = BasicDecoder() if option is Option.BASIC else AdvancedDecoder()
    found: list[object] = []
    for part in (before, line, before, bad, before, line, before, line):
        found += decoder.receive_data(part)
    assert [item for item in found if isinstance(item, Frame)] == [good] * 3


@both_options
@pytest.mark.parametrize("flags", [1, 2, 3, 4])
def test_thirty_frames_in_a_row_with_any_number_of_flags_between_them(option: Option, flags: int) -> None:
    """Linux n_gsm: one shared flag, or one too many, cost it every second frame or all of them."""
    frames = [Frame(2, True, FrameType.UIH, info=bytes((index,)) * 5) for index in range(30)]
    flag = encode(frames[0], option)[:1]
    line = flag * flags + b"".join(encode(frame, option)[1:-1] + flag * flags for frame in frames)
    decoder = BasicDecoder() if option is Option.BASIC else AdvancedDecoder()
    assert decoder.receive_data(line) == frames


@pytest.mark.parametrize(("option", "octets", "row"), GOOD + MISPRINTED)
def test_the_vectors_agree_with_a_second_implementation_of_the_fcs(option: Option, octets: bytes, row: dict) -> None:
    """esp_modem: frames in its own tests had a wrong FCS, and passed. This one is annex B, bit by bit."""
    body = octets[1:-1]
    if option is Option.ADVANCED:
        escaped = iter(body)
        body = bytes(next(escaped) ^ 0x20 if octet == 0x7D else octet for octet in escaped)
    info = bytes.fromhex(row["info"])
    covered = body[:-1] if row["type"].startswith(("UI", "I")) and row["type"] != "UIH" else body[: -1 - len(info)]
    remainder = 0xFF
    for octet in covered:
        remainder ^= octet
        for _ in range(8):
            remainder = remainder >> 1 ^ (0xE0 if remainder & 1 else 0)
    assert (body[-1] == 0xFF - remainder) == row["fcs_ok"]


class _Counting(bytes):
    """Octets that count how many of them were copied out of them, and out of what they were joined to."""

    copied = 0

    def __radd__(self, other: bytes) -> _Counting:
        return _Counting(bytes(other) + bytes(self))

    def __getitem__(self, index: object) -> object:
        part = super().__getitem__(index)  # type: ignore[index]
        if isinstance(part, bytes):
            _Counting.copied += len(part)
            return _Counting(part)
        return part


@pytest.mark.pure("it counts what is cut out of octets that count, and compiled code does not ask them")
@both_options
def test_an_octet_is_copied_a_few_times_however_many_come_in_one_read(option: Option) -> None:
    """zephyr #114033: octets were copied from buffer to buffer. Taking the rest along for each frame costs the most."""
    line = encode(Frame(1, True, FrameType.UIH, info=bytes(range(100))), option) * 300
    decoder = BasicDecoder() if option is Option.BASIC else AdvancedDecoder()
    _Counting.copied = 0
    assert len(decoder.receive_data(_Counting(line))) == 300
    assert 300 * 100 <= _Counting.copied < 4 * len(line)


def test_bad_frames_end_no_session_however_many_and_each_is_told_with_its_reason() -> None:
    """OVMS3 #350: framing errors led to a reset of the modem. What to make of them is the owner's decision."""
    pair = Pair().open(1)
    line = uih(1, b"AT")
    bad = line[:-2] + bytes((line[-2] ^ 1,)) + line[-1:]
    events = pair.module.mux.receive_data(bad * 1000, pair.now)
    assert [(type(event), event.reason) for event in events] == [(FrameDropped, DropReason.FCS)] * 1000
    assert pair.module.mux.stats()["dropped"] == {"fcs": 1000}
    pair.host.mux.send(1, b"still here", pair.now)
    pair.settle()
    assert pair.module.data(1) == b"still here"


def test_sending_between_two_octets_of_a_frame_loses_none_of_it() -> None:
    """at-cmux: a read was cancelled by a write, and what it had read was gone."""
    pair = Pair().open(1)
    for octet in uih(1, b"whole"):
        pair.module.events += pair.module.mux.receive_data(bytes((octet,)), pair.now)
        pair.module.mux.send(1, b"x", pair.now)
        assert pair.module.mux.data_to_send(pair.now)
    assert pair.module.data(1) == b"whole"


@both_options
def test_another_option_at_any_octet_begins_with_a_clean_decoder(option: Option) -> None:
    """CVE-2024-36016: the option changed between header and data, and the rest was stored beyond the buffer."""
    other = Option.ADVANCED if option is Option.BASIC else Option.BASIC
    line = encode(Frame(1, True, FrameType.UIH, info=b"\xf9\x7e cut"), option)
    hello = encode(Frame(0, True, FrameType.SABM, True), other)
    for at in range(len(line)):
        mux = Multiplexer(Role.RESPONDER, Config(option=option))
        mux.receive_data(line[:at], 0.0)
        mux.reconfigure(Config(option=other))
        assert mux.receive_data(hello, 0.0) == [SessionOpened(by_peer=True)]
        assert mux.next_timeout() is None


# --- Opening, closing, restarting ---------------------------------------------------------------------------------

ENDINGS: dict[str, Callable[[Pair], None]] = {
    "refused": lambda pair: _hear(pair, Frame(0, True, FrameType.DM, True)),
    "never answered": lambda pair: None,
    "line lost": lambda pair: pair.host.events.extend(pair.host.mux.line_lost("unplugged", pair.now)),
    "CLD of the peer": lambda pair: _hear(pair, Frame(0, False, FrameType.UIH, info=b"\xc3\x01")),
    "DISC of the peer": lambda pair: _hear(pair, Frame(0, False, FrameType.DISC, True)),
    "shut down": lambda pair: pair.host.mux.shutdown(pair.now),
}
"""How a session of the host can end, from the moment when nobody answers it any more."""


def _hear(pair: Pair, frame: Frame) -> None:
    pair.host.events += pair.host.mux.receive_data(encode(frame), pair.now)


def _ended(ending: str) -> Pair:
    """A pair whose host was busy with everything when its session ended."""
    pair = Pair()
    if ending not in ("refused", "never answered"):
        pair.open(1, 2)
    pair.to_module = pair.to_host = deaf
    mux = pair.host.mux
    if mux.session_open:
        mux.send(1, bytes(1000), pair.now)
        mux.negotiate(3, Parameters(n1=64), pair.now)
        mux.open(3, pair.now)
        mux.close(2, pair.now)
        mux.test(b"?", pair.now)
        mux.pause_reading(1, pair.now)
        mux.data_to_send(pair.now)
        mux.send(1, bytes(1000), pair.now)
        mux.open(4, pair.now)
        mux.line_status(1, pair.now)
    else:
        mux.start(pair.now)
        mux.data_to_send(pair.now)
    pair.host.line.clear()
    ENDINGS[ending](pair)
    pair.pass_time(10)
    return pair


@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_is_left_of_a_session_that_ended(ending: str) -> None:
    """CVE-2024-50073: queues outlived their multiplexer. Closed is a state here; no timer, no octet stays behind."""
    pair = _ended(ending)
    mux = pair.host.mux
    assert isinstance(pair.host.events[-1], SessionClosed)
    assert len(pair.host.of(SessionClosed)) == 1
    assert not mux.session_open
    assert mux.next_timeout() is None
    assert mux.data_to_send(pair.now) == b""
    assert [mux.unsent(dlci) for dlci in (1, 2, 3, 4)] == [0, 0, 0, 0]
    closed = [event.dlci for event in pair.host.of(Closed)]
    assert sorted(closed) == ([] if ending in ("refused", "never answered") else [1, 2, 3, 4])
    if ending in ("refused", "line lost"):
        assert pair.host.line == []
    assert not [frame for frame in pair.host.frames() if frame.dlci and frame.type is FrameType.UIH]


@pytest.mark.parametrize("end", ["close", "shutdown", "line lost", "the peer starts anew"])
def test_an_opening_that_waits_for_pn_is_told_closed_when_it_comes_to_nothing(end: str) -> None:
    """zephyr #74708, #111332: whoever waits for `Opened` or `Closed` must get one of them."""
    pair = Pair().start()
    pair.to_module = deaf
    mux = pair.host.mux
    mux.negotiate(1, Parameters(n1=64), pair.now)
    mux.open(1, pair.now)
    pair.settle()
    calls: dict[str, Callable[[], object]] = {
        "close": lambda: mux.close(1, pair.now),
        "shutdown": lambda: mux.shutdown(pair.now),
        "line lost": lambda: pair.host.events.extend(mux.line_lost("unplugged", pair.now)),
        "the peer starts anew": lambda: _hear(pair, Frame(0, False, FrameType.SABM, True)),
    }
    calls[end]()
    pair.pass_time(5)
    assert [event.dlci for event in pair.host.of(Closed)] == [1]
    assert pair.host.of(Opened) == []
    assert not mux.is_open(1)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_session_can_be_started_again_however_the_last_one_ended(ending: str) -> None:
    """zephyr #52885, #111332: after a stop, or a failed attempt, it could not be started again."""
    pair = _ended(ending)
    pair.to_module = pair.to_host = lambda octets: octets
    pair.host.events.clear()
    pair.open(1, 2, 3)
    assert [event.dlci for event in pair.host.of(Opened)] == [1, 2, 3]
    for dlci in (1, 2, 3):
        pair.host.mux.send(dlci, b"again", pair.now)
        pair.module.mux.send(dlci, b"here", pair.now)
    pair.settle()
    assert [pair.host.data(dlci) for dlci in (1, 2, 3)] == [b"here"] * 3
    assert [pair.module.data(dlci)[-5:] for dlci in (1, 2, 3)] == [b"again"] * 3


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_comes_after_the_end_is_no_news(ending: str) -> None:
    """esp-protocols 010041824: octets that came late found what was freed already."""
    pair = _ended(ending)
    mux = pair.host.mux
    late = [
        Frame(1, False, FrameType.UIH, info=b"late"),
        Frame(0, False, FrameType.UIH, info=b"\xe3\x05\x07\x8d\x21\x03?"),
        Frame(0, True, FrameType.UA, True),
        Frame(1, True, FrameType.UA, True),
        Frame(2, True, FrameType.DM, True),
    ]
    before = mux.stats()["octets_discarded"]
    assert mux.receive_data(b"".join(map(encode, late)), pair.now) == []
    assert mux.handle_timeout(pair.now) == []
    assert not mux.session_open
    assert mux.stats()["octets_discarded"] == before + 4 + 7  # type: ignore[operator]
    answers = BasicDecoder().receive_data(mux.data_to_send(pair.now))
    assert {item.type for item in answers if isinstance(item, Frame)} == {FrameType.DM}


def test_the_answer_to_cld_may_have_the_poll_bit() -> None:
    """esp-protocols #103 (BG96): control octet FF and not EF in the answer to the close-down."""
    pair = Pair().open(1)
    mux = pair.host.mux
    pair.to_host = lambda octets: b"" if b"\xc1\x01" in octets else octets
    mux.shutdown(pair.now)
    pair.settle()
    assert pair.host.of(SessionClosed) == []
    events = mux.receive_data(encode(Frame(0, False, FrameType.UIH, True, b"\xc1\x01")), pair.now)
    assert [type(event) for event in events] == [SessionClosed]


def test_a_sabm_of_the_module_is_answered_with_ua_and_then_msc() -> None:
    """esp-protocols #507 (Cavli C16QS): it opens its channels itself and waits for our signals."""
    pair = Pair().start()
    pair.host.mux.receive_data(bytes.fromhex("F9 07 3F 01 DE F9"), pair.now)
    first, second = BasicDecoder().receive_data(pair.host.mux.data_to_send(pair.now))
    assert first == Frame(1, False, FrameType.UA, True)
    assert second == Frame(0, True, FrameType.UIH, info=b"\xe3\x05\x07\x8d")


@pytest.mark.parametrize("how", ["a new session", "the peer starts anew"])
def test_what_was_suspended_flows_again_after_a_restart(how: str) -> None:
    """Particle gsm0710muxer 0ad3730: the module was restarted while a channel was held."""
    pair = Pair().open(1)
    pair.module.mux.pause_reading(1, pair.now)
    pair.module.mux.hold_all(pair.now)
    pair.settle()
    if how == "a new session":
        for station in (pair.host, pair.module):
            station.events += station.mux.line_lost("power cycle", pair.now)
        pair.open(1)
    else:
        pair.module.mux.line_lost("power cycle", pair.now)
        pair.module.mux.start(pair.now)
        pair.settle()
        pair.module.mux.open(1, pair.now)
        pair.settle()
    pair.host.mux.send(1, b"flows", pair.now)
    pair.settle()
    assert pair.module.data(1) == b"flows"


@pytest.mark.parametrize("state", ["opening", "open", "closing"])
def test_parameters_change_only_while_no_session_is_open(state: str) -> None:
    """CVE-2023-6546: two callers changed the parameters of a running multiplexer at once."""
    pair = Pair() if state == "opening" else Pair().open(1)
    pair.to_module = deaf
    mux = pair.host.mux
    if state == "opening":
        mux.start(pair.now)
    elif state == "closing":
        mux.shutdown(pair.now)
    with pytest.raises(StateError, match="close it first"):
        mux.reconfigure(Config(option=Option.ADVANCED))
    mux.line_lost("over", pair.now)
    mux.reconfigure(Config(option=Option.ADVANCED))
    assert mux.config.option is Option.ADVANCED


# --- Control channel, flow control, power --------------------------------------------------------------------------


def test_the_cr_bit_of_every_frame_follows_from_role_and_type() -> None:
    """zephyr #96617, Linux stable 2022: which station began decides, in one place (27.010 table 1)."""
    pair = Pair()
    pair.module.mux.refuse(9)
    pair.host.mux.refuse(9)
    pair.open(1, 2, 9)
    pair.module.mux.open(3, pair.now)
    pair.module.mux.open(9, pair.now)
    pair.host.mux.close(1, pair.now)
    pair.module.mux.close(2, pair.now)
    for station in (pair.host, pair.module):
        station.mux.test(b"?", pair.now)
    pair.settle()
    for station in (pair.host, pair.module):
        station.mux.send(3, b"x", pair.now)
    pair.settle()
    told = {
        (station is pair.host, frame.type, frame.cr)
        for station in (pair.host, pair.module)
        for frame in station.frames()
    }
    commands = {FrameType.SABM, FrameType.DISC, FrameType.UIH}
    assert told == {
        (host, kind, host == (kind in commands))
        for host in (True, False)
        for kind in commands | {FrameType.UA, FrameType.DM}
    }


@both_options
@pytest.mark.parametrize("stop", ["FC", "RTR", "FCoff"])
def test_stop_takes_effect_before_the_next_frame_and_go_lets_everything_out(option: Option, stop: str) -> None:
    """zephyr #26981, Linux f4f7d6328721: a module that is sent more after it said stop halts or restarts."""
    pair = Pair(Config(option=option)).open(1, 2)
    host, module = pair.host.mux, pair.module.mux
    for dlci in (1, 2):
        host.send(dlci, bytes(range(200)), pair.now)
    begun = host.data_to_send(pair.now, limit=0)  # one frame is out already
    pair.module.events += module.receive_data(begun, pair.now)
    calls = {
        "FC": (lambda: module.pause_reading(1, pair.now), lambda: module.resume_reading(1, pair.now)),
        "RTR": (
            lambda: module.set_signals(1, Signals(rtr=False), pair.now),
            lambda: module.set_signals(1, Signals(), pair.now),
        ),
        "FCoff": (lambda: module.hold_all(pair.now), lambda: module.release_all(pair.now)),
    }
    held, let_go = calls[stop]
    held()
    pair.host.events += host.receive_data(module.data_to_send(pair.now), pair.now)
    pair.settle()
    assert pair.module.data(1) == bytes(range(host.config.n1))  # what was out already, and no octet more
    assert pair.module.data(2) == (b"" if stop == "FCoff" else bytes(range(200)))
    let_go()
    pair.settle()
    assert pair.module.data(1) == pair.module.data(2) == bytes(range(200))


def test_answers_leave_while_the_peer_holds_all_channels() -> None:
    """Linux n_gsm: FCoff muted its acknowledgements, too, so the other side gave the session up."""
    pair = Pair().open(1)
    host = pair.host.mux
    host.receive_data(uih(0, b"\x63\x01", from_host=False), pair.now)
    host.data_to_send(pair.now)
    for frame, answer in (
        (Frame(5, False, FrameType.SABM, True), Frame(5, False, FrameType.UA, True)),
        (Frame(5, False, FrameType.DISC, True), Frame(5, False, FrameType.UA, True)),
        (Frame(6, False, FrameType.DISC, True), Frame(6, False, FrameType.DM, True)),
        (
            Frame(0, False, FrameType.UIH, info=b"\xe3\x05\x07\x0d"),
            Frame(0, True, FrameType.UIH, info=b"\xe1\x05\x07\x0d"),
        ),
    ):
        host.receive_data(encode(frame), pair.now)
        assert host.data_to_send(pair.now).startswith(encode(answer))


def test_octets_for_a_closed_channel_touch_no_neighbour() -> None:
    """ubxlib #163: discarding what nobody read took octets of other channels along."""
    pair = Pair().open(1, 2)
    line = b"".join(uih(dlci, bytes((dlci, index))) for index in range(20) for dlci in (1, 7, 2))
    pair.module.events += pair.module.mux.receive_data(line, pair.now)
    for dlci in (1, 2):
        assert pair.module.data(dlci) == b"".join(bytes((dlci, index)) for index in range(20))
    assert pair.module.mux.stats()["octets_discarded"] == 40


def test_an_msc_that_is_never_answered_holds_nothing_up() -> None:
    """CVE-2025-40071: waiting for the answer to MSC blocked the reading that would have brought it."""
    pair = Pair()
    pair.to_host = lambda octets: b"".join(
        encode(frame)
        for frame in BasicDecoder().receive_data(octets)
        if isinstance(frame, Frame) and not frame.info.startswith(b"\xe1")
    )
    pair.open(1, 2)
    pair.host.mux.test(b"?", pair.now)
    for dlci in (1, 2):
        pair.host.mux.send(dlci, b"out", pair.now)
        pair.module.mux.send(dlci, b"in", pair.now)
    pair.settle()
    assert [(pair.module.data(dlci), pair.host.data(dlci)) for dlci in (1, 2)] == [(b"out", b"in")] * 2
    assert [done.outcome for done in pair.host.of(CommandDone)] == [Outcome.ANSWERED]  # the Test
    pair.pass_time(3)
    assert pair.host.mux.session_open


@pytest.mark.parametrize("kind", MessageType)
@pytest.mark.parametrize("command", [True, False])
def test_a_control_message_of_any_length_about_any_dlci_harms_nothing(kind: MessageType, command: bool) -> None:
    """at-cmux: messages without a length octet, MSC for DLCI 0 and more than 24 octets of it ended in a panic."""
    octet = kind << 2 | command << 1 | 1
    values = [b"", b"\x03", b"\x03\x8d", b"\x07", b"\x07\x8c", b"\xff" * 25, b"\x07\x8d" + bytes(200)]
    infos = [bytes((octet,)), *(bytes((octet, len(value) << 1 & 0xFF | (len(value) < 128))) + (
        bytes((len(value) >> 7,)) if len(value) > 127 else b""
    ) + value for value in values)]  # fmt: skip
    for info in infos:
        pair = Pair().open(1)
        pair.module.events += pair.module.mux.receive_data(uih(0, info), pair.now)
        pair.module.mux.data_to_send(pair.now)
        if kind is MessageType.CLD and command:
            assert isinstance(pair.module.events[-1], SessionClosed)
            continue
        pair.module.events += pair.module.mux.receive_data(uih(0, b"\x23\x03?") + uih(1, b"x"), pair.now)
        assert b"\x21\x03?" in pair.module.mux.data_to_send(pair.now)
        assert pair.module.data(1) == b"x"


@pytest.mark.parametrize(("option", "layer"), list(product(Option, (1, 2))))
def test_signals_cross_with_every_option_and_convergence_layer(option: Option, layer: int) -> None:
    """Linux c19ffe00fed6: it sends MSC with the basic option only."""
    pair = Pair(Config(option=option)).start()
    pair.host.mux.negotiate(1, Parameters(n1=64, convergence=layer), pair.now)
    pair.open(1)
    for station, other in ((pair.host, pair.module), (pair.module, pair.host)):
        station.mux.set_signals(1, Signals(rtc=False, ic=True), pair.now)
        pair.settle()
        assert other.mux.signals(1) == Signals(rtc=False, ic=True)
        station.mux.send_break(1, 0.4, pair.now)
        pair.settle()
        assert [event.break_length for event in other.of(SignalsChanged)][-1] == 0.4


def test_psc_with_a_mode_is_answered_and_a_success_octet_permits_sleep() -> None:
    """Siemens/Cinterion multiplexer guide v06: P1 to P4 in the command, 1 in the response."""
    for mode in range(1, 5):
        pair = Pair().open(1)
        pair.module.mux.receive_data(uih(0, bytes((0x43, 0x03, mode))), pair.now)
        assert bytes((0x41, 0x03, mode)) in pair.module.mux.data_to_send(pair.now)
        assert pair.module.mux.stats()["power"] == "ASLEEP"
    pair = Pair().open(1)
    pair.to_module = deaf
    pair.host.mux.sleep(pair.now)
    pair.settle()
    pair.host.mux.receive_data(uih(0, b"\x41\x03\x01", from_host=False), pair.now)
    pair.settle()
    assert pair.host.mux.stats()["power"] == "ASLEEP"


def test_a_module_that_leaves_test_unanswered_is_asked_by_msc() -> None:
    """Particle gsm0710muxer 0446a31."""
    pair = Pair(Config(keep_alive=KeepAlive.MSC, keep_alive_interval=5), Config()).open(2, 3)
    pair.to_module = lambda octets: b"" if b"\x23" in octets else octets
    pair.host.line.clear()
    pair.pass_time(60)
    assert pair.host.mux.session_open
    assert {frame.info for frame in pair.host.frames()} == {b"\xe3\x05\x0b\x8d"}  # about DLCI 2, and nothing new


def test_another_keep_alive_interval_holds_from_the_next_session_on() -> None:
    """Particle gsm0710muxer f549cb5: its timer went on with the old period."""
    pair = Pair(Config(keep_alive=KeepAlive.TEST, keep_alive_interval=30), Config()).open(1)
    pair.pass_time(1)
    pair.host.mux.shutdown(pair.now)
    pair.settle()
    pair.host.mux.reconfigure(Config(keep_alive=KeepAlive.TEST, keep_alive_interval=5))
    pair.start()
    pair.host.line.clear()
    pair.pass_time(4.9)
    assert pair.host.line == []
    pair.pass_time(0.2)
    (question,) = pair.host.frames()
    assert question.info.startswith(b"\x23")


def test_the_core_has_no_lock_no_thread_no_wait_and_no_clock() -> None:
    """Linux n_gsm: reference counts, dead-locks of close and open with the line discipline (6ab8fba7fcb0, others)."""
    forbidden = {"asyncio", "concurrent", "multiprocessing", "os", "queue", "select", "selectors", "serial", "signal"}
    forbidden |= {"socket", "subprocess", "threading", "time"}
    modules = list(Path(cmux.protocol.__file__).parent.glob("*.py"))
    assert len(modules) > 15
    for path in modules:
        for node in ast.walk(tree(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names.append(node.module or "")
            assert not {name.partition(".")[0] for name in names} & forbidden, path
            assert not isinstance(node, (ast.Await, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith)), path


def test_water_marks_leave_room_between_them() -> None:
    """zephyr #108915: a threshold beyond the buffer was never reached, and the channel stayed stopped."""
    assert 0 < bounds.RECEIVE_LOW < bounds.RECEIVE_HIGH < bounds.RECEIVE_LIMIT
    config = Config()
    assert config.queue_low < config.queue_high
    for low, high in ((100, 100), (101, 100), (100, 99)):
        with pytest.raises(ConfigError, match="queue_low"):
            Config(n1=31, queue_low=low, queue_high=high)


def test_a_paced_line_never_has_more_than_two_frames_ahead() -> None:
    """zephyr #26981: heavy traffic makes a SIM7600E restart; a keystroke would queue behind all of it, too."""
    pair = Pair().open(1)
    mux, frame = pair.host.mux, 31 + 7
    pacer = Pacer(3800, 31)  # ten frames a second
    mux.send(1, bytes(310), pair.now)
    now, waiting, sent = pair.now, 0.0, 0
    while sent < 10 * frame - 10 and now < pair.now + 5:  # 37 octets a frame, with one length octet
        if pacer.next_at(now) is None:
            octets = mux.data_to_send(now, pacer.limit)
            pacer.gave(len(octets), now)
            waiting += len(octets)
            sent += len(octets)
        assert waiting <= 3 * frame
        now += 0.01
        waiting = max(0.0, waiting - 3.8)
    assert 0.6 < now - pair.now < 1.1
