"""The channels of this process that are open, so that a port does not get two readers."""

from __future__ import annotations

import weakref
from typing import Protocol

from cmux import forks


class Living(Protocol):
    """The part of a channel that is asked."""

    @property
    def port(self) -> object:
        """What it runs on."""

    @property
    def closed(self) -> bool:
        """Whether the channel was closed or its line died."""


_channels: weakref.WeakSet[Living] = weakref.WeakSet()
_lock = forks.Lock()


def add(channel: Living) -> None:
    """Note a new channel, for as long as it is there.

    Args:
        channel: the channel.
    """
    with _lock:
        _channels.add(channel)


def in_use(port: object) -> bool:
    """Tell whether an open channel of this process uses a port.

    Args:
        port: the port.
    """
    with _lock:
        living = list(_channels)
    return any(channel.port is port and not channel.closed for channel in living)
