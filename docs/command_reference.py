"""The reference of the command line and of the pytest plugin, from their parsers: a Sphinx extension.

Its directives are ``commands`` (every command with every option) and ``pytest-plugin`` (fixtures, markers, options).
"""

from __future__ import annotations

import argparse
import copy
import importlib
import inspect
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import pytest

import cmux.cli
import drivers.cli.subcommands
from cmux.cli import Commands, Subcommand
from cmux.setting import GROUPS
from cmux.settings import SETTINGS
from drivers import pytest_plugin

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PROGRAM = "gsm0710"
COMMON = "common options"
LINE = "Options of the line"
EVERY = "Options of every command"


def parsers() -> Iterator[tuple[Subcommand, argparse.ArgumentParser]]:
    """Yield each command, and its parser with all of its options."""
    commands = Commands(PROGRAM, "")
    (offered,) = (one for one in commands.parser._actions if isinstance(one, argparse._SubParsersAction))
    for command in (*drivers.cli.subcommands.COMMANDS, *cmux.cli.COMMANDS):
        getattr(importlib.import_module(command.module), command.adder)(commands)
        yield command, offered.choices[command.name]


def literal(text: str) -> str:
    """Return text in which nothing has a meaning in reStructuredText, with options and URLs as code."""
    escaped = re.sub(r"([\\*`|_<>\[\]])", r"\\\1", " ".join(text.split()))
    return re.sub(r"(?<![\w-])--\w[\w-]*|\w+://[\w:.]+", r"``\g<0>``", escaped)


