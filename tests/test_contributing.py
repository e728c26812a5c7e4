"""What the recipes of CONTRIBUTING.md add stands in all of its places; one that is missing is named."""

from __future__ import annotations

import ast
import re
import runpy
import tomllib
import typing
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import product
from pathlib import Path

import pytest
from families_lab import BENCHES
from toy_family import ToyStack

import cmux
import cmux.aio
from cmux.protocol import control
from cmux.protocol.commands import COMMANDS, Command
from cmux.protocol.config import Config
from cmux.protocol.services import ControlServices
from cmux.protocol.start_options import StartOptions
from cmux.protocol.wire import VALUE_SIZES, MessageType
from drivers.emulator.module import MODEMS
from drivers.tcpip import TcpipDriver
from drivers.tcpip.families import DIALECTS

ROOT = Path(__file__).parents[1]
MESSAGES = runpy.run_path(str(ROOT / "tests/cmux/protocol/test_commands.py"))
VECTORS = {type(body) for _, _, body in MESSAGES["TABLE"]}
CONTROL = runpy.run_path(str(ROOT / "tests/cmux/protocol/test_control_messages.py"))
CALLED = {type(command) for command, _ in CONTROL["CALLS"]}
ANY_SIZE = {MessageType.TEST}
"""The messages that may have any number of octets."""
NO_COMMAND = {MessageType.NSC}
"""The messages that are only ever an answer."""
WITH_TESTS_OF_THEIR_OWN = {MessageType.PN, MessageType.MSC, MessageType.CLD, MessageType.NSC}
"""The messages that the owner does not start by a call that sends this message and nothing else."""

PLACES_OF_A_MESSAGE: dict[str, Callable[[MessageType], bool]] = {
    "COMMANDS in cmux/protocol/commands.py": lambda kind: kind in COMMANDS,
    "VALUE_SIZES in cmux/protocol/wire.py": lambda kind: (kind in VALUE_SIZES) != (kind in ANY_SIZE),
    "_HANDLERS in cmux/protocol/control.py": lambda kind: (body_of(kind) in control._HANDLERS) != (kind in NO_COMMAND),
    "TABLE in tests/cmux/protocol/test_commands.py": lambda kind: body_of(kind) in VECTORS,
    "QUESTIONS in tests/cmux/protocol/test_control_messages.py": lambda kind: (
        (getattr(body_of(kind), "name", kind.name) in CONTROL["QUESTIONS"]) != (kind in NO_COMMAND)
    ),
    "CALLS in tests/cmux/protocol/test_control_messages.py": lambda kind: (
        (body_of(kind) in CALLED) != (kind in WITH_TESTS_OF_THEIR_OWN)
    ),
    "the clause, above test_message in tests/cmux/protocol/test_commands.py": lambda kind: (
        clauses(body_of(kind)) <= marked(MESSAGES["test_message"])
    ),
    "the clause, above test_question_and_answer in tests/cmux/protocol/test_control_messages.py": lambda kind: (
        clauses(body_of(kind)) <= marked(CONTROL["test_question_and_answer"])
    ),
    "docs/glossary.md": lambda kind: getattr(body_of(kind), "name", kind.name) in terms(),
    "docs/ports.md": lambda kind: getattr(body_of(kind), "name", kind.name) in page("docs/ports.md"),
}

AS_A_PROPERTY = {"power": "asleep"}
"""What a shell says by another name."""


def body_of(kind: MessageType) -> type[Command]:
    return COMMANDS.get(kind, Command)


def clauses(body: type[Command]) -> set[str]:
    """Return the clauses that the docstring of a message cites."""
    return set(re.findall(r"§([\d.]*\d)", body.__doc__ or ""))


def marked(test: Callable[..., None]) -> set[str]:
    """Return the clauses that a test is marked with."""
    marks: list[pytest.Mark] = vars(test)["pytestmark"]
    return {clause for mark in marks if mark.name == "clause" for clause in mark.args}


