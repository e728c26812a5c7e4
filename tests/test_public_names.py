"""Names that programs outside call: taking one away, or moving it, is a change that needs a reason."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rows import each
from syntax_trees import tree

import cmux
import drivers.modem
import drivers.tcpip

NAMES = {
    "cmux": ("open", "serve", "Mux", "VirtualUart", "Profile", "KeepAlive", "Config", "LineSettings"),
    "cmux.aio": ("Mux", "MuxProtocol", "open", "serve"),
    "cmux.bridge": ("PtyBridge",),
    "cmux.pty": ("Pty",),
    "cmux.urlhandler": (),
    "cmux.protocol.events": ("Opened", "Closed", "DataReceived", "SessionClosed", "CommandDone"),
    "cmux.protocol.errors": ("CmuxError", "DlcError", "SessionEnded"),
    "cmux.protocol.commands": ("MSC", "PN", "RPN", "Signals", "PortSettings"),
    "cmux.protocol.config": ("Config", "Parameters", "KeepAlive", "Option", "Role", "Wakeup"),
    "cmux.protocol.frames": ("encode", "BasicDecoder", "AdvancedDecoder", "Frame"),
    "cmux.protocol.fcs": ("fcs",),
    "cmux.protocol.profiles": ("PROFILES", "Profile"),
    "cmux.protocol": ("Multiplexer", "Config", "Role", "Option", "Frame", "BasicDecoder", "AdvancedDecoder"),
    "drivers.tcpip": (
        "TcpipDriver",
        "ContextTable",
        "ContextBusy",
        "ContextLost",
        "KeepAlive",
        "Session",
        "Listener",
        "Gprs",
        "Csd",
        "Transparent",
        "Watch",
    ),
    "drivers.tcpip.aio": tuple(drivers.tcpip.__all__),
    "drivers.sockets": ("create_connection",),
    "drivers.at": ("AtChannel", "channel_for"),
    "drivers.at.aio": ("AtChannel",),
    "drivers.modem": ("Modem",),
    "drivers.modem.aio": tuple(drivers.modem.__all__),
    "drivers.emulator": ("EmulatedModule", "Behaviour"),
}


@pytest.mark.pure("an extension has no docstring")
@pytest.mark.parametrize("module", NAMES)
def test_the_module_is_there(module: str) -> None:
    assert importlib.import_module(module).__doc__


@each(("module, name", [(module, name) for module, names in NAMES.items() for name in names]))
def test_it_is_there(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize("package", ["cmux", "drivers"])
def test_the_package_is_ours(package: str) -> None:
    """Other distributions install packages of the same names; the last one installed wins without a word."""
    owners = importlib.metadata.packages_distributions().get(package, ["gsm0710"])  # an editable install lists none
    assert set(owners) == {"gsm0710"}


def test_the_console_script() -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="gsm0710")
    assert callable(script.load())


@pytest.mark.parametrize("package", ["cmux", "cmux.aio", "drivers.emulator"])
def test_dir_shows_the_public_names_and_no_others(package: str) -> None:
    module = importlib.import_module(package)
    assert {*dir(module)} - {"__version__"} == {*module.__all__}


ROOT = Path(__file__).parents[1]
REFERENCE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs/reference").glob("*.md")))


def handed_out() -> Iterator[object]:
    """Everything in the ``__all__`` of a package or module, and everything that the reference describes."""
    for package in (cmux, drivers):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                module = importlib.import_module(found.name)
                yield from (getattr(module, name) for name in getattr(module, "__all__", ()))
    yield from (getattr(cmux, name) for name in cmux.__all__)
    for kind, name in re.findall(r"\.\. auto(class|module):: ([\w.]+)", REFERENCE):
        one = pkgutil.resolve_name(name)
        yield from [one] if kind == "class" else [each for each in vars(one).values() if vars_of(each, name)]


def vars_of(one: object, module: str) -> bool:
    """Whether it is a public class that a module defines."""
    return isinstance(one, type) and one.__module__ == module and not one.__name__.startswith("_")


def public_classes() -> list[type[object]]:
    """The classes of all that; exceptions and what is only for type checkers are left out."""
    found: dict[type[object], None] = {}
    for one in handed_out():
        typing_only = hasattr(one, "__required_keys__") or getattr(one, "_is_protocol", False)
        if isinstance(one, type) and not issubclass(one, BaseException) and not typing_only:
            found[one] = None
    return list(found)


def test_many_classes_are_handed_out() -> None:
    assert len(public_classes()) > 100


@each(("one", public_classes()))
def test_a_public_object_says_what_it_is(one: type[object]) -> None:
    assert one.__repr__ is not object.__repr__


HOMES = {
    "Session": {"drivers/tcpip/threads/session.py", "drivers/tcpip/aio/session.py"},
    "Watch": {"drivers/tcpip/threads/watch.py", "drivers/tcpip/aio/watch.py"},
    "Step": {"drivers/at/core/dialogue.py"},
}


@pytest.mark.parametrize("name", HOMES)
def test_a_name_means_one_class(name: str) -> None:
    """Classes of other modules that do something similar have names of their own."""
    root = Path(cmux.__file__).parents[1]
    found = {
        path.relative_to(root).as_posix()
        for package in ("cmux", "drivers")
        for path in sorted((root / package).rglob("*.py"))
        if any(isinstance(node, ast.ClassDef) and node.name == name for node in ast.walk(tree(path)))
    }
    assert found == HOMES[name]


def test_the_reference_shows_all_public_members_of_what_it_shows() -> None:
    """A list of members, or of exceptions, would hide public names that only the packages themselves call."""
    assert re.findall(r":exclude-members:|:members: *\w.*", REFERENCE) == []
