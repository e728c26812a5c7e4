"""The command of a script that writes pages of evidence: it writes them, or says what is missing and not current."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def run(
    script: str,
    description: str,
    reports: Mapping[str, str],
    problems: Callable[..., list[str]],
    pages: Mapping[Path, Callable[[], str]],
) -> int:
    """Run the command.

    Args:
        script: its path, for messages.
        description: what the script does.
        reports: the options that name a report of pytest, each with the option by which pytest writes that.
        problems: returns what is missing, given the reports by the names of their options; None: it was not named.
        pages: the pages, each with what makes its text.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="change nothing, say what is missing")
    for name, option in reports.items():
        parser.add_argument(f"--{name}", metavar="REPORT", help=f"what `pytest {option}` has written")
    options = vars(parser.parse_args())
    given: dict[str, Any] = {
        name: json.loads(Path(options[name]).read_text(encoding="utf-8")) if options[name] else None for name in reports
    }
    found = problems(**given)
    for page, make in pages.items():
        if not options["check"]:
            page.write_text(make(), encoding="utf-8")
        elif page.read_text(encoding="utf-8") != make():
            found.append(f"docs/{page.name} is not current: python {script}")
    for line in found:
        print(line, file=sys.stderr)
    return bool(found)
