"""A module of the Quectel LTE family: contexts and sockets that belong to no UART, and who is told about them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable

from ..environment import Environment, Network
from ..interpreter.bytestream import DataStream, Online
from ..interpreter.commandline import Command
from ..interpreter.host import Execution
from ..interpreter.output import Delivery, Urc
from ..interpreter.uart import Uart
from ..interpreter.uart_settings import SendSettings
from ..modem import UARTS
from .codes import Code
from .configuration import Configuration
from .connection import Connection
from .context import CONTEXTS, PdpContext
from .data_socket import DataSocket
from .history import DROPPED, REFUSED, History
from .outlets import Outlets
from .services import Services
from .sockets import AccessMode, Kind, ModuleSocket, Opening
from .surroundings import COUNTERS, Surroundings
from .table import INCOMING_FULL, SocketTable

ACTIVE = 3
"""How many contexts can be active at once."""

#: Makes an execution of one command of a UART.
Interpreter = Callable[["QuectelLteModem", Uart, Command], Execution]


class _Sending:
    """How AT+QISEND asks for data: with a prompt always, and with an echo as AT+QISDE says."""

    def __init__(self) -> None:
        self.sde: int = 1
        self.prompt: int = 1


class QuectelLteModem(Surroundings):
    """Runs a module of the family without its line.

    Args:
        environment: loop, clock, behaviour, network.
        interpreter: makes an execution of a command; `Call` with a command table.
        model: the model, whose settings AT+QICFG has.
        uart_class: the AT interpreter.
    """

    DEFINITIONS = CONTEXTS

    def __init__(
        self,
        environment: Environment,
        interpreter: Interpreter,
        *,
        model: str = "bg96",
        uart_class: type[Uart] = Uart,
    ) -> None:
        super().__init__(environment, uart_class=uart_class)
        self._interpreter = interpreter
        self._tasks: set[asyncio.Task[None]] = set()
        self._joined: list[Connection | None] = [None] * UARTS  # what ATO goes back to
        self._turn = 0
        self._errors: list[Code] = [Code.DONE] * UARTS
        self.configuration: Configuration = Configuration(model)
        self.outlets: Outlets = Outlets(environment, self.uarts)
        self.contexts: dict[int, PdpContext] = {
            number: PdpContext(number, environment, self.spawn, self._active_beside, ACTIVE) for number in CONTEXTS
        }
        self.sockets: SocketTable = SocketTable(self)
        self.services: Services = Services(environment, self.spawn)
        self.history: History = History()
        self.calls.on_end = self.history.call_ended
        self._waiting: dict[ModuleSocket, Callable[[Code], None]] = {}  # commands that a socket opens for
        self._sending = _Sending()
        self._start_bearer()

    def active_contexts(self) -> list[int]:
        """See `Surroundings.active_contexts`."""
        return [number for number, context in self.contexts.items() if context.active]

    def stack_uses(self, definition: int) -> bool:
        """See `Modem.stack_uses`: the contexts of AT+CGDCONT are those of AT+QICSGP."""
        return self.contexts[definition].occupied

    # Commands

    def begin(self, uart: int, command: Command) -> Execution:
        """See `UartHost.begin`."""
        return self._interpreter(self, self.uarts[uart], command)

    @property
    def longest_line(self) -> int:
        """See `UartHost.longest_line`: AT+QISENDEX alone has 512 characters of data."""
        return 1024

    def sending(self, uart: int) -> SendSettings:
        """See `UartHost.sending`; AT+QISDE is for the whole module."""
        return self._sending

    def error(self, uart: int) -> Code:
        """Return how the last TCP/IP command went, as AT+QIGETERROR tells it on a UART."""
        return self._errors[uart]

    def went(self, uart: int, code: Code) -> None:
        """Note how a TCP/IP command of a UART went."""
        if self.environment.behaviour.error_scope == "module":
            self._errors = [code] * UARTS
        else:
            self._errors[uart] = code

    def port_name(self, uart: int) -> str:
        """Return what AT+QISTATE calls a UART."""
        if self.multiplexing and self.environment.behaviour.port_names == "cmux":
            return f"cmux{uart + 1}"
        return "uart1"

    def spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """See `SocketHost.spawn`."""
        task = self.environment.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # Contexts

    def activate(self, context: PdpContext, uart: int, done: Callable[[Code], None]) -> None:
        """Carry out AT+QIACT; a context that a data call has is not the stack's.

        Args:
            context: which.
            uart: where it was typed.
            done: called with how it went.
        """

        def told(code: Code) -> None:
            if code is not Code.DONE and not context.active:
                self.history.cause = REFUSED
            done(code)

        if self.data_calls.uses(context.number):
            done(Code.NOT_ACTIVATED)
        else:
            context.activate(uart, told)

    def _active_beside(self, context: PdpContext) -> int:
        return sum(other.occupied for other in self.contexts.values() if other is not context)

    def _start_bearer(self) -> None:
        if self.environment.behaviour.default_bearer:
            self.contexts[1].be_active()

    def deactivate(self, context: PdpContext) -> None:
        """Carry out AT+QIDEACT: the sockets of the context are gone, without a line for each."""
        for socket in self.sockets.of_context(context.number):
            self.sockets.end(socket)
            if self.environment.behaviour.qideact_closed:
                self.announce(socket.uart, f'+QIURC: "closed",{socket.number}')
        context.deactivate()

    def drop_contexts(self) -> None:
        """See `Modem.drop_contexts`: each active one tells of it once, and wants AT+QIDEACT."""
        for number in self.contexts:
            self.data_calls.drop(number)
            self.drop_context(number)

    def drop_context(self, number: int) -> None:
        """End a context of the stack, if it is active, from the network's side or by AT+CGACT."""
        context = self.contexts[number]
        if context.drop():
            self.history.cause = DROPPED
            self.announce(context.uart, f'+QIURC: "pdpdeact",{number}')
            for socket in self.sockets.of_context(number):
                socket.suspend()

    # Sockets: see `TableHost`

    def announce(self, opener: int, text: str) -> None:
        """See `SocketHost.announce`."""
        self.outlets.announce(opener, text)

    def refuse_id(self, opening: Opening) -> None:
        """Tell, behind OK, that the connectID of a socket to be opened is in use."""
        self.went(opening.uart, Code.ID_IN_USE)

        async def tell() -> None:
            await self.environment.sleep(self.environment.behaviour.result_time)
            self.announce(opening.uart, f"+QIOPEN: {opening.number},{int(Code.ID_IN_USE)}")

        self.spawn(tell())

    def when_opened(self, socket: ModuleSocket, tell: Callable[[Code], None]) -> None:
        """Let a command that waits for a socket end in another way than by ``+QIOPEN``."""
        self._waiting[socket] = tell

    def opened(self, socket: ModuleSocket, code: Code) -> None:
        """See `SocketHost.opened`."""
        tell = self._waiting.pop(socket, None)
        if code is not Code.DONE:
            self.went(socket.uart, code)
            if socket.mode is AccessMode.TRANSPARENT or self.environment.behaviour.failed_open == "free":
                self.sockets.end(socket)
        if tell is not None:
            tell(code)
        elif socket.kind is Kind.INCOMING:
            address, port = socket.remote
            self.announce(socket.uart, f'+QIURC: "incoming",{socket.number},{socket.server},"{address}",{port}')
        else:
            self.announce(socket.uart, f"+QIOPEN: {socket.number},{int(code)}")

    def changed(self, socket: ModuleSocket) -> None:
        """See `SocketHost.changed`: the UARTs that show it, and the one in data mode on it, go on."""
        for number, left in enumerate(self._joined):
            if left is socket and not left.connected and self.uarts[number].stream is None:
                self._joined[number] = None
                self.uarts[number].carrier.lost()
        for uart in self._in_data_mode(socket) or [self.uarts[number] for number in self.outlets.of(socket.uart)]:
            uart.writable()

    def _in_data_mode(self, socket: object) -> list[Uart]:
        return [uart for uart in self.uarts if uart.stream is socket]

    def removed(self, socket: ModuleSocket) -> None:
        """See `TableHost.removed`; a command that waits for it fails."""
        tell = self._waiting.pop(socket, None)
        if tell is not None:
            tell(Code.CLOSED)
        self.history.removed(socket)
        self.changed(socket)

    def in_data_mode(self, socket: ModuleSocket) -> bool:
        """See `TableHost.in_data_mode`."""
        return bool(self._in_data_mode(socket))

    def go_online(self, uart: int, connection: Connection) -> Online:
        """Return how a UART is joined to a connection in data mode, which ATO will go back to.

        Args:
            uart: which.
            connection: one that is connected, and that no UART is in data mode on.
        """
        self._joined[uart] = connection
        return connection.go_online()

    # Output

    def next_output(self, uart: int) -> Urc | Delivery | None:
        """Return what a UART writes next: lines that wait for it, then what sockets have, which take turns."""
        if (item := self.outlets.take(uart)) is not None:
            return item
        sockets = list(self.sockets)
        self._turn += 1
        for step in range(len(sockets)):
            socket = sockets[(self._turn + step) % len(sockets)]
            numbers = self.outlets.of(socket.uart)
            if socket.uart in numbers and not self.outlets.room(socket.uart):
                continue  # the one that has opened it misses nothing: the peer waits as long as it does
            if uart in numbers and (taken := socket.take()) is not None:
                self.outlets.copy(socket.uart, taken, [number for number in numbers if number != uart])
                return taken
        return None

    def forget_urcs(self, uart: int) -> int:
        """See `UartHost.forget_urcs`."""
        return self.outlets.forget(uart)

    def online(self, uart: int) -> Online | None:
        """See `UartHost.online`: its data call, or the connection that it was last in data mode on."""
        if (call := self.data_calls.online(uart)) is not None:
            return call
        connection = self._joined[uart]
        if connection is None or not connection.connected or self.in_data_mode(connection):
            return None
        return self.go_online(uart, connection)

    def forget_stream(self, stream: DataStream) -> None:
        """See `UartHost.forget_stream`."""
        self.data_calls.forget(stream)
        self._joined = [None if joined is stream else joined for joined in self._joined]

    def hang_up(self, uart: int) -> None:
        """See `UartHost.hang_up`."""
        stream = self.uarts[uart].stream
        if not self.end_call(uart) and isinstance(stream, DataSocket):
            stream.hang_up()

    def break_sessions(self) -> None:
        """See `Modem.break_sessions`."""
        for socket in self.sockets:
            socket.break_off()

    def refuse_client(self) -> None:
        """See `Modem.refuse_client`: the line is that of the first listener."""
        listener = next((socket for socket in self.sockets if socket.kind is Kind.LISTENER), None)
        if listener is None:
            raise ValueError("nothing listens")
        self.announce(listener.uart, INCOMING_FULL)

    # The network, the power and the line

    def disconnected(self, uart: int) -> None:
        """See `Modem.disconnected`; a connection in data mode there stays, in buffered mode."""
        stream = self.uarts[uart].stream
        super().disconnected(uart)
        if isinstance(stream, DataSocket) and self.environment.behaviour.disc_in_data_mode == "closes":
            stream.hang_up()
        if self.environment.behaviour.disc_sockets == "close":
            self._end([socket for socket in self.sockets if socket.uart == uart])

    def reset_uarts(self) -> None:
        """See `Modem.reset_uarts`; the virtual UARTs begin as the line was, where they inherit that."""
        typed = self.uarts[0].settings
        super().reset_uarts()
        if self.multiplexing and self.environment.behaviour.cmux_settings == "inherited":
            for uart in self.uarts:
                uart.settings = typed.copy()
        if self.multiplexing and self.environment.behaviour.cmux_sockets == "close":
            self._end(self.sockets)

    def left_multiplexer(self) -> None:
        """See `Modem.left_multiplexer`."""
        super().left_multiplexer()
        if self.environment.behaviour.cmux_sockets == "close":
            self._end(self.sockets)

    def _end(self, sockets: Iterable[ModuleSocket]) -> None:
        for socket in sockets:
            self.sockets.end(socket)

    def set_network(self, network: Network) -> None:
        """Change the network; see `Modem.set_network`."""
        super().set_network(network)
        for socket in self.sockets:
            socket.network_changed()

    def power_down(self) -> None:
        """See `Modem.power_down`: no socket and no active context is left."""
        for uart in self.uarts:
            uart.power_down()  # no command hears of what follows
            if isinstance(uart.stream, DataSocket):
                uart.carrier.lost()
        for task in self._tasks:
            task.cancel()
        self._waiting.clear()
        for socket in self.sockets:
            if isinstance(socket, DataSocket):
                socket.final = None  # nothing is said
            self.sockets.end(socket)
        for context in self.contexts.values():
            context.reset()
        self.configuration.reset()
        self.outlets.clear()
        self._joined = [None] * UARTS
        self._sending = _Sending()
        self._errors = [Code.DONE] * UARTS
        super().power_down()
        self.history.power_up(self.kept.get(COUNTERS, "0,0"))

    def restart(self) -> None:
        """See `Modem.restart`."""
        super().restart()
        self._start_bearer()
