"""What is loaded when: a program pays for what it uses, and finds every public name where it is announced."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from syntax_trees import tree
from uncounted import uncounted

import cmux.cli
import drivers.cli.subcommands
from cmux.cli import Subcommand

ROOT = Path(__file__).parents[1]
COMMANDS = (*drivers.cli.subcommands.COMMANDS, *cmux.cli.COMMANDS)

EXCEPTIONS = {
    *("cmux", "cmux.errors", "cmux.extensions", "cmux.forks", "cmux.lazy", "cmux.threads", "cmux.threads.lifetime"),
    *("cmux.protocol", "cmux.protocol.cause", "cmux.protocol.errors", "cmux.protocol.hints"),
}
PROGRAM = {
    *("cmux.cli", "cmux.cli.app", "cmux.cli.program", "cmux.cli.subcommands"),
    *("drivers", "drivers.cli", "drivers.cli.program", "drivers.cli.subcommands", "drivers.errors"),
}
RARE = {"asyncio", "ssl", "rich"}
HEAVY = {*RARE, "construct", "crcmod", "json", "subprocess", "tomllib"}


def output(program: str, folder: Path) -> str:
    """Return what a program prints in an interpreter of its own."""
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=50, env=uncounted())
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def loaded(statement: str, folder: Path) -> set[str]:
    """Return the modules that an interpreter of its own has after a statement."""
    return set(output(f"import sys\n{statement}\nprint()\nprint(*sys.modules)", folder).splitlines()[-1].split())


def ours(modules: set[str]) -> set[str]:
    """Return the modules of this project."""
    return {name for name in modules if name.partition(".")[0] in ("cmux", "drivers")}


def gsm0710(*arguments: str) -> str:
    """Return a statement that runs the console script."""
    return f"from drivers.cli import main\nmain({list(arguments)})"


# --- How much ---


def test_importing_the_multiplexer_loads_its_exceptions_and_nothing_else(tmp_path: Path) -> None:
    modules = loaded("import cmux", tmp_path)
    assert not modules & HEAVY
    assert ours(modules) == EXCEPTIONS


@pytest.mark.parametrize("arguments", [("--help",), (), ("--version",)], ids=" ".join)
def test_the_help_of_the_program_loads_no_command(arguments: tuple[str, ...], tmp_path: Path) -> None:
    modules = loaded(gsm0710(*arguments), tmp_path)
    assert not modules & HEAVY
    assert ours(modules) == EXCEPTIONS | PROGRAM


def test_a_line_is_opened_without_the_other_shell_commands_and_captures(tmp_path: Path) -> None:
    modules = loaded("import cmux\ncmux.open", tmp_path)
    assert not modules & {*RARE, "drivers", "json", "cmux.aio", "cmux.cli", "cmux.capture.recorder"}


def test_asyncio_needs_no_threads_and_threads_no_asyncio(tmp_path: Path) -> None:
    assert "cmux.threads.mux" not in loaded("import cmux.aio", tmp_path)
    assert not loaded("import drivers.at, drivers.modem, drivers.tcpip", tmp_path) & RARE


@pytest.mark.parametrize(
    ("command", "others"),
    [
        ("attach", {*RARE, "drivers.at", "drivers.emulator", "drivers.tcpip"}),
        ("decode", {*RARE, "drivers.at", "drivers.emulator", "drivers.tcpip", "cmux.threads.mux", "cmux.settings"}),
        ("doctor", {*RARE, "drivers.at", "drivers.emulator", "drivers.tcpip"}),
        ("terminal", {*RARE, "drivers.at", "drivers.emulator", "drivers.tcpip"}),
        ("monitor", {*RARE, "drivers.emulator"}),
        ("emulate", {"drivers.at", "drivers.tcpip"}),
    ],
)
def test_a_command_loads_what_it_needs(command: str, others: set[str], tmp_path: Path) -> None:
    assert not loaded(gsm0710(command, "--help"), tmp_path) & others


# --- Every name is there ---


def lazy_packages() -> Iterator[str]:
    """The packages that load names when they are used."""
    for path in sorted(ROOT.glob("cmux/**/__init__.py")):
        if any(isinstance(node, ast.Name) and node.id == "loader" for node in ast.walk(tree(path))):
            yield ".".join(path.parent.relative_to(ROOT).parts)


LAZY = tuple(lazy_packages())


def for_type_checkers(package: str) -> dict[str, str]:
    """The names that a package imports for type checkers only, each with its module."""
    module = tree(ROOT.joinpath(*package.split("."), "__init__.py"))
    branches = [node for node in module.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for branch in branches for node in branch.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: f"{package}.{node.module}" for node in imports for alias in node.names}


def test_packages_with_many_names_load_them_when_they_are_used() -> None:
    assert {*LAZY} >= {"cmux", "cmux.protocol"}


@pytest.mark.parametrize("package", LAZY)
def test_a_program_finds_what_a_type_checker_finds(package: str) -> None:
    module, names = importlib.import_module(package), for_type_checkers(package)
    assert {*names} <= {*module.__all__}
    for name, home in names.items():
        assert getattr(module, name) is getattr(importlib.import_module(home), name)


@pytest.mark.parametrize("package", LAZY)
def test_all_names_are_there_from_the_start(package: str, tmp_path: Path) -> None:
    names = importlib.import_module(package).__all__
    program = f"import {package} as one\nassert {{*one.__all__}} <= {{*dir(one)}}\nfrom {package} import *\n"
    assert output(f"{program}print(None not in ({', '.join(names)},))", tmp_path) == "True\n"


@pytest.mark.parametrize(
    "name",
    [
        *(f"cmux.protocol.{name}" for name in ("commands", "config", "errors", "events", "fcs", "frames", "profiles")),
        "cmux.errors",
    ],
)
def test_a_public_module_is_found_from_its_package(name: str, tmp_path: Path) -> None:
    assert output(f"import {name.rpartition('.')[0]}\nprint({name}.__name__)", tmp_path) == f"{name}\n"


def test_a_name_that_is_not_there_is_missing_as_in_any_module() -> None:
    with pytest.raises(AttributeError, match=r"^module 'cmux' has no attribute 'opne'$"):
        _ = cmux.opne  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match="cannot import name 'opne' from 'cmux'"):
        exec("from cmux import opne")  # noqa: S102


def test_a_name_is_looked_up_once(tmp_path: Path) -> None:
    program = "import cmux\ncmux.Config\ndel cmux.__getattr__\nprint(cmux.Config.__name__)"
    assert output(program, tmp_path) == "Config\n"


def test_a_module_that_cannot_be_imported_says_why(tmp_path: Path) -> None:
    program = """
