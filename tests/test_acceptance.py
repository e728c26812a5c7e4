"""The statements of the app note, the names for them, and the tests that show them belong together."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"
acceptance = runpy.run_path(str(DOCS / "acceptance.py"))
_, STATEMENTS = acceptance["load"]()
BEHAVING = [number for number, one in STATEMENTS.items() if one.behaves]


def test_every_statement_has_names_that_exist_and_a_test() -> None:
    assert acceptance["problems"]() == []


def test_the_numbers_are_complete() -> None:
    counts = {1: 6, 2: 11, 3: 57, 4: 18, 5: 18, 6: 15, 7: 17, 8: 18, 9: 8, 10: 13}
    assert list(STATEMENTS) == [f"S{chapter}.{n}" for chapter, most in counts.items() for n in range(1, most + 1)]
    assert len(STATEMENTS) - len(BEHAVING) == 12


def test_the_page_is_current() -> None:
    assert (DOCS / "acceptance.md").read_text(encoding="utf-8") == acceptance["page"]()


def test_a_number_whose_tests_did_not_pass_is_a_problem() -> None:
    passed = {number: ["a test"] for number in BEHAVING if number != "S4.8"}
    assert acceptance["problems"](passed) == ["S4.8: no test with it has passed"]


def test_a_number_whose_tests_sent_nothing_to_a_module_is_a_problem_from_chapter_3_on() -> None:
    passed = {number: [f"test of {number}"] for number in BEHAVING}
    lines = {f"test of {number}": 10 for number in BEHAVING if number not in ("S2.9", "S4.8")}
    assert acceptance["problems"](passed, lines) == ["S4.8: no test with it that passed sent an octet to a module"]


@pytest.mark.parametrize(
    ("name", "packages", "there"),
    [
        ("TcpipDriver.connect", ("drivers.tcpip",), True),
        ("TcpipDriver.conect", ("drivers.tcpip",), False),
        ("modem.Modem.unlock", ("drivers.tcpip", "drivers"), True),
        ("cmux.Mux.channel", ("drivers", ""), True),
        ("server.Server.clients", ("drivers.emulator",), True),  # made in __init__
        ("server.Server.clientele", ("drivers.emulator",), False),
        ("server.Server.clients.clear", ("drivers.emulator",), False),
        ("no_such_module.Server", ("drivers.emulator",), False),
    ],
)
def test_a_name_exists_or_not(name: str, packages: tuple[str, ...], there: bool) -> None:
    assert acceptance["exists"](name, *packages) is there


@pytest.mark.parametrize(
    ("command", "function"),
    [
        ("AT+QIOPEN=", "tcpip_commands.open_session"),
        ("AT+QIMUX=", "tcpip_settings"),
        ("ATO", "general.online"),
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
