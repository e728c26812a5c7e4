"""How many octets wait at most: those of a channel that nobody reads, and those that a line has not taken yet."""

from __future__ import annotations

from typing import Final

RECEIVE_HIGH: Final = 32768
"""Octets of a channel, received and not read, at which the peer is asked to stop."""
RECEIVE_LOW: Final = 8192
"""Octets left at which the peer may continue."""
RECEIVE_LIMIT: Final = 1 << 20
"""The most octets of a channel that are kept if the peer does not stop; what exceeds this is dropped and counted."""

AHEAD: Final = 1024
"""Octets that wait for the line, at which the multiplexer holds back what is next: no channel can overtake them."""
