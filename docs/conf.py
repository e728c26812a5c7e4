"""Sphinx configuration."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import cmux
from cmux.protocol.dlc_table import AGREEMENTS, FLAGS, Agreement, Flag
from cmux.protocol.profiles import PROFILES
from cmux.setting import GROUPS
from cmux.settings import SETTINGS
from drivers.emulator import Behaviour

project = "gsm0710"
author = "the gsm0710 authors"
copyright = "2026, the gsm0710 authors"
version = release = cmux.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "public_names",
    "command_reference",
]
sys.path.insert(0, str(Path(__file__).parent))  # the last two
exclude_patterns = ["_build", "changelog.d"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
maximum_signature_line_length = 80
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"
default_role = "py:obj"  # in docstrings, `Mux` is a reference where there is something of that name
nitpicky = True
nitpick_ignore_regex = [
    (r"py:obj", r"(?!(cmux|drivers)\.)(?![A-Z][a-z]+[A-Z]).*"),  # `AT+CMUX` is none
    (r"py:obj", r".*\.T"),  # nor is a type variable
    (r"py:(?!obj).*", r".*"),  # types in signatures: those of other projects, and inner ones
]


def settings_tables() -> str:
    """The tables of docs/settings.md: one for each group."""
    lines = []
    for group in GROUPS:
        lines += [f"## {group[0].upper()}{group[1:]}", "", "| setting | what it says | values | default |"]
        lines += ["| --- | --- | --- | --- |"]
        rows = [row for row in SETTINGS.values() if row.group == group]
        shown = [(row, row.usual.replace(",", ",<wbr>")) for row in rows]  # a list may be divided
        lines += [f"| `{row.name}` | {row.help} | {row.kind.expected} | {usual} |" for row, usual in shown]
        lines.append("")
    return "\n".join(lines)


def behaviours_table() -> str:
    """The table of readings in the reference of the emulated module."""
    lines = ["| behaviour | values, the default first | sources |", "| --- | --- | --- |"]
    for name, usual, possible, source in Behaviour.describe():
        values = ", ".join(f"`{one}`" for one in dict.fromkeys([usual, *possible.split("|")]))
        told = re.sub(r"(--\w+)", r"`\1`", re.sub(r"([|<*])", r"\\\1", source))
        lines.append(f"| `{name}` | {values} | {told} |")
    return "\n".join(lines)


myst_enable_extensions = ["colon_fence", "deflist", "fieldlist", "substitution"]
_CHANGES = {
    fact: {flag: "raised" if value else "lowered" for flag, value in flags.items()} for fact, flags in FLAGS.items()
}
myst_substitutions = {
    "settings": settings_tables(),
    "behaviours": behaviours_table(),
    "profiles": "\n".join(
        [
            "| name | modules | channels | source |",
            "| --- | --- | --- | --- |",
            *(
                f"| `{one.name}` | {one.title} | {', '.join(one.channels) or 'by number'} | {one.source} |"
                for one in PROFILES.values()
            ),
        ]
    ),
    "agreements": "\n".join(
        [
            f"| when | {' | '.join(Agreement)} |",
            "| --- " * (len(Agreement) + 1) + "|",
            *(
                f"| {what} | {' | '.join('' if after[one] is one else after[one] for one in Agreement)} |"
                for what, after in AGREEMENTS.items()
            ),
        ]
    ),
    "flags": "\n".join(
        [
            f"| when | {' | '.join(f'`{flag}`' for flag in Flag)} |",
            "| --- " * (len(Flag) + 1) + "|",
            *(f"| {fact} | {' | '.join(flags.get(flag, '') for flag in Flag)} |" for fact, flags in _CHANGES.items()),
        ]
    ),
}
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"gsm0710 {release}"
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]
smartquotes_action = "q"  # quotes, but no dashes: --option is to be copied


def dashes_of_fields(_: object, doctree: Any) -> None:
    """Let a dash be one where Sphinx puts two hyphens between the name of a parameter and its text."""
    from docutils import nodes

    for body in doctree.findall(nodes.field_body):
        for text in list(body.findall(nodes.Text)):
            if text == " -- ":
                text.parent.replace(text, nodes.Text(" – "))


def setup(app: Any) -> None:
    """Tell Sphinx of what is above."""
    app.connect("doctree-read", dashes_of_fields)
