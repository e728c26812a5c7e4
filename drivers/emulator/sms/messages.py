"""The messages of one module: its stores, what it sends and receives, and the service centre between modules."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ...clock import Timer
from ..environment import Environment, Sim
from ..subscribers import SUBSCRIBERS, Subscriber
from . import incoming, tpdu
from .addresses import Address
from .errors import Cms, MessageError
from .later import Later
from .routing import Arrival, MessageUart, Router
from .sent import SentLog
from .settings import Parameters
from .store import Joined, Memory, Status, Store, StoredMessage
from .times import manuals_form

log: logging.Logger = logging.getLogger(__name__)

CENTRE = Address("+8613800100500", 145)
"""The service centre that the module knows at first."""
MOST_WAITING = 64
"""Messages that the service centre keeps for a module that has no room or no network; further ones are lost."""
_LOCKED = {
    Sim.MISSING: Cms.SIM_NOT_INSERTED,
    Sim.PIN: Cms.SIM_PIN_REQUIRED,
    Sim.PUK: Cms.SIM_PUK_REQUIRED,
}
_RECEIVED = 0x00  # TP-ST (23.040 §9.2.3.15): received by the other terminal
_TRYING = 0x20  # congestion, the service centre still tries
_EXPIRED = 0x46  # permanent error: the validity period has expired
_REJECTED = 0x42  # permanent error: rejected by the other terminal
_UNKNOWN = 0x49  # permanent error: the message does not exist
_ENQUIRY = 0  # TP-CT


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message on its way from one module to another.

    Args:
        message: what the other one gets.
        sender: who is to be told what became of it.
        reference: TP-MR of the sender.
    """

    message: tpdu.Deliver
    sender: Subscriber
    reference: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message, on its way back to the module that has sent it.

    Args:
        reference: TP-MR.
        status: TP-ST.
    """

    reference: int
    status: int


@dataclass(slots=True)
class _Submitted:
    """A message that the service centre remembers."""

    message: tpdu.Submit
    time: str
    status: int = _TRYING


class Messages:
    """Holds the messages of one module.

    Args:
        environment: loop, clock, behaviour, network, the other modules.
        uarts: the UARTs that are told.
        time: returns date and time as ``yy/MM/dd,hh:mm:ss±zz``.
    """

    def __init__(self, environment: Environment, uarts: Sequence[MessageUart], time: Callable[[], str]) -> None:
        self.sent: SentLog = SentLog()
        self.lost: int = 0  # messages that found no room at the service centre either
        memories = (Memory("SM"), Memory("ME"))
        self.stores: dict[str, Store] = {memory.name: memory for memory in memories}
        self.stores["MT"] = Joined("MT", *memories)
        self.preferred: list[str] = ["SM"] * 3  # AT+CPMS: to read and delete, to write and send, to receive
        self.centre: Address = CENTRE  # AT+CSCA
        self.profiles: dict[int, tuple[Address, Parameters]] = {}  # AT+CSAS
        self.router: Router = Router(environment, uarts, self.shown_time, self._give_back)
        self._environment = environment
        self._now = time
        self._reference = 0  # of the last message that was sent
        self._parted = 0  # of the last text that came in parts
        self._waiting: deque[Arrival] = deque(maxlen=MOST_WAITING)
        self._submitted: dict[int, _Submitted] = {}
        self._timers: set[Later] = set()
        self._interval: Timer | None = None  # until the next message may come
        self._off = False  # the power goes down: nothing is delivered
        environment.subscriber.on(Envelope, self._take)
        environment.subscriber.on(Outcome, self._report)

    def shown_time(self, text: str) -> str:
        """Return a time as text mode shows it."""
        return manuals_form(text) if self._environment.behaviour.message_time == "manual" else text

    def store(self, purpose: int) -> Store:
        """Return the store of AT+CPMS: 0 to read and delete, 1 to write and send, 2 to receive."""
        return self.stores[self.preferred[purpose]]

    # The SIM and the network

    def check_sim(self) -> None:
        """Raise MessageError when there is no SIM that is ready."""
        sim = self._environment.network.sim
        if sim in _LOCKED:
            raise MessageError(_LOCKED[sim])

    def check_network(self) -> None:
        """Raise MessageError when messages cannot be sent now."""
        self.check_sim()
        network = self._environment.network
        if not network.service:
            raise MessageError(Cms.NO_NETWORK_SERVICE)
        if network.silent:
            raise MessageError(Cms.NETWORK_TIMEOUT)
        if network.sms == "refused":
            raise MessageError(Cms.REJECTED)

    # Sending

    def send(self, message: tpdu.Sent, centre: bytes | None = None, written: bytes | None = None) -> int:
        """Hand a message to the service centre.

        Args:
            message: the message, which gets a reference of its own.
            centre: the service centre's address as it stands before the TPDU, None for that of AT+CSCA.
            written: the TPDU as the host has written it; None where it has not.

        Returns:
            TP-MR.

        Raises:
            MessageError: there is no SIM, no network, or it refuses.
        """
        self.check_network()
        self._reference = reference = (self._reference + 1) % 256
        if isinstance(message, tpdu.Command):
            self._ask(message, reference)
            return reference
        self.sent.add(self.centre.encode_centre() if centre is None else centre, message, written)
        time = self._now()
        self._submitted[reference] = _Submitted(message, time)  # in place of the one 256 before
        outcome = self._environment.network.sms
        if outcome == "delivered":
            own = self._environment.subscriber
            origin = Address.parse(own.number)
            envelope = Envelope(tpdu.forwarded(message, origin, time), own, reference)
            self._centre_does(partial(self._forward, message.destination.number, envelope))
        elif outcome == "undelivered":
            self._centre_does(partial(self._report, Outcome(reference, _EXPIRED)))
        return reference

    def _centre_does(self, work: Callable[[], object]) -> None:
        """Let the service centre do something in a moment; it does so as well when the power of this module is cut."""
        self.later(self._moment, work, cut=work)

    def _forward(self, number: str, envelope: Envelope) -> None:
        """Hand a message to the module with a number; nobody else says that it has not got it."""
        other = SUBSCRIBERS.find(number)
        if other is None:
            self._report(Outcome(envelope.reference, _RECEIVED))
        elif not other.send(envelope):
            self._report(Outcome(envelope.reference, _EXPIRED))

    def _report(self, outcome: Outcome) -> None:
        """Take what became of a message, and tell the host if it has asked for a status report."""
        submitted = self._submitted.get(outcome.reference)
        if submitted is None:
            return
        submitted.status = outcome.status
        if submitted.message.wants_report:
            self._report_on(submitted, outcome.reference)

    def _report_on(self, submitted: _Submitted, reference: int) -> None:
        destination = submitted.message.destination
        self._arrive(tpdu.StatusReport(reference, destination, submitted.time, self._now(), submitted.status))

    def _ask(self, command: tpdu.Command, reference: int) -> None:
        """Carry out an SMS-COMMAND: an enquiry is answered with a status report, others where one is asked for."""
        submitted = self._submitted.get(command.number)
        if command.kind != _ENQUIRY and not command.wants_report:
            return
        if submitted is not None and submitted.message.destination.digits == command.destination.digits:
            self._centre_does(partial(self._report_on, submitted, command.number))
            return
        now = self._now()
        report = tpdu.StatusReport(command.number, command.destination, now, now, _UNKNOWN)
        self._centre_does(partial(self.receive, report))

    # Receiving

    def receive(self, message: tpdu.Received, centre: Address = CENTRE) -> bool:
        """Take a message from the network.

        Args:
            message: the message.
            centre: the service centre.

        Returns:
            Whether the module has it, or has passed it on; else the service centre keeps it.
        """
        return self._arrive(message, centre)

    def receive_text(
        self,
        text: str,
        number: str,
        *,
        coding: str | None = None,
        message_class: int | None = None,
        reference: int | None = None,
        wide: bool = False,
    ) -> int:
        """Take a text from the network, in as many parts as it needs.

        Args:
            text: the text; for 8 bit data the hexadecimal digits.
            number: who has sent it.
            coding: see `incoming.deliveries`.
            message_class: 0 to 3, or None.
            reference: what the parts have in common; None for the next one.
            wide: whether the reference has 16 bits.

        Returns:
            How many parts the module has, or has passed on.

        Raises:
            ValueError: one of the arguments makes no sense.
        """
        self._parted = (self._parted + 1) % 256
        deliveries = incoming.deliveries(
            text,
            incoming.sender(number),
            self._now(),
            coding=coding,
            message_class=message_class,
            reference=self._parted if reference is None else reference,
            wide=wide,
        )
        return sum(self.receive(delivery) for delivery in deliveries)

    def room_made(self) -> None:
        """Take what waits at the service centre: there is room, a network, or somebody to be told again."""
        waiting = list(self._waiting)
        self._waiting.clear()
        for arrival in waiting:
            self._deliver(arrival)

    def _take(self, envelope: Envelope) -> None:
        def told(taken: bool) -> None:
            envelope.sender.send(Outcome(envelope.reference, _RECEIVED if taken else _REJECTED))

        self._arrive(envelope.message, told=told)

    def _arrive(
        self, message: tpdu.Received, centre: Address = CENTRE, told: Callable[[bool], None] = lambda taken: None
    ) -> bool:
        self.room_made()  # nothing overtakes what waits
        octets = message.encode()
        return self._deliver(Arrival(centre, message, centre.encode_centre() + octets, len(octets), told))

    def _deliver(self, arrival: Arrival) -> bool:
        """Store a message, or pass it on, or both; else it waits. Return whether it was stored or passed on.

        A status report that nobody wants is dropped, unless it has been passed on and was not acknowledged.
        """
        network = self._environment.network
        if not network.service or network.silent or self._interval is not None or self._off:
            self._wait(arrival)
            return False
        passing_on, storing = self.router.passing_on(arrival), self.router.storing(arrival)
        report = isinstance(arrival.message, tpdu.StatusReport)
        place = None
        if storing or not (passing_on or (report and not arrival.given_back)):
            place = self._keep(arrival, storing)
            if place is None and not passing_on:
                self._wait(arrival)
                return False
        taken = place is not None or not passing_on
        for uart in passing_on:
            taken |= self.router.pass_on(uart, arrival)
        if taken:
            arrival.answer(True)
        if place is not None or passing_on:
            self._pause()
        return True

    def _pause(self) -> None:
        """Let the next message wait for a time."""
        environment = self._environment
        if seconds := environment.behaviour.message_interval:
            self._interval = environment.clock.call_later(environment.loop, seconds, self._go_on)

    def _go_on(self) -> None:
        self._interval = None
        self.room_made()

    def _keep(self, arrival: Arrival, told: Sequence[MessageUart]) -> int | None:
        """Store a message and tell where; return the place, None when there is no room."""
        coding = arrival.coding
        store = self.stores["SM"] if coding is not None and coding.message_class == 2 else self.store(2)
        centre, octets = arrival.octets[: -arrival.tpdu_length], arrival.octets[-arrival.tpdu_length :]
        try:
            index = store.add(StoredMessage(Status.REC_UNREAD, centre, octets))
        except MessageError:
            return None
        self.router.tell_place(told, arrival, store.name, index)
        return index

    def _wait(self, arrival: Arrival) -> None:
        if len(self._waiting) == MOST_WAITING:
            self.lost += 1
            log.warning("a message is lost: %d wait for the module already", MOST_WAITING)
            arrival.answer(False)
            return
        self._waiting.append(arrival)

    def _give_back(self, arrivals: list[Arrival]) -> None:
        for arrival in arrivals:
            if not arrival.answered:
                arrival.given_back = True
                self._deliver(arrival)

    # The power

    def power_down(self) -> None:
        """Forget what is lost without power; stores and profiles are not."""
        self._off = True
        for later in list(self._timers):
            later.cancel()
        self._off = False
        if self._interval is not None:
            self._interval.cancel()
            self._interval = None
        for arrival in self.router.reset():
            if not arrival.answered:
                arrival.given_back = True
                self._wait(arrival)
        self.preferred = ["SM"] * 3
        self.centre = self.profiles[0][0] if 0 in self.profiles else CENTRE

    @property
    def _moment(self) -> float:
        """Seconds that the network takes."""
        return self._environment.behaviour.result_time

    def later(self, seconds: float, work: Callable[[], object], cut: Callable[[], object] = lambda: None) -> None:
        """Call a function in a number of seconds, or for 0 as soon as that can be.

        Args:
            seconds: from 0 up.
            work: what is called.
            cut: what is called in its place when the power is cut before.
        """
        Later(self._environment, self._timers, seconds, work, cut)
