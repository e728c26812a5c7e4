"""Types for ``add_argument``: each reads a text, and says what is wrong with it."""

from __future__ import annotations

import argparse
import ipaddress
from collections.abc import Callable
from typing import TypeVar

from ..kinds import whole

T = TypeVar("T")

_LAST_PORT = 65535


def number(low: int, high: int) -> Callable[[str], int]:
    """Return a type for ``add_argument``.

    Args:
        low: the smallest number that is accepted.
        high: the largest number that is accepted.

    Returns:
        A function that reads a number, and reports what is wrong with it.
    """

    def read(text: str) -> int:
        value = whole(text)
        if not low <= value <= high:
            raise ValueError(f"{value} is out of range: {low} to {high}")
        return value

    return reading(read)


def reading(read: Callable[[str], T]) -> Callable[[str], T]:
    """Return a type for ``add_argument``: argparse puts the name of the option before the message of its error.

    Args:
        read: reads a text; raises ValueError, with a message that says what is wrong.

    Returns:
        A function that does the same.
    """

    def read_argument(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read_argument


def some(text: str) -> str:
    """Return a text that is not empty.

    Raises:
        ValueError: it is.
    """
    if not text:
        raise ValueError("'' is empty")
    return text


def address(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT``.

    Args:
        text: the address; without a host the loopback is meant. An IPv6 address stands in brackets.

    Returns:
        The host and the port.

    Raises:
        ValueError: the text is no such address.
    """
    name, _, port = text.rpartition(":")
    host = name.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not (port.isascii() and port.isdigit()) or int(port) > _LAST_PORT or not _is_host(host):
        raise ValueError(f"{text!r} is not HOST:PORT with a port from 0 to {_LAST_PORT}")
    return host, int(port)


def _is_host(text: str) -> bool:
    """Tell whether a text may be the name or the address of a host, so that asking the system for it makes sense."""
    try:
        if ":" in text:
            return bool(ipaddress.IPv6Address(text))
        return "\0" not in text and bool(text.encode("idna"))
    except ValueError:
        return False


def consecutive(first: tuple[str, int], count: int) -> list[tuple[str, int]]:
    """Return consecutive ports of a host.

    Args:
        first: the host and the first port; 0 picks each.
        count: how many.

    Returns:
        A host and a port for each.

    Raises:
        ValueError: there are not so many.
    """
    host, port = first
    if port + count - 1 > _LAST_PORT:
        raise ValueError(f"{count} ports from {port} on exceed {_LAST_PORT}")
    return [(host, port and port + index) for index in range(count)]