def page(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def terms() -> list[str]:
    """Return the words of the glossary."""
    return [line for line in page("docs/glossary.md").splitlines() if line and line[0] not in " #`"]


@pytest.mark.parametrize(("kind", "place"), list(product(MessageType, PLACES_OF_A_MESSAGE)))
def test_a_control_message_stands_in_all_of_its_places(kind: MessageType, place: str) -> None:
    assert PLACES_OF_A_MESSAGE[place](kind), f"{kind.name} is missing: {place}"


@pytest.mark.parametrize("shell", ["cmux", "cmux.aio"])
@pytest.mark.parametrize("call", sorted(name for name in vars(ControlServices) if not name.startswith("_")))
def test_what_the_core_can_say_on_the_control_channel_both_shells_offer_and_a_page_tells(shell: str, call: str) -> None:
    name = AS_A_PROPERTY.get(call, call)
    mux = {"cmux": cmux.Mux, "cmux.aio": cmux.aio.Mux}[shell]
    assert hasattr(mux, name), f"{name} is missing: the services module of {shell}"
    assert f"`{name}" in page("docs/ports.md"), f"{name} is missing: docs/ports.md"


# --- A field of Config ---

HABITS = set(
    re.findall(
        r"`(\w+)`",
        "\n".join(re.findall(r"^\| (`.*?) \|", page("docs/profiles.md").partition("| field |")[2], re.MULTILINE)),
    )
)
FOR_ANY_MODULE = {
    *("option", "k", "t3", "frame_gap", "queue_high", "queue_low", "frame_type", "xonxoff", "priority_order"),
    *("keep_alive_interval", "shared_flags", "reserved_dlcis", "strict_final", "mux_baudrate", "ask"),
}
"""The fields that a program chooses, whatever the module is."""


def test_a_field_of_config_is_a_habit_that_the_page_of_profiles_has_or_one_for_any_module() -> None:
    names = {field.name for kind in (Config, StartOptions) for field in fields(kind)}
    assert names - HABITS - FOR_ANY_MODULE == set(), (
        "missing: the table of fields in docs/profiles.md, or FOR_ANY_MODULE in tests/test_contributing.py"
    )
    assert HABITS - names == set(), "docs/profiles.md: no such fields"
    assert set() == HABITS & FOR_ANY_MODULE


# --- The recipes themselves ---

STEPS = re.findall(r"^\d+\. (.*?)(?=^\d+\. |^\n|\Z)", page("CONTRIBUTING.md"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step[:40])
def test_what_a_step_of_a_recipe_names_stands_in_the_files_that_it_names(step: str) -> None:
    paths = [ROOT / path for path in re.findall(r"`((?:cmux|drivers|tests|docs)/[\w./-]*\w|\w+\.toml)", step)]
    assert paths, step
    files = [file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    for name in re.findall(r"`(_?[A-Z][A-Z_]{3,}|[A-Z][a-z]\w+)`", step):
        assert re.search(rf"\b{name}\b", text), f"{name} is not in {', '.join(map(str, paths))}"


# --- A family of modules ---

SHARED = {"core", "threads", "aio"}
FAMILIES = sorted(
    path.parent.name for path in (ROOT / "drivers/tcpip").glob("*/__init__.py") if path.parent.name not in SHARED
)
CONTRACTS = tomllib.loads(page("pyproject.toml"))["tool"]["importlinter"]["contracts"]
NO_SHELL = next(one["source_modules"] for one in CONTRACTS if "know no shell" in one["name"])


def dialects(family: str) -> list[str]:
    """Return the names of the dialects of a family."""
    return [name for name, one in DIALECTS.items() if one.family.__module__.split(".")[2] == family]


def modem_of(family: str) -> str:
    """Return the module of the class that is the inside of an emulated module of a family; nothing where none is."""
    makes = MODEMS.get(family)
    return "" if makes is None else typing.get_type_hints(makes).get("return", object).__module__


def columns(path: str) -> list[str]:
    """Return the heads of the first table of a page, in small letters."""
    head = next(line for line in page(path).splitlines() if line.startswith("|"))
    return [cell.strip().casefold() for cell in head.strip("|").split("|")]


PLACES_OF_A_FAMILY: dict[str, Callable[[str], bool]] = {
    "DIALECTS in drivers/tcpip/families.py": lambda family: bool(dialects(family)),
    "the contract 'the rules … know no shell' in pyproject.toml": lambda family: f"drivers.tcpip.{family}" in NO_SHELL,
    "MODEMS in drivers/emulator/module.py, and the class that it makes in drivers/emulator/FAMILY": lambda family: (
        modem_of(family).startswith(f"drivers.emulator.{family}.")
    ),
    "BENCHES in tests/support/families_lab.py": lambda family: (
        {one.shell for one in BENCHES if one.family == family} == {"threads", "aio"}
    ),
    "docs/tcpip.md, each dialect": lambda family: all(
        f"`{name}`" in page("docs/tcpip.md") for name in dialects(family)
    ),
    "docs/families.md, a column of the table": lambda family: family.replace("_", " ") in columns("docs/families.md"),
}


@pytest.mark.parametrize(("family", "place"), list(product(FAMILIES, PLACES_OF_A_FAMILY)))
def test_a_family_stands_in_all_of_its_places(family: str, place: str) -> None:
    assert PLACES_OF_A_FAMILY[place](family), f"{family} is missing: {place}"


# --- An AT command of the driver ---


def strings(node: ast.AST) -> Iterator[str]:
    """Return the texts in a syntax tree, also pieces of f-strings, without docstrings."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Constant) and isinstance(child.value, str) and not isinstance(node, ast.Expr):
            yield child.value
        yield from strings(child)


def named_answers(module: ast.Module) -> set[str]:
    """Return what a module sends, or asks for by `deadline` or what calls it: the names of commands and answers."""
    asks = {"deadline", "put", "try_to_put", "read", "read_lines", "setting"}
    asked = {
        first.value
        for call in ast.walk(module)
        if isinstance(call, ast.Call) and call.args
        if (getattr(call.func, "id", "") or getattr(call.func, "attr", "")) in asks
        and isinstance(first := call.args[0], ast.Constant)
        and isinstance(first.value, str)
    }
    return asked.union(*(re.findall(r"\bAT\+([A-Z]+)", text) for text in strings(module)))


@pytest.mark.parametrize(
    ("family", "some"),
    [("quectel_gsm", {"QIACT", "QIRD", "QIDNSCFG", "STATE"}), ("quectel_lte", {"QIACT", "QIRD", "QICFG", "+QIOPEN"})],
)
def test_every_command_of_the_driver_has_a_limit(family: str, some: set[str]) -> None:
    folder = ROOT / "drivers/tcpip" / family
    limits = runpy.run_path(str(folder / "timeouts.py"))["LIMITS"]
    named = {
        name for path in folder.glob("*.py") for name in named_answers(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert some <= named
    assert named - limits.keys() == set(), f"missing: LIMITS in drivers/tcpip/{family}/timeouts.py"


def test_a_command_is_found_however_it_is_written() -> None:
    text = '''"""AT+TA in a docstring."""\ndef f():
    """AT+TB."""
    yield from command("AT+TC?", timeout=1.0)
    text = f"AT+TD={1}"
    yield from put("TE", "1")
    yield from read_lines("TF", ())'''
    assert named_answers(ast.parse(text)) == {"TC", "TD", "TE", "TF"}


def test_what_a_family_may_lack_is_shown_to_be_named() -> None:
    """Each operation whose default says what is lacking, unless the smallest family has the operation."""
    core = (ROOT / "drivers/tcpip/core").glob("*.py")
    tests = (ROOT / "tests/drivers/tcpip").glob("*.py")
    said = {text for path in tests for text in strings(ast.parse(path.read_text(encoding="utf-8")))}
    lacking = {
        call.args[0].value
        for path in core
        for operation in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(operation, ast.FunctionDef) and operation.name not in vars(ToyStack)
        for call in ast.walk(operation)
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "lacks"
    }
    unsaid = {what for what in lacking if not any(text.endswith(what) for text in said)}
    assert "name servers" in lacking
    assert unsaid == set(), "missing: tests/drivers/tcpip/test_families.py does not show that a family has none"


def test_a_page_has_every_method_of_a_driver() -> None:
    pages = page("docs/tcpip.md") + page("docs/ownership.md")
    missing = [name for name in dir(TcpipDriver) if name[0] != "_" and not re.search(rf"[`.]{name}\b", pages)]
    assert missing == [], "missing: docs/tcpip.md"


# --- A folder ---


def packages() -> list[str]:
    roots = (ROOT / "cmux", ROOT / "drivers")
    return sorted(".".join(path.parent.relative_to(ROOT).parts) for root in roots for path in root.rglob("__init__.py"))


HELD = {name for one in CONTRACTS if one.get("exhaustive") for name in one["containers"]}

PLACES_OF_A_FOLDER: dict[str, Callable[[str], bool]] = {
    "an exhaustive contract in pyproject.toml": lambda package: package in HELD,
    "the table of folders in docs/architecture.md": lambda package: (
        "." not in package or f"`{package.replace('.', '/')}`" in page("docs/architecture.md")
    ),
}


@pytest.mark.parametrize(("package", "place"), list(product(packages(), PLACES_OF_A_FOLDER)))
def test_a_folder_stands_in_all_of_its_places(package: str, place: str) -> None:
    assert PLACES_OF_A_FOLDER[place](package), f"{package} is missing: {place}"
