"""Which virtual UART controls which context, and what the others may do with it."""

from __future__ import annotations

import enum

from ..behaviour import Behaviour

CONTEXTS = (0, 1)
NOBODY = 255  # what AT+QIFGCNT? shows for a context that no channel controls


class Need(enum.Enum):
    """What a command does with its UART's foreground context."""

    READ = "only looks"
    SET = "changes a setting"
    ACTIVATE = "may start the context"
    CONTROL = "works on a context that is in use"


class Ownership:
    """Keeps the foreground contexts of the UARTs, and which UART controls which context.

    Every ``uart`` is 0 to 3 for VIRTUAL_UART_1 to 4, every ``context`` 0 or 1, and every ``in_use`` says whether the
    context is in any other state than IP INITIAL.

    Args:
        behaviour: the readings where sources disagree.
        uarts: how many UARTs there are; channel ``n`` is VIRTUAL_UART ``n + 1``.
    """

    def __init__(self, behaviour: Behaviour, uarts: int = 4) -> None:
        self._behaviour = behaviour
        self._uarts = uarts
        self.reset()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} owners={self._owner} foregrounds={self._foreground}>"

    def reset(self) -> None:
        """Return to the state at power-up."""
        self._foreground = [0] * self._uarts
        self._owner: list[int | None] = [None for _ in CONTEXTS]
        # UARTs that lost a context to another, and may do nothing with it until they select it again.
        self._dispossessed: set[tuple[int, int]] = set()
        if self._behaviour.default_owner_uart1:
            self._owner[0] = 0

    def foreground(self, uart: int) -> int:
        """Return the context that the commands of a UART are for."""
        return self._foreground[uart]

    def owner(self, context: int) -> int | None:
        """Return the UART that controls a context."""
        return self._owner[context]

    def channel(self, context: int) -> int:
        """Return the owner as AT+QIFGCNT? shows it: 0 to 3, or 255."""
        owner = self._owner[context]
        return NOBODY if owner is None else owner

    def may_select(self, uart: int, context: int, in_use: bool) -> bool:
        """Return whether AT+QIFGCNT of a UART for a context is granted.

        Args:
            uart: the asking UART.
            context: what it asks for.
            in_use: whether the context is in any other state than IP INITIAL.
        """
        return self._owner[context] in (None, uart) or not in_use

    def select(self, uart: int, context: int, in_use: bool) -> bool:
        """Carry out AT+QIFGCNT: take the context, or change nothing and return False."""
        if not self.may_select(uart, context, in_use):
            return False
        self._take(uart, context)
        self._foreground[uart] = context
        return True

    def admit(self, uart: int, context: int, need: Need, in_use: bool) -> bool:
        """Return whether a UART may do something with a context; starting a free one makes it the owner.

        Args:
            uart: the asking UART.
            context: what it asks for.
            need: what it wants to do.
            in_use: whether the context is in any other state than IP INITIAL.
        """
        owner = self._owner[context]
        if owner == uart:
            return True
        if need is Need.READ:
            return owner is None or not self._behaviour.strict_reads
        if (uart, context) in self._dispossessed:
            return False
        if need is Need.SET:
            return owner is None or not in_use
        if need is Need.CONTROL:
            return owner is None and not in_use
        if self._behaviour.require_qifgcnt or (owner is not None and in_use):
            return False
        self._take(uart, context)
        return True

    def adopt(self, uart: int, context: int) -> None:
        """Make the plain UART the owner of a context that nobody controls."""
        if self._owner[context] is None:
            self._take(uart, context)

    def released(self, context: int) -> None:
        """Called when a context is back in IP INITIAL."""
        if self._behaviour.release_on_initial:
            self._owner[context] = None

    def free(self, context: int) -> None:
        """Leave a context without an owner."""
        self._owner[context] = None

    def hand_over(self, uart: int) -> None:
        """Give every context that somebody controls to one UART."""
        for context in CONTEXTS:
            if self._owner[context] is not None:
                self._take(uart, context)

    def owned(self, uart: int) -> list[int]:
        """Return the contexts that a UART controls."""
        return [context for context in CONTEXTS if self._owner[context] == uart]

    def _take(self, uart: int, context: int) -> None:
        former = self._owner[context]
        if former is not None and former != uart:
            self._dispossessed.add((former, context))
        self._dispossessed.discard((uart, context))
        self._owner[context] = uart
