"""The multiplexers that ``cmux:`` URLs share: one for each line, closed with the last port that uses it."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from typing import Final

from ..forks import Lock
from ..settings import DEFAULTS, LineSettings
from ..urls import CmuxUrl
from .mux import Mux
from .opener import open as open_mux

_DEFAULTS: Final[Mapping[str, object]] = {**DEFAULTS, "option": "basic"}  # the option of all profiles
_lines: dict[str, _SharedLine] = {}
_lock = Lock()


class _SharedLine:
    """One line; `lock` is held while it is opened or closed, which takes some time."""

    def __init__(self) -> None:
        self.lock: Lock = Lock()
        self.mux: Mux | None = None
        self.settings: LineSettings = {}
        self.users: weakref.WeakSet[object] = weakref.WeakSet()

    def join(self, url: CmuxUrl, user: object) -> Mux:
        if self.mux is not None and (self.mux.error is not None and not self.mux.reattaching):
            mux, self.mux = self.mux, None  # it died, and its ports know that by now
            mux.close()
        if self.mux is None:
            self.mux = open_mux(url.line, **url.settings)
            self.settings = url.settings
            self.users = weakref.WeakSet()
        else:
            self._check(url)
        self.users.add(user)
        return self.mux

    def _check(self, url: CmuxUrl) -> None:
        ours, theirs = {**_DEFAULTS, **self.settings}, {**_DEFAULTS, **url.settings}
        differing = sorted(key for key in {*ours, *theirs} if ours.get(key) != theirs.get(key))
        if differing:
            said = ", ".join(f"{key}={theirs.get(key, 'default')} here, {ours.get(key, 'default')} there"
                             for key in differing)  # fmt: skip
            raise ValueError(f"{url.line} is open with other settings: {said}")

    def leave(self, mux: Mux, user: object) -> None:
        if self.mux is mux:
            self.users.discard(user)
            if not self.users:
                self.mux = None
                mux.close()


class Lease:
    """The right of one port to use a shared multiplexer.

    Args:
        line: the shared line.
        mux: the multiplexer.
        user: the port.
    """

    def __init__(self, line: _SharedLine, mux: Mux, user: object) -> None:
        self.mux = mux
        """The multiplexer."""
        self._line = line
        self._user = weakref.ref(user)

    def release(self) -> None:
        """Give the right back; the last one closes the multiplexer."""
        with self._line.lock:
            self._line.leave(self.mux, self._user())


def acquire(url: CmuxUrl, user: object) -> Lease:
    """Open the line of a URL, or share the line that is already open.

    Args:
        url: the line, and how to open it.
        user: the port; it no longer counts when it is dropped without closing.

    Returns:
        The lease.

    Raises:
        ValueError: the line is open with other settings; the message names them.
        PortError: the line cannot be opened.
        StartupError: the module does not multiplex.
    """
    with _lock:
        line = _lines.setdefault(url.key, _SharedLine())
    with line.lock:
        return Lease(line, line.join(url, user), user)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_lines.clear)  # they are the parent's
