"""Damage to the octets of one direction: edits that depend on a seed and on positions, not on portions."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

FLAGS = bytes.fromhex("F9 7E 7D F9 03 EF 7E 13")  # what opens, closes and escapes


@dataclass
class Edit:
    """What was done to the octets from a position on: some were taken away, others put in their place.

    Args:
        at: the position in what was sent.
        removed: how many octets did not arrive.
        inserted: what arrived instead, before what follows.
    """

    at: int
    removed: int
    inserted: bytes


Draw = Callable[[random.Random, int], tuple[int, bytes]]
"""Given the octet at a position: how many are taken away from there on, and what is put there."""


def bit_errors(chooser: random.Random, octet: int) -> tuple[int, bytes]:
    """Flip a bit, sometimes two of the same octet."""
    flips = 1 << chooser.randrange(8) | (chooser.random() < 0.2) << chooser.randrange(8)
    return 1, bytes([octet ^ flips])


def lost(chooser: random.Random, octet: int) -> tuple[int, bytes]:
    """Lose an octet."""
    return 1, b""


def overrun(chooser: random.Random, octet: int) -> tuple[int, bytes]:
    """Lose many octets at once, as a UART without flow control does."""
    return chooser.randint(2, 400), b""


def doubled(chooser: random.Random, octet: int) -> tuple[int, bytes]:
    """Let an octet come twice."""
    return 1, bytes([octet, octet])


def inserted(chooser: random.Random, octet: int) -> tuple[int, bytes]:
    """Put octets between others that nobody sent."""
    return 0, chooser.randbytes(chooser.randint(1, 3))


def noise(chooser: random.Random, octet: int) -> tuple[int, bytes]:
    """Replace some octets by as many random ones or more."""
    count = chooser.randint(1, 40)
    return chooser.randint(0, count), chooser.randbytes(count)


def false_flags(chooser: random.Random, octet: int) -> tuple[int, bytes]:
    """Put octets between others that mean something in frames."""
    return 0, bytes(chooser.choices(FLAGS, k=chooser.randint(1, 6)))


def false_reset(chooser: random.Random, octet: int) -> tuple[int, bytes]:
    """Put the text of a module that has started between others, as noise might."""
    return 0, b"\r\nRDY\r\n"


class Damage:
    """Damages octets; the same octets with the same seed are damaged in the same way, in any portions.

    Args:
        chooser: draws what is damaged.
        gap: how many octets lie between two edits on average.
        draw: what an edit does.
        edits: gets what is done.
    """

    def __init__(self, chooser: random.Random, gap: int, draw: Draw, edits: list[Edit]) -> None:
        self.edits = edits
        self._chooser = chooser
        self._gap = gap
        self._draw = draw
        self._at = 0  # position in what was sent
        self._next = self._drawn()
        self._removing = 0

    def _drawn(self) -> int:
        return 1 + int(self._chooser.expovariate(1 / self._gap))

    def apply(self, data: bytes) -> bytes:
        """Return what arrives of the given octets."""
        arrived = bytearray()
        at = 0
        while at < len(data):
            if self._removing:
                taken = min(self._removing, len(data) - at)
                self._removing -= taken
                self.edits[-1].removed += taken
                at += taken
            elif self._next:
                passed = min(self._next, len(data) - at)
                arrived += data[at : at + passed]
                self._next -= passed
                at += passed
            else:
                self._removing, put = self._draw(self._chooser, data[at])
                self.edits.append(Edit(self._at + at, 0, put))
                arrived += put
                self._next = self._drawn()
        self._at += len(data)
        return bytes(arrived)
