"""The profiles of LTE modules on the emulated ones: entered, told where unasked lines go, and left."""

from __future__ import annotations

import pytest

import cmux
from drivers.at import AtChannel
from drivers.emulator import EmulatedModule


@pytest.mark.requirement("L9.6", "L9.7")
@pytest.mark.parametrize(
    ("model", "profile", "n1"), [("bg96", "bg9x", 1509), ("ec25", "ec2x", 127), ("ec25", "eg91", 1509)]
)
def test_a_module_is_entered_and_left_with_its_profile(model: str, profile: str, n1: int) -> None:
    with EmulatedModule(model=model) as module:
        with cmux.open(module.port(), profile=profile, leave_pause=0) as mux:
            assert (mux.config.n1, mux.config.n1_receive) == (n1, n1 + 64)
            with AtChannel(mux.channel("at")) as at, AtChannel(mux.channel("data")) as data:
                assert at.command('AT+QCFG="cmux/urcport"').lines == ('+QCFG: "cmux/urcport",1',)
                assert data.command("AT+CGMI").lines == ("Quectel",)
        assert mux.back_in_at_mode


@pytest.mark.requirement("L9.4", "L9.7")
def test_one_that_wants_a_pause_behind_ok_gets_it_from_its_profile_and_not_without() -> None:
    with EmulatedModule(model="bg96") as module, pytest.raises(cmux.NoMultiplexer, match="OK received, no UA"):
        cmux.open(module.port(), settle=0, t1=0.01, t2=0.02, n2=0)
