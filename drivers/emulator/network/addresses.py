"""Addresses for activated contexts: loopback ones that no other process uses at the same time."""

from __future__ import annotations

import errno
import random
import socket
from dataclasses import dataclass

#: A port below the ephemeral ones that marks an address as taken; it never listens.
GUARD_PORT = 20710
_TRIES = 500
_ONLY_ADDRESS = "127.0.0.1"


@dataclass(slots=True)
class Address:
    """Holds an address and the socket that keeps other processes from using it.

    Args:
        text: dotted decimal.
        guard: the bound socket; None where the system has one loopback address only.
    """

    text: str
    guard: socket.socket | None

    def release(self) -> None:
        """Give it back."""
        if self.guard is not None:
            self.guard.close()
            self.guard = None


def allocate(chooser: random.Random) -> Address | None:
    """Return a free address out of 127.10.0.0/16, or 127.0.0.1 where the system has only that.

    Args:
        chooser: draws the address; seeded for runs that must repeat.

    Returns:
        The address, or None when hundreds of attempts met only taken ones.
    """
    for _ in range(_TRIES):
        text = f"127.10.{chooser.randrange(256)}.{chooser.randrange(1, 255)}"
        guard = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            guard.bind((text, GUARD_PORT))
        except OSError as error:
            guard.close()
            if error.errno == errno.EADDRINUSE:
                continue
            return Address(_ONLY_ADDRESS, None)
        return Address(text, guard)
    return None
