"""The scope within which the ids of sockets are unique: one context, or a whole module with all of its channels."""

from __future__ import annotations

import enum
import weakref
from collections.abc import Iterable
from typing import Generic, TypeVar

from cmux.forks import Lock

from .doubles import Doubles
from .name_questions import Questions
from .socket_state import SocketId

T = TypeVar("T")


class IdScope(enum.Enum):
    """The scope within which the ids of sockets are unique."""

    CONTEXT = "context"
    MODULE = "module"


class Scope(Generic[T]):
    """The tables within which ids of sockets are unique: of one context, or of all contexts of the module."""

    def __init__(self) -> None:
        self.lock: Lock = Lock()
        """Held while a free id is found and taken."""
        self.tables: weakref.WeakSet[T] = weakref.WeakSet()
        self.foreign: dict[SocketId, int | None] = {}
        """The sockets of somebody else, with their contexts as far as known: their ids are not free."""
        self.openings: weakref.WeakSet[object] = weakref.WeakSet()
        """The channels that are known to have the results of their own openings."""
        self.carrying: weakref.WeakSet[object] = weakref.WeakSet()
        """The channels that are known to have the other news of their own sockets."""
        self.doubles: Doubles = Doubles()
        """What several channels have reported."""
        self.questions: Questions = Questions(self.doubles.forget_names)
        """The questions for names that have no answer yet."""

    def __repr__(self) -> str:
        return f"<Scope of {len(self.tables)} tables>"

    def note_foreign(self, ids: Iterable[SocketId], context: int | None = None) -> None:
        """Take note that sockets belong to somebody else.

        Args:
            ids: their ids.
            context: their context, as far as known.
        """
        with self.lock:
            self.foreign.update(dict.fromkeys(ids, context))

    def forget_foreign(self, context: int | None = None) -> None:
        """Take note that the sockets of somebody else have ended.

        Args:
            context: those of one context; None: all.
        """
        with self.lock:
            for id in [id for id, its in self.foreign.items() if context in (None, its)]:
                del self.foreign[id]
