"""A registry of channels by port, so that drivers can share one."""

from __future__ import annotations

import threading
import weakref

from ...clock import Clock
from .channel import AtChannel
from .port import Port

_channels: weakref.WeakValueDictionary[int, AtChannel] = weakref.WeakValueDictionary()
_channels_lock = threading.Lock()


def shared_channel(port: Port, *, clock: Clock | None = None) -> AtChannel:
    """Return the channel of a port, made at the first call; the caller owes `AtChannel._retain` and `_release`."""
    with _channels_lock:
        channel = _channels.get(id(port))  # the channel keeps its port, so the number is not used again meanwhile
        if channel is None or channel.closed:
            channel = AtChannel(port, clock=clock)
            _channels[id(port)] = channel
        return channel


def channel_for(port: Port, *, clock: Clock | None = None) -> AtChannel:
    """Return the AT channel of a port: the same one for the same port, so that two drivers can share it.

    Args:
        port: a pyserial-like object.
        clock: the source of time, for a channel that does not exist yet.

    Returns:
        A channel that stays until its own `AtChannel.close`.
    """
    channel = shared_channel(port, clock=clock)
    channel._retain()
    return channel
