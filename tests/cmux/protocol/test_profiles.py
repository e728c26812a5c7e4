"""Profiles: each with its source, and with an exchange on record that it gets along with (`module_recordings`)."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from core_pair import Pair
from module_recordings import AT_WITH_ECHO, FRAMES, M95, QUESTIONS, WITHOUT_RECORD, Recording, as_it_came

from cmux.protocol import Config, Frame, FrameType, Multiplexer, Option, Role, encode, startup
from cmux.protocol.at_cmux import FIELDS, CmuxCommand, parse_allowed, parse_current
from cmux.protocol.commands import MSC, Signals
from cmux.protocol.diagnosis import Unanswered
from cmux.protocol.errors import CmuxRefused, ConfigError, StateError
from cmux.protocol.events import (
    Cause,
    Closed,
    DataReceived,
    Event,
    FrameDropped,
    Opened,
    SessionClosed,
    SessionOpened,
    SignalsChanged,
)
from cmux.protocol.hand_over import Entered
from cmux.protocol.profiles import PROFILES, Profile
from cmux.protocol.start_options import StartOptions
from cmux.protocol.startup_steps import StepResult

OK = b"\r\nOK\r\n"
MODULE_SAYS_RDY = b"\r\nRDY\r\n\r\n+ATREADY\r\n"


def play(recording: Recording) -> tuple[Multiplexer, list[Event]]:
    """Play the record: what goes out must begin as it did there, what came in is fed."""
    mux = Multiplexer(Role.INITIATOR, PROFILES[recording.profile].config())
    events: list[Event] = []
    mux.start(0.0)
    if recording.dlcis:
        mux.receive_data(encode(Frame(0, True, FrameType.UA, True)), 0.0)
        for dlci in recording.dlcis:
            mux.open(dlci, 0.0)
            mux.receive_data(encode(Frame(dlci, True, FrameType.UA, True)), 0.0)
        mux.data_to_send(0.0)
    waiting = list(recording.dlcis)
    for line in recording.lines:
        if not line.from_host:
            events += mux.receive_data(line.octets, 0.0)
        else:
            if waiting:
                mux.close(waiting.pop(0), 0.0)
            elif mux.session_open:
                mux.open(1, 0.0)
            assert mux.data_to_send(0.0).startswith(line.octets)
        if not recording.sent_is_recorded and mux.session_open and SessionOpened(by_peer=False) in events[-1:]:
            for dlci in (1, 2):
                mux.open(dlci, 0.0)
    return mux, events


@pytest.mark.parametrize("recording", FRAMES, ids=lambda one: one.name)
def test_nothing_of_a_recorded_exchange_is_dropped_or_discarded(recording: Recording) -> None:
    mux, events = play(recording)
    assert mux.stats()["dropped"] == {}
    assert mux.stats()["octets_discarded"] == 0
    assert not [event for event in events if isinstance(event, SessionClosed)]


def recorded(name: str) -> Recording:
    return next(one for one in FRAMES if one.name == name)


def test_sim800_sends_ua_and_msc_in_one_read() -> None:
    mux, events = play(recorded("sim800-log"))
    assert events == [
        SessionOpened(by_peer=False),
        Opened(1, by_peer=False),
        SignalsChanged(1, Signals(dv=False), None),
    ]
    assert bytes.fromhex("F9 03 EF 09 E1 05 07 0D FB F9") in mux.data_to_send(0.0)  # its MSC, answered as it came


def test_sim800_closes_with_a_two_octet_length() -> None:
    mux, events = play(recorded("sim800-note"))
    assert [event for event in events if isinstance(event, Closed)] == [
        Closed(1, Cause.LOCAL, "closed"),
        Closed(2, Cause.LOCAL, "closed"),
    ]
    assert not mux.is_open(1)


def test_an_unnamed_module_opens_three_channels_without_a_word_on_its_signals() -> None:
    mux, events = play(recorded("unnamed-gist"))
    assert events == [SessionOpened(by_peer=False), Opened(1, by_peer=False), Opened(2, by_peer=False)]
    mux.send(1, b"AT\r", 0.0)
    assert encode(Frame(1, True, FrameType.UIH, info=b"AT\r")) in mux.data_to_send(0.0)


def test_c16qs_opens_channels_itself_and_talks_at_once() -> None:
    mux, events = play(recorded("c16qs-log"))
    assert [event for event in events if isinstance(event, DataReceived)] == [
        DataReceived(1, MODULE_SAYS_RDY),
        DataReceived(2, MODULE_SAYS_RDY),
    ]
    assert mux.is_open(1)
    assert mux.is_open(2)
    assert mux.data_to_send(0.0).count(encode(Frame(2, False, FrameType.UA, True))) == 1


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_has_its_source_and_a_record_or_is_known_to_have_none(name: str) -> None:
    profile = PROFILES[name]
    assert profile.name == name
    assert len(profile.source) > 20
    recorded = name in QUESTIONS or any(one.profile == name for one in FRAMES)
    assert recorded != (name in WITHOUT_RECORD)
    assert set(profile.settings) <= {field.name for kind in (Config, StartOptions) for field in fields(kind)}
    assert all(1 <= dlci <= 61 for dlci in profile.channels.values())
    assert profile.config(n2=1).n2 == 1
    with pytest.raises(ConfigError):
        profile.config(n1=0, t1=9)


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_the_manual_says_is_answered_to_the_questions_leads_to_the_profiles_parameters(name: str) -> None:
    _, allowed_text, current_text = QUESTIONS[name]
    allowed, current = parse_allowed(allowed_text), parse_current(current_text)
    config = PROFILES[name].config()
    assert allowed is not None
    assert config.option in allowed.options
    assert allowed.allows(FIELDS.index("N1"), config.n1)
    assert current.get("N1", config.n1) == config.n1


def entering(command: CmuxCommand, answers: dict[bytes, bytes]) -> tuple[list[bytes], Entered]:
    """Go through the dialogue of the start; return what was said, and with what it ended."""
    said = []
    dialogue = startup.enter("line", command)
    step = next(dialogue)
    while True:
        said.append(step.write)
        try:
            step = dialogue.send(StepResult(answers[step.write], 0.01))
        except StopIteration as stop:
            return said, stop.value


def cmux_command(profile: Profile, baudrate: int | None = 115200, **more: Any) -> CmuxCommand:
    return CmuxCommand(
        config=profile.config(**more),
        n1_given=bool(more),
        baudrate=baudrate,
        asks=profile.at_cmux == "asked",
        timers=profile.at_cmux == "long",
        port_speeds=profile.port_speeds,
        start=profile.start_options(settle=0.0),
    )


def test_a_dialogue_with_an_m10_takes_what_it_lists_of_itself() -> None:
    _, allowed, current = QUESTIONS["m10"]
    enters = b"AT+CMUX=0,0,5,127,10,3,30,10,2\r"
    answers = {b"AT\r": OK, b"AT+CMUX=?\r": allowed, b"AT+CMUX?\r": current, enters: OK}
    said, entered = entering(cmux_command(PROFILES["m10"]), answers)
    assert said == [b"AT\r", b"AT+CMUX=?\r", b"AT+CMUX?\r", enters]
    assert entered.config == PROFILES["m10"].config()


def test_an_m95_is_told_what_it_took_when_it_was_recorded() -> None:
    """With N1 512, which it took although the manuals know 127 alone; and with the noise of its start."""
    _, log = M95
    _, allowed, current = QUESTIONS["m10"]
    answers = {command.encode() + b"\r": as_it_came(printed) for command, printed in log.items()}
    answers |= {b"AT+CMUX=?\r": allowed, b"AT+CMUX?\r": current, b"AT\r": as_it_came(log["AT+IFC=2,2"])}
    said, entered = entering(cmux_command(PROFILES["m10"], n1=512), answers)
    assert said[-1] == b"AT+CMUX=0,0,5,512,10,3,30,10,2\r"
    assert entered.config.n1 == 512
    assert not entered.adopted


URC_PORT = b'AT+QCFG="cmux/urcport",1\r'
ERROR = b"\r\nERROR\r\n"


@pytest.mark.requirement("L9.7")
@pytest.mark.parametrize("answer", [OK, ERROR], ids=["OK", "ERROR"])
@pytest.mark.parametrize(
    ("name", "baudrate", "enters"),
    [
        ("ec2x", 115200, b"AT+CMUX=0,0,5,127,10,3,30,10,2\r"),
        ("ec2x", 460800, b"AT+CMUX=0,0,7,127,10,3,30,10,2\r"),
        ("eg91", 921600, b"AT+CMUX=0,0,8,1509,10,3,30,10,2\r"),
        ("bg9x", 921600, b"AT+CMUX=0,0,8,1509,10,3,30,10,2\r"),
        ("bg9x", 9600, b"AT+CMUX=0,0,1,1509,10,3,30,10,2\r"),
        ("bg9x", None, b"AT+CMUX=0,0,,1509,10,3,30,10,2\r"),
    ],
)
def test_an_lte_module_is_told_where_unasked_lines_go_and_then_all_nine_parameters(
    name: str, baudrate: int | None, enters: bytes, answer: bytes
) -> None:
    """The code of the rate is that of the line, to 8; firmware that does not know AT+QCFG is told so and no more."""
    said, entered = entering(cmux_command(PROFILES[name], baudrate), {b"AT\r": OK, URC_PORT: answer, enters: OK})
    assert said == [b"AT\r", URC_PORT, enters]
    refused = ('AT+QCFG="cmux/urcport",1 is answered with ERROR',) if answer is ERROR else ()
    assert entered.warnings == refused
    assert entered.leave_pause == 1.0


@pytest.mark.requirement("L9.7")
@pytest.mark.parametrize(
    ("name", "n1", "n1_receive", "t1"), [("ec2x", 127, 191, 1.0), ("eg91", 1509, 1573, 0.3), ("bg9x", 1509, 1573, 1.0)]
)
def test_the_figures_of_lte_modules(name: str, n1: int, n1_receive: int, t1: float) -> None:
    config, start = PROFILES[name].config(), PROFILES[name].start_options()
    assert (config.option, config.n1, config.n1_receive, config.t1, config.n2) == (Option.BASIC, n1, n1_receive, t1, 5)
    assert (start.settle, start.start_attempts, start.leave_pause) == (0.3, 3, 1.0)
    assert PROFILES[name].channels == {"at": 1, "data": 2, "at3": 3, "at4": 4}


def test_a_module_without_the_nine_parameters_is_told_four() -> None:
    refused, taken = b"AT+CMUX=0,0,5,127,10,3,30,10,2\r", b"AT+CMUX=0,0,5,127\r"
    answers = {b"AT\r": OK, URC_PORT: OK, refused: ERROR, taken: OK}
    said, entered = entering(cmux_command(PROFILES["ec2x"]), answers)
    assert said[-2:] == [refused, taken]
    assert entered.form == "AT+CMUX=0,0,5,127"


def test_an_early_ec2x_without_a_multiplexer_is_refused_and_not_waited_for() -> None:
    """zephyrproject-rtos/zephyr#33999."""
    commands = [b"AT+CMUX=0,0,5,127,10,3,30,10,2\r", b"AT+CMUX=0,0,5,127\r", b"AT+CMUX=?\r", b"AT+CMUX?\r"]
    with pytest.raises(CmuxRefused, match=r"AT\+CMUX=0,0,5,127 -> ERROR"):
        entering(cmux_command(PROFILES["ec2x"]), {b"AT\r": OK, URC_PORT: OK, **dict.fromkeys(commands, ERROR)})


