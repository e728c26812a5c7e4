"""Data mode of a UART: how it begins and ends, and what the host's DTR does to it (V.250 §6.2.9, §6.3.7)."""

from __future__ import annotations

import abc
import enum
from collections import deque
from collections.abc import Callable

from .bytestream import Bytestream, DataStream, Online
from .carrier import Carrier
from .commandline import Command
from .host import Execution, UartHost
from .input_buffer import Hold, InputBuffer
from .lines import LineAssembler
from .replies import Result
from .transmitter import Transmitter

_TYPING_HOLD = 1.0  # seconds that a line begun and not ended keeps unsolicited lines back
_WAITING = 64  # unsolicited lines that wait for command mode


class Mode(enum.Enum):
    """What the received octets are."""

    COMMAND = "command lines"
    BUSY = "held, a command is running"
    ENTRY = "data at a prompt"
    DATA = "data of a session"


class DataMode(Transmitter, abc.ABC):
    """Joins a UART to sessions and data calls.

    Args:
        modem: the module that it belongs to.
        number: 0 to 3 for VIRTUAL_UART_1 to 4.
    """

    def __init__(self, modem: UartHost, number: int) -> None:
        super().__init__()
        self.modem: UartHost = modem
        self.number: int = number
        self.mode: Mode = Mode.COMMAND
        self.carrier: Carrier = Carrier(modem.environment.behaviour, self)
        self._rx = InputBuffer()
        self.dropped_lines: int = 0  # unsolicited lines that came while nobody was attached, or made room for others
        self._waiting: deque[str | Result] = deque(maxlen=_WAITING)
        self._typing = Hold(modem.environment, _TYPING_HOLD, self.pump)
        self._stream: Bytestream | None = None
        self._left: list[Bytestream] = []  # by the escape; what one has not sent yet comes first after ATO
        self._lines = LineAssembler(modem.longest_line)
        self._dtr = True
        self._commands: deque[Command] = deque()
        self._call: Execution | None = None
        self._abort: Callable[[], object] | None = None

    @abc.abstractmethod
    def pump(self) -> None:
        """Write what waits: unsolicited lines and received data."""

    @abc.abstractmethod
    def writable(self) -> None:
        """Write more of what waits: the line has room."""

    @abc.abstractmethod
    def _run(self, *, typed: bool = False) -> None:
        """Take what has come from the line, as far as that is possible now."""

    @property
    def stream(self) -> DataStream | None:
        """What it is joined to in data mode; None in command mode."""
        return None if self._stream is None else self._stream.stream

    @property
    def spare_lines(self) -> int:
        """How many more unsolicited lines can wait."""
        return _WAITING - len(self._waiting)

    def _keep(self, item: str | Result, *, first: bool = False) -> None:
        """Let a line wait, before or behind the others; one at the other end makes room, and is counted."""
        self._dropped(int(not self.spare_lines))
        if first:
            self._waiting.appendleft(item)
        else:
            self._waiting.append(item)

    def _dropped(self, lines: int) -> None:
        """Count lines that nobody gets."""
        self.dropped_lines += lines

    def _skip_lf(self) -> bool:
        """Drop the LF of a command line that ended with CR LF and brought a prompt or data mode."""
        skipped = self._lines.skips_lf(self._rx.head()[:1])
        self._rx.remove(int(skipped))
        return skipped

    def dtr(self, on: bool) -> None:
        """Take the state of the host's DTR line: a drop leaves data mode as AT&D says.

        Args:
            on: whether it is on.
        """
        dropped = self._dtr and not on
        self._dtr = on
        if not dropped or not self.settings.dtr:
            return
        if self._stream is None:  # V.250 §6.2.9: AT&D2 also ends a call that has been left with +++
            if self.settings.dtr == 2 and self.modem.end_call(self.number):
                self.carrier.lost()
                self._keep(Result.NO_CARRIER)
                self.pump()
            return
        stream = self._stream.stream
        if self.settings.dtr == 2:
            self.modem.hang_up(self.number)
        if stream.final is None or stream.connected:
            self._escaped()
        elif self._stream is not None:
            self._call_over(stream)
            self._run()

    def _enter_data_mode(self, online: Online) -> None:
        self._lines.clear()
        self._typing.end()
        self.mode = Mode.DATA
        left = next((one for one in self._left if one.stream is online.stream), None)
        if left is None:
            self._stream = Bytestream(self.modem.environment, online, self._escaped, self._run)
        else:
            self._left.remove(left)
            self._stream = left
            left.resume(online)

    def resume_data_mode(self) -> bool:
        """Carry out ATO; return False when there is no session to go back to."""
        online = self.modem.online(self.number)
        if online is None:
            return False
        return self.connect(self._call, online)

    def connect(self, call: object, online: Online) -> bool:
        """End a command by CONNECT, with the carrier on before it, and enter data mode.

        Args:
            call: the command; nothing happens, and False is returned, when the UART has been reset meanwhile.
            online: what the UART is joined to.

        Returns:
            Whether it was done.
        """
        if call is None or self._call is not call:
            return False
        self._call = self._abort = None
        self._commands.clear()
        if online.stream.final is not None:
            self.carrier.found()
        rate = self.modem.environment.behaviour.connect_rate if online.rated else "none"
        self.result(Result.CONNECT, "" if rate == "none" else rate)
        self._enter_data_mode(online)
        self._run()
        return True

    def changed(self, stream: DataStream) -> None:
        """Called when a data call has octets, room, or has ended.

        Args:
            stream: the data call.
        """
        if stream.connected or (self._stream is not None and self._stream.stream is stream):
            self.writable()
        else:  # it had been left with +++
            self._call_over(stream)

    def _escaped(self) -> None:
        self._leave_data_mode()
        self._lines.reset()
        self.result(Result.OK)
        self._run()

    def _leave_data_mode(self) -> None:
        if self._stream is not None:
            self._stream.stop()
            self._left = [*(one for one in self._left if one.stream.connected), self._stream]
            self._stream = None
        self.mode = Mode.COMMAND

    def _take_stream(self) -> bool:
        if self._stream is None or self._skip_lf():
            return self._stream is not None
        taken = self._stream.feed(self._rx.head())
        self._rx.remove(taken)
        return taken > 0

    def _pump_stream(self) -> bool:
        if self._stream is None:
            return False
        stream = self._stream.stream
        if data := stream.take_raw():
            self.payload(data)
            return True
        if not stream.connected:
            # The rest of the output of a session is the CLOSED line, which is written in command mode.
            self._call_over(stream)
            return True
        return False

    def _call_over(self, stream: DataStream) -> None:
        """Go back to command mode from a stream that has ended, and tell of the end of a data call."""
        if self._stream is not None and self._stream.stream is stream:
            self._leave_data_mode()
            self._lines.reset()
        self._left = [one for one in self._left if one.stream is not stream]
        self.modem.forget_stream(stream)
        if stream.final is not None:
            self.carrier.lost()
            self._keep(stream.final, first=True)  # before the lines that were held during the call
            self.pump()
