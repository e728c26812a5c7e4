"""Transparency of the advanced option: octets that a line or a frame needs for itself are escaped (27.010 §5.2.7)."""

from __future__ import annotations

import re

from . import wire

_TO_ESCAPE = re.compile(b"[" + re.escape(bytes((wire.ADVANCED_FLAG, wire.ESCAPE)) + wire.FLOW_OCTETS) + b"]")
_ESCAPED = re.compile(bytes((wire.ESCAPE,)) + b"(.)", re.DOTALL)


def escape(octets: bytes) -> bytes:
    """Make octets transparent for the advanced option (27.010 §5.2.7.1, §5.2.7.3).

    Args:
        octets: header, information field and FCS.

    Returns:
        The same with 7E, 7D, 11, 13, 91 and 93 escaped.
    """
    return _TO_ESCAPE.sub(lambda found: bytes((wire.ESCAPE, found[0][0] ^ wire.ESCAPE_XOR)), octets)


def unescape(octets: bytes) -> bytes:
    """Undo `escape`, whichever octets were escaped.

    Args:
        octets: the octets between two flags; a trailing 7D is kept.

    Returns:
        Header, information field and FCS.
    """
    if wire.ESCAPE not in octets:
        return octets
    return _ESCAPED.sub(lambda found: bytes((found[1][0] ^ wire.ESCAPE_XOR,)), octets)
