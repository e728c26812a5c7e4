"""The frame check sequence: x^8 + x^2 + x + 1, reflected (27.010 §5.2.1.6, annex B)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

import crcmod
from crcmod.crcmod import _usingExtension

__all__ = ["crcmod_in_c", "fcs"]

# crcmod XORs initCrc with xorOut before it starts: 0 here is the preset FF of annex B.
_crc: Callable[[bytes], int] = crcmod.mkCrcFun(0x107, initCrc=0, rev=True, xorOut=0xFF)

crcmod_in_c: bool = _usingExtension
"""Whether crcmod was installed with its extension in C."""


def fcs(octets: bytes) -> int:
    """Return the frame check sequence of the octets that it covers for the type of the frame (27.010 §5.2.1.6).

    Args:
        octets: address, control, the length octets of the basic option and, except for UIH, the information field.

    Returns:
        The octet that follows the information field on the line, before transparency.
    """
    return _crc(octets)


_PERIOD: Final = (
    127  # octets 00 after which the register has the same value again: the order of x modulo the polynomial
)


@cache
def _shifts() -> tuple[bytes, ...]:
    """Return what becomes of each value of the register by 0, 1, … octets 00."""
    once = bytes(0xFF ^ fcs(bytes((0xFF ^ value,))) for value in range(256))
    shifts = [bytes(range(256))]
    while len(shifts) < _PERIOD:
        shifts.append(shifts[-1].translate(once))
    return tuple(shifts)


class SliceFcs:
    """The frame check sequences of slices of the same octets, with work in proportion to the octets.

    A peer can send octets in which each flag seems to begin a frame that reaches far. When such slices overlap, the
    register at every position is computed once; the FCS of a slice follows from two of them, as the FCS is linear.

    Args:
        octets: what the slices are of.
    """

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._left = 2 * len(octets)
        self._registers: bytearray | None = None
        self.work: int = 0
        """How many octets were gone through."""

    def of(self, begin: int, end: int) -> int:
        """Return the FCS of a slice; see `fcs`.

        Args:
            begin: the index of its first octet.
            end: the index behind its last one.
        """
        if self._registers is None:
            if end - begin <= self._left:
                self._left -= end - begin
                self.work += end - begin
                return fcs(self._octets[begin:end])
            self._registers = self._all_registers()
        registers = self._registers
        return 0xFF ^ registers[end] ^ _shifts()[(end - begin) % _PERIOD][0xFF ^ registers[begin]]

    def _all_registers(self) -> bytearray:
        """Return the register before each octet, when it was 0 at the beginning."""
        once = _shifts()[1]
        registers, value = bytearray(1), 0
        for octet in self._octets:
            value = once[value ^ octet]
            registers.append(value)
        self.work += len(self._octets)
        return registers
