"""A module that may have been reset: what ends the doubt, and what is believed before it is over."""

import pytest
from core_pair import Pair

from cmux.protocol import Config, Frame, FrameType, Option, encode
from cmux.protocol.commands import MSC, Signals
from cmux.protocol.events import Cause, DataReceived, ResetSuspected, SessionClosed, SignalsChanged
from cmux.protocol.link import Link
from cmux.protocol.messages import encode_message
from cmux.protocol.reset_watch import DOUBT, ResetWatch


@pytest.mark.parametrize("option", [Option.BASIC, Option.ADVANCED])
def test_only_a_frame_of_the_module_ends_the_doubt(option: Option) -> None:
    watch = ResetWatch(Config(option=option))
    assert not watch.looks_reset(b"\r\nRD")
    assert watch.looks_reset(b"Y\r\n")
    assert watch.text == "RDY"
    watch.doubt(5.0)
    assert not watch.looks_reset(b"\r\nRDY\r\n")  # one doubt at a time
    watch.receive_data(encode(Frame(0, True, FrameType.UIH, False, b"\x23\x01"), option))  # our own, echoed
    assert watch.deadline == 5.0 + DOUBT
    watch.receive_data(encode(Frame(0, False, FrameType.UIH, False, b"\x21\x01"), option))
    assert watch.deadline is None


@pytest.mark.parametrize(
    "words",
    [
        *("RDY", "NORMAL POWER DOWN", "UNDER_VOLTAGE POWER DOWN", "OVER_VOLTAGE POWER DOWN"),
        *("UNDER_VOLTAGE WARNING", "OVER_VOLTAGE WARNING", "UNDER-VOLTAGE POWER DOWN", "OVER-VOLTAGE WARNNING"),
        *("^SYSSTART", "^SYSSTART AIRPLANE MODE", "^SHUTDOWN"),
    ],
)
def test_last_and_first_words_of_a_module_are_heard_however_they_are_cut(words: str) -> None:
    text = f"\r\n{words}\r\n".encode()
    for cut in range(1, len(text)):
        watch = ResetWatch(Config())
        watch.looks_reset(bytes(40))
        assert not watch.looks_reset(text[:cut])
        assert watch.looks_reset(text[cut:])
        assert watch.text == words


@pytest.mark.parametrize("lives", [False, True])
def test_nothing_is_believed_that_a_module_in_at_mode_may_echo(lives: bool) -> None:
    """What the host sends while it does not know yet comes back as it was: data, and signals that lift a flow stop."""
    pair = Pair().open(2)
    host, link = pair.host.mux, Link()
    link.multiplexer = host
    pair.module.mux.pause_reading(2, pair.now)
    pair.settle()
    host.send(2, b"held back", pair.now)
    assert host.data_to_send(pair.now) == b""
    echoed = b"".join(
        encode(Frame(dlci, True, FrameType.UIH, False, octets))
        for dlci, octets in ((0, encode_message(MSC(2, Signals()), command=True)), (2, b"from the host"))
    )
    genuine = encode(Frame(2, False, FrameType.UIH, False, b"from the module"))
    events = link.receive(b"\r\nRDY\r\n" + echoed[:20], pair.now)
    assert ResetSuspected("RDY") in events
    events += link.receive(echoed[20:] + (genuine if lives else b""), pair.now)
    if lives:  # then it was noise, and what came was no echo
        received = b"".join(event.data for event in events if isinstance(event, DataReceived))
        assert received == b"from the hostfrom the module"
        assert link.ended is None
        assert not any(isinstance(event, SessionClosed) for event in link.handle_timeout(pair.now + DOUBT))
        assert b"held back" in host.data_to_send(pair.now)
    else:
        assert not [event for event in events if isinstance(event, (DataReceived, SignalsChanged))]
        assert b"held back" not in host.data_to_send(pair.now)
        *_, end = link.handle_timeout(pair.now + DOUBT)
        assert end == SessionClosed(Cause.PEER, "the module was reset: it said 'RDY' and then sent no frame")


