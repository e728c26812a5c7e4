"""The rules of a line, without a line and on a clock that stands still: pacing, stall, reset, counters."""

import pytest

from cmux.protocol import Config, Frame, FrameType, Role, commands, encode
from cmux.protocol.commands import CLD, MSC, Signals
from cmux.protocol.errors import CmuxRefused, NoMultiplexer
from cmux.protocol.events import (
    Cause,
    Closed,
    CommandDone,
    DataReceived,
    Event,
    FrameDropped,
    Opened,
    ResetSuspected,
    SessionClosed,
)
from cmux.protocol.hand_over import Entered
from cmux.protocol.link import STALL, Link
from cmux.protocol.messages import encode_message
from cmux.protocol.reset_watch import DOUBT

SABM = encode(Frame(0, True, FrameType.SABM, True))
BANNER = b"\r\nRDY\r\n"


def ua(dlci: int) -> bytes:
    return encode(Frame(dlci, True, FrameType.UA, True))


def from_module(dlci: int, info: bytes) -> bytes:
    return encode(Frame(dlci, False, FrameType.UIH, False, info))


class Host:
    """A link of a host, its clock, and a line that takes what it is given unless it is told otherwise."""

    def __init__(self, *, open_channel: bool = True, **settings: object) -> None:
        self.now = 100.0
        self.link = Link(Role.INITIATOR, Config(t1=0.3, n2=5), **settings)  # type: ignore[arg-type]
        self.events: list[Event] = []
        self.written = b""
        self.takes = True
        self.link.start(self.now)
        self.turn()
        if open_channel:
            self.hear(ua(0))
            self.link.multiplexer.open(1, self.now)
            self.hear(ua(1))
            self.turn()
            self.hear(from_module(0, encode_message(MSC(1, Signals()), command=False)))
        self.events.clear()

    def hear(self, octets: bytes) -> None:
        self.events += self.link.receive(octets, self.now)
        self.turn()

    def turn(self) -> None:
        """Do what a shell does after each change."""
        due = self.link.next_timeout()
        if due is not None and due <= self.now:
            self.events += self.link.handle_timeout(self.now)
        while data := self.link.next_write(self.now):
            if not self.takes:
                self.link.blocked(self.now)
                return
            self.written += data
            self.link.wrote(len(data), self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass; no moment at which something is due is missed."""
        until = self.now + seconds
        while (due := self.link.next_timeout()) is not None and due <= until:
            assert due >= self.now or self.events is not None
            self.now = max(self.now, due)
            self.events += self.link.handle_timeout(self.now)
            self.turn()
        self.now = until
        self.turn()


def test_nothing_is_due_on_a_line_where_nothing_happens() -> None:
    host = Host()
    assert host.link.next_timeout() is None
    assert host.link.next_write(host.now) == b""
    assert host.link.handle_timeout(host.now) == []


class TestPacing:
    def test_a_line_with_a_rate_has_two_frames_ahead_at_most(self) -> None:
        host = Host(line_rate=3800)
        host.wait(1.0)
        host.written = b""
        host.link.multiplexer.send(1, bytes(31 * 20), host.now)
        frame, started = 6 + 31, host.now
        host.turn()
        assert len(host.written) == 2 * frame
        for _ in range(20):
            host.wait(0.05)
            gone = (host.now - started) * 380
            assert gone <= len(host.written) <= gone + 2 * frame + 0.001
        host.wait(5.0)
        assert len(host.written) == 20 * frame

    def test_the_moment_at_which_the_line_may_have_more_is_the_one_to_wait_for(self) -> None:
        host = Host(line_rate=3800)
        host.wait(1.0)
        host.link.multiplexer.send(1, bytes(31 * 3), host.now)
        host.turn()
        due = host.link.next_timeout()
        assert due is not None
        assert 0 < 2 * 37 - (due - host.now) * 380 <= 38  # one frame of N1 is left then
        host.wait(due - host.now)
        host.wait(5.0)
        assert host.link.next_timeout() is None

    def test_a_key_stroke_goes_before_what_the_line_has_not_been_given(self) -> None:
        host = Host(line_rate=9600)
        host.wait(1.0)
        host.link.multiplexer.send(1, bytes(10_000), host.now)
        host.turn()
        given = len(host.written)
        host.link.multiplexer.test(b"k", host.now)
        host.wait(0.1)
        behind = host.written[given:].index(encode_message(commands.Test(b"k"), command=True))
        assert behind <= 2 * (31 + 6)


class TestStall:
    def test_a_line_that_takes_no_octet_for_half_a_minute_is_lost(self) -> None:
        host = Host()
        host.takes = False
        host.link.multiplexer.send(1, b"x", host.now)
        host.turn()
        host.wait(STALL - 0.1)
        assert host.events == []
        host.wait(0.1)
        assert [type(event) for event in host.events] == [Closed, SessionClosed]
        assert host.link.ended == SessionClosed(
            Cause.LINE_LOST, "the line has taken no octet for 30 s (flow control?)"
        )  # fmt: skip

    def test_one_octet_is_enough_to_begin_anew(self) -> None:
        host = Host()
        host.takes = False
        host.link.multiplexer.send(1, b"xyz", host.now)
        host.turn()
        for _ in range(3):
            host.wait(STALL - 0.1)
            host.link.wrote(1, host.now)
            host.link.blocked(host.now)
        assert host.events == []
        host.wait(STALL)
        assert host.link.ended is not None

    def test_a_line_that_takes_nothing_is_given_nothing_more(self) -> None:
        host = Host()
        host.takes = False
        host.link.multiplexer.open(2, host.now)
        host.turn()
        host.link.multiplexer.send(1, b"x", host.now)
        assert host.link.next_write(host.now) == b""
        assert host.link.unwritten == 6
        host.takes = True
        host.link.wrote(6, host.now)
        host.hear(ua(2))
        assert host.events == [Opened(2, by_peer=False)]
        assert b"x" in host.written

    def test_news_that_wait_are_told_on_a_line_that_takes_nothing_and_no_timer_runs_for_it(self) -> None:
        host = Host()
        host.takes = False
        host.link.multiplexer.send(1, b"x", host.now)
        host.turn()
        host.link.multiplexer.hold_all(host.now)
        host.link.multiplexer.release_all(host.now)
        host.now += 5.0
        assert [type(event) for event in host.link.waiting_events(host.now)] == [CommandDone]
        assert host.link.ended is None
        host.now += STALL
        assert isinstance(host.link.waiting_events(host.now)[-1], SessionClosed)

    def test_a_responder_may_wait_for_its_peer_for_ever(self) -> None:
        link = Link(Role.RESPONDER, Config(), stall=None)
        link.receive(SABM, 0.0)
        assert link.next_write(0.0) == ua(0)
        link.blocked(0.0)
        assert link.next_timeout() is None
        assert link.handle_timeout(1e6) == []


class TestReset:
    def test_a_module_that_says_ready_and_then_sends_no_frame_was_reset(self) -> None:
        host = Host()
        host.hear(BANNER)
        assert [event for event in host.events if not isinstance(event, FrameDropped)] == [ResetSuspected("RDY")]
        assert encode_message(commands.Test(b"alive?"), command=True) in host.written
        host.wait(DOUBT)
        assert [type(event) for event in host.events[-2:]] == [Closed, SessionClosed]
        assert host.link.ended == SessionClosed(
            Cause.PEER, "the module was reset: it said 'RDY' and then sent no frame"
        )
        assert host.events[-1] == host.link.ended

    def test_one_that_goes_on_answering_was_not(self) -> None:
        host = Host()
        host.hear(BANNER)
        host.hear(from_module(1, b"on"))
        host.wait(1.0)
        assert DataReceived(1, b"on") in host.events
        assert host.link.ended is None

    @pytest.mark.parametrize("role", list(Role))
    def test_text_before_a_session_is_no_reset(self, role: Role) -> None:
        link = Link(role, Config())
        assert link.receive(BANNER, 0.0) == []

    def test_a_responder_takes_text_of_its_peer_for_noise(self) -> None:
        link = Link(Role.RESPONDER, Config())
        link.receive(SABM, 0.0)
        link.receive(BANNER, 0.0)
        assert link.next_timeout() is None


class TestTheEnd:
    def test_a_lost_line_is_told_with_the_first_cause(self) -> None:
        host = Host()
        host.events += host.link.line_lost("hung up: Input/output error", host.now)
        host.events += host.link.line_lost("closed", host.now, Cause.LOCAL)
        assert host.events == [
            Closed(1, Cause.LINE_LOST, "hung up: Input/output error"),
            SessionClosed(Cause.LINE_LOST, "hung up: Input/output error"),
        ]
        assert host.link.ended == host.events[-1]

    def test_an_end_that_this_side_wants_is_none_of_the_line(self) -> None:
        host = Host()
        assert host.link.line_lost("closed", host.now, Cause.LOCAL)[-1] == SessionClosed(Cause.LOCAL, "closed")

    def test_the_peers_end_is_noted(self) -> None:
        host = Host()
        host.hear(from_module(0, encode_message(CLD(), command=True)))
        assert host.link.ended is not None
        assert host.link.ended.cause is Cause.PEER


class TestNotOpened:
    def said(self, heard: bytes, *, after_at: bool = True) -> NoMultiplexer | CmuxRefused:
        link = Link(Role.INITIATOR, Config(n2=0))
        link.start(0.0)
        link.next_write(0.0)
        link.receive(heard, 0.0)
        link.handle_timeout(1.0)
        return link.not_opened("/dev/ttyX", Entered(b"", link.multiplexer.config, False, None) if after_at else None)

    def test_a_silent_line(self) -> None:
        assert "OK received, no UA" in str(self.said(b""))
        assert "not one octet came" in str(self.said(b"", after_at=False))

    def test_a_line_that_echoes(self) -> None:
        assert "our own SABM came back" in str(self.said(SABM))

    def test_octets_that_make_no_sense(self) -> None:
        assert "what came begins with 7e 03 3f" in str(self.said(b"\x7e\x03\x3f\x1c\x7e"))

    def test_a_module_that_refuses(self) -> None:
        error = self.said(encode(Frame(0, True, FrameType.DM, True)))
        assert isinstance(error, CmuxRefused)
        assert "adm=True" in str(error)


def test_the_first_octets_of_a_session_are_kept_and_no_more() -> None:
    link = Link()
    for _ in range(200):
        link.receive(b"0123456789", 0.0)
    assert link.first_octets == b"0123456789" * 102 + b"0123"


def test_octets_are_counted_as_the_line_takes_them() -> None:
    host = Host(open_channel=False)
    assert host.link.stats()["line_octets_sent"] == len(SABM)
    host.takes = False
    host.hear(ua(0))
    host.link.multiplexer.open(1, host.now)
    host.turn()
    stats = host.link.stats()
    assert (stats["line_octets_received"], stats["line_octets_sent"]) == (6, 6)
    assert host.link.unwritten == 6
    host.link.wrote(4, host.now)
    assert host.link.stats()["line_octets_sent"] == 10
    assert host.link.unwritten == 2
