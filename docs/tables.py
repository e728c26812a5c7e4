"""Write the tables of pages that come from the code: settings, profiles, states of a connection, readings.

``python docs/tables.py`` writes them between two marks of their page, so that the page can be read as a file, too;
``--check`` changes nothing and says which page is not current.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from cmux.protocol.dlc_table import AGREEMENTS, FLAGS, Agreement, Flag
from cmux.protocol.profiles import PROFILES
from cmux.setting import GROUPS
from cmux.settings import SETTINGS
from drivers.emulator import MODELS, Behaviour

DOCS = Path(__file__).parent
BEGIN, END = "<!-- Written by `make tables` ({}); do not edit. -->\n", "\n<!-- Written until here. -->\n"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def settings() -> str:
    """The settings of a line, a table for each group."""
    parts = []
    for group in GROUPS:
        rows = [row for row in SETTINGS.values() if row.group == group]
        cells = [
            (f"`{row.name}`", row.help, row.kind.expected, row.usual.replace(",", ",<wbr>"))  # a list may be divided
            for row in rows
        ]
        parts.append(
            f"## {group[0].upper()}{group[1:]}\n\n{table(('setting', 'what it says', 'values', 'default'), cells)}"
        )
    return "\n\n".join(parts)


def profiles() -> str:
    """The profiles of modules."""
    rows = [
        (f"`{one.name}`", one.title, ", ".join(one.channels) or "by number", one.source) for one in PROFILES.values()
    ]
    return table(("name", "modules", "channels", "source"), rows)


def agreements() -> str:
    """What has been agreed for a data link connection, after each input."""
    rows = [
        (what, *("" if after[one] is one else after[one] for one in Agreement)) for what, after in AGREEMENTS.items()
    ]
    return table(("when", *Agreement), rows)


def flags() -> str:
    """The flags of a data link connection, and what raises and lowers them."""
    words = {True: "raised", False: "lowered"}
    rows = [(fact, *(words[of[flag]] if flag in of else "" for flag in Flag)) for fact, of in FLAGS.items()]
    return table(("when", *(f"`{flag}`" for flag in Flag)), rows)


FAMILIES = {"": "all", "quectel_gsm": "Quectel GSM", "quectel_lte": "Quectel LTE"}
"""What a page calls the families of modules."""


def models() -> str:
    """The models that can be emulated, with what differs from the defaults of behaviours."""
    rows = []
    for one in MODELS.values():
        differs = ", ".join(f"`{name}={shown(value)}`" for name, value in one.behaviour.items())
        says = f"{one.manufacturer}, {one.product}, {one.revision}"
        rows.append((f"`{one.name}`", FAMILIES[one.family], says, f"`{one.option}`", str(one.n1), differs))
    return table(("model", "family", "says of itself", "framings", "N1", "behaviours"), rows)


def shown(value: object) -> str:
    """A reading as a command line gives it."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def behaviours() -> str:
    """The readings of the emulated module."""
    rows, families = [], Behaviour.families()
    for name, usual, possible, source in Behaviour.describe():
        values = ", ".join(f"`{one}`" for one in dict.fromkeys([usual, *possible.split("|")]))
        told = re.sub(r"(--\w+)", r"`\1`", re.sub(r"([|<*])", r"\\\1", source))
        rows.append((f"`{name}`", values, FAMILIES[families[name]], told))
    return table(("behaviour", "values, the default first", "modules", "sources"), rows)


TABLES: dict[str, tuple[Callable[[], str], ...]] = {
    "settings.md": (settings,),
    "profiles.md": (profiles,),
    "protocol.md": (agreements, flags),
    "reference/drivers-emulator.md": (models, behaviours),
}
"""The pages, and the tables of each."""


def current(name: str) -> str:
    """Return the text of a page with its tables as they are now."""
    text = (DOCS / name).read_text(encoding="utf-8")
    for one in TABLES[name]:
        before, begin, rest = text.partition(BEGIN.format(one.__name__))
        _, end, after = rest.partition(END)
        text = f"{before}{begin}\n{one()}\n{end}{after}"
    return text


def stale() -> list[str]:
    """Return the pages that are not current."""
    return [name for name in TABLES if (DOCS / name).read_text(encoding="utf-8") != current(name)]


def main() -> int:
    """Write or check the pages; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; 1 when a page is not current")
    options = parser.parse_args()
    for name in (found := stale()):
        if options.check:
            print(f"docs/{name} is not current: make tables", file=sys.stderr)
        else:
            (DOCS / name).write_text(current(name), encoding="utf-8")
    return bool(found and options.check)


if __name__ == "__main__":
    sys.exit(main())
