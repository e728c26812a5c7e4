"""The inside of any module without its line: UARTs, SIM and registration, clock, power, what AT commands have set."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

from ..clock import Timer
from .calls.phone_book import PhoneBook
from .calls.ussd import Ussd
from .calls.voice import Calls
from .data_calls import DataCalls
from .environment import Environment, Network
from .interpreter.bytestream import DataStream, Online
from .interpreter.commandline import Command
from .interpreter.host import Execution, OctetsCallback
from .interpreter.output import Delivery, Urc
from .interpreter.replies import Reply
from .interpreter.uart import Uart
from .interpreter.uart_call import UartCall
from .interpreter.uart_settings import SendSettings, UartSettings
from .sms.messages import Messages
from .wall_clock import WallClock

UARTS = 4
_HARDWARE = 2  # of AT+IFC: RTS and CTS
_REGISTRATION = 10.0  # seconds after a restart until registration is announced, which is there at once


class Modem(abc.ABC):
    """Holds what every module has besides its line; a family adds its commands and its TCP/IP stack.

    Args:
        environment: loop, clock, behaviour, network.
        uart_class: the AT interpreter.
        numbers: settings of the whole module that are one number, and what they are at power-up.
    """

    DEFINITIONS: ClassVar[range] = range(1, 3)
    """The PDP contexts of AT+CGDCONT."""
    PACKET_TYPES: ClassVar[tuple[str, ...]] = ("IP",)
    """The types of packets that they can have."""
    REGISTRATIONS: ClassVar[tuple[str, ...]] = ("CREG", "CGREG")
    """The commands that tell of registration."""
    RATES: ClassVar[tuple[int, ...]] = (
        *(75, 150, 300, 600, 1200, 2400, 4800, 9600, 14400, 19200, 28800, 38400, 57600, 115200),
    )
    """The rates of AT+IPR in bits per second, besides 0, with which the module finds the host's."""
    RATE: ClassVar[int] = 0
    """The one that it has at first."""
    FLOWS: ClassVar[tuple[int, ...]] = (0, 1, 2)
    """What AT+IFC takes: no flow control, XON and XOFF, RTS and CTS."""
    GUARD: ClassVar[float] = 0.5
    """Seconds of silence before and after the escape from a data call."""
    FACTORY: ClassVar[UartSettings] = UartSettings()
    """The settings of a UART that has left the factory: AT&F."""

    def __init__(
        self, environment: Environment, *, uart_class: type[Uart] = Uart, numbers: Mapping[str, int] | None = None
    ) -> None:
        self.environment: Environment = environment
        self.uarts: list[Uart] = [uart_class(self, number) for number in range(UARTS)]
        for uart in self.uarts:
            uart.leave_factory(self.FACTORY)
        self.calls: Calls = Calls(environment, self.uarts)
        self.ussd: Ussd = Ussd(environment, self.uarts)
        self.data_calls: DataCalls = DataCalls(environment, self.stack_uses, self.GUARD)
        self.phone_book: PhoneBook = PhoneBook(environment.subscriber.number)
        self.wall_clock: WallClock = WallClock(environment.clock)
        self.messages: Messages = Messages(environment, self.uarts, self.wall_clock.text)
        self.functionality: int = 1  # AT+CFUN
        self.selection: int = 0  # AT+COPS: automatic, manual, or 2, which has left the network
        self.wrong_pins: int = 0
        self._numbers = dict(numbers or {})
        self.numbers: dict[str, int] = dict(self._numbers)
        self.texts: dict[str, str] = {}  # settings as they are shown; no entry means the default
        self.kept: dict[str, str] = {}  # settings that survive a reset, as they are shown
        self.definitions: dict[int, tuple[str, str]] = {}  # AT+CGDCONT
        self.activated: set[int] = set()  # AT+CGACT
        self.rate: int = self.RATE  # AT+IPR
        self.flow: tuple[int, int] = (0, 0)  # AT+IFC
        self.multiplexing: bool = False
        self.deaf: bool = False  # a frame came too early after AT+CMUX: nothing is heard until the power is cut
        self.multiplex: Callable[[Uart, Command], Reply | None] | None = None  # AT+CMUX=..., where the line can do it
        self.describe_multiplexer: Callable[[bool], str] | None = None  # AT+CMUX? and AT+CMUX=?
        self.change_rate: Callable[[int], None] | None = None  # AT+IPR, where the line is a real one
        self.change_rts_cts: Callable[[bool], None] | None = None  # AT+IFC, where the line is a real one
        self.cts: Callable[[], bool] | None = None  # whether the host lets it send, where the line shows that
        self.hold_host: Callable[[bool], None] | None = None  # the host's CTS off, where the line shows that
        self.latched: bool = False  # it stays off until octets come
        self.restarted: Callable[[], None] | None = None  # the module was reset: leave multiplexer mode
        self.octets: OctetsCallback = lambda uart, direction, data: None
        self._booted = False
        self._registering: Timer | None = None
        self._booting: Timer | None = None

    # What a family adds

    @abc.abstractmethod
    def begin(self, uart: int, command: Command) -> Execution:
        """See `UartHost.begin`."""

    @abc.abstractmethod
    def sending(self, uart: int) -> SendSettings:
        """See `UartHost.sending`."""

    @abc.abstractmethod
    def next_output(self, uart: int) -> Urc | Delivery | None:
        """See `UartHost.next_output`."""

    @abc.abstractmethod
    def forget_urcs(self, uart: int) -> int:
        """See `UartHost.forget_urcs`."""

    @abc.abstractmethod
    def online(self, uart: int) -> Online | None:
        """See `UartHost.online`."""

    @abc.abstractmethod
    def forget_stream(self, stream: DataStream) -> None:
        """See `UartHost.forget_stream`."""

    @abc.abstractmethod
    def hang_up(self, uart: int) -> None:
        """See `UartHost.hang_up`."""

    @property
    def longest_line(self) -> int:
        """See `UartHost.longest_line`."""
        return 256

    def stack_uses(self, definition: int) -> bool:
        """Return whether the TCP/IP stack uses a PDP context, which no data call can have then.

        Args:
            definition: its number in AT+CGDCONT.
        """
        return False

    def place(self, registration: str) -> str:
        """Return where the module is, as a command of `REGISTRATIONS` shows it behind its other values."""
        return ',"1806","2F1E"'

    def hears(self, uart: int) -> bool:
        """See `UartHost.hears`: every UART does."""
        return True

    def end_call(self, uart: int) -> bool:
        """See `UartHost.end_call`."""
        return self.data_calls.end(uart)

    async def ended(self) -> None:
        """Wait, after `close`, until nothing that it has started is left."""
        await self.data_calls.close()

    @abc.abstractmethod
    def drop_contexts(self) -> None:
        """Deactivate all contexts from the network's side."""

    @abc.abstractmethod
    def break_sessions(self) -> None:
        """Reset the connection of every session from the remote side."""

    def disconnected(self, uart: int) -> None:
        """Detach a virtual UART, whose DLC was closed."""
        self.uarts[uart].detach()

    def left_multiplexer(self) -> None:
        """Detach all UARTs, as multiplexer mode is over."""
        self.multiplexing = False
        for uart in self.uarts:
            uart.detach()

    def boot_lines(self) -> list[str]:
        """Return the lines that announce a restart."""
        return ["RDY", "+CFUN: 1", *self.sim_lines()]

    def goes_down(self, uart: Uart) -> None:  # noqa: B027 - most modules say nothing
        """Say, on the UART that has asked for it, that the module is about to restart."""

    def sim_lines(self) -> list[str]:
        """Return the lines that announce the state of the SIM."""
        return [f"+CPIN: {self.environment.network.sim.value}"]

    # The line

    def plain_dtr(self, on: bool) -> None:
        """Pass the DTR line of a real UART on; virtual ones ignore it, and with a drop of it their host has gone."""
        if not self.multiplexing:
            self.uarts[0].dtr(on)
        elif not on and self.environment.behaviour.cts_latched and self.hold_host is not None:
            self.latched = True
            self.hold_host(True)

    def heard(self) -> None:
        """Let the host send again, if its CTS was latched: octets have come all the same."""
        if self.latched and self.hold_host is not None:
            self.hold_host(False)
        self.latched = False

    def host_takes(self) -> bool:
        """Tell whether the host takes octets: False where AT+IFC asks for RTS and CTS, and CTS is off."""
        return self.flow[0] != _HARDWARE or self.cts is None or self.cts()

    def reset_uarts(self) -> None:
        """Restore the stored settings of every UART, as at the start of multiplexer mode."""
        for uart in self.uarts:
            uart.settings = uart.stored.copy()

    def line_received(self, uart: int) -> None:
        """Announce the boot lines once the first command line has told the rate, where they wait for that."""
        if not self._booted and self.environment.behaviour.boot_lines == "first_line":
            self.uarts[uart].announce("+CFUN: 1")
            self.announce_sim(self.uarts[uart])
        self._booted = True

    def fall_silent(self) -> None:
        """Hear nothing any more, until a restart."""
        self.deaf = True

    def kill_channel(self) -> None:
        """Let the first virtual UART hear and say nothing until a restart, while the multiplexer and the others live.

        Raises:
            ValueError: the module is in AT mode.
        """
        if not self.multiplexing:
            raise ValueError("the module is not in multiplexer mode")
        self.uarts[0].dead = True

    def refuse_client(self) -> None:
        """Tell that a listener has refused a client by itself.

        Raises:
            ValueError: nothing listens, or modules of this family do not tell.
        """
        raise ValueError(f"the model {self.environment.model.name} does not tell that a client was refused")

    # The network and the power

    def set_network(self, network: Network) -> None:
        """Change the network; without service the contexts are lost, and UARTs with AT+CREG get a line."""
        former = self.environment.network
        self.environment.change_network(network)
        if former.service and not network.service:
            self.drop_contexts()
            self.calls.network_changed()
        if former.service != network.service:
            self.tell_registration()
        self.messages.room_made()

    def tell_registration(self) -> None:
        """Announce on the UARTs that asked for it, with AT+CREG and the like, whether the module is registered."""
        service = self.environment.network.service
        for uart in self.uarts:
            for name in self.REGISTRATIONS:
                asked = getattr(uart.settings, name.lower())
                if asked and uart.attached and uart.hears:
                    place = self.place(name) if asked == 2 and service else ""
                    uart.announce(f"+{name}: {int(service)}{place}")

    def power_down(self) -> None:
        """Reset everything that is lost without power."""
        for timer in (self._registering, self._booting):
            if timer is not None:
                timer.cancel()
        self.data_calls.reset()
        for uart in self.uarts:
            uart.dead = False
            uart.power_down()
        self.calls.reset()
        self.ussd.reset()
        self.functionality, self.selection, self.deaf = 1, 0, False
        self.numbers = dict(self._numbers)
        self.texts.clear()
        self.messages.power_down()
        self.activated.clear()
        self.reset_uarts()

    def restart(self) -> None:
        """Restart, as after AT+CFUN=1,1 or when the reset pin was pulled."""
        self.power_down()
        if self.restarted is not None:
            self.restarted()
        network = self.environment.network
        self.environment.change_network(
            Network(sim=network.sim, pin=network.pin, accepts=network.accepts, calls=network.calls, sms=network.sms)
        )
        self._announce_apart(self.uarts[0], self.boot_lines(), self.messages.room_made)
        self._registering = self.environment.clock.call_later(
            self.environment.loop, _REGISTRATION, self.tell_registration
        )

    def tell_sim(self) -> None:
        """Announce the state of the SIM where nobody has asked for it: on the first UART."""
        self.announce_sim(self.uarts[0])

    def announce_sim(self, uart: Uart) -> None:
        """Announce the state of the SIM."""
        for text in self.sim_lines():
            uart.announce(text)

    def _announce_apart(self, uart: Uart, texts: list[str], then: Callable[[], None]) -> None:
        """Announce lines one after the other, `Behaviour.result_time` apart, and call a function behind the last."""
        distance = self.environment.behaviour.result_time
        if distance and texts:
            self._booting = self.environment.clock.call_later(
                self.environment.loop, distance, partial(self._announce_after, uart, texts, then)
            )
            return
        for text in texts:
            uart.announce(text)
        then()

    def _announce_after(self, uart: Uart, texts: list[str], then: Callable[[], None]) -> None:
        uart.announce(texts[0])
        self._announce_apart(uart, texts[1:], then)

    def close(self) -> None:
        """Detach all UARTs and power down."""
        for uart in self.uarts:
            uart.detach()
        self.power_down()


class ModemCall(UartCall):
    """Represents one command being executed, with its module.

    Args:
        modem: the module.
        uart: where it was typed.
        command: what was typed.
    """

    __slots__ = ("modem",)

    def __init__(self, modem: Modem, uart: Uart, command: Command) -> None:
        super().__init__(uart, command)
        self.modem: Modem = modem
