"""What a module of the family is besides its TCP/IP stack: its start, its registration, its line, who hears of what."""

from __future__ import annotations

from typing import ClassVar, Final, NamedTuple

from ..environment import Environment, Network, Sim
from ..interpreter.uart import Uart
from ..interpreter.uart_settings import UartSettings
from ..modem import Modem

URC_PORT: Final = "cmux/urcport"
"""The setting of AT+QCFG that chooses the virtual UART for lines that belong to none."""
MODULE_PORT: Final = "QURCCFG"
"""The port of the module for such lines, in `Modem.kept`."""
COUNTERS: Final = "QGDCNT"
"""The saved counters of octets, in `Modem.kept`."""
_LOCK: Final = "CLCK"  # in `Modem.kept`
TRACKING_AREA: Final = "1806"
CELL: Final = "01A2D101"
"""Where it is, in hexadecimal digits."""
NUMBERS: Final = {"QSCLK": 0, "CTZU": 0, "CTZR": 0, "QSIMSTAT": 0, "QGPS": 0, "CGEREP": 0, "CPSMS": 0}
"""What the settings are at power-up that are one number of the whole module."""
POWERED_DOWN: Final = "POWERED DOWN"

_THIS_LINE = ("uart1", "all")  # of AT+QURCCFG


class Access(NamedTuple):
    """The access technology of a model's network, in the words of four commands."""

    number: int
    """In CREG and COPS (27.007 §7.3)."""
    signal: str
    """In QCSQ."""
    name: str
    """In QNWINFO."""
    cell: str
    """In QENG."""


_LTE = Access(7, "LTE", "FDD LTE", "LTE")
_ACCESS = {"bg96": Access(8, "CAT-M1", "CAT-M1", "CAT-M")}
_SAYS_READY = ("bg96",)  # APP RDY


class Surroundings(Modem):
    """Adds what every module of the family has around its contexts and sockets."""

    FACTORY: ClassVar[UartSettings] = UartSettings(
        dtr=1, registers={0: 0, 3: 13, 4: 10, 5: 8, 6: 2, 7: 0, 8: 2, 10: 15}
    )
    PACKET_TYPES: ClassVar[tuple[str, ...]] = ("IP", "IPV6", "IPV4V6")
    REGISTRATIONS: ClassVar[tuple[str, ...]] = ("CREG", "CGREG", "CEREG")
    RATES: ClassVar[tuple[int, ...]] = (9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
    RATE: ClassVar[int] = 115200
    FLOWS: ClassVar[tuple[int, ...]] = (0, 2)
    GUARD: ClassVar[float] = 1.0

    def __init__(self, environment: Environment, *, uart_class: type[Uart] = Uart) -> None:
        super().__init__(environment, uart_class=uart_class, numbers=NUMBERS)
        self._ended: list[str] = []
        self._note_lock(environment.network)

    @property
    def access(self) -> Access:
        """What its network is."""
        return _ACCESS.get(self.environment.model.name, _LTE)

    def place(self, registration: str) -> str:
        """See `Modem.place`: area, cell, and the access technology."""
        return f',"{TRACKING_AREA}","{CELL}",{self.access.number}'

    def hears(self, uart: int) -> bool:
        """See `UartHost.hears`: AT+QURCCFG chooses the line, AT+QCFG="cmux/urcport" one of its virtual UARTs or all."""
        behaviour = self.environment.behaviour
        if self.kept.get(MODULE_PORT, behaviour.urc_port) not in _THIS_LINE:
            return False
        if self.uarts[uart].in_data_mode and behaviour.urc_in_data_mode == "dropped":
            return False
        return not self.multiplexing or self.kept.get(URC_PORT, "0") in ("0", str(uart + 1))

    # The lock of the SIM

    @property
    def sim_locked(self) -> bool:
        """Whether the SIM asks for its PIN whenever it gets power."""
        return _LOCK in self.kept

    @sim_locked.setter
    def sim_locked(self, locked: bool) -> None:
        if locked:
            self.kept[_LOCK] = "1"
        else:
            self.kept.pop(_LOCK, None)

    def _note_lock(self, network: Network) -> None:
        if network.sim in (Sim.PIN, Sim.PUK):
            self.sim_locked = True

    def set_network(self, network: Network) -> None:
        """See `Modem.set_network`; a SIM that asks for its PIN now does so at the next start, too."""
        super().set_network(network)
        self._note_lock(network)

    # The power

    def sim_lines(self) -> list[str]:
        """See `Modem.sim_lines`; behind those of a SIM that is ready, what is read from it is ready, too."""
        lines = super().sim_lines()
        if self.environment.network.sim is not Sim.READY:
            return lines
        if self.environment.behaviour.qusim_line:
            lines.append("+QUSIM: 1")
        return [*lines, "+QIND: SMS DONE", "+QIND: PB DONE"]

    def tell_sim(self) -> None:
        """See `Modem.tell_sim`: on each UART that hears of it."""
        for uart in self.uarts:
            if uart.attached and uart.hears:
                self.announce_sim(uart)

    def boot_lines(self) -> list[str]:
        """See `Modem.boot_lines`."""
        ready = ["APP RDY"] if self.environment.model.name in _SAYS_READY else []
        return [*self._ended, *super().boot_lines(), *ready]

    def active_contexts(self) -> list[int]:
        """Return the numbers of the contexts that are active."""
        return []

    def restart(self) -> None:
        """See `Modem.restart`; a locked SIM asks for its PIN, and some modules tell which contexts have ended."""
        if self.sim_locked and self.environment.network.sim is Sim.READY:
            self.environment.network.sim = Sim.PIN
        tells = self.environment.behaviour.pdpdeact_at_reset
        self._ended = [f'+QIURC: "pdpdeact",{number}' for number in self.active_contexts()] if tells else []
        super().restart()

    def goes_down(self, uart: Uart) -> None:
        """See `Modem.goes_down`."""
        uart.line(POWERED_DOWN)
