"""Sphinx configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cmux

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

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"gsm0710 {release}"
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]
# A block without a language is a synopsis or a drawing, not Python.
highlight_language = "text"
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