def signature(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    """Return an option as it is written: ``--name VALUE, -n VALUE``; a positional argument by its name."""
    formatter = parser._get_formatter()
    if not action.option_strings:
        return formatter._format_args(action, formatter._get_default_metavar_for_positional(action))
    value = "" if action.nargs == 0 else formatter._format_args(action, action.dest.upper())
    return ", ".join(f"{string} {value}".strip() for string in action.option_strings)


def described(parser: argparse.ArgumentParser) -> list[str]:
    """Return the options that a command has for itself, group by group, as reStructuredText."""
    return grouped(parser, [one for one in parser._action_groups if one.title not in (*GROUPS, COMMON)])


def described_line(parser: argparse.ArgumentParser) -> list[str]:
    """Return the options of the line, which all commands that open one have in common."""
    return grouped(parser, [one for one in parser._action_groups if one.title in GROUPS])


def grouped(parser: argparse.ArgumentParser, groups: Sequence[argparse._ArgumentGroup]) -> list[str]:
    """Return the options of some groups as reStructuredText."""
    text: list[str] = []
    formatter = parser._get_formatter()
    for group in groups:
        kinds = (argparse._SubParsersAction, argparse._HelpAction)
        actions = [one for one in group._group_actions if not isinstance(one, kinds)]
        title = group.title or ""
        if actions and title not in ("positional arguments", "options"):
            text += [f".. rubric:: {title[:1].upper()}{literal(title[1:])}", ""]
        for action in actions:
            shown = copy.copy(action)
            shown.help = hidden_help(action) if action.help == argparse.SUPPRESS else action.help
            text += option(signature(action, parser), formatter._expand_help(shown) if shown.help else "")
    return text


def hidden_help(action: argparse.Action) -> str:
    """Return the help of an option that ``--help`` only lists by name."""
    setting = SETTINGS.get(action.dest)
    return "" if setting is None else f"{setting.help} ({setting.kind.expected}; default: {setting.usual})"


def needed(parser: argparse.ArgumentParser) -> str:
    """Return the usage of a command in one line: options stand for themselves below."""
    named = [signature(one, parser) for one in parser._actions if not one.option_strings]
    return " ".join([parser.prog, *named, "[OPTIONS]"])


def about(command: Subcommand, parser: argparse.ArgumentParser) -> list[str]:
    """Return the section about a command as reStructuredText."""
    text = [literal(command.summary), "", "::", "", f"   {needed(parser)}", ""]
    also = [LINE] * bool(described_line(parser)) + [EVERY]
    links = ", ".join(f"`{title[0].lower()}{title[1:]} <#{re.sub('[^a-z]+', '-', title.lower())}>`__" for title in also)
    text += [f".. program:: {parser.prog}", "", *described(parser), f"And the {links}.", ""]
    examples = re.findall(r"^  (\S.*)$", (parser.epilog or "").partition("\n\n")[0], re.MULTILINE)
    if examples:
        text += [".. rubric:: Examples", "", ".. code-block:: text", ""]
        for one in examples:
            line, _, told = one.partition("  ")
            text += [*([f"   # {told.strip()}"] if told else []), f"   {line}"]
    return text


def described_common(parser: argparse.ArgumentParser) -> list[str]:
    """Return the options that every command has, as reStructuredText."""
    text: list[str] = []
    for action in parser._actions:
        group = next(one for one in parser._action_groups if action in one._group_actions)
        if group.title == COMMON or isinstance(action, argparse._HelpAction):
            text += option(signature(action, parser), action.help or "")
    return text


def option(signature: str, text: str) -> list[str]:
    """Return an option and what it does, as reStructuredText."""
    return [f".. option:: {signature}", "", *([f"   {literal(text)}", ""] if text else [])]


# --- The plugin of pytest ----------------------------------------------------------------------------------------


FIXTURES = {"m10": "drivers.emulator.EmulatedModule", "m10_mux": "cmux.Mux", "m10_seed": "int"}
"""The fixtures, and what a test gets from each."""


class Told:
    """Stands for pytest while the plugin says what it has: options and markers."""

    def __init__(self) -> None:
        self.text: list[str] = []

    def getgroup(self, name: str, description: str) -> Told:
        """Return a group of options."""
        return self

    def addoption(self, name: str, *, help: str, metavar: str, **_: object) -> None:
        """Note an option."""
        self.text += option(f"{name} {metavar}", help)

    def addinivalue_line(self, name: str, line: str) -> None:
        """Note a marker."""
        signature, _, told = line.partition(": ")
        self.text += [f".. describe:: @pytest.mark.{signature}", "", f"   {literal(told)}", ""]


def plugin() -> list[str]:
    """Return the fixtures, markers and options of the plugin, as reStructuredText."""
    told = Told()
    for name, kind in FIXTURES.items():
        text = inspect.getdoc(inspect.unwrap(getattr(pytest_plugin, name))) or ""
        told.text += [f".. py:data:: {name}", f"   :type: {kind}", "", *(f"   {line}" for line in text.split("\n")), ""]
    told.text += [".. rubric:: Markers", ""]
    pytest_plugin.pytest_configure(cast(pytest.Config, told))
    told.text += [".. rubric:: Options", "", ".. program:: pytest", ""]
    pytest_plugin.pytest_addoption(cast(pytest.Parser, told))
    return told.text


# --- In Sphinx ---------------------------------------------------------------------------------------------------


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directives."""
    from docutils import nodes
    from docutils.statemachine import StringList
    from sphinx.util.docutils import SphinxDirective

    class CommandReference(SphinxDirective):
        """Every command with every option."""

        def run(self) -> list[nodes.Node]:
            commands = list(parsers())
            with_line = [parser for _, parser in commands if described_line(parser)]
            sections = [
                (f"{PROGRAM} {command.name}", about(command, parser), command.module) for command, parser in commands
            ]
            said = f"{', '.join(one.prog for one in with_line)}. They are the :doc:`settings </settings>` of a line."
            sections.append((LINE, [said, "", f".. program:: {PROGRAM}", "", *described_line(with_line[0])], LINE))
            sections.append((EVERY, [f".. program:: {PROGRAM}", "", *described_common(commands[0][1])], EVERY))
            found: list[nodes.Node] = []
            for title, text, source in sections:
                section = nodes.section(ids=[nodes.make_id(title)], names=[title.lower()])
                section += nodes.title(text=title)
                self.state.nested_parse(StringList(text, source), 0, section)
                found.append(section)
            return found

    class PytestPlugin(SphinxDirective):
        """Fixtures, markers and options of the plugin."""

        def run(self) -> list[nodes.Node]:
            box = nodes.container()
            self.state.nested_parse(StringList(plugin(), "pytest plugin"), 0, box)
            return [box]

    app.add_directive("commands", CommandReference)
    app.add_directive("pytest-plugin", PytestPlugin)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
