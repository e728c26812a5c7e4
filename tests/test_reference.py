"""The reference has every public name, under the name that people import, with a docstring that says enough."""

from __future__ import annotations

import importlib
import inspect
import itertools
import pkgutil
import re
import runpy
import zlib
from pathlib import Path
from typing import Any

import pytest
from docstrings import lacking, lacking_in_class, public_functions
from rows import each

import cmux
import drivers
import drivers.tcpip.aio
from drivers import pytest_plugin

ROOT = Path(__file__).parents[1]
NAMES = runpy.run_path(str(ROOT / "docs" / "public_names.py"))
COMMANDS = runpy.run_path(str(ROOT / "docs" / "command_reference.py"))
MODULES: tuple[str, ...] = NAMES["MODULES"]
HOMES: dict[str, str] = NAMES["homes"]()
PAGES = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / "reference").glob("*.md")))

INTERNAL = {
    *("cmux.cli", "cmux.threads.public", "cmux.capture.recorder", "cmux.urlhandler.protocol_cmux"),
    *("drivers.at.core", "drivers.cli"),
}
"""Modules with an ``__all__`` that programs do not import from."""


def test_every_module_that_lists_its_names_is_public_or_known_not_to_be() -> None:
    listing = set()
    for package in (cmux, drivers):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__") and hasattr(importlib.import_module(found.name), "__all__"):
                listing.add(found.name)
    assert {"cmux", *listing} == {*MODULES} | INTERNAL


@pytest.mark.parametrize("module", MODULES)
def test_a_page_describes_every_public_name_where_people_import_it(module: str) -> None:
    whole = set(re.findall(r"automodule:: (\S+)\n +:members:", PAGES))
    described = set(re.findall(r"\.\. auto\w+:: ([\w.]+)", PAGES))
    absent = {
        f"{module}.{name}: {home}"
        for name in importlib.import_module(module).__all__
        if (home := HOMES[f"{module}.{name}"]) not in described and home.rpartition(".")[0] not in whole
    }
    assert absent == set()


def test_a_name_that_several_modules_hand_out_is_described_under_the_nearest() -> None:
    assert HOMES["cmux.errors.SessionEnded"] == "cmux.SessionEnded"
    assert HOMES["cmux.protocol.Config"] == HOMES["cmux.protocol.config.Config"] == "cmux.Config"
    assert HOMES["drivers.tcpip.aio.KeepAlive"] == "drivers.tcpip.KeepAlive"
    assert HOMES["drivers.tcpip.aio.Session"] == "drivers.tcpip.aio.Session"
    assert HOMES["cmux.protocol.errors.SessionEnded"] == "cmux.protocol.errors.SessionEnded"


# --- What has been built ---


def inventory_of(tmp_path: Path, *names: str) -> Path:
    """An ``objects.inv`` with these names."""
    head = b"# Sphinx inventory version 2\n# Project: x\n# Version: 1\n# The remainder is compressed using zlib.\n"
    lines = [f"{name} py:function 1 page.html#$ -" for name in names]
    lines.append("gsm0710-attach.--help std:cmdoption 1 page.html#x -")
    path = tmp_path / "objects.inv"
    path.write_bytes(head + zlib.compress("\n".join(lines).encode()))
    return path


def test_what_was_built_is_compared_with_all_public_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"{module}.{name}" for module, name, _ in NAMES["public"]()]
    assert NAMES["main"]([str(inventory_of(tmp_path, *names))]) == 0
    assert capsys.readouterr().err == ""
    names.remove("cmux.open")
    assert NAMES["main"]([str(inventory_of(tmp_path, *names))]) == 1
    assert capsys.readouterr().err == "cmux.open: it is in __all__, and not in the reference\n"


def test_what_is_no_inventory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "objects.inv").write_bytes(b"<html>")
    with pytest.raises(ValueError, match="is not an inventory"):
        NAMES["inventory"](tmp_path / "objects.inv")


# --- Docstrings ---


def text_of(name: str, what: Any) -> str:
    """The docstring of something as the reference shows it: with the arguments of what it refers to."""
    lines = (inspect.getdoc(what) or "").splitlines()
    NAMES["complete"](None, "", name, what, None, lines)
    return "\n".join(lines)


FUNCTIONS = public_functions(NAMES["public"])
CLASSES = {
    home: value
    for module, name, value in NAMES["public"]()
    if isinstance(value, type) and (home := f"{module}.{name}") == HOMES[home]
}


@pytest.mark.pure("the functions of an extension are none for inspect")
def test_there_are_many_of_them() -> None:
    assert len(FUNCTIONS) > 300
    assert len(CLASSES) > 100


@pytest.mark.pure("an extension has no docstring")
@each(("name", FUNCTIONS))
def test_a_docstring_tells_arguments_results_and_exceptions(name: str) -> None:
    assert lacking(FUNCTIONS[name], text_of(name, FUNCTIONS[name].what)) == []


@pytest.mark.pure("an extension has no docstring")
@each(("name", CLASSES))
def test_a_docstring_tells_what_a_class_is_made_with(name: str) -> None:
    assert lacking_in_class(CLASSES[name], text_of(name, CLASSES[name])) == []


