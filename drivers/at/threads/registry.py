"""A registry of channels by port, so that drivers can share one."""

from __future__ import annotations

import weakref

from cmux.forks import Lock

from ...clock import Clock
from .channel import AtChannel
from .port import Port

_channels: weakref.WeakValueDictionary[int, AtChannel] = weakref.WeakValueDictionary()
_channels_lock = Lock()


def shared_channel(port: Port, *, clock: Clock | None = None) -> AtChannel:
    """Return the channel of a port, created at the first call; the caller has to `_retain` and `_release` it."""
    with _channels_lock:
        channel = _channels.get(id(port))  # the channel keeps its port alive, so the id is not reused meanwhile
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
        The channel, which stays open until `AtChannel.close`.
    """
    channel = shared_channel(port, clock=clock)
    channel._retain()
    return channel
