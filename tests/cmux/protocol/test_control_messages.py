"""Every message of the control channel, as command and as response, in both directions (27.010 §5.4.6.3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from core_pair import Pair, Station, deaf

from cmux.protocol import Config, Frame, FrameType, Multiplexer, Option, Role, commands, encode
from cmux.protocol.commands import (
    MSC,
    PN,
    PSC,
    RLS,
    RPN,
    SNC,
    Command,
    FCoff,
    FCon,
    Flow,
    Parity,
    PortMask,
    PortSettings,
    Signals,
)
from cmux.protocol.config import Parameters
from cmux.protocol.errors import ConfigError, FrameError, InvalidDlci, StateError
from cmux.protocol.events import (
    CommandDone,
    FlowChanged,
    LineStatus,
    Opened,
    Outcome,
    ParametersChanged,
    PortChanged,
    ServiceChanged,
    SessionClosed,
)
from cmux.protocol.messages import encode_message

both_options = pytest.mark.parametrize("option", list(Option))


def tell(station: Station, now: float, octets: str | bytes) -> bytes:
    """Give a station an information field of DLCI 0 from its peer; return what it answers."""
    info = bytes.fromhex(octets) if isinstance(octets, str) else octets
    frame = Frame(0, station.mux.role is Role.RESPONDER, FrameType.UIH, info=info)
    option = station.mux.config.option
    station.events += station.mux.receive_data(encode(frame, option), now)
    return station.mux.data_to_send(now)


def answered(pair: Pair, command: Command) -> list[CommandDone]:
    return [done for done in pair.host.of(CommandDone) if done.command.type is command.type]


QUESTIONS = {
    "PN": ("83 11 01 00 07 0A 1F 00 03 02", "81 11 01 00 07 0A 1F 00 03 02"),
    "PSC": ("43 01", "41 01"),
    "PSC with a mode": ("43 03 03", "41 03 03"),
    "CLD": ("C3 01", "C1 01"),
    "Test": ("23 09 01 02 03 04", "21 09 01 02 03 04"),
    "Test without data": ("23 01", "21 01"),
    "FCon": ("A3 01", "A1 01"),
    "FCoff": ("63 01", "61 01"),
    "MSC": ("E3 05 07 8D", "E1 05 07 8D"),
    "MSC with break": ("E3 07 07 8C 13", "E1 07 07 8C 13"),
    "RPN, asking": ("93 03 07", "91 11 07 03 03 00 11 13 7F 3F"),
    "RPN": ("93 11 07 07 03 00 11 13 7F 3F", "91 11 07 07 03 00 11 13 7F 3F"),
    "RLS": ("53 05 07 03", "51 05 07 03"),
    "SNC, asking": ("D3 03 07", "D1 07 07 03 01"),
    "SNC": ("D3 07 07 05 03", "D1 07 07 05 03"),
    "unknown": ("FF 03 55", "11 03 FF"),
    "NSC as a command": ("13 03 93", "11 03 13"),
}
"""What the peer asks, and what it is answered; every message but NSC, which is only ever an answer."""


@both_options
@pytest.mark.parametrize(("question", "answer"), QUESTIONS.values(), ids=QUESTIONS)
@pytest.mark.clause("5.4.6", "5.4.6.1", "5.4.6.3.1", "5.4.6.3.2", "5.4.6.3.4", "5.4.6.3.8", "5.4.6.3.9")
@pytest.mark.clause("5.4.6.3.3", "5.4.6.3.5", "5.4.6.3.6", "5.4.6.3.7", "5.4.6.3.10", "5.4.6.3.11")
@pytest.mark.parametrize("role", list(Role))
def test_question_and_answer(role: Role, option: Option, question: str, answer: str) -> None:
    pair = Pair(Config(option=option)).start()
    station = pair.module if role is Role.RESPONDER else pair.host
    sent = tell(station, pair.now, question)
    expected = encode(Frame(0, role is Role.INITIATOR, FrameType.UIH, info=bytes.fromhex(answer)), option)
    assert sent.startswith(expected)


@pytest.mark.parametrize(
    "octets",
    ["83 03 01", "93 05 07 07", "53 03 07", "E3 03 07", "E3 01", "D3 01", "83 7F 01", "93", "11", "23 08"],
)
def test_what_is_cut_short_is_counted_and_not_answered(octets: str) -> None:
    pair = Pair().start()
    before = pair.module.mux.stats()["control_malformed"]
    sent = tell(pair.module, pair.now, octets)
    if octets == "93 05 07 07":  # one octet asks, eight set: anything between is a question
        assert b"\x91\x11\x07" in sent
    else:
        assert sent == b""
        assert pair.module.mux.stats()["control_malformed"] == before + 1  # type: ignore[operator]


@pytest.mark.parametrize("extra", [b"\x00", b"\x00" * 20])
def test_values_that_are_too_long_are_answered_as_they_came(extra: bytes) -> None:
    pair = Pair().start()
    value = bytes.fromhex("07 8D 01") + extra
    message = b"\xe3" + bytes((len(value) << 1 | 1,)) + value
    assert b"\xe1" + message[1:] in tell(pair.module, pair.now, message)


CALLS: list[tuple[Command, Callable[[Multiplexer, float], object]]] = [
    (commands.Test(b"x"), lambda mux, now: mux.test(b"x", now)),
    (FCoff(), lambda mux, now: mux.hold_all(now)),
    (FCon(), lambda mux, now: mux.release_all(now)),
    (PSC(), lambda mux, now: mux.sleep(now)),
    (RPN(1), lambda mux, now: mux.negotiate_port(1, None, now)),
    (RPN(1, PortSettings(115200)), lambda mux, now: mux.negotiate_port(1, PortSettings(115200), now)),
    (RLS(1, parity=True), lambda mux, now: mux.line_status(1, now, parity=True)),
    (SNC(1), lambda mux, now: mux.service(1, now)),
    (SNC(1, SNC.VOICE, 3), lambda mux, now: mux.service(1, now, service=SNC.VOICE, codec=3)),
]
"""What the owner asks for, each by its call; PN, MSC and CLD have tests of their own."""


@pytest.mark.parametrize(("command", "call"), CALLS, ids=lambda value: str(value) if isinstance(value, Command) else "")
class TestOwnCommand:
    """Each has its own result: answered, not supported, or no answer after N2 repetitions at T2."""

    def test_is_answered(self, command: Command, call) -> None:
        pair = Pair().open(1)
        call(pair.host.mux, pair.now)
        pair.settle()
        (done,) = answered(pair, command)
        assert (done.command, done.outcome) == (command, Outcome.ANSWERED)
        assert type(done.answer) is type(command)

    @pytest.mark.clause("5.4.6.3.8")
    def test_is_not_supported(self, command: Command, call) -> None:
        pair = Pair().open(1)
        pair.to_module = deaf
        call(pair.host.mux, pair.now)
        pair.settle()
        tell(pair.host, pair.now, bytes((0x11, 0x03, command.type << 2 | 3)))
        (done,) = answered(pair, command)
        assert done.outcome is Outcome.NOT_SUPPORTED

    @pytest.mark.clause("5.7.5", "5.7.3")
    def test_is_not_answered(self, command: Command, call) -> None:
        pair = Pair(Config(n2=2)).open(1)
        pair.to_module = deaf
        pair.host.line.clear()
        call(pair.host.mux, pair.now)
        pair.pass_time(0.899)
        assert answered(pair, command) == []
        pair.pass_time(0.01)
        (done,) = answered(pair, command)
        assert done.outcome is Outcome.TIMEOUT
        assert len(pair.host.line) == 3

    def test_needs_a_session(self, command: Command, call) -> None:
        with pytest.raises(StateError, match="not open"):
            call(Multiplexer(), 0.0)


def test_the_end_of_the_session_ends_all_that_was_outstanding() -> None:
    """CLD runs out of repetitions in the same moment as another command."""
    pair = Pair().open(1)
    pair.to_module = deaf
    pair.host.mux.close(1, pair.now)
    pair.pass_time(1)
    pair.host.mux.shutdown(pair.now)
    pair.host.mux.release_all(pair.now)
    pair.pass_time(3)
    assert isinstance(pair.host.events[-1], SessionClosed)


@pytest.mark.parametrize("length", [-1.0, 3.1, 99.0, float("nan"), float("inf")])
def test_a_break_that_cannot_be_coded_is_refused_when_it_is_asked_for(length: float) -> None:
    pair = Pair().open(1)
    with pytest.raises(FrameError, match="break"):
        pair.host.mux.send_break(1, length, pair.now)
    assert pair.host.mux.data_to_send(pair.now) == b""


@pytest.mark.parametrize("size", [30, 100, 40000])
def test_a_test_that_does_not_fit_n1_is_refused_and_the_next_one_goes_out(size: int) -> None:
    pair = Pair().start()
    with pytest.raises(FrameError, match="31"):
        pair.host.mux.test(bytes(size), pair.now)
    pair.host.mux.test(bytes(29), pair.now)
    pair.settle()
    assert answered(pair, commands.Test(b""))[0].outcome is Outcome.ANSWERED


@pytest.mark.parametrize(("service", "codec"), [(999, None), (-1, 1), (3, 256)])
def test_a_service_that_is_no_octet_is_refused(service: int, codec: int | None) -> None:
    with pytest.raises(FrameError):
        Pair().open(1).host.mux.service(1, 0, service=service, codec=codec)


def test_each_channel_has_its_own_msc_right_after_its_ua() -> None:
    """Also while the peer leaves those before unanswered."""
    mux = Multiplexer(Role.RESPONDER)
    for dlci in range(4):
        mux.receive_data(encode(Frame(dlci, True, FrameType.SABM, True)), 0.0)
        sent = mux.data_to_send(0.0)
        assert sent.startswith(encode(Frame(dlci, True, FrameType.UA, True)))
        if dlci:
            assert bytes((0xE3, 0x05, dlci << 2 | 3, 0x8D)) in sent


def test_several_commands_are_outstanding_one_of_each_type() -> None:
    pair = Pair().open(1)
    pair.to_module = deaf
    for _ in range(2):
        pair.host.mux.test(b"t", pair.now)
        pair.host.mux.negotiate_port(1, None, pair.now)
        pair.host.mux.line_status(1, pair.now)
    pair.host.line.clear()
    sent = pair.host.mux.data_to_send(pair.now)
    assert [sent.count(bytes((octet,))) for octet in (0x23, 0x93, 0x53)] == [1, 1, 1]


@pytest.mark.parametrize("answer", ["91 11 07 03 03 00 11 13 7F 3F", "11 03 93"])
def test_an_answer_that_comes_twice_is_none_to_the_next_command_which_has_not_left(answer: str) -> None:
    """A peer that was asked again, because it is slow, answers both."""
    pair = Pair().open(1)
    pair.to_module = deaf
    for _ in range(2):
        pair.host.mux.negotiate_port(1, None, pair.now)
    pair.settle()
    tell(pair.host, pair.now, f"{answer} {answer}")
    assert len(answered(pair, RPN(1))) == 1
    assert pair.host.mux.stats()["control_ignored"] == 1
    tell(pair.host, pair.now, answer)
    assert len(answered(pair, RPN(1))) == 2


@pytest.mark.clause("5.4.6.3.8")
def test_an_nsc_is_for_the_command_that_it_names_alone() -> None:
    """As received, shifted right by one as Linux has it, or with C/R or EA clear; no other octet."""
    named = {0x93, 0x93 >> 1, 0x92, 0x91, 0x90}
    for octet in range(256):
        pair = Pair().open(1)
        pair.to_module = deaf
        pair.host.mux.negotiate_port(1, None, pair.now)
        pair.settle()
        tell(pair.host, pair.now, bytes((0x11, 0x03, octet)))
        assert len(answered(pair, RPN(1))) == (octet in named)
        assert pair.host.mux.stats()["control_ignored"] == (octet not in named)


def test_the_first_t2_of_several_commands_is_due_first() -> None:
    pair = Pair().open(1)
    pair.to_module = deaf
    pair.host.mux.test(b"x", pair.now)
    pair.settle()
    due = pair.host.mux.next_timeout()
    pair.now += 0.1
    pair.host.mux.negotiate_port(1, None, pair.now)
    pair.settle()
    assert pair.host.mux.next_timeout() == due


def test_a_wish_takes_the_place_of_a_wish_alone_and_both_have_a_result() -> None:
    pair = Pair().open(1)
    pair.to_module = deaf
    mux = pair.host.mux
    for _ in range(2):
        mux.line_status(1, pair.now)
        mux.release_all(pair.now)
    mux.hold_all(pair.now)
    pair.to_module = lambda octets: octets
    pair.settle()
    assert [done.outcome for done in answered(pair, RLS(1))] == [Outcome.ANSWERED] * 2
    assert [done.outcome for done in answered(pair, FCon())] == [Outcome.SUPERSEDED] * 2
    assert [done.outcome for done in answered(pair, FCoff())] == [Outcome.ANSWERED]


def test_signals_that_newer_ones_replace_before_they_leave_have_no_result_of_their_own() -> None:
    pair = Pair().open(1)
    for ic in (True, False, True):
        pair.host.mux.set_signals(1, Signals(ic=ic), pair.now)
    before = len(answered(pair, MSC(1, Signals())))
    pair.settle()
    said = [done.command for done in answered(pair, MSC(1, Signals()))[before:]]
    assert said == [MSC(1, Signals(ic=True)), MSC(1, Signals(ic=True))]


def test_messages_behind_cld_are_counted() -> None:
    pair = Pair().start()
    tell(pair.module, pair.now, "C3 01 63 01 23 01")
    assert pair.module.mux.stats()["control_ignored"] == 2


class TestPN:
    @both_options
    @pytest.mark.clause("5.4.6.3.1")
    def test_settles_n1_for_both_directions_from_the_next_sabm_on(self, option: Option) -> None:
        pair = Pair(Config(option=option)).start()
        pair.host.mux.negotiate(1, Parameters(n1=500), pair.now)
        pair.host.mux.open(1, pair.now)  # waits until PN is answered
        pair.settle()
        assert pair.host.mux.parameters(1).n1 == pair.module.mux.parameters(1).n1 == 500
        for station, other in ((pair.host, pair.module), (pair.module, pair.host)):
            station.mux.send(1, bytes(1200), pair.now)
            pair.settle()
            assert other.data(1) == bytes(1200)
            assert [len(f.info) for f in station.frames() if f.dlci == 1 and f.type is FrameType.UIH] == [500, 500, 200]

    def test_is_sent_before_sabm(self) -> None:
        pair = Pair().start()
        pair.host.mux.negotiate(1, Parameters(n1=64), pair.now)
        pair.host.mux.open(1, pair.now)
        pair.settle()
        assert [frame.type for frame in pair.host.frames()[1:3]] == [FrameType.UIH, FrameType.SABM]
        assert [type(event) for event in pair.host.events[1:4]] == [CommandDone, ParametersChanged, Opened]

    def test_n1_only_goes_down(self) -> None:
        pair = Pair(module_config=Config(n1_receive=200)).start()
        pair.host.mux.negotiate(1, Parameters(n1=1000), pair.now)
        pair.settle()
        assert pair.host.of(ParametersChanged)[0].parameters.n1 == 200
        assert pair.module.of(ParametersChanged)[0].parameters.n1 == 200

    @pytest.mark.clause("5.4.6.3.1")
    def test_an_answer_that_asks_for_more_gets_what_was_offered(self) -> None:
        pair = Pair().start()
        pair.to_module = deaf
        pair.host.mux.negotiate(1, Parameters(n1=64, k=3), pair.now)
        pair.settle()
        tell(pair.host, pair.now, encode_message(PN(1, priority=7, n1=5000, k=7), command=False))
        settled = pair.host.of(ParametersChanged)[0].parameters
        assert (settled.n1, settled.k) == (64, 3)

    def test_frame_type_and_convergence_layer_that_come_back_changed_leave_the_default(self) -> None:
        pair = Pair().start()
        pair.to_module = deaf
        pair.host.mux.negotiate(1, Parameters(n1=64, frame_type=FrameType.UI, convergence=2, priority=3), pair.now)
        pair.settle()
        tell(pair.host, pair.now, encode_message(PN(1, FrameType.I, 4, 9, n1=64), command=False))
        settled = pair.host.of(ParametersChanged)[0].parameters
        assert (settled.frame_type, settled.convergence, settled.priority) == (FrameType.UIH, 1, 7)

    @pytest.mark.parametrize(
        ("asked", "granted"),
        [
            (PN(3, FrameType.I, 1, 5, n1=64), PN(3, FrameType.UIH, 1, 5, n1=64)),
            (PN(3, FrameType.UI, 2, 5, n1=64), PN(3, FrameType.UI, 2, 5, n1=64)),
            (PN(3, FrameType.UIH, 4, 5, n1=64), PN(3, FrameType.UIH, 1, 5, n1=64)),
            (PN(3, FrameType.UIH, 2, 5, n1=3), PN(3, FrameType.UIH, 2, 5, n1=3)),
            (PN(3, FrameType.UIH, 2, 5, n1=2), PN(3, FrameType.UIH, 1, 5, n1=2)),
            (PN(3, n1=1, k=7), PN(3, n1=1, k=2)),
            (PN(3, n1=30000), PN(3, n1=1600)),
        ],
    )
    def test_is_answered_in_all_cases(self, asked: PN, granted: PN) -> None:
        pair = Pair().start()
        assert encode_message(granted, command=False) in tell(
            pair.module, pair.now, encode_message(asked, command=True)
        )

    def test_the_one_that_grants_ui_sends_ui(self) -> None:
        pair = Pair().start()
        pair.host.mux.negotiate(1, Parameters(n1=31, frame_type=FrameType.UI), pair.now)
        pair.open(1)
        for station in (pair.host, pair.module):
            station.mux.send(1, b"x", pair.now)
        pair.settle()
        for station in (pair.host, pair.module):
            assert [frame.type for frame in station.frames() if frame.dlci == 1 and frame.info] == [FrameType.UI]

    def test_reserved_frame_type_is_answered_with_the_default(self) -> None:
        pair = Pair().start()
        assert bytes.fromhex("81 11 01 00") in tell(pair.module, pair.now, "83 11 01 0F 07 0A 1F 00 03 02")

    @pytest.mark.parametrize("outcome", [Outcome.NOT_SUPPORTED, Outcome.TIMEOUT])
    @pytest.mark.clause("5.4.1")
    def test_without_an_answer_the_channel_opens_with_the_defaults(self, outcome: Outcome) -> None:
        pair = Pair().start()
        pair.to_module = deaf
        pair.host.mux.negotiate(1, Parameters(n1=64), pair.now)
        pair.host.mux.open(1, pair.now)
        pair.settle()
        if outcome is Outcome.NOT_SUPPORTED:
            tell(pair.host, pair.now, "11 03 83")
        else:
            pair.pass_time(4 * pair.host.mux.config.t2 + 0.01)
        pair.to_module = lambda octets: octets
        pair.pass_time(1)
        assert pair.host.mux.is_open(1)
        assert pair.host.mux.parameters(1) == Parameters(n1=31)

    def test_changes_nothing_on_an_open_channel_before_the_next_sabm(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.negotiate(1, Parameters(n1=64), pair.now)
        pair.settle()
        assert pair.host.mux.parameters(1).n1 == pair.module.mux.parameters(1).n1 == 31
        pair.host.mux.close(1, pair.now)
        pair.settle()
        pair.open(1)
        assert pair.host.mux.parameters(1).n1 == pair.module.mux.parameters(1).n1 == 64

    def test_holds_also_when_the_ua_was_lost(self) -> None:
        pair = Pair().start()
        pair.host.mux.negotiate(1, Parameters(n1=64), pair.now)
        pair.settle()
        pair.to_host = deaf
        pair.host.mux.open(1, pair.now)
        pair.settle()
        pair.to_host = lambda octets: octets
        pair.pass_time(1)
        assert pair.host.mux.parameters(1).n1 == pair.module.mux.parameters(1).n1 == 64

    def test_what_we_would_not_accept_ourselves_is_not_asked_for(self) -> None:
        with pytest.raises(ConfigError, match="n1 = 2000"):
            Pair().start().host.mux.negotiate(1, Parameters(n1=2000), 0)

    @pytest.mark.parametrize(
        "wrong", [{"n1": 0}, {"n1": 32769}, {"k": 8}, {"priority": 64}, {"convergence": 3}, {"frame_type": FrameType.I}]
    )
    def test_parameters_are_checked_when_they_are_made(self, wrong: dict) -> None:
        with pytest.raises(ConfigError):
            Parameters(**{"n1": 31, **wrong})


@pytest.mark.clause("5.6")
def test_a_channel_is_asked_for_with_the_priority_of_its_number() -> None:
    pair = Pair().start()
    for dlci in range(1, 62):
        pair.host.mux.negotiate(dlci, Parameters(n1=31), pair.now)
    pair.settle()
    asked = [frame.info for frame in pair.host.frames() if frame.info[:1] == b"\x83"]
    assert {info[2]: info[4] for info in asked} == {
        **dict.fromkeys(range(1, 8), 7),
        **dict.fromkeys(range(8, 16), 15),
        **dict.fromkeys(range(16, 24), 23),
        **dict.fromkeys(range(24, 32), 31),
        **dict.fromkeys(range(32, 40), 39),
        **dict.fromkeys(range(40, 48), 47),
        **dict.fromkeys(range(48, 56), 55),
        **dict.fromkeys(range(56, 62), 61),
    }


class TestRPN:
    @pytest.mark.clause("5.4.6.3.9")
    def test_sets_the_port_behind_a_channel(self) -> None:
        pair = Pair().open(1)
        wanted = PortSettings(19200, 7, 1.5, Parity.EVEN, Flow.RTR_IN | Flow.RTR_OUT)
        pair.host.mux.negotiate_port(1, wanted, pair.now)
        pair.settle()
        assert pair.module.of(PortChanged) == [PortChanged(1, wanted, PortMask.ALL)]
        pair.host.mux.negotiate_port(1, None, pair.now)
        pair.settle()
        assert [done.answer for done in answered(pair, RPN(1))][-1] == RPN(1, wanted)

    def test_mask_says_what_is_meant(self) -> None:
        pair = Pair().open(1)
        tell(pair.module, pair.now, encode_message(RPN(1, PortSettings(115200, 7), PortMask.BAUDRATE), command=True))
        assert pair.module.of(PortChanged) == [PortChanged(1, PortSettings(115200, 8), PortMask.BAUDRATE)]

    def test_baud_rate_that_is_not_defined_is_refused_in_the_mask(self) -> None:
        pair = Pair().open(1)
        sent = tell(pair.module, pair.now, "93 11 07 63 02 00 11 13 7F 3F")
        assert bytes.fromhex("91 11 07 03 02 00 11 13 7E 3F") in sent

    def test_baud_rate_that_cannot_be_coded_is_our_callers_mistake(self) -> None:
        with pytest.raises(FrameError, match="921600"):
            Pair().open(1).host.mux.negotiate_port(1, PortSettings(921600), 0)

    @pytest.mark.clause("5.4.6.3.9")
    def test_what_is_not_meant_need_not_have_a_code_and_stays_as_it_is_there(self) -> None:
        pair = Pair().open(1)
        pair.host.mux.negotiate_port(1, PortSettings(115200), pair.now)
        mask = PortMask.ALL & ~PortMask.BAUDRATE
        pair.host.mux.negotiate_port(1, PortSettings(None, 7), pair.now, mask)
        pair.settle()
        assert pair.module.of(PortChanged)[-1] == PortChanged(1, PortSettings(115200, 7), mask)


@pytest.mark.clause("5.4.6.3.10")
@pytest.mark.parametrize(
    ("octet", "event"),
    [
        ("03", LineStatus(1, True, False, False)),
        ("05", LineStatus(1, False, True, False)),
        ("09", LineStatus(1, False, False, True)),
        ("00", LineStatus(1, False, False, False)),
    ],
)
def test_line_status_is_told(octet: str, event: LineStatus) -> None:
    pair = Pair().open(1)
    tell(pair.host, pair.now, f"53 05 07 {octet}")
    assert pair.host.of(LineStatus) == [event]


@pytest.mark.clause("5.4.6.3.11")
def test_service_is_told_and_remembered() -> None:
    pair = Pair().open(1)
    pair.host.mux.service(1, pair.now, service=SNC.VOICE, codec=0x09)
    pair.settle()
    assert pair.module.of(ServiceChanged) == [ServiceChanged(1, SNC.VOICE, 0x09)]
    pair.host.mux.service(1, pair.now)
    pair.settle()
    assert answered(pair, SNC(1))[-1].answer == SNC(1, SNC.VOICE, 0x09)


@pytest.mark.clause("5.4.6.3.5", "5.4.6.3.6", "5.4.8.1")
def test_holding_all_channels_stops_the_peers_data_and_not_the_control_channel() -> None:
    pair = Pair().open(1, 2)
    pair.host.mux.hold_all(pair.now)
    pair.settle()
    assert pair.module.of(FlowChanged) == [FlowChanged(held=True)]
    for dlci in (1, 2):
        pair.module.mux.send(dlci, b"later", pair.now)
    pair.module.mux.test(b"now", pair.now)
    pair.host.mux.send(1, b"we may", pair.now)  # FCoff does not stop the one that sent it
    pair.settle()
    assert (pair.host.data(1), pair.host.data(2), pair.module.data(1)) == (b"", b"", b"we may")
    assert pair.module.of(CommandDone)[-1].outcome is Outcome.ANSWERED
    pair.host.mux.release_all(pair.now)
    pair.settle()
    assert (pair.host.data(1), pair.host.data(2)) == (b"later", b"later")


def test_an_answer_to_another_channels_msc_is_not_ours() -> None:
    pair = Pair().open(1)
    pair.to_module = deaf
    pair.host.mux.set_signals(1, Signals(rtc=False), pair.now)
    pair.settle()
    tell(pair.host, pair.now, "E1 05 0B 8D")
    assert answered(pair, MSC(1, Signals()))[1:] == []


@pytest.mark.parametrize("dlci", [0, 62, 63, -1])
def test_commands_about_a_dlci_that_carries_no_data(dlci: int) -> None:
    mux = Pair().start().host.mux
    for call in (
        lambda: mux.negotiate(dlci, Parameters(n1=31), 0),
        lambda: mux.negotiate_port(dlci, None, 0),
        lambda: mux.line_status(dlci, 0),
        lambda: mux.service(dlci, 0),
    ):
        with pytest.raises(InvalidDlci):
            call()
