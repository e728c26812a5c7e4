"""The public names, and where the reference describes each: a Sphinx extension, and a check of what was built.

A name that several modules hand out is described once, under the first of `MODULES` that has it; under its other names
cross references find it, too. ``python docs/public_names.py docs/_build/html/objects.inv`` names what is missing there.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import re
import sys
import zlib
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, get_args, get_origin

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

MODULES = (
    "cmux",
    "cmux.errors",
    "cmux.aio",
    "cmux.protocol",
    "cmux.protocol.config",
    "cmux.protocol.frames",
    "cmux.protocol.fcs",
    "cmux.protocol.events",
    "cmux.protocol.commands",
    "cmux.protocol.errors",
    "cmux.protocol.profiles",
    "cmux.bridge",
    "cmux.pty",
    "cmux.capture",
    "drivers.errors",
    "drivers.at",
    "drivers.at.aio",
    "drivers.tcpip",
    "drivers.tcpip.aio",
    "drivers.tcpip.families",
    "drivers.tcpip.core",
    "drivers.tcpip.core.events",
    "drivers.sockets",
    "drivers.modem",
    "drivers.modem.aio",
    "drivers.emulator",
    "drivers.clock",
)
"""The modules that programs import from; what is nearer to users stands before what it is made of."""


def public(modules: Sequence[str] = MODULES) -> Iterator[tuple[str, str, object]]:
    """Yield each module, each name in its ``__all__``, and what it stands for."""
    for module in modules:
        imported = importlib.import_module(module)
        for name in imported.__all__:
            yield module, name, getattr(imported, name)


def homes(modules: Sequence[str] = MODULES) -> dict[str, str]:
    """Return the name under which each public name is described."""
    first: dict[tuple[int, str], str] = {}
    found = {}
    for module, name, value in public(modules):
        found[f"{module}.{name}"] = first.setdefault((id(value), name), f"{module}.{name}")
    return found


def summary(name: str) -> str:
    """Return the first sentence about what a name stands for; empty: there is none."""
    module, _, last = name.rpartition(".")
    value = getattr(importlib.import_module(module), last)
    documented = inspect.isroutine(value) or isinstance(value, type | ModuleType)
    text = (inspect.getdoc(value) or "") if documented else " ".join(about_data(last, value))
    return re.split(r"(?<=\.)\s|\n\n", text, maxsplit=1)[0].replace("\n", " ")


def place(module: str, name: str) -> tuple[bool, str]:
    """Return where a name stands in the table of a module: exceptions last."""
    value = getattr(importlib.import_module(module), name)
    return isinstance(value, type) and issubclass(value, Exception), name.casefold()


def about_data(name: str, value: object) -> list[str]:
    """Return the lines that stand below an assignment, wherever it is: packages only import it."""
    from sphinx.pycode import ModuleAnalyzer

    for module in [one for one in sys.modules if re.match(r"(cmux|drivers)(\.|$)", one)]:
        if vars(sys.modules[module]).get(name) is value:
            analyser = ModuleAnalyzer.for_module(module)
            analyser.analyze()
            if lines := analyser.attr_docs.get(("", name)):
                return list(lines)
    return []


# --- What has been built -----------------------------------------------------------------------------------------


def inventory(path: Path) -> set[str]:
    """Return the Python names that an ``objects.inv`` has."""
    head, _, rest = path.read_bytes().partition(b"zlib.\n")
    if not head.startswith(b"# Sphinx inventory version 2"):
        raise ValueError(f"{path} is not an inventory of Sphinx")
    lines = zlib.decompress(rest).decode("utf-8").splitlines()
    return {found[1] for line in lines if (found := re.match(r"(\S+) py:\w+ ", line))}


def missing(described: set[str], modules: Sequence[str] = MODULES) -> list[str]:
    """Return the public names that are not described."""
    return sorted({f"{module}.{name}" for module, name, _ in public(modules)} - described)


def main(arguments: Sequence[str]) -> int:
    """Name what is missing; return the exit code."""
    absent = missing(inventory(Path(arguments[0])))
    for name in absent:
        print(f"{name}: it is in __all__, and not in the reference", file=sys.stderr)
    return int(bool(absent))


# --- In Sphinx ---------------------------------------------------------------------------------------------------


def add_aliases(app: Sphinx, env: BuildEnvironment) -> None:
    """Let cross references find what is described under any of its public names."""
    objects = env.domains.python_domain.objects
    known = homes()
    for other, home in known.items():
        if other == home or home not in objects:
            continue
        for name, entry in list(objects.items()):
            if name == home or name.startswith(f"{home}."):
                objects[other + name.removeprefix(home)] = entry._replace(aliased=True)


def nearest(wanted: str, here: str, classes: Mapping[str, list[str]], objects: Container[str]) -> str | None:
    """Return what a docstring calls by its last name only: the class whose module is nearest to where it says so.

    Args:
        wanted: a class, or a member of one: ``Mux``, ``Mux.accept``.
        here: the module of the docstring.
        classes: the classes that are described, by their last names.
        objects: the names of all that is described.
    """
    first, _, member = wanted.partition(".")
    found = [f"{name}.{member}" if member else name for name in classes.get(first, ())]
    return min(
        (name for name in found if name in objects),
        key=lambda name: (-len(shared(name, here)), len(name)),
        default=None,
    )


def by_last_name(objects: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the classes that are described, by their last names."""
    found: dict[str, list[str]] = {}
    for name, entry in objects.items():
        if entry.objtype in ("class", "exception") and not entry.aliased:
            found.setdefault(name.rpartition(".")[2], []).append(name)
    return found


