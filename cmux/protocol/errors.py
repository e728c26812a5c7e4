"""The exceptions of the multiplexer, as one tree.

::

    CmuxError
    ├── LocalError                  the caller broke a rule; nothing was sent
    │   ├── ConfigError             (ValueError) a parameter is out of the range of 27.010 §5.7
    │   ├── InvalidDlci             (ValueError) a DLCI that cannot carry data
    │   ├── FrameError              (ValueError) a frame that the option cannot encode
    │   └── StateError              the call does not fit the state of the session or the DLC
    ├── StartupError                entering multiplexer mode failed; carries ``id`` and ``hint``
    │   ├── ModuleSilent            (TimeoutError) no answer to AT
    │   ├── CmuxRefused             the module answered ERROR to AT+CMUX, or DM for DLCI 0
    │   └── NoMultiplexer           (TimeoutError) OK to AT+CMUX, but no UA for DLCI 0
    ├── DlcError                    one DLC is not usable; carries ``dlci`` and ``cause``
    │   ├── DlcRefused              (ConnectionRefusedError) the peer answered DM
    │   ├── DlcTimeout              (TimeoutError) the peer did not answer N2 + 1 times
    │   └── DlcClosed               (ConnectionError) it is closed, or was closed while waiting
    ├── SessionEnded                (ConnectionError) the whole multiplexer session is over; carries ``cause``
    └── AcceptTimeout               (TimeoutError) the peer opened no channel in time

Input from the line never raises: what is wrong with it is counted and reported as an event.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from .cause import Cause
from .hints import Hint, Named, as_keyword

__all__ = [
    "AcceptTimeout",
    "CmuxError",
    "CmuxRefused",
    "ConfigError",
    "DlcClosed",
    "DlcError",
    "DlcRefused",
    "DlcTimeout",
    "FrameError",
    "InvalidDlci",
    "LocalError",
    "ModuleSilent",
    "NoMultiplexer",
    "SessionEnded",
    "StartupError",
    "StateError",
]


class CmuxError(Exception):
    """The base class of all exceptions of this package."""


class LocalError(CmuxError):
    """The caller broke a rule; nothing was sent."""


class ConfigError(LocalError, ValueError):
    """A parameter is out of the range that 27.010 §5.7 gives it."""


_RESERVED: Final = (62, 63)


def _instead(dlci: object, names: Collection[str] | None) -> str:
    """Return what is to be said about a DLCI that carries no data, behind which ones do."""
    if isinstance(dlci, str):
        if dlci.isdecimal():
            return f" (a number, not a text: {int(dlci)})"
        if names is None:
            return ""
        return (
            f", or a name that the profile has: {', '.join(names)}" if names else " (the profile has no names for them)"
        )
    if dlci in _RESERVED:
        return " (62 and 63 are reserved)"
    return " (0 is the control channel)" if type(dlci) is int and dlci == 0 else ""


class InvalidDlci(LocalError, ValueError):
    """A DLCI that cannot carry data: DLCI 0 is the control channel, 62 and 63 are reserved (27.010 §5.6).

    Args:
        dlci: the number that was asked for.
        setting: the setting that it was given in, if it was.
        names: the names that the profile has for channels; None: a name cannot be given here.
    """

    def __init__(self, dlci: object, setting: str = "", names: Collection[str] | None = None) -> None:
        named = f"{setting}: " if setting else ""
        super().__init__(f"{named}DLCI {dlci!r} is not a data channel: use 1 to 61{_instead(dlci, names)}")
        self.dlci = dlci


class FrameError(LocalError, ValueError):
    """A frame or message that cannot be encoded in octets; the message names the field."""


class StateError(LocalError):
    """The call does not fit the state of the session or of the DLC."""


class StartupError(CmuxError):
    """Entering multiplexer mode failed.

    Args:
        port: the name of the port.
        said: what happened, as a sentence.
        hint: what to do about it.
    """

    def __init__(self, port: str, said: str, hint: Hint) -> None:
        super().__init__(f"{port}: {said} ({hint.told()}) [{hint.id}]")
        self.port = port
        self.said = said
        self.hint = hint

    @property
    def id(self) -> str:
        """The id of the hint: it stays the same when the texts are improved."""
        return self.hint.id

    def told(self, named: Named = as_keyword) -> str:
        """Return the message for a place.

        Args:
            named: how settings are written there.
        """
        return f"{self.port}: {self.said} ({self.hint.told(named)}) [{self.id}]"

    def __str__(self) -> str:
        return self.told()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.port, self.said, self.hint)


class ModuleSilent(StartupError, TimeoutError):
    """The module does not answer AT."""


class CmuxRefused(StartupError):
    """The module answered AT+CMUX with an error, or SABM on DLCI 0 with DM."""


class NoMultiplexer(StartupError, TimeoutError):
    """The module answered AT+CMUX with OK, but never answered SABM on DLCI 0."""


class DlcError(CmuxError):
    """One DLC is not usable.

    Args:
        dlci: its number.
        cause: why.
        detail: the reason, as a sentence.
    """

    def __init__(self, dlci: int, cause: Cause, detail: str) -> None:
        super().__init__(f"DLCI {dlci}: {detail}")
        self.dlci = dlci
        self.cause = cause


class DlcRefused(DlcError, ConnectionRefusedError):
    """The peer refused the DLC with DM (27.010 §5.3.3)."""


class DlcTimeout(DlcError, TimeoutError):
    """The peer did not answer SABM, nor its N2 repetitions (27.010 §5.4.1)."""


class DlcClosed(DlcError, ConnectionError):
    """The DLC is closed, or was closed while the call waited."""


class SessionEnded(CmuxError, ConnectionError):
    """The whole multiplexer session is over.

    Args:
        cause: why.
        detail: the reason, as a sentence.
    """

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause


class AcceptTimeout(CmuxError, TimeoutError):
    """The peer opened no channel within the time that `accept` was given."""
