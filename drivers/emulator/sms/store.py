"""Where messages are kept: the memory of the SIM (SM), that of the module (ME), both as one (MT) (27.005 §3.2.2)."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from .errors import Cms, MessageError

PLACES = 50
"""Messages that SM and ME have room for, each."""


class Status(enum.IntEnum):
    """What a stored message is; PDU mode shows the number (27.005 §3.1)."""

    REC_UNREAD = 0
    REC_READ = 1
    STO_UNSENT = 2
    STO_SENT = 3

    @property
    def words(self) -> str:
        """What text mode shows."""
        return self.name.replace("_", " ")

    @property
    def received(self) -> bool:
        """Whether it came from the network."""
        return self <= Status.REC_READ


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message in a store.

    Args:
        status: what it is.
        centre: the service centre's address as it stands before the TPDU.
        tpdu: the TPDU.
    """

    status: Status
    centre: bytes
    tpdu: bytes

    def marked(self, status: Status) -> StoredMessage:
        """Return it with another status."""
        return replace(self, status=status)


class Store(Protocol):
    """Keeps messages at places that are counted from 1."""

    name: str

    @property
    def places(self) -> int:
        """How many messages it has room for."""

    @property
    def used(self) -> int:
        """How many it has."""

    def get(self, index: int) -> StoredMessage | None:
        """Return the message at a place, or None where there is none.

        Raises:
            MessageError: there is no such place.
        """

    def add(self, message: StoredMessage) -> int:
        """Put a message to the first free place; return the place.

        Raises:
            MessageError: it is full.
        """

    def put(self, index: int, message: StoredMessage | None) -> None:
        """Replace the message at a place, or remove it.

        Raises:
            MessageError: there is no such place.
        """

    def items(self) -> Iterator[tuple[int, StoredMessage]]:
        """Iterate over the places that have a message, in their order, and the messages."""


class Memory:
    """One memory.

    Args:
        name: ``SM`` or ``ME``.
        places: how many messages it has room for.
    """

    def __init__(self, name: str, places: int = PLACES) -> None:
        self.name: str = name
        self._messages: list[StoredMessage | None] = [None] * places

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {self.used} of {self.places}>"

    @property
    def places(self) -> int:
        """See `Store.places`."""
        return len(self._messages)

    @property
    def used(self) -> int:
        """See `Store.used`."""
        return self.places - self._messages.count(None)

    def get(self, index: int) -> StoredMessage | None:
        """See `Store.get`."""
        self._check(index)
        return self._messages[index - 1]

    def add(self, message: StoredMessage) -> int:
        """See `Store.add`."""
        try:
            place = self._messages.index(None)
        except ValueError:
            raise MessageError(Cms.MEMORY_FULL) from None
        self._messages[place] = message
        return place + 1

    def put(self, index: int, message: StoredMessage | None) -> None:
        """See `Store.put`."""
        self._check(index)
        self._messages[index - 1] = message

    def items(self) -> Iterator[tuple[int, StoredMessage]]:
        """See `Store.items`."""
        for index, message in enumerate(self._messages, start=1):
            if message is not None:
                yield index, message

    def _check(self, index: int) -> None:
        if not 1 <= index <= self.places:
            raise MessageError(Cms.INVALID_INDEX)


class Joined:
    """Several memories as one: the places of the second follow those of the first.

    Args:
        name: ``MT``.
        memories: in the order of their places.
    """

    def __init__(self, name: str, *memories: Memory) -> None:
        self.name: str = name
        self._memories = memories

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {self.used} of {self.places}>"

    @property
    def places(self) -> int:
        """See `Store.places`."""
        return sum(memory.places for memory in self._memories)

    @property
    def used(self) -> int:
        """See `Store.used`."""
        return sum(memory.used for memory in self._memories)

    def get(self, index: int) -> StoredMessage | None:
        """See `Store.get`."""
        memory, place = self._place(index)
        return memory.get(place)

    def add(self, message: StoredMessage) -> int:
        """See `Store.add`."""
        before = 0
        for memory in self._memories:
            if memory.used < memory.places:
                return before + memory.add(message)
            before += memory.places
        raise MessageError(Cms.MEMORY_FULL)

    def put(self, index: int, message: StoredMessage | None) -> None:
        """See `Store.put`."""
        memory, place = self._place(index)
        memory.put(place, message)

    def items(self) -> Iterator[tuple[int, StoredMessage]]:
        """See `Store.items`."""
        before = 0
        for memory in self._memories:
            yield from ((before + index, message) for index, message in memory.items())
            before += memory.places

    def _place(self, index: int) -> tuple[Memory, int]:
        for memory in self._memories:
            if index <= memory.places:
                return memory, index
            index -= memory.places
        raise MessageError(Cms.INVALID_INDEX)