def test_a_bg96_opens_three_channels_and_answers_on_the_first() -> None:
    mux, events = play(recorded("bg96-log"))
    assert events == [
        SessionOpened(by_peer=False),
        Opened(1, by_peer=False),
        Opened(2, by_peer=False),
        DataReceived(1, OK),
    ]
    assert mux.config.n1_receive == 1573


def test_a_frame_of_a_bg95_may_be_longer_than_n1() -> None:
    """particle-iot/device-os: by up to 64 octets."""
    mux, _ = play(recorded("bg96-log"))
    longest = encode(Frame(1, False, FrameType.UIH, info=bytes(1509 + 64)))
    assert mux.receive_data(longest, 0.0) == [DataReceived(1, bytes(1573))]
    (dropped,) = mux.receive_data(encode(Frame(1, False, FrameType.UIH, info=bytes(1574))), 0.0)
    assert isinstance(dropped, FrameDropped)


def test_an_mc60_echoes_every_octet_in_a_frame_of_its_own() -> None:
    mux, events = play(recorded("mc60-log"))
    assert b"".join(event.data for event in events if isinstance(event, DataReceived)) == b"AT+CSQ\r"
    assert mux.stats()["dlcs"][2]["frames_received"] == 1 + len(b"AT+CSQ\r")  # UA, then a frame an octet


