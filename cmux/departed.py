"""Whether the other side of a connection has left, before that has been read."""

from __future__ import annotations

import select


def has_left(descriptor: int) -> bool:
    """Tell whether the other side has ended a connection, also while octets from it are unread; where the system can.

    Args:
        descriptor: that of a socket.
    """
    if not hasattr(select, "POLLRDHUP"):
        return False
    poll = select.poll()
    poll.register(descriptor, select.POLLRDHUP)
    return bool(poll.poll(0))