def test_what_asyncio_says_in_short_is_completed_in_the_reference() -> None:
    lines = ["Claim the context; see `drivers.tcpip.TcpipDriver.claim`."]
    NAMES["complete"](None, "method", "drivers.tcpip.aio.TcpipDriver.claim", None, None, lines)
    assert {"Args:", "Returns:", "Raises:"} <= {*lines}
    plain = ["Return the state."]
    NAMES["complete"](None, "method", "drivers.tcpip.aio.TcpipDriver.state", None, None, plain)
    assert plain == ["Return the state."]


def test_arguments_that_are_described_elsewhere_are_described_here_in_the_reference() -> None:
    lines = inspect.getdoc(drivers.tcpip.aio.TcpipDriver).splitlines()
    NAMES["complete"](None, "class", "drivers.tcpip.aio.TcpipDriver", None, None, lines)
    text = "\n".join(lines)
    assert "see there" not in text
    assert "    context: the number of the context" in text
    assert "    port: a reader and a writer" in text


@pytest.mark.parametrize("what", ["property", "method"])
def test_a_colon_in_a_sentence_ends_no_type(what: str) -> None:
    lines = [
        "The id: it stays." if what == "property" else "Write it.",
        "",
        "Returns:",
        "    How many: fewer at the end.",
    ]
    hidden = lines.copy()
    NAMES["hide_colons"](None, what, "cmux.x", None, None, hidden)
    assert [":" in line for line in hidden] == [False, False, True, False]
    NAMES["show_colons"](None, what, "cmux.x", None, None, hidden)
    assert hidden == lines


def test_a_default_is_written_as_a_program_writes_it() -> None:
    def said(signature: str) -> str:
        return str(NAMES["plain_defaults"](None, "", "", None, None, signature, None)[0])

    assert said("(mask=<PortMask.ALL: 16255>, named=<function as_keyword>)") == "(mask=PortMask.ALL, named=as_keyword)"
    assert said("(values=<factory>, ready=<function _never>)") == "(values=..., ready=...)"


def test_a_generic_base_tells_what_its_type_variables_stand_for() -> None:
    found = NAMES["plain_defaults"](None, "class", "", drivers.tcpip.TcpipDriver, None, "(port: P)", None)
    assert re.sub(r"~[\w.]*\.", "", found[0]) == "(port: Port | AtChannel)"


def test_a_class_called_by_its_name_is_the_nearest_of_that_name() -> None:
    classes = {"Mux": ["cmux.Mux", "cmux.aio.Mux"]}
    objects = {"cmux.Mux", "cmux.aio.Mux", "cmux.Mux.accept"}
    assert NAMES["nearest"]("Mux", "cmux.aio", classes, objects) == "cmux.aio.Mux"
    assert NAMES["nearest"]("Mux", "drivers.tcpip", classes, objects) == "cmux.Mux"
    assert NAMES["nearest"]("Mux.accept", "cmux.aio", classes, objects) == "cmux.Mux.accept"
    assert NAMES["nearest"]("Max", "cmux", classes, objects) is None


# --- The command line and the pytest plugin ---


@pytest.mark.parametrize("command", [command.name for command, _ in COMMANDS["parsers"]()])
def test_the_reference_has_every_option_of_a_command(command: str) -> None:
    (parser,) = (parser for one, parser in COMMANDS["parsers"]() if one.name == command)
    parts = (COMMANDS[part](parser) for part in ("described", "described_line", "described_common"))
    text = "\n".join(itertools.chain(*parts))
    shown = set(
        re.findall(r"(?<=[: ,])(--?[a-z][\w-]*)", "\n".join(re.findall(r"^\.\. option::.*", text, re.MULTILINE)))
    )
    assert shown == {string for action in parser._actions for string in action.option_strings}
    assert "SUPPRESS" not in text


def test_an_option_that_help_only_lists_is_explained() -> None:
    (parser,) = (parser for one, parser in COMMANDS["parsers"]() if one.name == "attach")
    text = COMMANDS["described_line"](parser)
    (at,) = (number for number, line in enumerate(text) if line.startswith(".. option:: --t3 "))
    assert "default" in text[at + 2]


def test_commands_that_open_a_line_have_the_same_options_for_it() -> None:
    said = {tuple(COMMANDS["described_line"](parser)) for _, parser in COMMANDS["parsers"]()}
    assert len(said - {()}) == 1


def test_the_reference_has_fixtures_markers_and_options_of_the_plugin() -> None:
    text = "\n".join(COMMANDS["plugin"]())
    fixtures = {
        name for name, value in vars(pytest_plugin).items() if type(value).__name__ == "FixtureFunctionDefinition"
    }
    assert set(re.findall(r"^\.\. py:data:: (\w+)", text, re.MULTILINE)) == fixtures
    assert re.findall(r"^\.\. describe:: @pytest\.mark\.(\w+)\(", text, re.MULTILINE) == ["m10", "m10_mux"]
    assert ".. option:: --m10-seed N" in text
