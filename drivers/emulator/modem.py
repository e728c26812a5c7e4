"""The inside of the module: four UARTs, two contexts, who owns which, and the commands."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from ..clock import Timer
from .bytestream import DataStream, Online
from .commandline import Command
from .context import Context
from .environment import Environment, Network, Sim
from .host import Execution, OctetsCallback
from .output import Delivery, Notice
from .ownership import CONTEXTS, Need, Ownership
from .replies import Reply
from .settings import SendSettings
from .states import ACTIVE, ContextState
from .uart import Uart
from .wall_clock import WallClock

log = logging.getLogger(__name__)

UARTS = 4
_REGISTRATION = 10.0  # seconds after a restart until who asked is told of the registration, which is there at once
_NUMBERS = {
    "QIURC": 1,
    "QNITZ": 0,
    "QSCLK": 0,
    "CMGF": 0,
    "QCOLP": 0,
    "QINDRI": 0,
    "CTZU": 0,
}  # settings of the whole module

#: Takes up one command of a UART.
Interpreter = Callable[["Modem", Uart, Command], Execution]


class Modem:
    """The module without its line.

    Args:
        environment: loop, clock, behaviour, network.
        interpreter: takes up commands; `Call` with a table of them.
        uart_class: the AT interpreter.
        ownership_class: the rule about contexts and UARTs.
    """

    def __init__(
        self,
        environment: Environment,
        interpreter: Interpreter,
        *,
        uart_class: type[Uart] = Uart,
        ownership_class: type[Ownership] = Ownership,
    ) -> None:
        self.environment = environment
        self._interpreter = interpreter
        self.ownership = ownership_class(environment.behaviour, UARTS)
        self.contexts = [Context(number, environment, self.route, self._may_start) for number in CONTEXTS]
        self.uarts = [uart_class(self, number) for number in range(UARTS)]
        self.wall_clock = WallClock(environment.clock)
        self.functionality = 1  # AT+CFUN
        self.wrong_pins = 0
        self.numbers = dict(_NUMBERS)
        self.texts: dict[str, str] = {}  # settings as they are shown; the default where there is none
        self.definitions: dict[int, tuple[str, str]] = {}  # AT+CGDCONT
        self.activated: set[int] = set()  # AT+CGACT
        self.ntp_server = ("210.72.145.44", 123)  # AT+QNTP
        self.rate = 0  # AT+IPR
        self.flow = (0, 0)  # AT+IFC
        self.multiplexing = False
        self.multiplex: Callable[[Uart, Command], Reply | None] | None = None  # AT+CMUX=..., where the line can do it
        self.describe_multiplexer: Callable[[bool], str] | None = None  # AT+CMUX? and AT+CMUX=?
        self.change_rate: Callable[[int], None] | None = None  # AT+IPR, where the line is a real one
        self.change_rts_cts: Callable[[bool], None] | None = None  # AT+IFC, where the line is a real one
        self.restarted: Callable[[], None] | None = None  # the module was reset: leave multiplexer mode
        self.octets: OctetsCallback = lambda uart, direction, data: None
        self._booted = False
        self._registering: Timer | None = None
        self._booting: Timer | None = None
        self._turn = 0

    # Commands

    def begin(self, uart: int, command: Command) -> Execution:
        """Take up one command of a UART."""
        return self._interpreter(self, self.uarts[uart], command)

    def sending(self, uart: int) -> SendSettings:
        """Return how AT+QISEND looks on a UART: a matter of its foreground context or of the UART."""
        if self.environment.behaviour.send_settings_per_uart:
            return self.uarts[uart].settings
        return self.foreground(uart).settings

    def admit(self, uart: int, need: Need) -> bool:
        """Say whether a UART may do something with its foreground context; without CMUX nobody else could want it."""
        if not self.multiplexing:
            self.ownership.adopt(uart, self.ownership.foreground(uart))
        context = self.foreground(uart)
        return self.ownership.admit(uart, context.number, need, context.in_use)

    def foreground(self, uart: int) -> Context:
        """Return the context that a UART's commands are for."""
        return self.contexts[self.ownership.foreground(uart)]

    # Output

    def route(self, number: int) -> None:
        """Let the UART that owns a context look at it."""
        owner = self.ownership.owner(number)
        if owner is None:
            self.contexts[number].forget_notices()
        else:
            self.uarts[owner].writable()

    def next_output(self, uart: int) -> Notice | Delivery | None:
        """Return what one of the contexts of a UART has to say; the contexts take turns."""
        owned = self.ownership.owned(uart)
        self._turn += 1
        for step in range(len(owned)):
            item = self.contexts[owned[(self._turn + step) % len(owned)]].take()
            if item is not None:
                return item
        return None

    def forget_notices(self, uart: int) -> int:
        """Drop the lines for a UART where nobody listens; returns how many."""
        return sum(self.contexts[number].forget_notices() for number in self.ownership.owned(uart))

    def online(self, uart: int) -> Online | None:
        """Return the transparent session of the foreground context of a UART, or None."""
        return self.foreground(uart).online()

    def forget_stream(self, stream: DataStream) -> None:
        """End the tie between a transparent session and its UART."""
        for context in self.contexts:
            if context.bytestream is stream:
                context.bytestream = None

    def hang_up(self, uart: int) -> None:
        """Close the transparent session of a UART from our side."""
        for number in self.ownership.owned(uart):
            self.contexts[number].hang_up()

    def plain_dtr(self, on: bool) -> None:
        """Take the DTR line of a real UART, which means nothing to virtual ones."""
        if not self.multiplexing:
            self.uarts[0].dtr(on)

    def reset_uarts(self) -> None:
        """Give every UART its own settings back, as multiplexer mode starts with four fresh ones."""
        for uart in self.uarts:
            uart.settings = uart.stored.copy()

    # The network and the power

    def set_network(self, network: Network) -> None:
        """Let the network change; without service the contexts are gone, and who asked with AT+CREG is told."""
        former, self.environment.network = self.environment.network, network
        if former.service and not network.service:
            self.drop_contexts()
        if former.service != network.service:
            self.tell_registration()
        for context in self.contexts:
            context.network_changed()

    def line_received(self, uart: int) -> None:
        """Note that a command line has come, and with it the rate, if that is what the boot lines wait for."""
        if not self._booted and self.environment.behaviour.boot_lines == "first_line":
            self.uarts[uart].announce("+CFUN: 1")
            self.say_sim(self.uarts[uart])
        self._booted = True

    def tell_registration(self) -> None:
        """Tell who asked with AT+CREG or AT+CGREG whether the module is registered."""
        service = self.environment.network.service
        for uart in self.uarts:
            for name, asked in (("CREG", uart.settings.creg), ("CGREG", uart.settings.cgreg)):
                if asked and uart.attached:
                    place = ',"1806","2F1E"' if asked == 2 and service else ""
                    uart.announce(f"+{name}: {int(service)}{place}")

    def _may_start(self, number: int) -> bool:
        """Say whether a context may be activated beside the other one."""
        mine = self.contexts[number]
        other = self.contexts[1 - number]
        if other.state not in ACTIVE:
            return True
        if mine.settings.bearer == 0 or other.settings.bearer == 0:
            return False  # two at once must both be GPRS
        same_uart = self.ownership.owner(number) == self.ownership.owner(other.number)
        return not (same_uart and (mine.settings.mode or other.settings.mode))

    def other_on_same_uart(self, context: Context) -> bool:
        """Say whether the other context is in use on the same UART."""
        other = self.contexts[1 - context.number]
        owner = self.ownership.owner(context.number)
        return other.in_use and owner is not None and self.ownership.owner(other.number) == owner

    def drop_contexts(self) -> None:
        """Let the network take all contexts away."""
        for context in self.contexts:
            context.drop()

    def power_down(self) -> None:
        """Forget everything that does not outlive the power."""
        for timer in (self._registering, self._booting):
            if timer is not None:
                timer.cancel()
        for context in self.contexts:
            context.reset()
        self.ownership.reset()
        self.functionality = 1
        self.numbers = dict(_NUMBERS)
        self.texts.clear()
        self.activated.clear()
        self.reset_uarts()

    def restart(self) -> None:
        """Start anew, as after AT+CFUN=1,1 or when the reset pin was pulled."""
        self.power_down()
        if self.restarted is not None:
            self.restarted()
        network = self.environment.network
        self.environment.network = Network(sim=network.sim, pin=network.pin, accepts=network.accepts)
        self._say_apart(self.uarts[0], ["RDY", "+CFUN: 1", *self._sim_lines()])
        self._registering = self.environment.clock.call_later(
            self.environment.loop, _REGISTRATION, self.tell_registration
        )

    def say_sim(self, uart: Uart) -> None:
        """Tell the state of the SIM, and that calls are possible once it is ready."""
        for text in self._sim_lines():
            uart.announce(text)

    def _sim_lines(self) -> list[str]:
        sim = self.environment.network.sim
        ready = sim is Sim.READY and self.numbers["QIURC"]
        return [f"+CPIN: {sim.value}", "Call Ready"] if ready else [f"+CPIN: {sim.value}"]

    def _say_apart(self, uart: Uart, texts: list[str]) -> None:
        """Announce lines, each a while after what came before it where results keep a distance."""
        distance = self.environment.behaviour.result_time
        if not distance:
            for text in texts:
                uart.announce(text)
        elif texts:
            self._booting = self.environment.clock.call_later(
                self.environment.loop, distance, partial(self._say_after, uart, texts)
            )

    def _say_after(self, uart: Uart, texts: list[str]) -> None:
        uart.announce(texts[0])
        self._say_apart(uart, texts[1:])

    def disconnected(self, uart: int) -> None:
        """Note that the DLC of a virtual UART was closed."""
        self.uarts[uart].detach()
        if self.environment.behaviour.release_on_disc:
            for number in self.ownership.owned(uart):
                if self.contexts[number].state is not ContextState.INITIAL:
                    self.contexts[number].deactivate()
                self.ownership.free(number)

    def left_multiplexer(self) -> None:
        """Note that the module is back in AT mode."""
        self.multiplexing = False
        for uart in self.uarts:
            uart.detach()
        if self.environment.behaviour.owner_after_cmux == "uart1":
            self.ownership.hand_over(0)

    def close(self) -> None:
        """End everything."""
        for uart in self.uarts:
            uart.detach()
        self.power_down()
