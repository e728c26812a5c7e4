"""How a module is brought from AT commands to frames: what is sent, and when; checked when it is created."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Final

from ..masking import shown
from .checks import check_range, check_types
from .errors import ConfigError

START_RANGES: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        # A module that sees no frame goes back to AT commands about 5 s after OK.
        "settle": (0, 4.5),
        "mux_baudrate": (1, 20_000_000),
        "open_timeout": (1, 3600),
        "start_attempts": (1, 10),
        "leave_pause": (0, 10),
    }
)
"""The ranges of the numbers in `StartOptions`."""

LONGEST_COMMAND: Final = 255
"""The most characters of an AT command here; 27.007 has no limit, but modules do."""

MOST_COMMANDS: Final = 32
"""The most commands before AT+CMUX: each may take 5 s."""


def check_command(name: str, text: object) -> str:
    """Check an AT command: one line of printable ASCII characters.

    Args:
        name: the name of the setting that it belongs to.
        text: the command.

    Returns:
        The command.

    Raises:
        ConfigError: it is none; the message says what is wrong with it.
    """
    if not isinstance(text, str):
        raise ConfigError(f"{name} = {shown(text)} is not a string")
    if not 0 < len(text) <= LONGEST_COMMAND or not all(" " <= letter <= "~" for letter in text):
        told = shown(text)
        raise ConfigError(f"{name} = {told} is not one line of 1 to {LONGEST_COMMAND} printable ASCII characters")
    return text


def command_list(name: str, value: object) -> tuple[str, ...]:
    """Check AT commands.

    Args:
        name: the name of the setting that they belong to.
        value: one command, or an iterable of commands.

    Returns:
        The commands.

    Raises:
        ConfigError: it is neither, or one of them is not allowed.
    """
    if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping):
        raise ConfigError(f"{name} = {shown(value)} is not a string, or several")
    commands = (value,) if isinstance(value, str) else tuple(islice(value, MOST_COMMANDS + 1))
    if len(commands) > MOST_COMMANDS:
        raise ConfigError(f"{name} has more than {MOST_COMMANDS} commands")
    return tuple(check_command(name, command) for command in commands)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """How the host starts multiplexer mode.

    Raises:
        ConfigError: a value is not allowed; the message names it.
    """

    settle: float = 0.0
    """Seconds in which nothing is sent between the OK to AT+CMUX and the first frame, counted from the last octet that
    was received: 0 to 4.5. Some modules lose what comes earlier, some never answer again."""
    init: tuple[str, ...] = field(default=(), repr=False)  # it may have a PIN
    """Commands to send before AT+CMUX. An error is a warning; after the OK to AT+IPR=N the line is set to N, too."""
    start_command: str | None = None
    """The command that starts multiplexer mode, instead of AT+CMUX."""
    mux_baudrate: int | None = None
    """Bits per second in multiplexer mode, if they are others than in AT mode."""
    ask: bool = False
    """Ask AT+CMUX? once for the module's own N1, unless the user or the profile says one."""
    open_timeout: float | None = None
    """Seconds for which a module is looked for that does not answer: 1 to 3600; None: look once at each rate."""
    start_attempts: int = 1
    """How often multiplexer mode is entered, from AT on, where SABM is not answered: 1 to 10."""
    leave_pause: float = 0.0
    """Seconds in which nothing is sent when multiplexer mode has ended, before AT is asked: 0 to 10."""

    def __post_init__(self) -> None:
        check_types(self)
        for name, (low, high) in START_RANGES.items():
            value = getattr(self, name)
            if value is not None:
                check_range(name, value, low, high)
        command_list("init", self.init)
        if self.start_command is not None:
            check_command("start_command", self.start_command)