def test_an_echo_that_is_too_long_to_be_held_is_not_believed_either() -> None:
    """On a fast line 0.7 s of what the host sends are more than is kept; no module that lives sends only that."""
    pair = Pair().open(2)
    link = Link()
    link.multiplexer = pair.host.mux
    events = link.receive(b"\r\nRDY\r\n", pair.now)
    echoed = encode(Frame(2, True, FrameType.UIH, False, bytes(1000)))
    for _ in range(1000):
        events += link.receive(echoed, pair.now)
        assert link._watch is not None
        assert len(link._watch._held) <= 65536
    events += link.receive(encode(Frame(2, False, FrameType.UIH, False, b"by chance")), pair.now)
    assert link.next_timeout() == pair.now
    events += link.handle_timeout(pair.now)
    assert not [event for event in events if isinstance(event, DataReceived)]
    assert events[-1] == SessionClosed(Cause.PEER, "the module was reset: it said 'RDY' and then sent no frame")


def _host(option: Option) -> tuple[Pair, Link]:
    pair = Pair(Config(option=option)).open(2)
    link = Link(config=Config(option=option))
    link.multiplexer = pair.host.mux
    return pair, link


ECHO = Frame(2, True, FrameType.UIH, False, b"from the host")


@pytest.mark.parametrize("option", list(Option))
@pytest.mark.parametrize("cut", ["before the text", "in the text", "behind the text", "in the echo", "nowhere"])
@pytest.mark.parametrize("begun", [False, True])
def test_a_reset_is_noticed_whatever_stands_around_its_text(option: Option, cut: str, *, begun: bool) -> None:
    """With the advanced option what follows a flag may be a frame until the next flag; a frame may be cut off."""
    pair, link = _host(option)
    frame = encode(Frame(2, False, FrameType.UIH, False, bytes(100)), option)
    before = frame + (frame[:20] if begun else b"")
    text, echo = b"\r\nRDY\r\n", encode(ECHO, option) * 20
    at = {
        "before the text": len(before),
        "in the text": len(before) + 4,
        "behind the text": len(before + text),
        "in the echo": len(before + text) + 10,
        "nowhere": 0,
    }[cut]
    octets = before + text + echo
    events = link.receive(octets[:at], pair.now) + link.receive(octets[at:], pair.now)
    assert ResetSuspected("RDY") in events
    data = b"".join(event.data for event in events if isinstance(event, DataReceived))
    if begun and option is Option.BASIC:  # with what stands where its rest was expected it is looked through again
        assert data == bytes(100) + ECHO.info * (data.count(ECHO.info))
        assert len(data) <= 200
    else:
        assert data == bytes(100)
    events = link.handle_timeout(pair.now + DOUBT)
    assert events[-1] == SessionClosed(Cause.PEER, "the module was reset: it said 'RDY' and then sent no frame")


@pytest.mark.parametrize("option", list(Option))
def test_a_reset_is_noticed_when_nothing_follows_its_text(option: Option) -> None:
    pair, link = _host(option)
    events = link.receive(b"\r\nRDY\r\n", pair.now)
    ends = pair.now + 10
    while link.ended is None:
        due = link.next_timeout()
        assert due is not None
        assert due < ends
        events += link.handle_timeout(due)
        link.next_write(due)
    assert ResetSuspected("RDY") in events
    assert link.ended.cause is Cause.PEER


@pytest.mark.parametrize("option", list(Option))
@pytest.mark.parametrize("many", [1, 2000])
def test_text_in_a_frame_is_data_however_it_is_cut(option: Option, many: int) -> None:
    info = b"\xf9+CPIN?\r\r\n+CPIN: READY\r\n\r\nOK\r\n\x7e\xf9"
    octets = encode(Frame(2, False, FrameType.UIH, False, info), option) * many
    for size in (1, 7, 30, 1000, len(octets)) if many == 1 else (1000, len(octets)):
        pair, link = _host(option)
        events = []
        for at in range(0, len(octets), size):
            events += link.receive(octets[at : at + size], pair.now)
        assert b"".join(event.data for event in events if isinstance(event, DataReceived)) == info * many
        assert not [event for event in events if not isinstance(event, DataReceived)]
        assert link.next_timeout() is None or link.next_timeout() != pair.now + DOUBT
