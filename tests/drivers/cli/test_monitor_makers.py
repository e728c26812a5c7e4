"""``gsm0710 monitor`` with modules of other makers: it shows what each of them tells."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, cast

import pytest

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

from other_makers import MAKERS, OtherModule

from cmux.protocol.profiles import PROFILES
from drivers.cli import main
from drivers.cli.monitor import Inquiry
from drivers.errors import AtTimeout, CmeError
from drivers.modem import Registered, Signal

IN_SERVICE = {"sim": "READY", "registration": "home", "operator": "Net", "dbm": -73, "attached": True}

SHOWN: dict[str, dict[str, object]] = {
    "SIM800": {
        **IN_SERVICE,
        "manufacturer": "SIMCOM_Ltd",
        "model": "SIMCOM_SIM800L",
        "revision": "1418B05SIM800L24",
        "imei": "869951031234567",
    },
    "SIM7600": {
        **IN_SERVICE,
        "manufacturer": "SIMCOM INCORPORATED",
        "model": "SIMCOM_SIM7600E",
        "revision": "SIM7600M22_V2.0",
        "imei": "351602000330570",
    },
    "SARA-R4": {
        **IN_SERVICE,
        "manufacturer": "u-blox",
        "model": "SARA-R410M-02B",
        "revision": "L0.0.00.00.05.06",
        "imei": "352753090041680",
        "registration": "csfb not preferred roaming",
    },
    "ME910": {"manufacturer": "Telit", "model": "ME910G1-WW", "dbm": -83},
    "taciturn": {"model": "ACME 1"},
    "without a name": {"dbm": -83},
    "mute on everything": {},
}


@pytest.mark.parametrize("maker", MAKERS)
def test_what_a_module_tells_is_shown(maker: str, capsys: pytest.CaptureFixture[str]) -> None:
    with OtherModule(MAKERS[maker]) as module:
        assert main(["monitor", module.path, "--once", "--json", "--channels", "2"]) == 0
    reading = json.loads(capsys.readouterr().out)
    told = {name: value for name, value in reading["module"].items() if value is not None}
    assert told == SHOWN[maker]


def test_the_table_has_no_none_and_no_word_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    shown = {}
    for maker in MAKERS:
        with OtherModule(MAKERS[maker]) as module:
            assert main(["monitor", module.path, "--once", "--channels", "2"]) == 0
        shown[maker] = capsys.readouterr().out
    assert all("None" not in text for text in shown.values())
    assert "module  SIMCOM_Ltd SIMCOM_SIM800L 1418B05SIM800L24, IMEI 869951031234567" in shown["SIM800"]
    assert "module  Telit ME910G1-WW, IMEI unknown" in shown["ME910"]
    assert "signal -83 dBm" in shown["without a name"]
    assert "says nothing of itself" in shown["mute on everything"]


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_every_profile_that_comes_along_can_be_watched(profile: str, capsys: pytest.CaptureFixture[str]) -> None:
    with OtherModule(MAKERS["SIM800"]) as module:
        module.habits.answers["AT+CMUX=?"] = b"\r\n+CMUX: (0)\r\n\r\nOK\r\n"
        assert main(["monitor", module.path, "--once", "--channels", "1", "--profile", profile]) == 0
    assert "SIMCOM_SIM800L" in capsys.readouterr().out


class Half:
    """A modem that answers some of the questions.

    Args:
        mute: the questions that it does not answer.
    """

    def __init__(self, *mute: str) -> None:
        self._mute = mute
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Callable[[], object]:
        def ask() -> object:
            self.asked.append(name)
            if name in self._mute:
                raise AtTimeout(f"{name} is not answered", command=name)
            if name == "sim":
                raise CmeError("it is not there", command="AT+CPIN?", answer="+CME ERROR: SIM not inserted", code=None)
            return {"signal": Signal(-71, None), "attached": True, "operator": "Net"}.get(name) or Registered.HOME

        return ask

    def close(self) -> None:
        """Do nothing."""


def asked(modem: Half) -> dict[str, object]:
    inquiry = Inquiry(cast(Any, None), 1)
    reading = inquiry._asked(cast(Any, modem))
    return {name: value for name, value in asdict(reading).items() if value is not None}


def test_a_question_that_is_not_answered_hides_no_other() -> None:
    told = asked(Half("identity", "signal"))
    assert told == {"sim": "SIM not inserted", "registration": "home", "attached": True, "operator": "Net"}


def test_two_in_a_row_are_enough() -> None:
    modem = Half("identity", "sim", "registration")
    assert asked(modem) == {}
    assert modem.asked == ["identity", "sim"]