import sys, cmux
sys.modules["construct"] = None
try:
    cmux.open
except ImportError as error:
    print(error)
"""
    assert output(program, tmp_path) == "import of construct halted; None in sys.modules\n"


@pytest.mark.parametrize("package", ["capture", "line", "protocol", "threads"])
def test_a_package_under_names_that_are_loaded_late_imports_none_of_its_modules(package: str) -> None:
    """A thread that loads the package, and one that loads a module of it, would wait for each other."""
    imports = [node for node in tree(ROOT / "cmux" / package / "__init__.py").body if isinstance(node, ast.ImportFrom)]
    assert {(node.level, node.module) for node in imports} <= {(0, "typing"), (2, "extensions"), (2, "lazy")}


def test_threads_may_use_a_name_for_the_first_time_at_once(tmp_path: Path) -> None:
    program = """
import threading, cmux
names = ("open", "serve", "Mux", "VirtualUart", "Config", "KeepAlive", "Profile", "LineSettings") * 2
together, found = threading.Barrier(len(names)), {}
def use(index, name):
    together.wait()
    found[index] = getattr(cmux, name)
threads = [threading.Thread(target=use, args=each) for each in enumerate(names)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(all(found[index] is getattr(cmux, name) for index, name in enumerate(names)))
"""
    assert output(program, tmp_path) == "True\n"


# --- What importing the package does besides ---


@pytest.mark.parametrize(
    "port",
    [
        "serial.serial_for_url('cmux:///dev/nowhere?dlci=1')",
        "cmux.VirtualUart('cmux:///dev/nowhere?dlci=1')",
    ],
    ids=["pyserial", "by name"],
)
def test_urls_open_their_line_after_the_bare_import(port: str, tmp_path: Path) -> None:
    program = f"import serial, cmux\ntry:\n    {port}\nexcept cmux.PortNotFound as error:\n    print(error)"
    assert output(program, tmp_path).startswith("/dev/nowhere: ")


# --- The table of commands ---


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_help_of_a_command_begins_as_that_of_the_program_says(
    command: Subcommand, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert drivers.cli.main(["--help"]) == 0
    assert command.summary in capsys.readouterr().out
    assert drivers.cli.main([command.name, "--help"]) == 0
    usage, summary, *_ = capsys.readouterr().out.split("\n\n")
    assert usage.startswith(f"usage: gsm0710 {command.name} ")
    assert summary == command.summary
