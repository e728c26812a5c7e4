"""Behaviours as a command line gives them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import drivers.emulator
from drivers.emulator import Behaviour


def test_values_of_each_kind_are_read() -> None:
    read = Behaviour.parse(
        ["recv_from=rcv_from", "strict-reads=on", "activation_time=2.5", "already_connect = after_ok"]
    )
    assert read == Behaviour(recv_from="RCV FROM", strict_reads=True, activation_time=2.5, already_connect="after_ok")
    assert Behaviour.parse(["strict_reads=off"], base=read).activation_time == 2.5
    assert Behaviour.parse([]) == Behaviour()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("strict_reads", "NAME=VALUE"),
        ("no_such=1", "no behaviour"),
        ("strict_reads=perhaps", "on or off"),
        ("activation_time=soon", "time in seconds"),
        ("activation_time=-1", "0 to 86400"),
        ("activation_time=nan", "0 to 86400"),
        ("recv_from=FROM", "RECV FROM, RCV FROM"),
    ],
)
def test_a_mistake_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Behaviour.parse([text])


def test_the_list_tells_default_values_and_source_of_each() -> None:
    rows = {name: rest for name, *rest in Behaviour.describe()}
    assert list(rows) == [field.name for field in dataclasses.fields(Behaviour)]
    assert rows["strict_reads"][:2] == ["off", "on|off"]
    assert rows["recv_from"][:2] == ["RECV FROM", "RECV FROM|RCV FROM"]
    assert all(len(source) > 20 for *_, source in rows.values())


def test_each_behaviour_is_asked_for_somewhere() -> None:
    package = Path(drivers.emulator.__file__).parent
    code = "".join(path.read_text() for path in package.glob("*.py") if path.name != "behaviour.py")
    assert [field.name for field in dataclasses.fields(Behaviour) if f".{field.name}" not in code] == []


def test_a_set_stands_for_its_behaviours_and_later_ones_win() -> None:
    assert Behaviour.parse(["figure2"]) == Behaviour(recv_from="RCV FROM", address_line=True)
    assert Behaviour.parse(["figure2", "address_line=off"]) == Behaviour(recv_from="RCV FROM")
    assert Behaviour.parse(["figure2", "figure1"]) == Behaviour(ati_blank_line=True)
