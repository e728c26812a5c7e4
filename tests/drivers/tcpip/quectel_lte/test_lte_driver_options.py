"""What an LTE module and its driver do not have is refused before anything is sent, with its name and the dialect's."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_port import MemoryPort

from drivers.tcpip import Csd, TcpipDriver, Transparent
from drivers.tcpip.families import DIALECTS

TITLES = {"bg96": "Quectel BG96", "ec25": "EC25", "eg91": "Quectel EG91"}


@pytest.mark.parametrize("dialect", ["bg96", "ec25", "eg91"])
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"muxip": True}, "muxip"),
        ({"show": ("QISHOWRA",)}, "show"),
        ({"initialise": ("QIMUX",)}, "initialise"),
        ({"bearer": Csd("12345")}, "CSD|Csd"),
        ({"receive": "bare"}, "'bare'"),
        ({"receive": "header"}, "'header'"),
        ({"context": 0}, "1 to 16, not 0"),
        ({"context": 17}, "1 to 16, not 17"),
        ({"transparent": True, "receive": "pushed"}, "pushed"),
    ],
    ids=str,
)
def test_an_option_of_the_other_family_is_named_with_the_dialect(
    dialect: str, options: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=named) as refused:
        TcpipDriver(MemoryPort(), dialect=dialect, **options)
    assert TITLES[dialect] in str(refused.value) or options.get("transparent")


@pytest.mark.parametrize("dialect", ["m10", "m95", "m66", "mc60"])
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"receive": "pushed"}, "'pushed'"),
        ({"receive": "transparent"}, "'transparent'"),
        ({"share": True}, "share"),
        ({"context": 5}, "0 or 1, not 5"),
    ],
    ids=str,
)
def test_an_lte_option_is_named_with_a_gsm_dialect(dialect: str, options: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named) as refused:
        TcpipDriver(MemoryPort(), dialect=dialect, **options)
    assert DIALECTS[dialect].title in str(refused.value)


@pytest.mark.parametrize("dialect", ["bg96", "ec25", "eg91"])
def test_the_first_context_is_1(dialect: str) -> None:
    driver = TcpipDriver(MemoryPort(), dialect=dialect)
    assert (driver.context, driver.receive) == (1, "buffered")


def test_what_an_lte_driver_has_not_is_said_by_its_methods() -> None:
    driver = TcpipDriver(MemoryPort(), dialect="bg96")
    with pytest.raises(ValueError, match="Quectel BG96 has no option clients"):
        driver.listen(port=2020, clients=3)
    with pytest.raises(ValueError, match="port of its own"):
        driver.listen()
    driver.close()


def test_each_dialect_has_its_source_and_its_models() -> None:
    for name in ("bg96", "ec25", "eg91"):
        assert DIALECTS[name].models
        assert len(DIALECTS[name].source) > 20


def test_settings_of_transparent_sessions_make_them_transparent() -> None:
    assert TcpipDriver(MemoryPort(), dialect="bg96", transparent=Transparent()).receive == "transparent"
