"""The phone books of a module and its SIM: empty ones, but for its own number."""

from __future__ import annotations

from dataclasses import dataclass

from ..subscribers import type_of

OWN = "ON"
"""The store of the module's own numbers."""
STORES: dict[str, int] = {
    "SM": 250,
    "ME": 100,
    "FD": 10,
    "LD": 10,
    "DC": 10,
    "RC": 10,
    "MC": 10,
    "LA": 30,
    OWN: 1,
}
"""How many entries each store has room for: inferred, as it depends on the module and its SIM."""
WRITABLE = frozenset({"SM", "ME"})
LONGEST_NUMBER = 40
LONGEST_TEXT = 14


@dataclass(frozen=True, slots=True)
class PhoneEntry:
    """One entry of a phone book.

    Args:
        number: digits, with or without a plus sign.
        kind: its type, 129 or 145.
        text: the name.
    """

    number: str
    kind: int
    text: str


class PhoneBook:
    """Keeps the entries of all stores, and which of them commands are about.

    Args:
        own: the module's own number.
    """

    def __init__(self, own: str) -> None:
        self.store: str = "SM"
        """AT+CPBS."""
        self._entries: dict[str, dict[int, PhoneEntry]] = {store: {} for store in STORES}
        self._entries[OWN][1] = PhoneEntry(own, type_of(own), "")

    @property
    def room(self) -> int:
        """How many entries the store has room for."""
        return STORES[self.store]

    @property
    def entries(self) -> dict[int, PhoneEntry]:
        """The entries of the store, by their places, from 1."""
        return dict(sorted(self._entries[self.store].items()))

    def at(self, store: str, place: int) -> PhoneEntry | None:
        """Return the entry at a place of a store, or None when there is none."""
        return self._entries.get(store, {}).get(place)

    def write(self, place: int | None, entry: PhoneEntry | None) -> bool:
        """Write an entry, or erase one.

        Args:
            place: where; None for the first that is free.
            entry: what; None erases.

        Returns:
            False when there is no such place, or none that is free; or the store cannot be written.
        """
        entries = self._entries[self.store]
        if self.store not in WRITABLE:
            return False
        if place is None:
            place = next((free for free in range(1, self.room + 1) if free not in entries), 0)
        if not 1 <= place <= self.room:
            return False
        if entry is None:
            entries.pop(place, None)
        else:
            entries[place] = entry
        return True