def shared(one: str, other: str) -> list[str]:
    """Return the packages at the beginning that two dotted names have in common."""
    both = []
    for left, right in zip(one.split("."), other.split("."), strict=False):
        if left != right:
            break
        both.append(left)
    return both


THERE = re.compile(r" {4}(\w+): see there[.;] ?(.*)")
SEE = re.compile(r"(?:;|\.) see `(?:~?(?P<name>[\w.]+))`|^See `(?P<only>[\w.]+)`")
SECTION = re.compile(r"^(Args|Returns|Raises|Yields):$")


COLON = "\ue000"
"""Stands for a colon that the style of Google would take for the end of a type: ``The id: it stays the same``."""


def hide_colons(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Keep the first line of an attribute or property, and results, from being split at their colons."""
    inside = what in ("attribute", "property", "data")
    for number, line in enumerate(lines):
        if line in ("Returns:", "Yields:"):
            inside = True
        elif inside:
            lines[number] = line.replace(":", COLON)
            inside = False


def show_colons(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Undo `hide_colons`."""
    lines[:] = [line.replace(COLON, ":") for line in lines]


def show_members(app: Sphinx, what: str, name: str, value: Any, skip: bool, options: Any) -> bool | None:
    """Show the members of an enumeration also where a name says enough."""
    return False if isinstance(value, enum.Enum) else None


def plain_defaults(
    app: Sphinx, what: str, name: str, value: Any, options: Any, signature: str | None, result: str | None
) -> tuple[str | None, str | None] | None:
    """Write defaults as a program would: by their names, or as ``...`` where they have none."""
    if signature is None:
        return None
    if isinstance(value, type) and issubclass(value, enum.Enum):
        return "", None  # nobody calls it
    for one, meant in type_arguments(value).items():
        signature = re.sub(rf"(?<![\w.])~?(?:[\w]+\.)*{one}(?![\w.])", meant, signature)
    signature = re.sub(r"<(?:factory|function [\w.]*<lambda>|function _\w+)>", "...", signature)
    return re.sub(r"<(?:function )?([\w.]+)(?:: [^>]*)?>", r"\1", signature), result


def type_arguments(value: Any) -> dict[str, str]:
    """Return what the type variables of the generic base of a class stand for in it."""
    found = {}
    for base in getattr(value, "__orig_bases__", ()) if isinstance(value, type) else ():
        for variable, meant in zip(getattr(get_origin(base), "__parameters__", ()), get_args(base), strict=False):
            found[variable.__name__] = meant.__name__ if isinstance(meant, type) else str(meant)
    return {name: re.sub(r"(?:\w+\.)+(?=\w)", "~\\g<0>", meant) for name, meant in found.items()}


def complete(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Give a method that says ``see X`` the arguments, results and exceptions of X, and data the words below it."""
    if what == "data":  # Sphinx finds nothing, or what is said about its type
        lines[:] = [*about_data(name.rpartition(".")[2], value), ""]
    told = "\n".join(lines)
    if "see there" in told and (above := re.search(r"those of `([\w.]+)`", told)):
        lines[:] = fill_in(lines, arguments(inspect.getdoc(twin(above[1], name)) or ""))
    found = SEE.search(told.partition("\n\n")[0].replace("\n", " "))
    if found is None or re.search(r"^(Args|Returns|Raises):$", told, re.MULTILINE):
        return
    other = twin(found["name"] or found["only"], name)
    body = [] if other is None else (inspect.getdoc(other) or "").splitlines()
    if found["only"] and body:
        lines[:] = [*body, ""]
        return
    start = next((number for number, line in enumerate(body) if SECTION.match(line)), None)
    if start is not None:
        lines[:] = [*lines, "", *body[start:], ""]


def arguments(text: str) -> dict[str, list[str]]:
    """Return the lines about each argument in a docstring of the style of Google."""
    body = text.partition("\nArgs:\n")[2].partition("\n\n")[0].split("\n")
    found: dict[str, list[str]] = {}
    name = ""
    for line in body:
        if start := re.match(r" {4}(\w+): ", line):
            name = start[1]
        found.setdefault(name, []).append(line)
    return found


def fill_in(lines: list[str], there: dict[str, list[str]]) -> list[str]:
    """Replace ``name: see there`` by what stands there, before what is said besides; the first of them says where."""
    filled: list[str] = []
    for line in lines:
        found = THERE.match(line)
        if found is not None and found[1] in there:
            filled += [*there[found[1]], *([f"        {found[2][0].upper()}{found[2][1:]}"] if found[2] else [])]
        elif (first := re.match(r" {4}(\w+): this and the following arguments", line)) and first[1] in there:
            filled += there[first[1]]
        else:
            filled.append(line)
    return filled


def twin(named: str, name: str) -> object:
    """Return what a docstring refers to: a public name, or one beside its own, or beside its class; None: nothing."""
    owner = name.rpartition(".")[0]
    for whole in (named, f"{owner}.{named}", f"{owner.rpartition('.')[0]}.{named}"):
        parts = whole.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            try:
                value: object = importlib.import_module(".".join(parts[:cut]))
                for part in parts[cut:]:
                    value = getattr(value, part)
            except (ImportError, AttributeError):
                continue
            return value
    return None


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect all that."""
    from docutils import nodes
    from docutils.statemachine import StringList
    from sphinx.addnodes import pending_xref
    from sphinx.transforms.post_transforms import SphinxPostTransform
    from sphinx.util.docutils import SphinxDirective
    from sphinx.util.logging import getLogger

    logger = getLogger(__name__)

    class Nearest(SphinxPostTransform):
        """Completes references to a class by its name alone, before they are resolved."""

        default_priority = 5

        def run(self, **_: Any) -> None:
            objects = self.env.domains.python_domain.objects
            classes = by_last_name(objects)
            for node in self.document.findall(pending_xref):
                if node.get("refdomain") == "py" and (wanted := node["reftarget"]) not in objects:
                    here = node.get("py:module") or ""
                    found = nearest(wanted.rpartition(f"{here}.")[2], here, classes, objects)
                    node.attributes.pop("refspecific", None)  # else it finds what has nothing to do with it
                    if found is not None and f"{here}.{node.get('py:class')}.{wanted}" not in objects:
                        node["reftarget"] = found

    class Names(SphinxDirective):
        """A table of the names of a module, each with its first sentence."""

        required_arguments = 1

        def run(self) -> list[nodes.Node]:
            module = self.arguments[0]
            text = [".. list-table::", "   :class: names", "   :widths: auto", ""]
            for name in sorted(importlib.import_module(module).__all__, key=lambda name: place(module, name)):
                whole = f"{module}.{name}"
                told = summary(whole)
                if not told:
                    logger.warning("%s: nothing says what it is", whole, location=self.get_location())
                text += [f"   * - :py:obj:`{name} <{whole}>`", f"     - {told}"]
            box = nodes.container()
            self.state.nested_parse(StringList(text, f"names of {module}"), 0, box)
            return [box]

    app.add_directive("names", Names)
    app.add_post_transform(Nearest)
    app.connect("env-updated", add_aliases)
    app.connect("autodoc-process-docstring", complete, priority=100)  # before napoleon
    app.connect("autodoc-process-docstring", hide_colons, priority=101)
    app.connect("autodoc-process-docstring", show_colons, priority=900)  # behind it
    app.connect("autodoc-process-signature", plain_defaults)
    app.connect("autodoc-skip-member", show_members)
    return {"parallel_read_safe": False, "parallel_write_safe": True}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
