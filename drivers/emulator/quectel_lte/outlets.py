"""Which UARTs are told what: lines of sockets, and lines of the module."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ..environment import Environment
from ..interpreter.output import Delivery, Urc
from ..interpreter.uart import Uart

_ITEMS = 64  # that wait for one UART; of more, those are lost that others have opened or asked for


class Outlets:
    """Queues what the UARTs are told about sockets and contexts.

    Args:
        environment: the loop, and the reading about which UART it is.
        uarts: all of them.
    """

    def __init__(self, environment: Environment, uarts: Sequence[Uart]) -> None:
        self.lost: int = 0  # lines that no UART could show, or that made room for others
        self._environment = environment
        self._uarts = uarts
        self._waiting: list[deque[tuple[Urc | Delivery, bool]]] = [deque() for _ in uarts]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {[len(items) for items in self._waiting]}>"

    def general(self) -> list[int]:
        """Return the UARTs that are told what concerns no one of them more than the others."""
        return [number for number in self._free() if self._uarts[number].hears]

    def _free(self) -> list[int]:
        """Return the UARTs that can show a line now."""
        return [number for number, uart in enumerate(self._uarts) if uart.attached and not uart.in_data_mode]

    def of(self, opener: int) -> list[int]:
        """Return the UARTs that are told what concerns a socket or a question.

        Args:
            opener: the UART that has opened it, or has asked; told later if it is in data mode now.
        """
        reading = self._environment.behaviour.socket_urcs
        if reading == "opener":
            return [opener] if self._uarts[opener].attached else self.general()
        if reading == "urcport":
            return self.general()
        return self._free()

    def announce(self, opener: int, text: str) -> None:
        """Queue a line, and let the UARTs write it.

        Args:
            opener: as for `of`.
            text: the line without CR LF.
        """
        numbers = self.of(opener)
        if not numbers:
            if self._environment.behaviour.unheard_lines == "dropped":
                self.lost += 1
                return
            numbers = [opener]
        for number in numbers:
            self._add(number, Urc(text), own=number == opener or opener not in numbers)
        for number in numbers:
            self._uarts[number].pump()

    def room(self, number: int) -> bool:
        """Tell whether a UART can be given more."""
        return len(self._waiting[number]) < _ITEMS

    def copy(self, opener: int, item: Urc | Delivery, numbers: Sequence[int]) -> None:
        """Queue what one UART is about to write for others, too.

        Args:
            opener: as for `of`.
            item: what it writes.
            numbers: the others.
        """
        for number in numbers:
            self._add(number, item, own=number == opener)
            self._environment.loop.call_soon(self._uarts[number].pump)

    def take(self, number: int) -> Urc | Delivery | None:
        """Return what waits for a UART, or None."""
        waiting = self._waiting[number]
        return waiting.popleft()[0] if waiting else None

    def forget(self, number: int) -> int:
        """Drop what waits for a UART that nobody is attached to; return how much it was."""
        count = len(self._waiting[number])
        self._waiting[number].clear()
        return count

    def clear(self) -> None:
        """Drop everything, as at a restart."""
        for waiting in self._waiting:
            waiting.clear()

    def _add(self, number: int, item: Urc | Delivery, *, own: bool) -> None:
        """Let something wait for a UART; where there is no room, what is its own makes some."""
        waiting = self._waiting[number]
        if len(waiting) == _ITEMS:
            self.lost += 1
            if not own:
                return
            waiting.remove(next((one for one in waiting if not one[1]), waiting[0]))
        waiting.append((item, own))
