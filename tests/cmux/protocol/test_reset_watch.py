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


def test_what_waits_for_the_end_of_a_doubt_is_bounded() -> None:
    pair = Pair().open(2)
    link = Link()
    link.multiplexer = pair.host.mux
    link.receive(b"\r\nRDY\r\n", pair.now)
    for _ in range(100):
        link.receive(bytes(10_000), pair.now)
        assert link._watch is not None
        assert len(link._watch._held) <= 65536
