"""Octets for a channel, or an exception that says how to make some."""

from __future__ import annotations

import serial


def octets(data: object) -> bytes:
    """Return octets as pyserial takes them: anything like bytes, or a list of numbers.

    Args:
        data: what was given to ``write``.

    Raises:
        TypeError: it is text, a number, or nothing of the kind; the message says what to write instead.
    """
    if isinstance(data, str):
        ended = data.endswith(("\r", "\x1a", "\x1b"))
        command = ", and end a command with '\\r'" if data[:2].upper() == "AT" and not ended else ""
        raise TypeError(f"octets are written, not text: encode it, as in {data[:20]!r}.encode(){command}")
    if isinstance(data, int):
        raise TypeError(f"octets are written, not a number: bytes([{data}]) is one octet")
    try:
        return bytes(serial.to_bytes(data))  # type: ignore[attr-defined]  # no stub
    except (TypeError, ValueError) as error:
        raise TypeError(f"octets are written: bytes, bytearray or memoryview, not {type(data).__name__}") from error
