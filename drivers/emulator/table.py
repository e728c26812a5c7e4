"""The command table: which function answers which form of which command, and what it needs of the context."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .call import Call
from .commandline import Command, Form
from .modem import Modem
from .ownership import Need
from .replies import ERROR, OK, Reply
from .uart import Uart

log: logging.Logger = logging.getLogger(__name__)

#: Returns how the command ends, or None when `Call.finish` or the prompt will.
Handler = Callable[[Call], Reply | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One form of one command.

    Args:
        handler: what answers it.
        need: what it needs of the UART's foreground context; without it the answer is ERROR.
    """

    handler: Handler
    need: Need = Need.NOTHING


class Execution(Call):
    """One command being executed by its entry in a table; arguments as for `Call`.

    Args:
        entry: what answers it, or None where the table has nothing.
    """

    __slots__ = ("_entry",)

    def __init__(self, modem: Modem, uart: Uart, command: Command, entry: Entry | None) -> None:
        super().__init__(modem, uart, command)
        self._entry = entry

    def run(self) -> Reply | None:
        """See `uart.Execution.run`."""
        if self._entry is None:
            return ERROR
        number = self.uart.number
        if not self.modem.admit(number, self._entry.need):
            log.info("uart %d does not control context %d: %s", number + 1, self.context.number, self.command.name)
            return ERROR
        return self._entry.handler(self)


class CommandTable:
    """Commands by name and form.

    A copy with other entries (`replaced`) makes a module that answers differently.
    """

    def __init__(self, entries: dict[tuple[str, Form], Entry] | None = None) -> None:
        self._entries = dict(entries or {})

    def begin(self, modem: Modem, uart: Uart, command: Command) -> Execution:
        """Take up one command of a UART."""
        return Execution(modem, uart, command, self._entries.get((command.name, command.form)))

    def get(self, name: str, form: Form) -> Entry | None:
        """Return the entry of one form of a command, or None."""
        return self._entries.get((name, form))

    def names(self) -> Iterator[str]:
        """Iterate over the names of all commands, each once."""
        return iter(dict.fromkeys(name for name, _ in self._entries))

    def replaced(self, name: str, form: Form, handler: Handler) -> CommandTable:
        """Return a copy in which one form of a command is answered by something else."""
        former = self._entries.get((name, form), Entry(handler))
        return CommandTable({**self._entries, (name, form): Entry(handler, former.need)})

    def merged(self, other: CommandTable) -> CommandTable:
        """Return a table with the entries of both."""
        return CommandTable({**self._entries, **other._entries})

    def command(self, name: str, form: Form, need: Need = Need.NOTHING) -> Callable[[Handler], Handler]:
        """Enter the decorated function.

        Args:
            name: upper case, without the plus sign.
            form: which form it answers.
            need: what it needs of the foreground context.
        """

        def enter(handler: Handler) -> Handler:
            self._entries[name, form] = Entry(handler, need)
            return handler

        return enter

    def text(self, name: str, form: Form, text: str) -> None:
        """Enter a form that answers with one fixed information line and OK; an empty text is OK alone."""

        def answer(call: Call) -> Reply:
            if text:
                call.line(text)
            return OK

        self._entries[name, form] = Entry(answer)
