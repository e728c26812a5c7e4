"""A keep-alive that nobody has asked for: it asks what the module has shown to answer, or nothing."""

import logging

import pytest
from mute_module import MuteModule, Watcher, from_module

from cmux.logs import log_event
from cmux.opening import make_plan
from cmux.protocol import Config, Frame, FrameType, encode
from cmux.protocol.commands import MSC, FCoff, FCon, Signals
from cmux.protocol.commands import Test as Probe
from cmux.protocol.config import KeepAlive
from cmux.protocol.events import Cause, Closed, KeepAliveChosen, SessionClosed
from cmux.protocol.messages import encode_message
from cmux.protocol.profiles import Profile
from cmux.settings import LineSettings, asks_unasked

AUTO = Config(t1=0.3, n2=5, keep_alive=KeepAlive.AUTO)
HOUR = 3600.0
INTERVAL = AUTO.keep_alive_interval
GIVEN_UP = (AUTO.n2 + 1) * AUTO.t2
"""Seconds after which a question counts as not answered."""

OPENING: list[tuple[str, str, KeepAlive]] = [
    ("echo", "echo", KeepAlive.TEST),
    ("echo", "mute", KeepAlive.TEST),
    ("nsc", "echo", KeepAlive.TEST),
    ("nsc", "mute", KeepAlive.TEST),
    ("mute", "echo", KeepAlive.MSC),
    ("mute", "nsc", KeepAlive.MSC),
    ("mute", "mute", KeepAlive.NONE),
]
"""What a module does with a Test and with an MSC, and how it is asked then."""


@pytest.mark.clause("5.4.6.3.4", "5.4.6.3.7", "5.4.6.3.8")
@pytest.mark.parametrize(("test", "msc", "kind"), OPENING)
def test_a_module_is_asked_by_what_it_answered_during_opening(test: str, msc: str, kind: KeepAlive) -> None:
    host = Watcher(MuteModule(test, msc), AUTO, 2, 3)
    host.wait(GIVEN_UP + 0.1)
    assert host.of(KeepAliveChosen) == [KeepAliveChosen(kind)]
    host.questions()
    host.wait(4 * INTERVAL)
    wanted = {KeepAlive.TEST: Probe(b"gsm0710"), KeepAlive.MSC: MSC(2, Signals())}.get(kind)
    heard = host.questions()
    assert [one for one in heard if one == wanted] == [wanted] * (4 if wanted else 0)
    assert all(wanted == one or isinstance(one, MSC) for one in heard)  # one that it missed is repeated when it speaks
    assert host.link.ended is None


@pytest.mark.parametrize(("test", "msc", "kind"), OPENING)
def test_a_module_that_falls_silent_is_noticed_if_it_can_be_asked(test: str, msc: str, kind: KeepAlive) -> None:
    host = Watcher(MuteModule(test, msc), AUTO, 1)
    host.wait(GIVEN_UP)
    host.module.dead = True
    host.wait(INTERVAL + GIVEN_UP + 0.1)
    if kind is KeepAlive.NONE:
        assert host.link.ended is None
    else:
        assert host.of(SessionClosed) == [
            SessionClosed(Cause.TIMEOUT, "the peer did not answer 6 keep-alive questions")
        ]


