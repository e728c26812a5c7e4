"""The other end of a line: AT mode, AT+CMUX, sessions that come and go. Exchanges are typed by hand, octet by octet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typed_frames import (
    ADVANCED_SABM_0,
    ADVANCED_UA_0,
    CLD,
    CLD_ANSWER,
    DISC_0,
    OWN_MSC,
    SABM_0,
    SABM_1,
    UA_0,
    UA_1,
    basic,
)

from cmux.protocol import Config, Option
from cmux.protocol.at_mode import MAX_WAITING, AtMode
from cmux.protocol.config import KeepAlive
from cmux.protocol.events import (
    AtReceived,
    Cause,
    Closed,
    CommandDone,
    CommandReceived,
    DataReceived,
    Event,
    ModeChanged,
    Opened,
    SessionClosed,
    SessionOpened,
    SignalsChanged,
)
from cmux.protocol.responder import SABM_WAIT, Responder
from cmux.protocol.wire import FrameType


class Station:
    """A responder, its clock, and what it said."""

    def __init__(self, responder: Responder) -> None:
        self.responder = responder
        self.now = 50.0

    def hear(self, octets: bytes) -> tuple[list[Event], bytes]:
        return self.responder.receive(octets, self.now), self.said()

    def said(self) -> bytes:
        out = b""
        while data := self.responder.next_write(self.now):
            self.responder.wrote(len(data), self.now)
            out += data
        return out

    def wait(self, seconds: float) -> list[Event]:
        until, events = self.now + seconds, list[Event]()
        while (due := self.responder.next_timeout()) is not None and due <= until:
            self.now = max(self.now, due)
            events += self.responder.handle_timeout(self.now)
            self.said()
        self.now = until
        return events


def at_first(
    config: Config | None = None, *, forward: bool = False, options: tuple[Option, ...] = tuple(Option)
) -> Station:
    config = config or Config()
    return Station(Responder(config, at=AtMode(config, options, forward=forward)))


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("AT", "OK"),
        ("at", "OK"),
        ("ATE1", "OK"),
        ("ATZ", "OK"),
        ("ATI", "OK"),
        ("ATZE1", "OK"),
        ("AT+CMUX=?", "+CMUX: (0-1),(0-1),(1-6),(1-32767),(1-255),(0-255),(2-255),(1-255),(1-7)\r\n\r\nOK"),
        ("AT+CMUX?", "+CMUX: 0,0,5,31,10,3,30,10,2\r\n\r\nOK"),
        ("AT+CGMI", "ERROR"),
        ("AT+CMUX=2", "ERROR"),
        ("AT+CMUX=0,2", "ERROR"),
        ("AT+CMUX=0,0,7", "ERROR"),
        ("AT+CMUX=0,0,5,0", "ERROR"),
        ("AT+CMUX=0,0,5,32768", "ERROR"),
        ("AT+CMUX=0,0,5,31,30,3,20", "ERROR"),  # T2 below T1 (27.010 5.7.5)
        ("AT+CMUX=0,0,5,31,10,3,30,10,2,1", "ERROR"),
        ("AT+CMUX=x", "ERROR"),
        ("AT" + "0" * 300, "ERROR"),
    ],
)
def test_a_command_and_its_answer(line: str, answer: str) -> None:
    events, said = at_first().hear(line.encode() + b"\r")
    assert events == []
    assert said == line.encode() + b"\r" + f"\r\n{answer}\r\n".encode()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (b"AT+CMUX=0", Config()),
        (b"AT+CMUX=1", Config(option=Option.ADVANCED)),
        (b"AT+CMUX=0,1", Config(frame_type=FrameType.UI)),
        (b"AT+CMUX=0,0,5,127", Config(n1=127)),
        (b"AT+CMUX=0,0,5,2000", Config(n1=2000, n1_receive=2000)),
        (b"AT+CMUX=0,0,5,127,20,5,60,20,3", Config(n1=127, t1=0.2, n2=5, t2=0.6, t3=20.0, k=3)),
        (b"AT+CMUX=0,0,,,40", Config(t1=0.4)),
        (b"at+cmux = 0", None),
    ],
)
def test_at_cmux_settles_the_session(command: bytes, expected: Config | None) -> None:
    station = at_first()
    station.hear(b"ATE0\r")
    events, said = station.hear(command + b"\r")
    if expected is None:
        assert (events, said) == ([], b"\r\nERROR\r\n")
        return
    assert events == [ModeChanged(True)]
    assert said == b"\r\nOK\r\n"
    assert station.responder.multiplexer.config == expected


def test_only_the_framings_that_are_offered_are_accepted() -> None:
    station = at_first(options=(Option.BASIC,))
    station.hear(b"ATE0\r")
    assert station.hear(b"AT+CMUX=1\r") == ([], b"\r\nERROR\r\n")
    assert station.hear(b"AT+CMUX=?\r")[1].startswith(b"\r\n+CMUX: (0),(0-1),")
    assert station.hear(b"AT+CMUX=0\r")[0] == [ModeChanged(True)]


@pytest.mark.clause("5.8.1", "5.8.2")
def test_a_whole_session_and_back_to_at_mode() -> None:
    station = at_first()
    station.hear(b"ATE0\r")
    assert station.hear(b"AT+CMUX=0\r") == ([ModeChanged(True)], b"\r\nOK\r\n")
    assert station.hear(SABM_0) == ([SessionOpened(by_peer=True)], UA_0)
    events, said = station.hear(SABM_1)
    assert events == [Opened(1, by_peer=True)]
    assert said == UA_1 + OWN_MSC
    events, said = station.hear(CLD)
    assert [type(event) for event in events if not isinstance(event, CommandDone)] == [
        Closed,
        SessionClosed,
        ModeChanged,
    ]
    assert said == CLD_ANSWER
    assert station.hear(b"AT\r") == ([], b"\r\nOK\r\n")
    assert station.responder.ended is None


def test_octets_that_come_in_one_read_belong_to_whoever_understands_them() -> None:
    station = at_first()
    station.hear(b"ATE0\r")
    events, said = station.hear(b"AT\rAT+CMUX=0\r" + SABM_0 + CLD + b"AT\rAT+CMUX=1\r" + ADVANCED_SABM_0)
    assert [type(event) for event in events] == [
        ModeChanged,
        SessionOpened,
        SessionClosed,
        ModeChanged,
        ModeChanged,
        SessionOpened,
    ]
    assert said.startswith(b"\r\nOK\r\n\r\nOK\r\n")
    assert said.endswith(CLD_ANSWER + b"\r\nOK\r\n\r\nOK\r\n" + ADVANCED_UA_0)


@given(st.lists(st.integers(1, 60), max_size=20))
def test_the_portions_in_which_octets_come_make_no_difference(cuts: list[int]) -> None:
    octets = b"AT\rATE0\rAT+CMUX=0,0,5,64\r" + SABM_0 + SABM_1 + CLD + b"\rAT+CMUX?\r"
    whole, pieces = at_first(), at_first()
    expected = whole.hear(octets)
    events, said = list[Event](), b""
    for cut in [*cuts, len(octets)]:
        part, octets = octets[:cut], octets[cut:]
        more, text = pieces.hear(part)
        events += more
        said += text
    assert (events, said) == expected


def test_without_a_sabm_it_is_back_in_at_mode_after_5_seconds() -> None:
    station = at_first()
    station.hear(b"AT+CMUX=0\r")
    assert SABM_WAIT == 5
    assert station.wait(4.9) == []
    assert station.wait(0.1) == [ModeChanged(False)]
    assert station.hear(b"AT\r")[1] == b"AT\r\r\nOK\r\n"


def test_a_session_that_came_up_is_not_given_up_for_its_start() -> None:
    station = at_first()
    station.hear(b"AT+CMUX=0\r" + SABM_0)
    assert station.wait(60.0) == []
    assert station.responder.multiplexing


@pytest.mark.parametrize("end", [CLD, DISC_0])
def test_without_at_mode_one_session_follows_the_other(end: bytes) -> None:
    station = Station(Responder(Config(), multiplexing=True))
    for _ in range(3):
        assert station.hear(SABM_0) == ([SessionOpened(by_peer=True)], UA_0)
        assert station.hear(SABM_1)[0] == [Opened(1, by_peer=True)]
        events, _ = station.hear(end)
        assert [type(event) for event in events[-2:]] == [Closed, SessionClosed]
    assert station.hear(b"AT\r")[1] == b""


def test_a_new_initiator_may_follow_right_behind_the_end_of_the_one_before() -> None:
    station = Station(Responder(Config(), multiplexing=True))
    events, said = station.hear(SABM_0 + CLD + SABM_0)
    assert [type(event) for event in events] == [SessionOpened, SessionClosed, SessionOpened]
    assert said.endswith(UA_0)


def test_an_initiator_that_died_is_followed_by_another_one() -> None:
    """SABM on DLCI 0 of a session that is open: what was open is gone, and the session begins anew (27.010 §5.4.1)."""
    station = Station(Responder(Config(), multiplexing=True))
    station.hear(SABM_0 + SABM_1)
    events, said = station.hear(SABM_0)
    assert [event.dlci for event in events if isinstance(event, Closed)] == [1]
    assert said == UA_0
    assert station.hear(SABM_1)[0] == [Opened(1, by_peer=True)]


@pytest.mark.parametrize("multiplexing", [True, False])
def test_a_silent_initiator_ends_its_session_and_not_the_responder(multiplexing: bool) -> None:
    config = Config(keep_alive=KeepAlive.TEST, keep_alive_interval=10.0)
    at = None if multiplexing else AtMode(config, tuple(Option))
    station = Station(Responder(config, at=at, multiplexing=multiplexing))
    if not multiplexing:
        station.hear(b"AT+CMUX=0\r")
    station.hear(SABM_0 + SABM_1)
    events = station.wait(30.0)
    closed = next(event for event in events if isinstance(event, SessionClosed))
    assert closed.cause is Cause.TIMEOUT
    assert (ModeChanged(False) in events) is not multiplexing
    assert station.responder.ended is None
    if not multiplexing:
        assert station.hear(b"AT+CMUX=0\r")[0] == [ModeChanged(True)]
    assert SessionOpened(by_peer=True) in station.hear(SABM_0)[0]


def test_a_lost_line_ends_it_all() -> None:
    station = at_first()
    station.hear(b"AT+CMUX=0\r" + SABM_0 + SABM_1)
    events = station.responder.line_lost("hung up", station.now)
    assert [type(event) for event in events[-2:]] == [Closed, SessionClosed]
    assert station.responder.ended == SessionClosed(Cause.LINE_LOST, "hung up")


class TestOtherCommands:
    def test_are_told_and_answered_by_the_owner(self) -> None:
        station = at_first(forward=True)
        station.hear(b"ATE0\r")
        assert station.hear(b"AT+CSQ\rAT\r") == ([CommandReceived("AT+CSQ")], b"")
        assert station.responder.answer("+CSQ: 20,0\nOK", station.now) == []
        assert station.said() == b"\r\n+CSQ: 20,0\r\n\r\nOK\r\n\r\nOK\r\n"

    def test_one_after_the_other(self) -> None:
        station = at_first(forward=True)
        station.hear(b"ATE0\r")
        station.hear(b"AT+A\rAT+B\rAT+CMUX=0\r" + SABM_0)
        assert station.responder.answer("OK", station.now) == [CommandReceived("AT+B")]
        assert station.responder.answer("ERROR", station.now) == [ModeChanged(True), SessionOpened(by_peer=True)]
        assert station.said() == b"\r\nOK\r\n\r\nERROR\r\n\r\nOK\r\n" + UA_0

    def test_what_comes_while_one_waits_for_its_answer_does_not_tell_it_again(self) -> None:
        station = at_first(forward=True)
        station.hear(b"ATE0\r")
        assert station.hear(b"AT+A\r")[0] == [CommandReceived("AT+A")]
        assert station.hear(b"AT+") == ([], b"")
        assert station.hear(b"B\r") == ([], b"")
        assert station.responder.answer("OK", station.now) == [CommandReceived("AT+B")]

    def test_may_be_left_without_an_answer(self) -> None:
        station = at_first(forward=True)
        assert station.hear(b"ATE0\rAT+A\r") == ([CommandReceived("AT+A")], b"ATE0\r\r\nOK\r\n")
        assert station.responder.answer("", station.now) == []
        assert station.said() == b""

    def test_what_waits_behind_one_is_bounded(self) -> None:
        mode = AtMode(Config(), tuple(Option), forward=True)
        mode.receive(b"AT+A\r" + bytes(2 * MAX_WAITING))
        assert mode.discarded == MAX_WAITING
        assert repr(mode) == "<AtMode 'AT+A' is to be answered, echo on>"
        assert Responder(Config(), at=mode).stats()["at_octets_discarded"] == MAX_WAITING

    def test_what_a_peer_does_not_read_is_bounded(self) -> None:
        station = at_first()
        for _ in range(2000):
            station.responder.receive(b"AT+CMUX=?\r", station.now)
        kept = len(station.said())
        dropped = station.responder.stats()["answer_octets_discarded"]
        assert 0 < kept <= 4096
        assert dropped == 2000 * len(station.hear(b"AT+CMUX=?\r")[1]) - kept

    @pytest.mark.clause("5.8.2")
    def test_what_the_ends_of_sessions_leave_to_say_is_bounded(self) -> None:
        responder = Responder(Config(), multiplexing=True)
        for _ in range(2000):
            responder.receive(SABM_0 + SABM_1 + CLD, 0.0)
        said = b"".join(iter(lambda: responder.next_write(0.0), b""))
        assert 0 < len(said) <= 4096 + 1600
        assert responder.stats()["answer_octets_discarded"]

    def test_an_answer_that_nobody_asked_for_says_nothing(self) -> None:
        station = at_first(forward=True)
        assert station.responder.answer("OK", station.now) == []
        assert station.said() == b""


def test_an_owner_with_an_at_interpreter_of_its_own_gets_the_octets() -> None:
    station = Station(Responder(Config()))
    assert station.hear(b"AT+CMUX=0\r") == ([AtReceived(b"AT+CMUX=0\r")], b"")
    assert station.responder.multiplex(Config(n1=64), station.now) == [ModeChanged(True)]
    assert station.hear(SABM_0 + CLD + b"AT\r") == (
        [
            SessionOpened(by_peer=True),
            SessionClosed(Cause.PEER, "the peer closed the multiplexer down (CLD)"),
            ModeChanged(False),
            AtReceived(b"AT\r"),
        ],
        UA_0 + CLD_ANSWER,
    )


def test_backspace_and_control_characters_in_a_command_line() -> None:
    station = at_first()
    station.hear(b"ATE0\r")
    assert station.hear(b"\nAT+CMUX=9\x080\r")[0] == [ModeChanged(True)]


@given(st.lists(st.binary(max_size=80), max_size=30))
def test_nothing_that_comes_raises(parts: list[bytes]) -> None:
    station = at_first(forward=True)
    for part in parts:
        events, _ = station.hear(part)
        if any(isinstance(event, CommandReceived) for event in events):
            station.responder.answer("OK", station.now)
        station.wait(0.1)
    assert station.responder.ended is None


def test_signals_and_data_of_a_session_are_told() -> None:
    station = Station(Responder(Config(), multiplexing=True))
    station.hear(SABM_0 + SABM_1)
    events, _ = station.hear(basic("03 EF 09", "E3 05 07 0D") + basic("07 EF 05", "68 69"))
    assert [type(event) for event in events] == [SignalsChanged, DataReceived]
    assert events[1] == DataReceived(1, b"hi")


@pytest.mark.clause("5.3.1", "5.4.6.3.7")
def test_what_a_dead_peer_left_unanswered_is_no_matter_of_the_next_one() -> None:
    """Our MSC was not answered; the next initiator begins with SABM on DLCI 0, as if nothing had been."""
    station = Station(Responder(Config(t1=0.1, t2=0.3, n2=2), multiplexing=True))
    assert station.hear(SABM_0 + SABM_1)[1].startswith(UA_0)
    station.wait(5.0)
    station.said()
    assert station.hear(SABM_0)[1] == UA_0
    events, said = station.hear(SABM_1)
    assert events == [Opened(1, by_peer=True)]
    assert said.startswith(UA_1)
    station.wait(5.0)
    assert station.responder.multiplexer.is_open(1)


@pytest.mark.parametrize("rate", [300, 9600])
def test_answers_are_paced_as_frames_are(rate: int) -> None:
    station = Station(Responder(Config(), at=AtMode(Config(), tuple(Option)), line_rate=rate))
    station.responder.receive(b"AT+CMUX=?\r" * 20, 0.0)
    first = b"".join(iter(lambda: station.responder.next_write(0.0), b""))
    assert 0 < len(first) <= 2 * (31 + 7)


def test_the_octets_of_at_mode_are_counted_in_both_directions() -> None:
    station = at_first()
    _, answer = station.hear(b"AT\r")
    counted = station.responder.stats()
    assert (counted["line_octets_received"], counted["line_octets_sent"]) == (3, len(answer))
    station.hear(b"AT+CMUX=0\r" + SABM_0)
    assert station.responder.stats()["line_octets_received"] == 3 + 10 + len(SABM_0)
