"""What a setting of a line is, whichever it is: its group, its kind of value, its text, its default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .kinds import AtCommands, Kind
from .masking import shown
from .profile_files import FileProblem

# The groups of options in --help, and the sections of docs/settings.md.
LINE: Final = "the line"
START: Final = "from AT commands to frames"
SESSION: Final = "the session"
CAPTURE: Final = "captures"
RARE: Final = "rarely needed"
GROUPS: Final = (LINE, START, SESSION, CAPTURE, RARE)


@dataclass(frozen=True, slots=True)
class Setting:
    """The properties of a setting, except its type."""

    group: str
    """The group that it belongs to."""
    kind: Kind
    """How its values are read and checked."""
    help: str
    """What it does, in one line."""
    default: object = None
    """The value that is used if none is given."""
    otherwise: str = ""
    """The same as text for people, if it is not a plain value."""
    no: str = ""
    """The option that means no, if it is not ``--no-NAME``."""
    name: str = ""
    """The keyword."""
    optional: bool = False
    """Whether None may be given; it means the same as giving nothing."""

    @property
    def option(self) -> str:
        """The option of the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def no_option(self) -> str:
        """The option that means no."""
        return self.no or self.option.replace("--", "--no-", 1)

    @property
    def repeats(self) -> bool:
        """Whether its name may be given several times where settings are text."""
        return isinstance(self.kind, AtCommands)

    @property
    def usual(self) -> str:
        """The default, as text for people."""
        return self.otherwise or self.kind.shown(self.default)

    def read(self, text: str) -> object:
        """Read the value from a text.

        Args:
            text: a text from a URL or from the command line.

        Returns:
            The value for `cmux.open`.

        Raises:
            ValueError: the text does not mean an allowed value.
        """
        try:
            value = self.kind.read(text)
            self.checked(value)
        except FileProblem as error:
            raise ValueError(f"{shown(text)}: {error.problem}") from None
        except ValueError:
            raise ValueError(f"{shown(text)} is not {self.kind.expected}") from None
        return value

    def checked(self, value: object) -> object:
        """Check a value.

        Args:
            value: a value for `cmux.open`.

        Returns:
            What the value means: for instance the member of an enumeration instead of its word.

        Raises:
            ConfigError: the value is not allowed; the message says what is allowed.
        """
        return None if value is None and self.optional else self.kind.checked(self.name, value)
