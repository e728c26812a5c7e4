"""What broke other implementations on real lines; each test names the report that it comes from."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from core_pair import Pair, deaf

from cmux.protocol import AdvancedDecoder, BasicDecoder, Config, Frame, FrameType, Multiplexer, Option, Role, encode
from cmux.protocol.commands import MSC, Signals
from cmux.protocol.errors import StateError
from cmux.protocol.events import Closed, CommandDone, DataReceived, Opened, Outcome, SessionClosed, SignalsChanged
from cmux.protocol.messages import encode_message
from cmux.protocol.wire import MessageType


def uih(dlci: int, info: bytes, *, from_host: bool = True) -> bytes:
    return encode(Frame(dlci, from_host, FrameType.UIH, info=info))


@pytest.mark.parametrize("size", [127, 128, 446, 1500])
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


@pytest.mark.parametrize("line", ["7E7D7E", "7E0FEF7E", "7E7E7D", "7D7E", "F9FFFF0080", "F9F9", "F903"])
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


def test_siemens_test_and_psc_forms() -> None:
    """Siemens/Cinterion multiplexer guide v06: PSC with a mode octet, Test "TEMUXVERSION2"."""
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
