"""The +QIRDI lines of AT+QINDI, which announce data to be read with AT+QIRD."""

from __future__ import annotations


class Indications:
    """Decides when one session announces data with +QIRDI.

    Args:
        repeat: whether data that AT+QIRD has left is announced again, or only what comes after everything was read.
    """

    def __init__(self, *, repeat: bool) -> None:
        self._repeat = repeat
        self._told = False
        self._fresh = 0  # octets since the last +QIRDI
        self._number = 0  # of +QIRDI since everything was read

    def arrived(self, octets: int) -> None:
        """Called when octets have been received."""
        self._fresh += octets

    def read(self, left: int) -> None:
        """Called when AT+QIRD has left a number of octets."""
        if not left:
            self._fresh = self._number = 0
        if self._repeat or not left:
            self._told = False

    def take(self, mode: int, held: int) -> tuple[int, ...] | None:
        """Return what follows the session's index in the +QIRDI that is due, or None when nothing is due.

        Args:
            mode: AT+QINDI, 1 or 2.
            held: octets that wait.
        """
        due = held and (not self._told or (mode == 2 and self._fresh))
        if not due:
            return None
        self._told = True
        self._number += 1
        fresh, self._fresh = min(self._fresh, held), 0
        return (self._number, fresh, held) if mode == 2 else ()
