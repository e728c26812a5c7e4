"""Everything at once in short, and that it notices what must not happen; `make soak` runs it long."""

from __future__ import annotations

import itertools
import sys

import at_once
import pytest
from at_once import play
from mux_leaks import nothing_left as nothing_left

from drivers.emulator import EmulatedModule, Uart

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the lines are ptys"),
    pytest.mark.timeout(200),
]


@pytest.mark.usefixtures("nothing_left")
def test_nothing_is_lost_and_nothing_comes_on_the_wrong_channel() -> None:
    record, rounds = play("short", 1.5, slirp=False)
    assert record.wrong == []
    assert all(rounds.values()), rounds
    assert record.octets > 5000


@pytest.mark.interop("slirp-fullbolt")
def test_also_with_ppp() -> None:
    record, rounds = play("short", 1.5, slirp=True)
    assert record.wrong == []
    assert all(rounds.values()), rounds


@pytest.mark.interop("gammu")
def test_also_with_gammu() -> None:
    record, rounds = play("short", 0.1, slirp=False, gammu=True)
    assert record.wrong == []
    assert all(rounds.values()), rounds


def planted(change: str) -> type[EmulatedModule]:
    """Return a module that is wrong in one thing."""
    calls = itertools.count(1)

    class Wrong(Uart):
        """A UART with a defect."""

        def announce(self, text: object) -> None:  # type: ignore[override]
            ours = "+CUSD" in str(text) and next(calls) % 20 == 0
            if change == "astray" and ours:
                self.modem.uarts[1].line(str(text))  # type: ignore[attr-defined]
            elif change == "doubled" and ours:
                super().announce(text)  # type: ignore[arg-type]
                super().announce(text)  # type: ignore[arg-type]
            elif not (change == "lost line" and ours):
                super().announce(text)  # type: ignore[arg-type]

        def payload(self, data: bytes) -> None:
            super().payload(data[1:] if change == "lost octet" and next(calls) % 5 == 0 else data)

    return type("Planted", (EmulatedModule,), {"uart_class": Wrong})


@pytest.mark.parametrize("change", ["astray", "doubled", "lost line", "lost octet"])
def test_what_must_not_happen_is_noticed(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_once, "PATIENCE", 2.0)
    record, _ = play("short", 5.0, slirp=False, module_class=planted(change))
    assert record.wrong
