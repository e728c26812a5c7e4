"""What a station does with each frame in each state of a DLC, as the peer and the owner see it (27.010 §5.3, §5.4)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from core_pair import Pair, Station, deaf

from cmux.protocol import BasicDecoder, Config, Frame, FrameType, Multiplexer, Role, encode
from cmux.protocol.commands import RPN, Flow, Parity, PortMask, PortSettings, Signals
from cmux.protocol.config import Parameters
from cmux.protocol.dlc_table import State
from cmux.protocol.events import (
    Cause,
    Closed,
    CommandDone,
    DataReceived,
    Event,
    Opened,
    Outcome,
    PortChanged,
    Reestablished,
    SessionClosed,
    SignalsChanged,
)

MSC_STOP = "E3 05 07 8F"


def frame(kind: FrameType, dlci: int = 1, *, pf: bool = True, info: bytes = b"") -> bytes:
    """A frame of the module, C/R as its role has it."""
    return encode(Frame(dlci, kind in (FrameType.UA, FrameType.DM), kind, pf, info))


def message(text: str) -> bytes:
    return encode(Frame(0, False, FrameType.UIH, info=bytes.fromhex(text)))


def sent(mux: Multiplexer, now: float = 0.0) -> list[Frame]:
    return [one for one in BasicDecoder(32767).receive_data(mux.data_to_send(now)) if isinstance(one, Frame)]


def host(state: str, config: Config | None = None) -> Multiplexer:
    """A host with DLCI 1 in a state at time 0, and nothing left to send."""
    mux = Multiplexer(Role.INITIATOR, config or Config(keep_open=state == "PARKED"))
    now = -1.0
    mux.start(now)
    mux.data_to_send(now)
    mux.receive_data(frame(FrameType.UA, 0), now)
    if state == "NEGOTIATING":
        mux.negotiate(1, Parameters(n1=40), now)
    if state != "CLOSED":
        mux.open(1, now)
        mux.data_to_send(now)
    if state not in ("CLOSED", "NEGOTIATING", "OPENING"):
        mux.receive_data(frame(FrameType.UA), now)
        mux.data_to_send(now)
        mux.receive_data(message("E1 05 07 8D"), now)
    if state == "PARKED":
        mux.receive_data(message("E3 05 07 8D"), now)
    if state == "DRAINING":
        mux.receive_data(message(MSC_STOP), now)
        mux.send(1, b"late", now)
    if state not in ("CLOSED", "NEGOTIATING", "OPENING", "OPEN"):
        mux.close(1, now)
    if state.startswith("CLEARING"):  # the peer misses DISC, N2 times, then is heard again
        while mux.data_to_send(now):
            now += mux.config.t1
            mux.handle_timeout(now)
        mux.receive_data(message("21 01"), now)
    if state in ("REOPENING", "CLEARING_FIRST"):
        mux.open(1, now)
    mux.data_to_send(now)
    mux.handle_timeout(now)
    assert mux._session.dlc(1).state.value == state
    return mux


PEER, LOCAL, REFUSED = Cause.PEER, Cause.LOCAL, Cause.REFUSED
SABM, UA, DM, DISC, UIH = FrameType.SABM, FrameType.UA, FrameType.DM, FrameType.DISC, FrameType.UIH

TABLE: list[tuple[str, FrameType, list[FrameType], str, type[Event] | Cause | None]] = [
    ("CLOSED", SABM, [UA, UIH], "OPEN", Opened),
    ("CLOSED", DISC, [DM], "CLOSED", None),
    ("CLOSED", UA, [], "CLOSED", None),
    ("CLOSED", DM, [], "CLOSED", None),
    ("CLOSED", UIH, [DM], "CLOSED", None),
    ("OPENING", SABM, [UA, UIH], "OPEN", Opened),
    ("OPENING", DISC, [DM], "OPENING", None),
    ("OPENING", UA, [UIH], "OPEN", Opened),
    ("OPENING", DM, [], "CLOSED", REFUSED),
    ("OPENING", UIH, [], "OPENING", None),
    ("OPEN", SABM, [UA, UIH], "OPEN", Reestablished),
    ("OPEN", DISC, [UA], "CLOSED", PEER),
    ("OPEN", UA, [], "OPEN", None),
    ("OPEN", DM, [], "CLOSED", PEER),
    ("OPEN", UIH, [], "OPEN", DataReceived),
    ("DRAINING", SABM, [UA, UIH, UIH, DISC], "CLOSING", Reestablished),
    ("DRAINING", DISC, [UA], "CLOSED", PEER),
    ("DRAINING", UA, [], "DRAINING", None),
    ("DRAINING", DM, [], "CLOSED", PEER),
    ("DRAINING", UIH, [], "DRAINING", DataReceived),
    ("CLOSING", SABM, [DM], "CLOSING", None),
    ("CLOSING", DISC, [UA], "CLOSED", LOCAL),
    ("CLOSING", UA, [], "CLOSED", LOCAL),
    ("CLOSING", DM, [], "CLOSED", LOCAL),
    ("CLOSING", UIH, [], "CLOSING", None),
    ("NEGOTIATING", SABM, [UA, UIH], "OPEN", Opened),
    ("NEGOTIATING", DISC, [DM], "NEGOTIATING", None),
    ("NEGOTIATING", UA, [], "NEGOTIATING", None),
    ("NEGOTIATING", DM, [], "NEGOTIATING", None),
    ("NEGOTIATING", UIH, [DM], "NEGOTIATING", None),
    ("PARKED", SABM, [UA, UIH], "PARKED", None),
    ("PARKED", DISC, [UA], "CLOSED", None),
    ("PARKED", UA, [], "PARKED", None),
    ("PARKED", DM, [], "CLOSED", None),
    ("PARKED", UIH, [], "PARKED", None),
    ("REOPENING", SABM, [DM], "REOPENING", None),
    ("REOPENING", DISC, [UA, SABM], "OPENING", LOCAL),
    ("REOPENING", UA, [SABM], "OPENING", LOCAL),
    ("REOPENING", DM, [SABM], "OPENING", LOCAL),
    ("REOPENING", UIH, [], "REOPENING", None),
    ("CLEARING", SABM, [DM], "CLEARING", None),
    ("CLEARING", DISC, [UA], "CLOSED", None),
    ("CLEARING", UA, [], "CLOSED", None),
    ("CLEARING", DM, [], "CLOSED", None),
    ("CLEARING", UIH, [], "CLEARING", None),
    ("CLEARING_FIRST", SABM, [DM], "CLEARING_FIRST", None),
    ("CLEARING_FIRST", DISC, [UA, SABM], "OPENING", None),
    ("CLEARING_FIRST", UA, [SABM], "OPENING", None),
    ("CLEARING_FIRST", DM, [SABM], "OPENING", None),
    ("CLEARING_FIRST", UIH, [], "CLEARING_FIRST", None),
]


@pytest.mark.clause("5.3.1", "5.3.3", "5.3.4")
@pytest.mark.parametrize(("state", "kind", "answers", "after", "told"), TABLE, ids=lambda one: str(one))
def test_each_frame_in_each_state(
    state: str, kind: FrameType, answers: list[FrameType], after: str, told: type[Event] | Cause | None
) -> None:
    mux = host(state)
    before = mux.stats()
    events = mux.receive_data(frame(kind, info=b"x" if kind is UIH else b""), 0)
    assert [one.type for one in sent(mux)] == answers
    assert mux._session.dlc(1).state.value == after
    if isinstance(told, Cause):
        (event,) = events
        assert isinstance(event, Closed)
        assert event.cause is told
    else:
        assert [type(event) for event in events] == ([told] if told else [])
    lost = kind is UIH and told is None
    discarded = 4 if state == "DRAINING" and after == "CLOSED" else int(lost)
    assert mux.stats()["octets_discarded"] == before["octets_discarded"] + discarded  # type: ignore[operator]


CALLS: dict[str, Callable[[Multiplexer], object]] = {
    "open": lambda mux: mux.open(1, 0),
    "close": lambda mux: mux.close(1, 0),
    "close now": lambda mux: mux.close(1, 0, drain=False),
    "shut down": lambda mux: mux.shutdown(0),
}

OWNER: list[tuple[str, str, list[FrameType], str, list[type[Event] | Cause]]] = [
    ("CLOSED", "open", [SABM], "OPENING", []),
    ("CLOSED", "close", [], "CLOSED", []),
    ("CLOSED", "shut down", [UIH], "CLOSED", []),
    ("NEGOTIATING", "open", [], "NEGOTIATING", []),
    ("NEGOTIATING", "close", [], "CLOSED", [LOCAL]),
    ("NEGOTIATING", "shut down", [UIH], "CLOSED", [LOCAL]),
    ("OPENING", "open", [], "OPENING", []),
    ("OPENING", "close", [DISC], "CLOSING", []),
    ("OPENING", "shut down", [DISC], "CLOSING", []),
    ("OPEN", "open", [], "OPEN", []),
    ("OPEN", "close", [DISC], "CLOSING", []),
    ("OPEN", "shut down", [DISC], "CLOSING", []),
    ("DRAINING", "open", [], "OPEN", [Opened]),
    ("DRAINING", "close", [], "DRAINING", []),
    ("DRAINING", "close now", [DISC], "CLOSING", []),
    ("DRAINING", "shut down", [DISC], "CLOSING", []),
    ("PARKED", "open", [], "OPEN", [Opened, SignalsChanged]),
    ("PARKED", "close", [], "PARKED", []),
    ("PARKED", "close now", [], "PARKED", []),
    ("PARKED", "shut down", [DISC], "CLEARING", []),
    ("CLOSING", "open", [], "REOPENING", []),
    ("CLOSING", "close", [], "CLOSING", []),
    ("CLOSING", "shut down", [], "CLOSING", []),
    ("REOPENING", "open", [], "REOPENING", []),
    ("REOPENING", "close", [], "CLOSING", []),
    ("REOPENING", "shut down", [], "CLOSING", []),
    ("CLEARING", "open", [], "CLEARING_FIRST", []),
    ("CLEARING", "close", [], "CLEARING", []),
    ("CLEARING", "shut down", [], "CLEARING", []),
    ("CLEARING_FIRST", "open", [], "CLEARING_FIRST", []),
    ("CLEARING_FIRST", "close", [], "CLEARING", [LOCAL]),
    ("CLEARING_FIRST", "close now", [], "CLEARING", [LOCAL]),
    ("CLEARING_FIRST", "shut down", [], "CLEARING", [LOCAL]),
]


def about_dlci_1(events: list[Event]) -> list[type[Event] | Cause]:
    """Of its events the kind; of `Closed` the cause."""
    of_it = [event for event in events if getattr(event, "dlci", None) == 1]
    return [event.cause if isinstance(event, Closed) else type(event) for event in of_it]


@pytest.mark.clause("5.4.1", "5.4.2", "5.8.2")
@pytest.mark.parametrize(("state", "call", "frames", "after", "told"), OWNER, ids=lambda one: str(one))
def test_each_call_of_the_owner_in_each_state(
    state: str, call: str, frames: list[FrameType], after: str, told: list[type[Event] | Cause]
) -> None:
    mux = host(state)
    CALLS[call](mux)
    assert [one.type for one in sent(mux)] == frames
    assert mux._session.dlc(1).state.value == after
    assert about_dlci_1(mux.handle_timeout(0)) == told


@pytest.mark.parametrize("state", State)
def test_who_has_a_channel_or_waits_for_one_is_told_that_the_line_is_lost_and_nobody_else(state: State) -> None:
    told = state not in (State.CLOSED, State.PARKED, State.CLEARING)
    mux = host(state)
    assert about_dlci_1(mux.line_lost("unplugged", 0)) == [Cause.LINE_LOST] * told
    assert mux._session.dlc(1).state is State.CLOSED


def test_a_session_that_begins_right_after_the_line_was_lost_hears_the_first_answer() -> None:
    """The SABM from before is not answered any more: nothing is under way on a new line."""
    mux = Multiplexer(Role.INITIATOR)
    mux.start(0)
    mux.data_to_send(0)
    mux.line_lost("unplugged", 0)
    mux.start(0.01)
    mux.data_to_send(0.01)
    mux.receive_data(frame(UA, 0), 0.02)
    assert mux.session_open


def test_a_parked_channel_with_signals_to_say_is_closed_for_its_owner_already() -> None:
    mux = Multiplexer(Role.INITIATOR, Config(keep_open=True))
    mux.start(0)
    mux.data_to_send(0)
    mux.receive_data(frame(UA, 0), 0)
    mux.receive_data(message("83 11 01 10 07 0A 1F 00 03 02"), 0)
    mux.receive_data(frame(SABM), 0)
    mux.data_to_send(0)
    mux.close(1, 0)
    assert about_dlci_1(mux.handle_timeout(0)) == [LOCAL]
    mux.set_signals(1, Signals(ic=True), 0)  # by a frame of convergence layer 2
    mux.close(1, 0)
    assert [one.info for one in sent(mux)] == [b"\xcd"]
    assert about_dlci_1(mux.handle_timeout(0)) == []
    assert mux._session.dlc(1).state is State.PARKED


@pytest.mark.parametrize("pf", [True, False])
@pytest.mark.parametrize(("kind", "answer"), [(SABM, UA), (DISC, DM)])
def test_the_answer_has_the_poll_bit_of_its_command(kind: FrameType, answer: FrameType, pf: bool) -> None:
    mux = host("CLOSED")
    mux.receive_data(frame(kind, pf=pf), 0)
    first = sent(mux)[0]
    assert (first.type, first.pf) == (answer, pf)


def test_no_channel_is_opened_while_the_session_is_shut_down() -> None:
    mux = host("OPEN")
    mux.shutdown(0)
    mux.data_to_send(0)
    mux.receive_data(frame(SABM, 2), 0)
    assert [one.type for one in sent(mux)] == [DM]


def test_what_waited_to_be_sent_does_not_leave_after_the_end() -> None:
    mux = host("OPEN")
    mux.test(b"x", 0)
    mux.line_lost("unplugged", 0)
    assert mux.data_to_send(0) == b""


def test_the_rest_of_a_frame_from_before_is_not_taken_for_the_beginning_of_one() -> None:
    mux = host("OPEN")
    mux.receive_data(frame(UIH, info=bytes(range(20)))[:12], 0)
    mux.line_lost("unplugged", 0)
    mux.start(1)
    events = mux.receive_data(frame(FrameType.UA, 0), 1)
    assert mux.session_open, events


def test_a_flag_from_before_the_line_was_lost_opens_no_frame() -> None:
    mux = host("OPEN")
    mux.receive_data(b"\xf9", 0)
    mux.line_lost("unplugged", 0)
    mux.start(1)
    mux.receive_data(frame(FrameType.UA, 0)[1:], 1)
    assert not mux.session_open


@pytest.mark.clause("5.4.1")
def test_a_repeated_sabm_on_dlci_0_ends_no_opening_of_ours() -> None:
    """A module that opens a channel at once, and a host whose T1 runs out before UA is there."""
    pair = Pair()
    pair.host.mux.start(pair.now)
    first = pair.host.mux.data_to_send(pair.now)
    pair.module.mux.receive_data(first, pair.now)
    pair.module.mux.open(1, pair.now)
    answer = pair.module.mux.data_to_send(pair.now)
    pair.now += pair.host.mux.config.t1
    pair.host.mux.handle_timeout(pair.now)
    again = pair.host.mux.data_to_send(pair.now)
    assert again == first
    pair.host.events += pair.host.mux.receive_data(answer, pair.now)
    pair.module.events += pair.module.mux.receive_data(again, pair.now)
    pair.settle()
    assert pair.host.mux.is_open(1)
    assert pair.module.mux.is_open(1)
    assert pair.module.of(Closed) == []


@pytest.mark.clause("5.4.1")
def test_what_we_open_is_opened_with_a_peer_that_started_anew_before_it_said_anything() -> None:
    pair = Pair()
    pair.host.mux.start(pair.now)
    pair.module.mux.receive_data(pair.host.mux.data_to_send(pair.now), pair.now)
    pair.module.mux.open(1, pair.now)
    pair.module.mux.data_to_send(pair.now)  # to a host that is no more
    pair.host = Station(Role.INITIATOR, pair.host.mux.config)
    pair.start()
    pair.pass_time(1)
    assert pair.host.mux.is_open(1)
    assert pair.module.mux.is_open(1)


def test_dm_on_dlci_0_of_an_open_session_is_no_adm() -> None:
    mux = host("OPEN", Config(adm=True))
    mux.receive_data(frame(DM, 0), 0)
    mux.set_signals(1, Signals(ic=True), 0)
    assert [one.info[:1] for one in sent(mux)] == [b"\xe3"]  # the control channel is there


class TestSaidOnceMore:
    """What the peer may have missed is said again as soon as it can be heard."""

    def missed(self, say: Callable[[Pair], None]) -> Pair:
        pair = Pair().open(1)
        pair.to_module = deaf
        say(pair)
        pair.pass_time(3)
        pair.to_module = lambda octets: octets
        pair.module.mux.send(1, b"still here", pair.now)
        pair.pass_time(1)
        return pair

    def test_fcon(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.hold_all(pair.now)
        pair.settle()
        pair.to_module = deaf
        pair.host.mux.release_all(pair.now)
        pair.pass_time(3)
        pair.to_module = lambda octets: octets
        pair.module.mux.test(b"still here", pair.now)
        pair.module.mux.send(1, b"at last", pair.now)
        pair.settle()
        assert pair.host.data(1) == b"at last"

    def test_signals(self) -> None:
        pair = self.missed(lambda pair: pair.host.mux.set_signals(1, Signals(ic=True), pair.now))
        assert pair.module.mux.signals(1) == Signals(ic=True)

    def test_a_closing(self) -> None:
        pair = self.missed(lambda pair: pair.host.mux.close(1, pair.now))
        assert not pair.module.mux.is_open(1)


class TestCommands:
    @pytest.mark.clause("5.7.5")
    def test_t2_runs_from_when_the_command_leaves(self) -> None:
        mux = host("CLOSED")
        mux.test(b"x", 0)
        assert mux.next_timeout() is None
        mux.handle_timeout(10)
        assert len(sent(mux, 10)) == 1
        assert mux.next_timeout() == 10 + mux.config.t2

    def test_an_answer_about_another_channel_is_none(self) -> None:
        mux = host("CLOSED")
        mux.negotiate(1, Parameters(n1=40), 0)
        mux.data_to_send(0)
        mux.receive_data(message("81 11 02 00 07 0A 28 00 03 02"), 0)
        assert mux.stats()["control_ignored"] == 1

    def test_an_echo_of_signals_that_differs_is_asked_again_n2_times(self) -> None:
        mux = host("OPEN")
        mux.set_signals(1, Signals(ic=True), 0)
        asked = 0
        events: list[Event] = []
        while sent(mux) and asked < 10:
            asked += 1
            events += mux.receive_data(message("E1 05 07 0D"), 0)
        assert asked == mux.config.n2 + 1
        assert [event.outcome for event in events if isinstance(event, CommandDone)] == [Outcome.ANSWERED]

    def test_a_break_is_not_replaced_by_the_signals_behind_it(self) -> None:
        mux = host("OPEN")
        mux.set_signals(1, Signals(ic=True), 0)  # is out
        mux.send_break(1, 0.4, 0)
        mux.set_signals(1, Signals(), 0)
        said = []
        while frames := sent(mux):
            said.append(frames[0].info[2:].hex())
            mux.receive_data(message("E1" + frames[0].info.hex()[2:]), 0)
        assert said == ["07cd", "07cc23", "078d"]

    @pytest.mark.clause("5.4.6.3.1")
    def test_pn_is_answered_with_the_peers_own_t1_and_n2(self) -> None:
        mux = host("CLOSED")
        mux.receive_data(message("83 11 05 00 07 21 1F 00 09 02"), 0)
        (answer,) = sent(mux)
        assert answer.info.hex(" ") == "81 11 05 00 07 21 1f 00 09 02"

    @pytest.mark.clause("5.4.6.3.9")
    @pytest.mark.parametrize(
        ("mask", "expected"),
        [
            (PortMask.XON, PortSettings(xon=0x21)),
            (PortMask.XOFF, PortSettings(xoff=0x23)),
            (PortMask.BAUDRATE, PortSettings(baudrate=115200)),
            (PortMask.DATA_BITS, PortSettings(data_bits=7)),
            (PortMask.STOP_BITS, PortSettings(stop_bits=1.5)),
            (PortMask.PARITY | PortMask.PARITY_TYPE, PortSettings(parity=Parity.EVEN)),
            (PortMask(0x0100), PortSettings(flow=Flow.XONXOFF_IN)),
            (PortMask(0), PortSettings()),
        ],
    )
    def test_rpn_changes_what_its_mask_names(self, mask: PortMask, expected: PortSettings) -> None:
        mux = host("OPEN")
        wanted = PortSettings(115200, 7, 1.5, Parity.EVEN, Flow.XONXOFF_IN | Flow.RTR_IN, 0x21, 0x23)
        events = mux.receive_data(message("93 11" + RPN(1, wanted, mask).value().hex()), 0)
        assert [event.settings for event in events if isinstance(event, PortChanged)] == [expected]


class TestLayer2:
    def station(self) -> Multiplexer:
        mux = host("CLOSED")
        mux.negotiate(1, Parameters(n1=31, convergence=2), 0)
        mux.data_to_send(0)
        mux.receive_data(message("81 11 01 10 07 0A 1F 00 03 02"), 0)
        mux.open(1, 0)
        mux.data_to_send(0)
        mux.receive_data(frame(UA), 0)
        mux.data_to_send(0)
        return mux

    def test_no_data_leave_while_the_peer_says_stop_but_our_signals_do(self) -> None:
        mux = self.station()
        mux.receive_data(frame(UIH, info=b"\x8f"), 0)
        mux.send(1, b"data", 0)
        assert sent(mux) == []
        mux.set_signals(1, Signals(ic=True), 0)
        assert [one.info for one in sent(mux)] == [b"\xcd"]
        mux.receive_data(frame(UIH, info=b"\x8d"), 0)
        assert [one.info for one in sent(mux)] == [b"\xcddata"]


def test_signals_of_a_channel_that_is_closed_are_not_told() -> None:
    mux = host("CLOSED")
    events = mux.receive_data(message(MSC_STOP), 0)
    assert not [event for event in events if isinstance(event, SignalsChanged)]
    assert mux.signals(1) is None
    assert not [event for event in events if isinstance(event, SessionClosed)]
