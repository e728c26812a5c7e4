"""A module of the Quectel GSM family: two contexts that its UARTs share, and which UART owns which."""

from __future__ import annotations

from collections.abc import Callable

from ..environment import Environment, Network, Sim
from ..interpreter.bytestream import DataStream, Online
from ..interpreter.commandline import Command
from ..interpreter.host import Execution
from ..interpreter.output import Delivery, Urc
from ..interpreter.uart import Uart
from ..interpreter.uart_settings import SendSettings
from ..modem import UARTS, Modem
from .context import Context
from .ownership import CONTEXTS, Need, Ownership
from .states import ACTIVE, ContextState

_NUMBERS = {"QIURC": 1, "QNITZ": 0, "QSCLK": 0, "QCOLP": 0, "QINDRI": 0, "CTZU": 0}

#: Makes an execution of one command of a UART.
Interpreter = Callable[["QuectelGsmModem", Uart, Command], Execution]


class QuectelGsmModem(Modem):
    """Runs a module of the family without its line.

    Args:
        environment: loop, clock, behaviour, network.
        interpreter: makes an execution of a command; `Call` with a command table.
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
        super().__init__(environment, uart_class=uart_class, numbers=_NUMBERS)
        self._interpreter = interpreter
        self.ownership: Ownership = ownership_class(environment.behaviour, UARTS)
        self.contexts: list[Context] = [
            Context(number, environment, self.route, self._may_start) for number in CONTEXTS
        ]
        self.ntp_server: tuple[str, int] = ("210.72.145.44", 123)  # AT+QNTP
        self._turn = 0

    def stack_uses(self, definition: int) -> bool:
        """See `Modem.stack_uses`: the first PDP context of AT+CGDCONT is the stack's context 0."""
        return self.contexts[definition - 1].in_use

    def _called(self, number: int) -> bool:
        """Return whether a data call has a context of the stack."""
        return self.data_calls.uses(number + 1)

    # Commands

    def begin(self, uart: int, command: Command) -> Execution:
        """See `UartHost.begin`."""
        return self._interpreter(self, self.uarts[uart], command)

    def admit(self, uart: int, need: Need) -> bool:
        """Return whether a UART may do something with its foreground context; without CMUX it has no rivals.

        Without CMUX the first command that does more than look makes the UART the owner of a context without one.
        """
        if not self.multiplexing and need is not Need.READ:
            self.ownership.adopt(uart, self.ownership.foreground(uart))
        context = self.foreground(uart)
        if need in (Need.ACTIVATE, Need.CONTROL) and self._called(context.number):
            return False
        return self.ownership.admit(uart, context.number, need, context.in_use)

    def select(self, uart: int, number: int) -> bool:
        """Carry out AT+QIFGCNT: take a context, or return False; one that a data call uses is nobody else's."""
        if self._called(number):
            return False
        return self.ownership.select(uart, number, self.contexts[number].in_use)

    def foreground(self, uart: int) -> Context:
        """Return the context that a UART's commands are for."""
        return self.contexts[self.ownership.foreground(uart)]

    def sending(self, uart: int) -> SendSettings:
        """Return how AT+QISEND asks for data on a UART: settings of its foreground context or of the UART."""
        if self.environment.behaviour.send_settings_per_uart:
            return self.uarts[uart].settings
        return self.foreground(uart).settings

    # Output

    def route(self, number: int) -> None:
        """Make the UART that owns a context write what the context has."""
        owner = self.ownership.owner(number)
        if owner is None:
            self.contexts[number].forget_urcs()
        else:
            self.uarts[owner].writable()

    def next_output(self, uart: int) -> Urc | Delivery | None:
        """Return what a UART writes next, from one of its contexts, which take turns."""
        owned = self.ownership.owned(uart)
        self._turn += 1
        for step in range(len(owned)):
            item = self.contexts[owned[(self._turn + step) % len(owned)]].take()
            if item is not None:
                return item
        return None

    def forget_urcs(self, uart: int) -> int:
        """See `UartHost.forget_urcs`."""
        return sum(self.contexts[number].forget_urcs() for number in self.ownership.owned(uart))

    def online(self, uart: int) -> Online | None:
        """Return the data call of a UART, the transparent session of its foreground context, or None."""
        return self.data_calls.online(uart) or self.foreground(uart).online()

    def forget_stream(self, stream: DataStream) -> None:
        """Forget a transparent session or a data call that has ended."""
        self.data_calls.forget(stream)
        for context in self.contexts:
            if context.bytestream is stream:
                context.bytestream = None

    def hang_up(self, uart: int) -> None:
        """End the data call of a UART, or close its transparent session from our side."""
        if self.end_call(uart):
            return
        for number in self.ownership.owned(uart):
            self.contexts[number].hang_up()

    # The contexts

    def _may_start(self, number: int) -> bool:
        """Return whether a context may be activated beside the other one."""
        mine = self.contexts[number]
        other = self.contexts[1 - number]
        if self._called(number):
            return False
        if other.state not in ACTIVE:
            return True
        if mine.settings.bearer == 0 or other.settings.bearer == 0:
            return False  # two at once must both be GPRS
        same_uart = self.ownership.owner(number) == self.ownership.owner(other.number)
        return not (same_uart and (mine.settings.mode or other.settings.mode))

    def other_on_same_uart(self, context: Context) -> bool:
        """Return whether the other context is in use on the same UART."""
        other = self.contexts[1 - context.number]
        owner = self.ownership.owner(context.number)
        return other.in_use and owner is not None and self.ownership.owner(other.number) == owner

    def drop_contexts(self) -> None:
        """Deactivate all contexts from the network's side."""
        for context in self.contexts:
            self.data_calls.drop(context.number + 1)
            context.drop()

    def break_sessions(self) -> None:
        """Reset the connection of every session from the remote side."""
        for context in self.contexts:
            context.break_sessions()

    # The network, the power and the line

    def set_network(self, network: Network) -> None:
        """Change the network; see `Modem.set_network`."""
        super().set_network(network)
        for context in self.contexts:
            context.network_changed()

    def power_down(self) -> None:
        """Reset everything that is lost without power."""
        for context in self.contexts:
            context.reset()
        self.ownership.reset()
        super().power_down()

    def sim_lines(self) -> list[str]:
        """Return the lines that announce the state of the SIM, and that calls are possible once it is ready."""
        ready = self.environment.network.sim is Sim.READY and self.numbers["QIURC"]
        return [*super().sim_lines(), "Call Ready"] if ready else super().sim_lines()

    def disconnected(self, uart: int) -> None:
        """Detach a virtual UART, whose DLC was closed."""
        super().disconnected(uart)
        if self.environment.behaviour.release_on_disc:
            for number in self.ownership.owned(uart):
                if self.contexts[number].state is not ContextState.INITIAL:
                    self.contexts[number].deactivate()
                self.ownership.free(number)

    def left_multiplexer(self) -> None:
        """Detach all UARTs, as multiplexer mode is over."""
        super().left_multiplexer()
        if self.environment.behaviour.owner_after_cmux == "uart1":
            self.ownership.hand_over(0)
