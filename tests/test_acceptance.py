"""The statements of the app note, the names for them, and the tests that show them belong together."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import cmux

DOCS = Path(__file__).parents[1] / "docs"
acceptance = runpy.run_path(str(DOCS / "acceptance.py"))
APP_NOTE, LTE = acceptance["DOCUMENTS"]
STATEMENTS = {document: acceptance["load"](document).statements for document in acceptance["DOCUMENTS"]}
BEHAVING = [number for number, one in STATEMENTS[APP_NOTE].items() if one.behaves]
Statement = acceptance["Statement"]

both = pytest.mark.parametrize("document", acceptance["DOCUMENTS"], ids=lambda document: document.name)


@both
def test_every_statement_has_names_that_exist_and_a_test(document: Any) -> None:
    assert acceptance["problems"](document) == []


def test_no_test_claims_more_numbers_than_it_can_show() -> None:
    assert acceptance["problems_of_marks"]() == []


@pytest.mark.parametrize(
    ("document", "counts"),
    [
        (APP_NOTE, {1: 6, 2: 11, 3: 57, 4: 18, 5: 18, 6: 15, 7: 17, 8: 18, 9: 8, 10: 13}),
        (LTE, {1: 9, 2: 15, 3: 12, 4: 14, 5: 14, 6: 5, 7: 6, 8: 8, 9: 11, 10: 3, 11: 3}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_numbers_are_complete(document: Any, counts: dict[int, int]) -> None:
    numbers = [f"{document.letter}{chapter}.{n}" for chapter, most in counts.items() for n in range(1, most + 1)]
    assert list(STATEMENTS[document]) == numbers


def test_what_behaves() -> None:
    assert len(STATEMENTS[APP_NOTE]) - len(BEHAVING) == 12
    assert [one.number for one in STATEMENTS[LTE].values() if not one.behaves] == []
    assert {one.by for one in STATEMENTS[LTE].values()} == set(acceptance["DOERS"])


@both
def test_the_page_is_current(document: Any) -> None:
    assert document.page.read_text(encoding="utf-8") == acceptance["page"](document)


def test_a_number_whose_tests_did_not_pass_is_a_problem() -> None:
    passed = {number: ["a test"] for number in BEHAVING if number != "S4.8"}
    assert acceptance["problems"](APP_NOTE, passed) == ["S4.8: no test with it has passed"]


def test_a_number_whose_tests_sent_nothing_to_a_module_is_a_problem_from_chapter_3_on() -> None:
    passed = {number: [f"test of {number}"] for number in BEHAVING}
    lines = {f"test of {number}": 10 for number in BEHAVING if number not in ("S2.9", "S4.8")}
    problem = "S4.8: no test with it that passed sent an octet to a module"
    assert acceptance["problems"](APP_NOTE, passed, lines) == [problem]


@pytest.mark.parametrize(
    ("by", "driver", "emulator", "tests", "lines", "lacking"),
    [
        ("D", "TcpipDriver", "", True, False, []),
        ("D", "", "", True, False, ["nothing of the driver is named"]),
        ("E", "", "Faults", True, True, []),
        ("E", "", "", True, True, ["nothing of the emulated module is named"]),
        ("E", "", "Faults", True, False, ["no test with it that passed sent an octet to a module"]),
        ("E", "", "Faults", False, False, ["no test is marked with it"]),
        ("ED", "TcpipDriver", "", True, True, ["nothing of the emulated module is named"]),
        ("ED", "", "Faults", True, True, ["nothing of the driver is named"]),
        ("E", "", "Defaults", True, True, ["no module in emulator defines Defaults"]),
        ("E", "", "AT+QIOPEM=", True, True, ["the module has no AT+QIOPEM="]),
    ],
)
def test_what_is_lacking_where_a_statement_says_who_does_it(
    by: str, driver: str, emulator: str, tests: bool, lines: bool, lacking: list[str]
) -> None:
    one = Statement("L1.1", "a text", tuple(driver.split()), tuple(emulator.split()), by)
    marks = {"L1.1": ["a test"]} if tests else {}
    crossed = {"a test": 10} if lines else {}
    assert acceptance["lacks"](LTE, one, marks, marks, crossed) == lacking


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("TcpipDriver.connect", None),
        ("TcpipDriver.conect", "the driver has no TcpipDriver.conect"),
        ("Modem.unlock", None),
        ("Mux.channel", None),
        ("Muxes.channel", "the driver has no Muxes.channel"),
    ],
)
def test_a_name_of_the_driver_is_handed_out_or_not(name: str, problem: str | None) -> None:
    assert acceptance["driver_problem"](name) == problem


def test_a_name_that_the_driver_has_for_two_things_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "made_up", SimpleNamespace(Mux=cmux.Mux, VirtualUart=SimpleNamespace))
    assert acceptance["driver_problem"]("Mux", ("cmux", "made_up")) is None
    problem = "VirtualUart is in cmux and in made_up, one of them is wanted"
    assert acceptance["driver_problem"]("VirtualUart", ("cmux", "made_up")) == problem


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Server", None),
        ("Server.clients", None),  # made in __init__
        ("Server.clientele", "no module in emulator defines Server.clientele"),
        ("Server.clients.clear", "no module in emulator defines Server.clients.clear"),
        ("Server._maximum", "no module in emulator defines Server._maximum"),
        ("AT+QIOPEN=", None),
        ("AT+QIOPEM=", "the module has no AT+QIOPEM="),
    ],
)
def test_a_name_of_the_module_is_there_or_not(name: str, problem: str | None) -> None:
    assert acceptance["module_problem"](name) == problem


def test_a_name_that_two_modules_define_is_a_problem(tmp_path: Path) -> None:
    for path in (tmp_path / "one.py", tmp_path / "below" / "two.py"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("class Entry: ...", encoding="utf-8")
    problem = f"Entry is defined in below/two.py and in one.py in {tmp_path.name}, one module is wanted"
    assert acceptance["module_problem"]("Entry", folder=tmp_path) == problem


@pytest.mark.parametrize(
    ("command", "function"),
    [
        ("AT+QIOPEN=", "open_session"),
        ("AT+QIMUX=", ""),
        ("ATO", "online"),
        ("AT+QIOPEM=", None),
        ("AT+QISRVC", None),
    ],
)
def test_a_command_is_answered_by_a_function_or_not_at_all(command: str, function: str | None) -> None:
    assert acceptance["answering"](command) == function


class Report:
    """What conftest.py looks at in a report of pytest."""

    when = "call"
    passed = True
    nodeid = "tests/test_it.py::test_it"

    def __init__(self, **properties: object) -> None:
        self.user_properties = list(properties.items())


def test_a_test_that_crosses_a_line_is_reported_with_its_octets(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    conftest: Any = pytestconfig.pluginmanager.get_plugin(str(Path(__file__).parent / "conftest.py"))
    monkeypatch.setattr(conftest, "_crossed", {})
    conftest.pytest_runtest_logreport(Report(line=0))
    assert conftest._crossed == {}
    conftest.pytest_runtest_logreport(Report(line=12))
    assert conftest._crossed == {Report.nodeid: 12}