def test_a_sara_r4_is_told_nothing_where_it_lists_a_blank() -> None:
    _, allowed, current = QUESTIONS["sara-r4"]
    enters = b"AT+CMUX=0,0,,1500,253,3,254\r"
    answers = {b"AT\r": OK, b"AT+CMUX=?\r": allowed, b"AT+CMUX?\r": current, enters: OK}
    said, entered = entering(cmux_command(PROFILES["sara-r4"]), answers)
    assert said[-1] == enters
    assert entered.config.n1 == 1500


def test_an_mdm6600_refuses_dlci_0_and_serves_the_others() -> None:
    mux, events = play(recorded("mdm6600-log"))
    assert events == [SessionOpened(by_peer=False)]
    mux.open(1, 0.0)
    assert encode(Frame(1, True, FrameType.SABM, True)) in mux.data_to_send(0.0)


def test_a_sim7670g_says_ua_twice_and_the_channel_is_opened_once() -> None:
    mux, events = play(recorded("sim7670g-log"))
    assert [event for event in events if isinstance(event, Opened)] == [Opened(1, by_peer=False)]
    assert mux.is_open(1)


def test_a_sim7080_sends_a_break_octet_that_ea_does_not_announce_and_gets_it_back() -> None:
    mux, _ = play(recorded("sim7080-msc"))
    assert bytes.fromhex("E1 07 0B 09 01") in mux.data_to_send(0.0)


