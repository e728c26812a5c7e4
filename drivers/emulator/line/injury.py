"""Damage to octets on the line: flipped bits, lost octets, and octets cut into pieces."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..faults import Faults


@dataclass(slots=True)
class Injury:
    """Damages the octets of one direction, always the same way for the same seed.

    Args:
        faults: what goes wrong.
        chooser: draws what is damaged.
    """

    faults: Faults
    chooser: random.Random
    flipped: int = 0
    """Bits that were flipped."""
    lost: int = 0
    """Octets that never arrived."""
    _to_flip: int = field(default=-1, repr=False)
    _to_lose: int = field(default=-1, repr=False)

    def apply(self, data: bytes) -> bytes:
        """Return what arrives of the given octets."""
        if self.faults.ber:
            data = self._flip(data)
        if self.faults.drop:
            data = self._lose(data)
        return data

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Cut octets into the pieces that arrive together."""
        if self.faults.chunk is None:
            yield data
            return
        at = 0
        while at < len(data):
            size = self.chooser.randint(*self.faults.chunk)
            yield data[at : at + size]
            at += size

    def _flip(self, data: bytes) -> bytes:
        bits = len(data) * 8
        if self._to_flip < 0:
            self._to_flip = self._gap(self.faults.ber)
        if self._to_flip >= bits:
            self._to_flip -= bits
            return data
        changed = bytearray(data)
        while self._to_flip < bits:
            changed[self._to_flip // 8] ^= 1 << (self._to_flip % 8)
            self.flipped += 1
            self._to_flip += 1 + self._gap(self.faults.ber)
        self._to_flip -= bits
        return bytes(changed)

    def _lose(self, data: bytes) -> bytes:
        if self._to_lose < 0:
            self._to_lose = self._gap(self.faults.drop)
        left = bytearray()
        at = 0
        while self._to_lose < len(data):
            left += data[at : self._to_lose]
            at = self._to_lose + 1
            self.lost += 1
            self._to_lose = at + self._gap(self.faults.drop)
        self._to_lose -= len(data)
        return bytes(left + data[at:]) if at else data

    def _gap(self, rate: float) -> int:
        """Return how many bits or octets get through until the next that does not."""
        if rate >= 1:
            return 0
        return int(math.log(1 - self.chooser.random()) / math.log1p(-rate))
