"""The command table: which function answers which form of which command, and under which condition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from .commandline import Form
from .replies import ERROR, OK, Reply
from .uart_call import UartCall

# A table whose handlers take any call of a UART also answers the calls of a family.
C = TypeVar("C", bound=UartCall, contravariant=True)

#: Returns how the command ends, or None when `UartCall.finish` or the prompt will.
Handler = Callable[[C], Reply | None]


@dataclass(frozen=True, slots=True)
class CommandEntry(Generic[C]):
    """One form of one command.

    Args:
        handler: what answers it.
        admits: returns whether it may be answered now, else the answer is ERROR; None when it always may.
    """

    handler: Handler[C]
    admits: Callable[[C], bool] | None = None


class CommandTable(Generic[C]):
    """Maps commands, by name and form, to the functions that answer them.

    A copy with other entries (`replaced`) makes a module that answers differently.

    Args:
        entries: what it has from the start.
    """

    def __init__(self, entries: dict[tuple[str, Form], CommandEntry[C]] | None = None) -> None:
        self._entries = dict(entries or {})

    def __repr__(self) -> str:
        return f"<CommandTable of {len(list(self.names()))} commands>"

    def answer(self, call: C) -> Reply | None:
        """Execute a command; return how it ends, or None when it ends later.

        Args:
            call: the command, on its UART.
        """
        entry = self.get(call.command.name, call.command.form)
        if entry is None or (entry.admits is not None and not entry.admits(call)):
            return ERROR
        return entry.handler(call)

    def get(self, name: str, form: Form) -> CommandEntry[C] | None:
        """Return the entry of one form of a command, or None.

        Args:
            name: upper case, without the plus sign.
            form: which form of it.
        """
        return self._entries.get((name, form))

    def names(self) -> Iterator[str]:
        """Return an iterator over the names of all commands, each once."""
        return iter(dict.fromkeys(name for name, _ in self._entries))

    def replaced(self, name: str, form: Form, handler: Handler[C]) -> CommandTable[C]:
        """Return a copy in which one form of a command is answered by something else.

        Args:
            name: upper case, without the plus sign.
            form: which form of it.
            handler: answers it.
        """
        former = self._entries.get((name, form))
        entry = CommandEntry(handler, former.admits if former is not None else None)
        return CommandTable({**self._entries, (name, form): entry})

    def merged(self, other: CommandTable[C]) -> CommandTable[C]:
        """Return a table with the entries of both.

        Args:
            other: its entries have precedence.
        """
        return CommandTable({**self._entries, **other._entries})

    def command(
        self, name: str, form: Form, admits: Callable[[C], bool] | None = None
    ) -> Callable[[Handler[C]], Handler[C]]:
        """Add the decorated function.

        Args:
            name: upper case, without the plus sign.
            form: which form it answers.
            admits: returns whether it may be answered now, else the answer is ERROR.

        Returns:
            The decorator.
        """

        def enter(handler: Handler[C]) -> Handler[C]:
            self._entries[name, form] = CommandEntry(handler, admits)
            return handler

        return enter

    def text(self, name: str, form: Form, text: str) -> None:
        """Add a form that answers with one fixed information line and OK; with OK alone when the text is empty.

        Args:
            name: upper case, without the plus sign.
            form: which form of it.
            text: the line, without CR LF.
        """

        def answer(call: UartCall) -> Reply:
            if text:
                call.line(text)
            return OK

        self._entries[name, form] = CommandEntry(answer)
