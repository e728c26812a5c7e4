"""Parameters are checked when they are made (27.010 §5.7)."""

from __future__ import annotations

import pytest

from cmux.protocol import BasicDecoder, Config, Frame, FrameType, Multiplexer, Option, Role, encode
from cmux.protocol.config import Parameters
from cmux.protocol.errors import ConfigError


@pytest.mark.clause("5.1.2", "5.7.1", "5.7.2", "5.7.3", "5.7.4", "5.7.5", "5.7.6")
def test_defaults_of_the_specification() -> None:
    config = Config()
    assert (config.t1, config.n1, config.n2, config.k, config.t2, config.t3) == (0.1, 31, 3, 2, 0.3, 10)
    assert Config(option=Option.ADVANCED).n1 == 64


def test_a_module_may_send_more_than_we_do() -> None:
    assert Config(n1=31).n1_receive == 1600
    assert Config(n1=2000).n1_receive == 2000
    assert Config(n1=2000).queue_high == 16384
    assert Config(n1=32767).queue_high == 32767


RANGES = {  # of 27.010; N2 and N1 as §5.7 has them, T2 also below the default T1
    "t1": (0.01, 2.55),
    "n1": (1, 32767),
    "n2": (0, 255),
    "k": (1, 7),
    "t2": (0.02, 2.55),
    "t3": (1, 255),
}


@pytest.mark.clause("5.1.2", "5.7.1", "5.7.2", "5.7.3", "5.7.4", "5.7.5", "5.7.6")
@pytest.mark.parametrize("name", RANGES)
def test_both_ends_of_a_range_are_part_of_it_and_nothing_beyond(name: str) -> None:
    low, high = RANGES[name]
    for value in (low, high):
        more = {"t1": 0.01} if name == "t2" else {}
        assert getattr(Config(**{name: value, **more}), name) == value
    step = 0.001 if name[0] == "t" else 1
    for value in (low - step if name != "n1" else -1, high + step):  # N1 = 0 takes the default
        with pytest.raises(ConfigError, match=f"^{name} = "):
            Config(**{name: value})


@pytest.mark.clause("5.7.2")
def test_the_advanced_option_can_express_one_octet_more() -> None:
    assert Config(option=Option.ADVANCED, n1=32768).n1 == 32768
    with pytest.raises(ConfigError, match=r"^n1 = 32769 "):
        Config(option=Option.ADVANCED, n1=32769)


@pytest.mark.clause("5.7.5")
@pytest.mark.parametrize("t1", [0.3, 1.0])
def test_t2_must_be_longer_than_t1(t1: float) -> None:
    with pytest.raises(ConfigError, match=r"^t2 = 0\.3 must be longer than t1"):
        Config(t1=t1, t2=0.3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n1", -1),
        ("n1", 32768),
        ("n1_receive", 30),
        ("n2", 256),
        ("k", 8),
        ("t1", 0.001),
        ("t1", 2.56),
        ("t2", 0.1),
        ("t3", 300),
        ("frame_gap", 0),
        ("queue_low", 20000),
        ("queue_high", 10),
        ("n1", 3.5),
        ("n1", "31"),
        ("t1", None),
        ("t1", "0.1"),
        ("t1", float("nan")),
        ("option", "basic"),
        ("keep_alive", None),
        ("n1", 31.5),
        ("n1", True),
        ("n1_receive", 1600.0),
        ("n2", 1.5),
        ("k", 2.5),
        ("queue_high", 20000.5),
        ("queue_low", 0.5),
        ("frame_gap", True),
        ("frame_type", 0xEF),
        ("adm", "no"),
        ("keep_open", 1),
        ("shared_flags", None),
        ("rpn", "off"),
    ],
)
def test_out_of_range_names_the_parameter(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"^({name}|queue_low) = "):
        Config(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("n1", True, "n1 = True is not a number"),
        ("n1", 31.5, "n1 = 31.5 is not a whole number"),
        ("n1", 40000, "n1 = 40000 is out of range: 1 to 32767"),
        ("t1", "0.1", "t1 = '0.1' is not a number"),
        ("t1", float("inf"), "t1 = inf is out of range: 0.01 to 2.55"),
        ("adm", "no", "adm = 'no' is not true or false"),
        ("option", "basic", "option = 'basic' is not Option.BASIC or Option.ADVANCED"),
        ("wakeup", None, "wakeup = None is not Wakeup.HANDSHAKE, Wakeup.FLAGS or Wakeup.NONE"),
    ],
)
def test_a_message_says_name_value_and_what_is_allowed(name: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Config(**{name: value})
    assert str(raised.value) == message


@pytest.mark.clause("5.7.5")
def test_t2_follows_t1() -> None:
    assert Config(t1=1.0).t2 == 2.0
    assert Config(t1=2.0).t2 == 2.55
    assert Config(t1=2.55).t2 == 2.55


@pytest.mark.parametrize(
    ("name", "value"),
    [("n1", 31.0), ("n1", True), ("k", 1.5), ("priority", 7.0), ("convergence", True), ("frame_type", 0xEF)],
)
def test_what_pn_settles_are_whole_numbers(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"^{name} = "):
        Parameters(**{"n1": 31, name: value})


def test_the_low_water_mark_follows_the_high_one() -> None:
    assert Config().queue_low == 4096
    assert Config(queue_high=2000).queue_low == 500
    assert Config(n1=1, queue_high=1).queue_low == 0
    assert Config(queue_high=2000, queue_low=1999).queue_low == 1999


@pytest.mark.clause("4", "5.2.7.3")
def test_software_flow_control_of_the_line_needs_the_transparency_of_the_advanced_option() -> None:
    assert Config(option=Option.ADVANCED, xonxoff=True).xonxoff
    with pytest.raises(ConfigError, match=r"^xonxoff = True needs the advanced option"):
        Config(xonxoff=True)


@pytest.mark.clause("5.3.3")
def test_what_is_refused_stays_refused_with_other_parameters() -> None:
    mux = Multiplexer(Role.RESPONDER)
    mux.refuse(4)
    mux.reconfigure(Config(n1=64))
    for dlci in (0, 4, 5):
        mux.receive_data(encode(Frame(dlci, True, FrameType.SABM, True)), 0)
    answers = {one.dlci: one.type for one in BasicDecoder().receive_data(mux.data_to_send(0)) if one.type.name != "UIH"}
    assert answers == {0: FrameType.UA, 4: FrameType.DM, 5: FrameType.UA}