def test_a_module_that_says_ok_and_stays_in_at_mode_is_told_from_one_that_multiplexes() -> None:
    """It echoes SABM; espressif/esp-protocols#669."""
    _, at, at_cmux, echo = AT_WITH_ECHO
    dialogue = startup.enter("line", CmuxCommand(config=PROFILES["generic"].config()))
    assert next(dialogue).write == b"AT\r"
    assert dialogue.send(StepResult(at, 0.01)).write == b"AT+CMUX=0\r"
    with pytest.raises(StopIteration):
        dialogue.send(StepResult(at_cmux, 0.01))
    mux = Multiplexer(Role.INITIATOR, PROFILES["generic"].config())
    mux.start(0.0)
    assert mux.data_to_send(0.0) == echo
    mux.receive_data(echo, 0.0)
    assert not mux.session_open
    error = startup.no_multiplexer("line", Unanswered(mux.config, echo))
    assert error.id == "frames-echoed"
    assert "the line echoes, or the module does, as in AT mode" in str(error)


def test_what_the_profiles_differ_in() -> None:
    assert PROFILES["m10"].config().n1 == 127
    assert PROFILES["m10"].config().option is Option.BASIC
    assert PROFILES["m10"].channels["at"] == 1
    assert PROFILES["generic"].config().t1 == 0.3


def test_t2_follows_the_t1_of_a_profile_and_that_of_the_caller() -> None:
    slow = Profile(name="slow", title="one that takes its time", source="a line log", settings={"t1": 1.0})
    assert [slow.config().t2, slow.config(t1=0.5).t2, slow.config(t2=1.5).t2] == [2.0, 1.0, 1.5]
    assert PROFILES["generic"].config().t2 == 0.6


class TestChannelThatCannotBeOpenedAgain:
    """`Config.keep_open`: closed for us, open for the peer."""

    def test_no_disc_goes_out_and_open_gives_it_back(self) -> None:
        pair = Pair(Config(keep_open=True), Config()).open(1)
        pair.host.line.clear()
        pair.host.mux.close(1, pair.now)
        pair.settle()
        assert pair.host.line == []
        assert pair.host.of(Closed) == [Closed(1, Cause.LOCAL, "closed; the peer keeps it open")]
        assert not pair.host.mux.is_open(1)
        with pytest.raises(StateError, match="CLOSED"):
            pair.host.mux.send(1, b"x", pair.now)
        pair.module.mux.send(1, b"nobody hears this", pair.now)
        pair.settle()
        assert pair.host.of(DataReceived) == []
        assert pair.host.mux.stats()["octets_discarded"] == 17
        pair.open(1)
        pair.module.mux.send(1, b"but this", pair.now)
        pair.settle()
        assert pair.host.data(1) == b"but this"
        assert pair.host.line == []

    def test_it_is_told_closed_once(self) -> None:
        pair = Pair(Config(keep_open=True), Config()).open(1)
        for _ in range(2):
            pair.host.mux.close(1, pair.now)
        pair.module.mux.shutdown(pair.now)
        pair.settle()
        assert len(pair.host.of(Closed)) == 1

    def test_the_end_of_the_session_closes_it(self) -> None:
        pair = Pair(Config(keep_open=True), Config()).open(1)
        pair.host.mux.close(1, pair.now)
        pair.host.mux.shutdown(pair.now)
        pair.settle()
        assert [frame.type for frame in pair.host.frames()[-2:]] == [FrameType.DISC, FrameType.UIH]


def test_break_octet_in_every_msc_is_a_setting() -> None:
    assert MSC(1, Signals(), None, True).value() == bytes.fromhex("07 8C 01")
    assert MSC.parse(bytes.fromhex("07 8C 01")) == MSC(1, Signals())
    pair = Pair(Config(break_octet=True)).open(1)
    assert pair.module.mux.signals(1) == Signals()


@pytest.mark.clause("5.2.6.1")
@pytest.mark.parametrize("option", list(Option))
def test_shared_flags_on_sending_are_a_setting(option: Option) -> None:
    pair = Pair(Config(option=option, shared_flags=True)).open(2)  # on DLCI 1 the FCS of a full frame is a flag itself
    pair.host.mux.send(2, bytes(200), pair.now)
    octets = pair.host.mux.data_to_send(pair.now)
    flag = b"\xf9" if option is Option.BASIC else b"\x7e"
    assert flag * 2 not in octets
    pair.module.events += pair.module.mux.receive_data(octets, pair.now)
    assert pair.module.data(2) == bytes(200)
