"""The emulated module: what it consists of, its thread, and the ways to reach it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import ClassVar, Literal

from ..clock import Clock, SystemClock
from .behaviour import Behaviour
from .environment import Environment, Network, addresses, endpoint
from .fault_injector import FaultInjector, network_of
from .faults import Faults, Moment
from .interpreter.table import CommandTable
from .interpreter.uart import Uart
from .line.arguments import OPTIONS, check_line
from .line.mux_command import LineSettings
from .line.physical_line import PhysicalLine
from .line.tap import Tap
from .line.ways_in import WaysIn
from .line.wire import Wire
from .models import Model, model_called
from .modem import Modem
from .module_reach import ModuleReach
from .ppp.command import find_command
from .quectel_gsm.call import Call
from .quectel_gsm.commands import all_commands
from .quectel_gsm.modem import QuectelGsmModem
from .quectel_gsm.ownership import Ownership
from .quectel_lte.call import Call as LteCall
from .quectel_lte.commands import all_commands as all_lte_commands
from .quectel_lte.modem import QuectelLteModem
from .subscribers import SUBSCRIBERS, Subscriber, number_of
from .words import read

log: logging.Logger = logging.getLogger(__name__)

#: Called with ``(dlci, "received" or "sent", octets)`` as the module sees it; DLCI 0 is the plain UART in AT mode.
OctetsCallback = Callable[[int, str, bytes], None]

_NOT_RUNNING = "the module is not running: use it in a with or async with statement"
_CLOSE_WAIT = 5.0  # seconds that a line has to end


class EmulatedModule(ModuleReach):
    """Emulates a Quectel module that any host program can talk to.

    ``async with`` runs it in the running event loop, ``with`` in a loop and a thread of its own; both leave nothing
    behind. It has one physical line: reach it with one of `serve_pty`, `serve_tcp`, `serve_serial`, `port`, `connect`,
    which raise RuntimeError where another one has the line. All of these may be called from any thread.

    The class attributes `family`, `commands`, `uart_class` and `ownership_class` are what a subclass replaces to make a
    module that does something else.

    Args:
        model: which module it is, a name of `drivers.emulator.MODELS`.
        behaviour: the readings where sources disagree; what is not given in it is as the model does it.
        startup: ``at`` begins in AT mode, ``none`` speaks the multiplexer from the first octet.
        option: the framings that AT+CMUX may ask for: ``basic``, ``advanced`` or ``any``; with ``startup="none"``
            the one that is spoken (``any`` is basic). By default what the model takes.
        n1: longest information field that it sends unless AT+CMUX says otherwise, in octets, 1 to 32767; by default
            that of the model, 127.
        clock: the source of time.
        allow_network: whether addresses outside the loopback may be reached.
        loopback: DLCIs, 1 to 61, that send back what they get; one of 1 to 4 is not an AT channel then.
        hosts: names and their IPv4 addresses, several with commas between, for AT+QIOPEN and AT+QIDNSGIP.
        routes: where connections really go, ``ADDRESS[:PORT]`` to ``ADDRESS[:PORT]``, so that a program with the
            address of its server built in reaches one on this computer.
        line_rate: bits per second of the line in each direction, 10 of them an octet; 0 for as fast as it goes.
        faults: what goes wrong, as `Faults` or as text for `Faults.parse`.
        capture: a file for the frames that the module receives and sends in multiplexer mode; Wireshark reads it.
        capture_payload: False replaces the octets of user DLCs by zeros.
        seed: makes random choices, and with them the faults, repeatable.
        number: its phone number, ``+`` and 3 to 15 digits, by which other modules of the process reach it; by default
            one that no other module has.
        ussd: what the network answers to codes of AT+CUSD; an answer that begins with ``?`` asks for a reply.
        ppp: the program that data calls (``ATD*99#``) are joined to, on a pseudo-terminal of its own: as a shell would
            write it, though none is used, or as words. It must not go into the background. None refuses such calls.

    Raises:
        ValueError: there is no such model, a behaviour is one of modules of another family, or an argument is out of
            its range; on entering the ``with`` statement: another module of the process
            has the phone number.
        OSError: the capture file cannot be created, or there is no such program.
    """

    family: str = ""
    """The family that it belongs to: a row of ``MODEMS`` in ``drivers.emulator.module``; that of its model, unless a
    subclass names one."""
    commands: ClassVar[CommandTable[Call]] = all_commands()
    """The commands of a module of the Quectel GSM family."""
    lte_commands: ClassVar[CommandTable[LteCall]] = all_lte_commands()
    """The commands of a module of the Quectel LTE family."""
    uart_class: ClassVar[type[Uart]] = Uart
    ownership_class: ClassVar[type[Ownership]] = Ownership

    def __init__(
        self,
        *,
        model: str = "m10",
        behaviour: Behaviour | None = None,
        startup: Literal["at", "none"] = "at",
        option: Literal["basic", "advanced", "any"] | None = None,
        n1: int | None = None,
        clock: Clock | None = None,
        allow_network: bool = False,
        loopback: Iterable[int] = (),
        hosts: Mapping[str, str] | None = None,
        routes: Mapping[str, str] | None = None,
        line_rate: int = 0,
        faults: Faults | str = "",
        capture: str | os.PathLike[str] | None = None,
        capture_payload: bool = True,
        seed: int | None = None,
        number: str | None = None,
        ussd: Mapping[str, str] | None = None,
        ppp: str | Sequence[str] | None = None,
    ) -> None:
        self._model = chosen = model_called(model)
        option = chosen.option if option is None else option
        n1 = chosen.n1 if n1 is None else n1
        echoing = check_line(startup, option, n1, loopback, line_rate)
        super().__init__()
        self.ended: concurrent.futures.Future[None] = concurrent.futures.Future()
        """Done when a line that cannot come back (a serial port) is gone; an exception in it says why."""
        self.family = self.family or chosen.family
        self._behaviour = chosen.complete(behaviour or Behaviour())
        self._clock = clock or SystemClock()
        self._tap = None if capture is None else Tap(capture, self._clock, payload=capture_payload)
        overrun = self._behaviour.n1_overrun
        self._line_settings = LineSettings(
            startup == "at", OPTIONS[option], n1, echoing, chosen.cmux, overrun, self._tap
        )
        self._allow_network = allow_network
        self._hosts = {name.lower(): addresses(text) for name, text in (hosts or {}).items()}
        self._routes = {endpoint(text): endpoint(target) for text, target in (routes or {}).items()}
        self._chooser = _chooser(seed, "addresses")
        self._ppp = () if ppp is None else find_command(ppp)
        self._fate = _chooser(seed, "faults")
        self._faults = Faults.parse(faults) if isinstance(faults, str) else faults
        self._line_rate = line_rate
        self._number = None if number is None else number_of(number)
        self._ussd = dict(ussd or {})
        self._subscriber: Subscriber | None = None
        self._modem: Modem | None = None
        self._injector: FaultInjector | None = None
        self._ways_in: WaysIn | None = None
        self._line: PhysicalLine | None = None
        self._wire: Wire | None = None
        self._callbacks: list[OctetsCallback] = []

    def __repr__(self) -> str:
        if self._modem is None:
            state = "not running"
        elif self._line is None:
            state = "not connected"
        else:
            state = "in multiplexer mode" if self._modem.multiplexing else "in AT mode"
        where = "" if self.url is None else f" at {self.url}"
        return f"<{type(self).__name__}{where}: {state}>"

    @property
    def model(self) -> Model:
        """Which module it is."""
        return self._model

    @property
    def settle(self) -> float:
        """The silence that it needs after OK to AT+CMUX, in seconds: the `settle` to open it with."""
        return self._behaviour.cmux_settle

    @property
    def number(self) -> str:
        """Its phone number.

        Raises:
            RuntimeError: it does not run, and has no number of its own.
        """
        if self._subscriber is not None:
            return self._subscriber.number
        if self._number is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._number

    # Running

    def _prepare(self) -> None:
        if self._subscriber is not None:
            raise RuntimeError("the module is running already")
        self._subscriber = SUBSCRIBERS.enter(self._number)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        subscriber = self._subscriber = self._subscriber or SUBSCRIBERS.enter(self._number)
        environment = Environment(
            loop,
            self._clock,
            self._behaviour,
            self._allow_network,
            self._hosts,
            self._routes,
            self._chooser,
            network_of(self._faults),
            subscriber,
            self._ussd,
            ppp=self._ppp,
            model=self._model,
        )
        self._modem = MODEMS[self.family](self, environment)
        self._modem.octets = self._octets
        self._sent = self._modem.messages.sent
        self._ways_in = WaysIn(loop, self._new_line, lambda: self._line is not None and not self._line.host_has_left)
        self._injector = FaultInjector(self._modem, self._faults, self._fate)
        subscriber.open(loop)

    async def _stop(self) -> None:
        modem, ways_in = self._modem, self._ways_in
        if modem is None or ways_in is None:
            return
        if self._injector is not None:
            self._injector.stop()
        await ways_in.stop()
        line = self._line
        if line is not None:
            line.close()
            await asyncio.wait([line.gone], timeout=_CLOSE_WAIT)
        ways_in.close()
        if self._tap is not None:
            self._tap.close()
        modem.close()
        if self._subscriber is not None:
            SUBSCRIBERS.leave(self._subscriber)
        await modem.ended()
        for transport in list(modem.environment.transports):
            transport.abort()
        for _ in range(3):  # the loop closes descriptors in callbacks that it runs soon
            await asyncio.sleep(0)
        self._modem = self._ways_in = self._subscriber = None
        self._leave()
        if not self.ended.done():
            self.ended.set_result(None)

    def on_octets(self, callback: OctetsCallback) -> None:
        """Call a function with the octets of all UARTs, in the module's thread.

        Args:
            callback: called with the DLCI (0 for the plain UART), ``received`` or ``sent``, and the octets.
        """
        self._callbacks.append(callback)

    # What goes wrong

    def trigger(self, moment: Moment | str) -> None:
        """Cause an event now.

        Args:
            moment: the event, as `Moment`, or as a line of text: ``reset``, ``pdp_deact``, ``ring +491701234567``, …
                (``drivers.emulator.words.WORDS``).

        Raises:
            ValueError: there is no such event, what stands behind the word makes no sense, or it cannot happen now.
        """
        deed = read(moment.value if isinstance(moment, Moment) else moment)
        self._on_loop(lambda: deed(self._running()))

    def set_faults(self, faults: Faults | str) -> None:
        """Replace the faults of the line and the times of events; SIM and network stay as they are.

        Args:
            faults: as for the module itself; an empty text ends all of it.

        Raises:
            ValueError: the text is not a specification.
        """
        self._faults = wanted = Faults.parse(faults) if isinstance(faults, str) else faults

        def change() -> None:
            modem = self._running()
            if self._wire is not None:
                self._wire.set_faults(wanted)
            if self._injector is not None:
                self._injector.stop()
            self._injector = FaultInjector(modem, wanted, self._fate)

        self._on_loop(change)

    def drop_contexts(self) -> None:
        """Deactivate all active contexts from the network's side: ``+PDP DEACT``."""
        self._on_loop(self._running().drop_contexts)

    def set_network(self, network: Network) -> None:
        """Change whether the module is registered and attached, and whether activations are granted.

        Args:
            network: the network from now on.
        """
        self._on_loop(lambda: self._running().set_network(network))

    # Inside

    def _running(self) -> Modem:
        if self._modem is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._modem

    def _ways_in_running(self) -> WaysIn:
        if self._ways_in is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._ways_in

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        return self._running().environment.loop

    def _new_line(self, fatal: bool = False) -> Wire:
        def lost(line: PhysicalLine, error: Exception | None) -> None:
            self._line = self._wire = None
            if fatal and not self.ended.done():
                self.ended.set_exception(error or EOFError("the serial line has ended"))

        def admit(line: PhysicalLine) -> PhysicalLine | None:
            if self._line is None:
                self._line, self._wire = line, wire
                return None
            return self._line

        modem = self._running()
        line = PhysicalLine(modem, self._line_settings, admit, lost)
        wire = Wire(modem.environment, line, self._line_rate, self._faults, self._fate, self._tap, modem.host_takes)
        return wire

    def _octets(self, uart: int, direction: str, data: bytes) -> None:
        if self._callbacks:
            dlci = uart + 1 if self._modem is not None and self._modem.multiplexing else 0
            for callback in self._callbacks:
                callback(dlci, direction, data)


def _quectel_gsm(module: EmulatedModule, environment: Environment) -> QuectelGsmModem:
    return QuectelGsmModem(
        environment,
        partial(Call, module.commands),
        uart_class=module.uart_class,
        ownership_class=module.ownership_class,
    )


def _quectel_lte(module: EmulatedModule, environment: Environment) -> QuectelLteModem:
    return QuectelLteModem(
        environment,
        partial(LteCall, module.lte_commands),
        model=environment.model.name,
        uart_class=module.uart_class,
    )


MODEMS: dict[str, Callable[[EmulatedModule, Environment], Modem]] = {
    "quectel_gsm": _quectel_gsm,
    "quectel_lte": _quectel_lte,
}
"""What makes the inside of a module, for each family, under the name of its folder."""


def _chooser(seed: int | None, purpose: str) -> random.Random:
    """Return a generator of random choices that depends on nothing but the seed and the purpose."""
    return random.SystemRandom() if seed is None else random.Random(f"{purpose} {seed}")  # noqa: S311 - no secret
