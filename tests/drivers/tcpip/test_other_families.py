"""A module of another family is recognised, and a refusal is shown as the module gave it; in both shells."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from silent_module import ERROR, OK, Bed, SilentModule, lines
from toy_family import TOY

from drivers.clock import FakeClock
from drivers.errors import ContextBusy, WrongDialect
from drivers.tcpip.families import DIALECTS, recognise

SHELLS = pytest.mark.parametrize("shell", ["threads", "aio"])
UNSUPPORTED = lines("+CME ERROR: 4")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What ends it all."""
    with ExitStack() as made:
        yield made


def module_of(select: bytes, model: bytes, read: bytes) -> SilentModule:
    module = SilentModule()
    module.answers |= {"AT+QIFGCNT=": select, "AT+GMM": model, "AT+QIFGCNT?": read}
    return module


@SHELLS
@pytest.mark.parametrize("refusal", ["ERROR", "+CME ERROR: 4", "+CME ERROR: operation not supported"])
@pytest.mark.parametrize("model", ["SIMCOM_SIM800L", "EC200U", "SARA-R410M-02B", "M105X"])
def test_a_module_that_no_dialect_fits_is_named(stack: ExitStack, shell: str, refusal: str, model: str) -> None:
    bed = Bed(stack, shell, module_of(lines(refusal), lines(model) + OK, ERROR), FakeClock())
    with pytest.raises(WrongDialect) as said:
        bed.driver().claim()
    assert f"AT+QIFGCNT=0 was answered {refusal}" in str(said.value)
    assert f"the module is '{model}', not of the family of dialect='m10'" in str(said.value)
    assert "no dialect fits" in str(said.value)
    assert (said.value.model, said.value.dialect) == (model, None)


@SHELLS
@pytest.mark.parametrize(("model", "name"), [("BG96", "bg96"), ("EC25", "ec25"), ("EG91", "eg91")])
def test_an_lte_module_is_named_with_its_dialect(stack: ExitStack, shell: str, model: str, name: str) -> None:
    bed = Bed(stack, shell, module_of(ERROR, lines(model) + OK, ERROR), FakeClock())
    with pytest.raises(WrongDialect, match=f"use dialect='{name}'") as said:
        bed.driver().claim()
    assert (said.value.model, said.value.dialect) == (model, name)


@SHELLS
def test_the_dialect_that_fits_is_named(stack: ExitStack, shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DIALECTS, "toy", dataclasses.replace(TOY, name="toy", models=("TOY[0-9]+",)))
    bed = Bed(stack, shell, module_of(UNSUPPORTED, lines("+GMM: Maker TOY7") + OK, UNSUPPORTED), FakeClock())
    with pytest.raises(WrongDialect, match="use dialect='toy'") as said:
        bed.driver().claim()
    assert (said.value.dialect, said.value.code) == ("toy", 4)


@SHELLS
@pytest.mark.parametrize("model", [ERROR, OK])
def test_one_that_does_not_tell_its_model_is_known_by_the_shape_of_its_answers(
    stack: ExitStack, shell: str, model: bytes
) -> None:
    bed = Bed(stack, shell, module_of(UNSUPPORTED, model, UNSUPPORTED), FakeClock())
    with pytest.raises(WrongDialect, match=r"answered \+CME ERROR: 4: the module does not know the command"):
        bed.driver().claim()


@SHELLS
@pytest.mark.parametrize("refusal", ["ERROR", "+CME ERROR: 4"])
def test_one_that_names_itself_in_one_line_of_ati_only_is_named(stack: ExitStack, shell: str, refusal: str) -> None:
    module = module_of(lines(refusal), ERROR, ERROR)
    module.answers["ATI"] = lines("SIM800 R14.18") + OK
    with pytest.raises(WrongDialect, match=r"the module is 'SIM800 R14\.18', not of the family of dialect='m10'"):
        Bed(stack, shell, module, FakeClock()).driver().claim()


@SHELLS
def test_one_that_is_of_the_family_by_ati_is_busy(stack: ExitStack, shell: str) -> None:
    module = module_of(lines("ERROR"), ERROR, ERROR)
    module.answers["ATI"] = lines("Quectel_Ltd", "Quectel_M95", "Revision: M95FAR02A01") + OK
    with pytest.raises(ContextBusy):
        Bed(stack, shell, module, FakeClock()).driver().claim()


@SHELLS
@pytest.mark.parametrize("refusal", ["ERROR", "+CME ERROR: 3"])
@pytest.mark.parametrize(
    ("model", "read"),
    [
        (lines("Quectel_M10") + OK, ERROR),
        (lines("M66") + OK, ERROR),
        (lines("a name of its own") + OK, lines("+QIFGCNT: 0, 2") + OK),
        (OK, OK),
    ],
)
def test_a_context_that_is_busy_is_told_with_the_refusal(
    stack: ExitStack, shell: str, refusal: str, model: bytes, read: bytes
) -> None:
    bed = Bed(stack, shell, module_of(lines(refusal), model, read), FakeClock())
    driver = bed.driver()
    for _ in range(2):
        with pytest.raises(ContextBusy) as said:
            driver.claim()
        assert f"(AT+QIFGCNT=0 was answered {refusal})" in str(said.value)
    assert bed.module.commands.count("AT+GMM") == 1


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("Quectel_M10", "m10"),
        ("M95", "m95"),
        ("Quectel_M66", "m66"),
        ("MC60E", "mc60"),
        ("M26", "m66"),
        ("BG96", "bg96"),
        ("EC20", "ec25"),
        ("EC21", "ec25"),
        ("EC25", "ec25"),
        ("EG21-G", "ec25"),
        ("EG25-G", "ec25"),
        ("EG91", "eg91"),
        ("EG95", "eg91"),
        ("EC200U", None),
        ("EG915U", None),
        ("BG95", None),
        ("SIM800", None),
        ("M1000", None),
        ("", None),
    ],
)
def test_models_and_their_dialects(model: str, name: str | None) -> None:
    found = recognise(model)
    assert (None if found is None else found.name) == name
