"""Parameters are checked when they are made (27.010 §5.7)."""

from __future__ import annotations

import pytest

from cmux.protocol import Config, Option
from cmux.protocol.errors import ConfigError


@pytest.mark.clause("5.7.1", "5.7.2", "5.7.3", "5.7.4", "5.7.5", "5.7.6")
def test_defaults_of_the_specification() -> None:
    config = Config()
    assert (config.t1, config.n1, config.n2, config.k, config.t2, config.t3) == (0.1, 31, 3, 2, 0.3, 10)
    assert Config(option=Option.ADVANCED).n1 == 64


def test_a_module_may_send_more_than_we_do() -> None:
    assert Config(n1=31).n1_receive == 1600
    assert Config(n1=2000).n1_receive == 2000
    assert Config(n1=2000).queue_high == 16384
    assert Config(n1=32767).queue_high == 32767


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
    ],
)
def test_out_of_range_names_the_parameter(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"^({name}|queue_low) = "):
        Config(**{name: value})


@pytest.mark.clause("5.7.5")
def test_t2_follows_t1() -> None:
    assert Config(t1=1.0).t2 == 2.0
    assert Config(t1=2.0).t2 == 2.55
    assert Config(t1=2.55).t2 == 2.55
