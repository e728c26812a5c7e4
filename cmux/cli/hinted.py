"""How hints name settings where a command shows them: as options, or as keys of the file that they come from."""

from __future__ import annotations

import copy
import json
import logging
import os

from ..errors import PortError, StartupError
from ..protocol.hints import Named
from ..settings import SETTINGS


def as_option(name: str, value: str | None) -> str:
    """Write a setting as an option; see `Named`."""
    setting = SETTINGS[name]
    if value in (None, "yes"):
        return setting.option
    return setting.no_option if value == "no" else f"{setting.option} {value}"


def as_key(name: str, value: str | None) -> str:
    """Write a setting as a table of a file has it; see `Named`."""
    if value is None:
        return name
    words = {"yes": "true", "no": "false"}
    plain = value.replace(".", "", 1).isdigit()
    return f"{name} = {value if plain else words.get(value) or json.dumps(value)}"


def in_words(error: object, named: Named = as_option) -> str:
    """Return the text of an error, with the id of its hint, and the settings that it names as they are written here."""
    if isinstance(error, StartupError):
        return error.told(named)
    return f"{error} [{error.id}]" if isinstance(error, PortError) else str(error)


class HintsAsOptions(logging.Formatter):
    """Formats records of the log; hints name options."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        if isinstance(record.args, tuple) and any(isinstance(one, StartupError) for one in record.args):
            record = copy.copy(record)
            record.args = tuple(in_words(one) if isinstance(one, StartupError) else one for one in record.args or ())
        return super().format(record)


def one_line(error: Exception, named: Named = as_option) -> str:
    """Return an error as text for people, in one line and without the words that Python puts around errors of files.

    Args:
        error: the error.
        named: how settings are written where it is shown.
    """
    text = in_words(error, named)
    if isinstance(error, OSError) and error.strerror:
        text = f"{os.fsdecode(error.filename)}: {error.strerror}" if error.filename else error.strerror
    return " ".join(text.split()) or type(error).__name__
