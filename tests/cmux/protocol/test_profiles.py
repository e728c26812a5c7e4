"""Profiles: each with its source, and with an exchange on record that it gets along with."""

from __future__ import annotations

from dataclasses import fields

import pytest
from core_pair import Pair

from cmux.protocol import Config, FrameType, Multiplexer, Option, Role
from cmux.protocol.commands import MSC, Signals
from cmux.protocol.config import KeepAlive, Wakeup
from cmux.protocol.errors import ConfigError, StateError
from cmux.protocol.events import Cause, Closed, DataReceived, Event, Opened, SessionOpened, SignalsChanged
from cmux.protocol.profiles import PROFILES

RECORDED = {
    # 27.010 5.8.1 as any module does it.
    "generic": [
        (">", "F9 03 3F 01 1C F9"),
        ("<", "F9 03 73 01 D7 F9"),
        (">", "F9 07 3F 01 DE F9"),
        ("<", "F9 07 73 01 15 F9"),
        (">", "F9 03 EF 09 E3 05 07 8D FB F9"),
    ],
    # UA, then the module's own MSC with RTC and RTR; N1 of the module is 127.
    "m10": [
        (">", "F9 03 3F 01 1C F9"),
        ("<", "F9 03 73 01 D7 F9"),
        (">", "F9 07 3F 01 DE F9"),
        ("<", "F9 07 73 01 15 F9 F9 01 EF 09 E3 05 07 0D 9A F9"),
        (">", "F9 03 EF 09 E3 05 07 8D FB F9 F9 03 EF 09 E1 05 07 0D FB F9"),
    ],
    # SIM800 MUX note V1.04 and esp-protocols#140: a two-octet length in UA; UA and MSC in one read.
    "sim800": [
        (">", "F9 03 3F 01 1C F9"),
        ("<", "F9 03 73 01 D7 F9"),
        (">", "F9 07 3F 01 DE F9"),
        ("<", "F9 07 73 00 00 D7 F9 F9 01 EF 09 E3 05 07 0D 9A F9"),
        (">", "F9 03 EF 09 E3 05 07 8D FB F9 F9 03 EF 09 E1 05 07 0D FB F9"),
    ],
    # zephyr#63813: MSC with a third octet that EA does not announce is echoed as it came.
    "sim7080": [
        (">", "F9 03 3F 01 1C F9"),
        ("<", "F9 03 73 01 D7 F9"),
        (">", "F9 07 3F 01 DE F9"),
        ("<", "F9 07 73 01 15 F9 F9 01 EF 0B E3 07 07 0D 01 79 F9"),
        (">", "F9 03 EF 09 E3 05 07 8D FB F9 F9 03 EF 0B E1 07 07 0D 01"),
    ],
    # gsm0710muxer's EMPTY_BREAK: our MSC carries a break octet without a break.
    "particle": [
        (">", "F9 03 3F 01 1C F9"),
        ("<", "F9 03 73 01 D7 F9"),
        (">", "F9 07 3F 01 DE F9"),
        ("<", "F9 07 73 01 15 F9"),
        (">", "F9 03 EF 0B E3 07 07 8C 01"),
    ],
    # ubxlib: the GNSS channel opens once.
    "sara-r5": [
        (">", "F9 03 3F 01 1C F9"),
        ("<", "F9 03 73 01 D7 F9"),
        (">", "F9 07 3F 01 DE F9"),
        ("<", "F9 07 73 01 15 F9"),
    ],
    # zephyr#109712: PSC is answered; what comes next is data at once, without flags.
    "eg25": [
        (">", "F9 03 3F 01 1C F9"),
        ("<", "F9 03 73 01 D7 F9"),
        (">", "F9 07 3F 01 DE F9"),
        ("<", "F9 07 73 01 15 F9"),
    ],
}


def play(name: str) -> tuple[Multiplexer, list[Event]]:
    """Play the record: what goes out must be on it, what comes in is fed."""
    mux = Multiplexer(Role.INITIATOR, PROFILES[name].config())
    events: list[Event] = []
    mux.start(0.0)
    for direction, text in RECORDED[name]:
        octets = bytes.fromhex(text)
        if direction == ">":
            if not mux.session_open or mux.is_open(1):
                assert mux.data_to_send(0.0).startswith(octets)
            else:
                mux.open(1, 0.0)
                assert mux.data_to_send(0.0) == octets
        else:
            events += mux.receive_data(octets, 0.0)
    return mux, events


@pytest.mark.parametrize("name", PROFILES)
def test_recorded_exchange(name: str) -> None:
    mux, events = play(name)
    assert mux.is_open(1)
    assert events[0] == SessionOpened(by_peer=False)
    assert Opened(1, by_peer=False) in events
    assert mux.stats()["dropped"] == {}
    if "0D" in RECORDED[name][3][1]:
        assert SignalsChanged(1, Signals(dv=False), None) in events


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_has_its_source_and_makes_a_config(name: str) -> None:
    profile = PROFILES[name]
    assert profile.name == name
    assert len(profile.source) > 20
    assert set(profile.settings) <= {field.name for field in fields(Config)}
    assert all(1 <= dlci <= 61 for dlci in profile.channels.values())
    assert profile.config(n2=1).n2 == 1
    with pytest.raises(ConfigError):
        profile.config(n1=0, t1=9)


def test_what_the_profiles_differ_in() -> None:
    assert PROFILES["m10"].config().n1 == 127
    assert PROFILES["m10"].config().option is Option.BASIC
    assert PROFILES["m10"].channels["at"] == 1
    assert PROFILES["eg25"].config().wakeup is Wakeup.NONE
    assert PROFILES["particle"].config().keep_alive is KeepAlive.MSC
    assert PROFILES["generic"].config().t1 == 0.3


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