def test_a_module_mute_to_both_is_left_alone_for_an_hour_of_a_silent_ppp_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = Watcher(MuteModule("mute", "mute"), AUTO, 1)
    host.link.multiplexer.send(1, b"ATD*99#\r", host.now)
    host.turn()
    host.hear(from_module(1, b"\r\nCONNECT\r\n\x7e\xff\x03\xc0\x21\x01\x01\x00\x04\x7e"))
    host.wait(60)
    host.questions()
    host.wait(HOUR)
    assert host.questions() == []
    assert host.link.multiplexer.is_open(1)
    assert host.link.ended is None
    assert host.of(Closed) == []
    with caplog.at_level(logging.INFO):
        for event in host.events:
            log_event(logging.getLogger("cmux.x"), event)
    (warning,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "neither Test nor MSC" in warning.message


def test_without_a_channel_it_waits_for_one_that_is_opened_later() -> None:
    host = Watcher(MuteModule("mute"), AUTO)
    host.wait(HOUR)
    assert host.of(KeepAliveChosen) == [KeepAliveChosen(KeepAlive.NONE)]
    host.link.multiplexer.open(1, host.now)
    host.wait(1)
    assert host.of(KeepAliveChosen)[1:] == [KeepAliveChosen(KeepAlive.MSC)]


@pytest.mark.parametrize("answers", [2, 3])
def test_it_is_asked_about_a_channel_whose_msc_it_has_answered(answers: int) -> None:
    host = Watcher(MuteModule("mute", unasked={1, 2, 3} - {answers}), AUTO, 1, 2, 3)
    host.wait(HOUR)
    assert host.of(KeepAliveChosen) == [KeepAliveChosen(KeepAlive.MSC)]
    assert host.link.ended is None
    host.module.dead = True
    host.wait(INTERVAL + GIVEN_UP + 0.1)
    assert [end.cause for end in host.of(SessionClosed)] == [Cause.TIMEOUT]


def test_nothing_is_asked_while_no_such_channel_is_open() -> None:
    host = Watcher(MuteModule("mute", unasked={1}), AUTO, 1, 2)
    host.wait(2 * INTERVAL)
    host.link.multiplexer.close(2, host.now)
    host.turn()
    host.wait(HOUR)
    assert host.link.ended is None
    assert host.link.multiplexer.is_open(1)


def test_whoever_asks_for_msc_gets_it_on_any_channel() -> None:
    host = Watcher(MuteModule(unasked={1}), Config(keep_alive=KeepAlive.MSC), 1, 2)
    host.wait(HOUR)
    assert [end.cause for end in host.of(SessionClosed)] == [Cause.TIMEOUT]


def test_a_module_without_control_channel_is_not_asked_and_that_is_told() -> None:
    host = Watcher(MuteModule(adm=True), Config(adm=True, keep_alive=KeepAlive.AUTO), 1)
    host.wait(HOUR)
    assert host.questions() == []
    assert host.of(KeepAliveChosen) == [KeepAliveChosen(KeepAlive.NONE)]
    assert host.link.ended is None


def test_a_session_that_the_module_begins_anew_is_looked_at_anew() -> None:
    host = Watcher(MuteModule(), AUTO, 1)
    host.module.answers[Probe] = "mute"
    host.hear(encode(Frame(0, False, FrameType.SABM, True)))  # it has restarted
    host.wait(GIVEN_UP)
    assert [chosen.kind for chosen in host.of(KeepAliveChosen)] == [KeepAlive.TEST, KeepAlive.NONE]


# --- What is a sign of life, and when nothing is asked ---


@pytest.mark.parametrize("kind", [KeepAlive.AUTO, KeepAlive.TEST, KeepAlive.MSC])
@pytest.mark.parametrize("octets", [b"\xf9", b"\x00", b"\r\nRING\r\n", b"\xf9\x07\xef\x03", from_module(1, b"x")])
def test_any_octet_is_a_sign_of_life(octets: bytes, kind: KeepAlive) -> None:
    host = Watcher(MuteModule(), Config(keep_alive=kind), 1)
    host.module.dead = True
    host.questions()
    for _ in range(20):  # just before it would be asked
        host.wait(INTERVAL - 0.5)
        host.hear(octets)
    assert host.questions() == []
    host.wait(INTERVAL + 0.1)  # the question is out
    assert host.questions()
    host.hear(octets)
    host.wait(GIVEN_UP)
    assert host.link.ended is None
    host.wait(INTERVAL + GIVEN_UP)
    assert host.link.ended is not None


@pytest.mark.parametrize("kind", [KeepAlive.TEST, KeepAlive.MSC])
@pytest.mark.parametrize("pieces", [1, 3, 100])
@pytest.mark.parametrize("dropped", [b"", bytes(range(32))], ids=["all", "without control characters"])
def test_the_echo_of_the_question_is_none(dropped: bytes, pieces: int, kind: KeepAlive) -> None:
    """A module that has restarted without a word is in AT mode, and sends back what it hears."""
    host = Watcher(MuteModule(), Config(keep_alive=kind), 1)
    host.module.dead = True
    host.module.echo = lambda octets: octets.translate(None, dropped)
    host.pieces = pieces
    host.wait(INTERVAL + GIVEN_UP + 0.1)
    (closed,) = host.of(SessionClosed)
    assert closed.detail.startswith("the peer only sends back what it hears")


def test_a_module_that_holds_all_channels_is_not_asked_until_it_lets_them_go() -> None:
    host = Watcher(MuteModule(), AUTO, 1)
    host.hear(from_module(0, encode_message(FCoff(), command=True)))
    host.module.dead = True
    host.questions()
    host.wait(HOUR)
    assert host.questions() == []
    assert host.link.ended is None
    host.hear(from_module(0, encode_message(FCon(), command=True)))
    host.wait(INTERVAL + GIVEN_UP + 0.1)
    assert host.link.ended is not None


def test_a_module_that_stops_every_channel_is_not_asked_and_one_that_stops_some_is() -> None:
    host = Watcher(MuteModule(), AUTO, 1, 2)
    host.wait(1)
    host.questions()
    for dlci in (1, 2):
        host.hear(from_module(0, encode_message(MSC(dlci, Signals(fc=True)), command=True)))
    host.wait(HOUR)
    assert host.questions() == []
    host.hear(from_module(0, encode_message(MSC(2, Signals()), command=True)))
    host.wait(INTERVAL + 0.1)
    assert host.questions() == [Probe(b"gsm0710")]


@pytest.mark.clause("5.4.7")
def test_a_module_that_sleeps_is_not_asked() -> None:
    host = Watcher(MuteModule(), AUTO, 1)
    host.link.multiplexer.sleep(host.now)
    host.wait(1)
    assert host.link.multiplexer.stats()["power"] == "ASLEEP"
    host.module.dead = True
    host.questions()
    host.wait(HOUR)
    assert host.questions() == []
    assert host.link.ended is None


def test_while_the_line_takes_nothing_nothing_is_asked() -> None:
    host = Watcher(MuteModule(), AUTO, 1)
    host.wait(INTERVAL - 1)
    host.questions()
    host.takes = False
    host.link.multiplexer.send(1, b"x", host.now)
    host.turn()
    host.wait(20)
    host.takes_again()
    assert host.of(SessionClosed) == []
    host.wait(1)  # it has been silent for long enough meanwhile
    assert host.questions() == [Probe(b"gsm0710")]
    assert host.link.ended is None


def test_a_question_that_did_not_leave_proves_nothing() -> None:
    host = Watcher(MuteModule(), AUTO, 1)
    host.wait(INTERVAL - 1)
    host.module.dead = True
    host.wait(2)  # it is out, and not answered
    host.takes = False
    host.link.multiplexer.send(1, b"x", host.now)
    host.turn()
    host.wait(GIVEN_UP + 5)
    assert host.link.ended is None
    host.module.dead = False
    host.takes_again()
    host.wait(HOUR)
    assert host.link.ended is None


# --- Who is asked by default ---

ASKS: list[tuple[LineSettings, str, KeepAlive]] = [
    ({}, "open", KeepAlive.NONE),
    ({"reattach": True}, "open", KeepAlive.AUTO),
    ({"reattach": True}, "serve", KeepAlive.NONE),
    ({"reattach": True, "keep_alive": "none"}, "open", KeepAlive.NONE),
    ({"reattach": True, "keep_alive": "test"}, "open", KeepAlive.TEST),
    ({"reattach": True, "keep_alive": KeepAlive.MSC}, "open", KeepAlive.MSC),
    ({"keep_alive": "auto"}, "open", KeepAlive.AUTO),
]


@pytest.mark.parametrize(("settings", "function", "kind"), ASKS)
def test_a_module_is_asked_by_default_where_its_line_can_be_opened_again(
    settings: LineSettings, function: str, kind: KeepAlive
) -> None:
    config = make_plan("/dev/x", settings, function).config
    assert (config.keep_alive, config.keep_alive_interval) == (kind, 30)


def test_what_a_profile_says_of_it_holds() -> None:
    own = Profile(name="own", title="", source="", settings={"keep_alive": KeepAlive.NONE})
    assert make_plan("/dev/x", {"reattach": True, "profile": own}).config.keep_alive is KeepAlive.NONE


def test_the_interval_can_be_chosen_without_the_kind() -> None:
    config = make_plan("/dev/x", {"reattach": True, "keep_alive_interval": 5.0}).config
    assert (config.keep_alive, config.keep_alive_interval) == (KeepAlive.AUTO, 5)


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ({}, True),
        ({"sleeps_after": 0.0}, True),
        ({"sleeps_after": 20.0}, False),
        ({"keep_alive": KeepAlive.TEST, "sleeps_after": 20.0}, False),
    ],
)
def test_the_silence_of_a_module_that_falls_asleep_by_itself_means_nothing(
    told: dict[str, object], asked: bool
) -> None:
    assert asks_unasked(told) is asked
