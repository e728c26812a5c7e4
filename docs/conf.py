"""Sphinx configuration."""

from __future__ import annotations

import cmux
from cmux.protocol.dlc_table import FLAGS, Flag
from cmux.protocol.profiles import PROFILES

project = "gsm0710"
author = "the gsm0710 authors"
copyright = "2026, the gsm0710 authors"
version = release = cmux.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "changelog.d"]
nitpicky = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
default_role = "code"
intersphinx_mapping: dict[str, tuple[str, None]] = {}
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist", "substitution"]
_CHANGES = {
    fact: {flag: "raised" if value else "lowered" for flag, value in flags.items()} for fact, flags in FLAGS.items()
}
myst_substitutions = {
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
