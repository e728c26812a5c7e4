"""Which UART is told of a message, and how: AT+CNMI of each, and AT+CNMA (27.005 §3.4.1 and §3.4.4)."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from ...clock import Timer
from ..environment import Environment
from .addresses import Address
from .coding import Coding
from .settings import TEXT_MODE, MessageSettings, Routing
from .text_mode import TextForms, TimeForm
from .tpdu import Received, StatusReport

log: logging.Logger = logging.getLogger(__name__)

ACKNOWLEDGED_WITHIN = 15.0
"""Seconds that a host has for AT+CNMA; 24.011 §10 has 12 to 20 for TR2M, in which the network wants its answer."""
_MOST_WAITING = 32  # messages for a UART whose host has not acknowledged the one before
_SPARED = 32  # lines that can still wait for a UART, below which nothing is passed on to it: places are told in them
_MOST_KEPT = 64  # lines that mode 0 keeps; the oldest make room
_STORED_CLASS = 2  # belongs into the SIM
_TERMINALS_CLASS = 3


class MessageUart(Protocol):
    """A UART as messages see it."""

    number: int
    messages: MessageSettings
    """What it has set."""

    @property
    def attached(self) -> bool:
        """Whether somebody is there."""

    @property
    def hears(self) -> bool:
        """Whether unsolicited lines go there."""

    @property
    def in_data_mode(self) -> bool:
        """Whether it carries data and no lines."""

    @property
    def spare_lines(self) -> int:
        """How many more unsolicited lines can wait for it."""

    unacknowledged: Callable[[], object]
    """Called when its host acknowledges messages no longer."""

    def announce(self, text: str) -> None:
        """Write an unsolicited line as soon as it can be."""


@dataclass(slots=True)
class Arrival:
    """What has come from the network.

    Args:
        centre: the service centre.
        message: the message.
        octets: the service centre's address and the TPDU.
        tpdu_length: octets of the TPDU alone.
        told: called once with whether the module has taken it.
        answered: whether that has been called.
        given_back: whether it was passed on, and not acknowledged.
    """

    centre: Address
    message: Received
    octets: bytes
    tpdu_length: int
    told: Callable[[bool], None]
    answered: bool = field(default=False, init=False)
    given_back: bool = field(default=False, init=False)

    def answer(self, taken: bool) -> None:
        """Tell whether the module has taken it; only the first time counts."""
        if not self.answered:
            self.answered = True
            self.told(taken)

    @property
    def coding(self) -> Coding | None:
        """What its data coding scheme says; None for a status report."""
        return None if isinstance(self.message, StatusReport) else self.message.coding


class Router:
    """Tells UARTs of messages.

    Args:
        environment: loop and clock.
        uarts: all of the module.
        time: how times are shown.
        give_back: called with messages that were passed on to a host that did not acknowledge them.
    """

    def __init__(
        self,
        environment: Environment,
        uarts: Sequence[MessageUart],
        time: TimeForm,
        give_back: Callable[[list[Arrival]], None],
    ) -> None:
        self.dropped: int = 0  # lines that mode 0 or 1 of AT+CNMI did not keep, and +CMTI for which there was no room
        self._environment = environment
        self._uarts = uarts
        self._time = time
        self._give_back = give_back
        self._hosts = {uart.number: _Host() for uart in uarts}
        for uart in uarts:
            uart.unacknowledged = partial(self._unacknowledged, uart)

    def routing(self, uart: MessageUart) -> Routing:
        """Return how a UART is told: as it has set, and else not at all; the first one by default where none has."""
        own = uart.messages.routing
        if own is not None:
            return own
        nobody = all(one.messages.routing is None for one in self._uarts)
        return Routing() if nobody and uart is self._uarts[0] else Routing(messages=0)

    def set_routing(self, uart: MessageUart, routing: Routing) -> None:
        """Change how a UART is told, and write or drop what mode 0 has kept for it."""
        uart.messages = replace(uart.messages, routing=routing)
        kept = self._hosts[uart.number].kept
        if routing.mode:
            lines = [] if routing.flush else list(kept)
            kept.clear()
            for line in lines:
                uart.announce(line)

    def passing_on(self, arrival: Arrival) -> list[MessageUart]:
        """Return the UARTs to which a message is passed on."""
        return [uart for uart in self._attached() if self._passes_on(self.routing(uart), arrival, uart)]

    def storing(self, arrival: Arrival) -> list[MessageUart]:
        """Return the UARTs that want to be told where a message is stored."""
        report = isinstance(arrival.message, StatusReport)
        told = []
        for uart in self._attached():
            routing = self.routing(uart)
            wants = routing.reports == 2 if report else routing.messages > 0
            if wants and not self._passes_on(routing, arrival, uart):
                told.append(uart)
        return told

    def tell_place(self, uarts: Sequence[MessageUart], arrival: Arrival, store: str, index: int) -> None:
        """Tell UARTs where a message is stored: +CMTI or +CDSI."""
        name = "CDSI" if isinstance(arrival.message, StatusReport) else "CMTI"
        for uart in uarts:
            if uart.spare_lines:
                self._tell(uart, f'+{name}: "{store}",{index}')
            else:  # rather than in place of a message that waits, and is nowhere else
                self.dropped += 1

    def pass_on(self, uart: MessageUart, arrival: Arrival) -> bool:
        """Pass a message on: +CMT or +CDS; with AT+CSMS=1 one after the other, each with its acknowledgement.

        Returns:
            Whether the module has taken it; else that is answered later.
        """
        if not uart.messages.service:
            self._tell(uart, self._line(uart, arrival))
            return True
        host = self._hosts[uart.number]
        if not host.has(arrival):
            host.waiting.append(arrival)
            self._next(uart)
        return False

    def acknowledge(self, uart: MessageUart, *, received: bool = True) -> bool:
        """Carry out AT+CNMA; return False where nothing is to be acknowledged."""
        host = self._hosts[uart.number]
        arrival = host.expected
        if arrival is None:
            return False
        host.end()
        arrival.answer(received)
        self._next(uart)
        return True

    def reset(self) -> list[Arrival]:
        """Forget what is to be acknowledged and what is kept; return the messages that nobody has acknowledged."""
        left = [arrival for host in self._hosts.values() for arrival in host.clear()]
        for host in self._hosts.values():
            host.kept.clear()
        return left

    def _attached(self) -> list[MessageUart]:
        return [uart for uart in self._uarts if uart.attached and uart.hears]

    def _passes_on(self, routing: Routing, arrival: Arrival, uart: MessageUart) -> bool:
        if routing.mode == 1 and uart.in_data_mode:
            return False
        if len(self._hosts[uart.number].waiting) >= _MOST_WAITING or uart.spare_lines <= _SPARED:
            return False
        coding = arrival.coding
        if coding is None:
            return routing.reports == 1
        if routing.messages == 3:
            return coding.message_class == _TERMINALS_CLASS
        return routing.messages == 2 and coding.message_class != _STORED_CLASS and not coding.waiting

    def _tell(self, uart: MessageUart, line: str) -> None:
        mode = self.routing(uart).mode
        if mode == 0:
            kept = self._hosts[uart.number].kept
            self.dropped += len(kept) == kept.maxlen
            kept.append(line)
        elif mode == 1 and uart.in_data_mode:
            self.dropped += 1
        else:
            uart.announce(line)

    def _line(self, uart: MessageUart, arrival: Arrival) -> str:
        if uart.messages.format == TEXT_MODE:
            return TextForms(uart.messages, self._time).passed_on(arrival.message, arrival.centre)
        head = "+CDS: " if isinstance(arrival.message, StatusReport) else "+CMT: ,"
        return f"{head}{arrival.tpdu_length}\r\n{arrival.octets.hex().upper()}"

    def _next(self, uart: MessageUart) -> None:
        """Pass the next message on, if the one before is acknowledged."""
        host = self._hosts[uart.number]
        if host.expected is not None or not host.waiting:
            return
        host.expected = arrival = host.waiting.popleft()
        host.timer = self._environment.clock.call_later(
            self._environment.loop, ACKNOWLEDGED_WITHIN, lambda: self._not_acknowledged(uart)
        )
        self._tell(uart, self._line(uart, arrival))

    def _not_acknowledged(self, uart: MessageUart) -> None:
        """End the routing to a UART, as its host is not there: <mt> and <ds> are 0 from now on (27.005 §3.4.4)."""
        log.info("uart %d: no AT+CNMA within %g s ends the routing of messages", uart.number + 1, ACKNOWLEDGED_WITHIN)
        uart.messages = replace(uart.messages, routing=replace(self.routing(uart), messages=0, reports=0))
        self._unacknowledged(uart)

    def _unacknowledged(self, uart: MessageUart) -> None:
        """Expect no acknowledgement of a UART any more."""
        if left := self._hosts[uart.number].clear():
            self._give_back(left)


class _Host:
    """What is under way to one UART."""

    def __init__(self) -> None:
        self.expected: Arrival | None = None  # passed on, and to be acknowledged
        self.waiting: deque[Arrival] = deque()
        self.kept: deque[str] = deque(maxlen=_MOST_KEPT)
        self.timer: Timer | None = None

    def has(self, arrival: Arrival) -> bool:
        """Return whether a message is under way already."""
        return any(one is arrival for one in (self.expected, *self.waiting))

    def end(self) -> None:
        """Expect no acknowledgement any more."""
        if self.timer is not None:
            self.timer.cancel()
        self.expected = self.timer = None

    def clear(self) -> list[Arrival]:
        """Forget and return what nobody has acknowledged."""
        left = [*filter(None, [self.expected]), *self.waiting]
        self.end()
        self.waiting.clear()
        return left
