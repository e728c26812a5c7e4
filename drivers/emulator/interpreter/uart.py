"""One UART as an AT interpreter: the physical one before AT+CMUX, a virtual one after it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from .commandline import BadLine, parse
from .data_mode import DataMode, Mode
from .entry import Entry, MessageEntry
from .host import UartHost
from .output import Delivery
from .replies import ERROR, Reply, Result
from .transmitter import TX_HIGH, Outlet
from .uart_settings import SendSettings, UartSettings

log: logging.Logger = logging.getLogger(__name__)


class Uart(DataMode):
    """Interprets the AT commands of one UART.

    Tests and fault injection may override `line`, `result` and `payload`: all that it writes passes through them.

    Args:
        modem: the module that it belongs to.
        number: 0 to 3 for VIRTUAL_UART_1 to 4.
    """

    mode: Mode

    def __init__(self, modem: UartHost, number: int) -> None:
        super().__init__(modem, number)
        self.factory: UartSettings = UartSettings()  # AT&F
        self.stored: UartSettings = UartSettings()  # AT&W
        self._running = False
        self._entry: Entry | None = None
        self._entered: Callable[[Entry], None] | None = None

    def __repr__(self) -> str:
        state = "attached" if self.attached else "detached"
        return f"<{type(self).__name__} {self.number} {state}: {self.mode.value}>"

    def leave_factory(self, settings: UartSettings) -> None:
        """Have settings from now on, for AT&F and as those that are stored.

        Args:
            settings: of a UART that has left the factory.
        """
        self.factory, self.stored, self.settings = settings, settings.copy(), settings.copy()

    @property
    def hears(self) -> bool:
        """Whether unsolicited lines go here which no command here has asked for."""
        return self.modem.hears(self.number)

    @property
    def in_data_mode(self) -> bool:
        """Whether it carries data and no lines."""
        return self.mode is Mode.DATA

    # The line

    def attach(self, outlet: Outlet) -> None:
        """Connect an outlet, and write what waits.

        Args:
            outlet: takes what the UART writes.
        """
        self.detach()
        self._outlet = outlet
        self.carrier.show()
        self.pump()

    def detach(self) -> None:
        """Disconnect the outlet, and forget what was half typed or half written."""
        self._send_collected()
        self._outlet = None
        self._tx.clear()
        self._rx.clear()
        self._lines.reset()
        self._typing.end()
        self._commands.clear()
        self._call = self._abort = None
        self._entry = None
        self._entered = None
        self._leave_data_mode()
        self.modem.end_call(self.number)
        self.carrier.forget()
        self.unacknowledged()

    def power_down(self) -> None:
        """Forget the command that is under way, its prompt and what stands behind it; what is typed meanwhile waits."""
        self._commands.clear()
        if self.mode not in (Mode.BUSY, Mode.ENTRY):
            return
        self._call = self._abort = None
        self._entry = None
        self._entered = None
        self.mode = Mode.COMMAND
        if self._rx:
            self.modem.environment.loop.call_soon(self.writable)

    def take_over(self) -> tuple[bytes, bytes]:
        """Detach so that something else can use the line; return the octets not sent yet and those not read yet."""
        self._send_collected()
        tx, rx = bytes(self._tx), bytes(self._rx)
        self.detach()
        return tx, rx

    def feed(self, data: bytes) -> None:
        """Take octets from the line.

        Args:
            data: the octets, in any portions.
        """
        if self.dead:
            self._rx.lost += len(data)
        elif self._rx.add(data):
            self.modem.octets(self.number, "received", data)
            self._run(typed=True)

    def _sent(self, data: bytes) -> None:
        self.modem.octets(self.number, "sent", data)

    def writable(self) -> None:
        """Write more of what waits: the line has room."""
        self._flush()
        self._run()

    # What waits to be written

    def announce(self, text: str | Result) -> None:
        """Write an unsolicited line, or a result code, as soon as no command and no prompt is open.

        Args:
            text: the line without CR LF, or the result code.
        """
        if self._outlet is None:
            self._dropped(1)
            return
        self._keep(text)
        self.pump()

    def pump(self) -> None:
        """Write what waits: unsolicited lines and received data."""
        if self._outlet is None:
            if self.modem.environment.behaviour.unheard_lines == "dropped":
                self._dropped(self.modem.forget_urcs(self.number))
            return
        while self._outlet is not None and len(self._tx) <= TX_HIGH:
            if self.mode is Mode.DATA:
                if not self._pump_stream():
                    return
            elif self._held():
                return
            elif self._waiting:
                self.item(self._waiting.popleft())
            elif not self._pump_output():
                return

    def pump_now(self) -> None:
        """Write what the TCP/IP stack has, although a command runs."""
        while self._outlet is not None and self._pump_output():
            pass

    def _held(self) -> bool:
        """Return whether lines and data are held: while a command runs, at a prompt, and while a line is typed."""
        if self.mode is Mode.COMMAND:
            return bool(self._typing)
        return not self.modem.environment.behaviour.interleave

    def _pump_output(self) -> bool:
        item = self.modem.next_output(self.number)
        if item is None:
            return False
        if isinstance(item, Delivery):
            with self._together():
                if item.header:
                    self._write(item.header)
                self.payload(item.payload)
            return True
        self.line(item.text)
        if item.online is not None and (online := item.online()) is not None:
            self._enter_data_mode(online)
        return True

    # Input

    def _run(self, *, typed: bool = False) -> None:
        if self._running:
            return
        self._running = True
        try:
            while self._rx and len(self._tx) <= TX_HIGH and self._step():
                pass
        finally:
            self._running = False
        if not self._lines.begun:
            self._typing.end()
        elif typed:
            self._typing.begin()
        if self._outlet is not None:
            self._rx.throttle(self._outlet)
        self.pump()

    def _step(self) -> bool:
        """Take some of the input; return False when nothing can be taken now."""
        if self.mode is Mode.COMMAND:
            self._take_line()
            return True
        if self.mode is Mode.ENTRY:
            self._take_entry()
            return True
        if self.mode is Mode.DATA:
            return self._take_stream()
        return self._take_abort()

    # Command lines

    def _take_line(self) -> None:
        step = self._lines.feed(self._rx.head())
        self._rx.remove(step.taken)
        if self.settings.echo:
            self._write(step.echo)
        if step.ended:
            self._typing.end()
            if step.too_long:
                self.reply(ERROR)
            elif step.line is not None:
                self._execute(step.line)
                self.modem.line_received(self.number)
            self.pump()

    def _execute(self, line: str) -> None:
        try:
            self._commands = deque(parse(line))
        except BadLine:  # which may repeat a part of a PIN
            log.debug("uart %d: a line of %d characters is no sequence of commands", self.number + 1, len(line))
            self.reply(ERROR)
            return
        if not self._commands:
            self.result(Result.OK)
            return
        self._next()

    def _next(self) -> None:
        """Execute the commands left of the line until one has to wait."""
        with self._together():
            self._execute_rest()

    def _execute_rest(self) -> None:
        while self._commands:
            call = self.modem.begin(self.number, self._commands.popleft())
            self._call = call
            self.mode = Mode.BUSY
            reply = call.run()
            if reply is None:
                return  # `finish` goes on
            if self._call is not call:
                return  # the UART was reset by its own command
            self._end(reply)

    def abortable(self, abort: Callable[[], object]) -> None:
        """Let any character abort the command that is running (V.250 §5.6).

        Args:
            abort: ends the command; it is called once.
        """
        self._abort = abort

    def _take_abort(self) -> bool:
        """Abort the command that is running if it can be aborted; the character is gone. A LF may end its line."""
        if self._abort is None:
            return False
        if self._skip_lf():
            return True
        character = self._rx.head()[:1]
        self._rx.remove(1)
        if character != b"\n":
            abort, self._abort = self._abort, None
            abort()
        return True

    def _end(self, reply: Reply) -> None:
        self._call = self._abort = None
        self.mode = Mode.COMMAND
        if reply.failed:
            self._commands.clear()
            self.reply(reply)
        elif reply.result is not Result.OK or not self._commands:
            self.reply(reply)
        elif reply.text is not None:
            self.line(reply.text)

    def finish(self, call: object, reply: Reply) -> None:
        """End a command that could not be answered at once.

        Args:
            call: the command, as its handler got it.
            reply: how it ends.
        """
        if self._call is not call:
            return
        self._end(reply)
        self._next()
        self._run()

    # Data at the prompt

    @property
    def sending(self) -> SendSettings:
        """How data is asked for at a prompt here."""
        return self.modem.sending(self.number)

    def prompt(self, entry: Entry, entered: Callable[[Entry], None]) -> None:
        """Take what comes next as data.

        Args:
            entry: where it goes.
            entered: called when the entry is finished; it must `finish` the command.
        """
        if isinstance(entry, MessageEntry):
            self._write(entry.PROMPT)
        elif self.sending.prompt in (1, 3):
            blank = " " if self.modem.environment.behaviour.prompt_blank else ""
            self._write((f"\r\n>{blank}" if self.settings.verbose else f">{blank}").encode("ascii"))
        self.mode = Mode.ENTRY
        self._entry = entry
        self._entered = entered

    def entry_ended(self, entry: Entry) -> None:
        """Go on with an entry that a timer has ended.

        Args:
            entry: the entry.
        """
        if self._entry is entry:
            self._complete_entry(entry)
            self._run()

    def _take_entry(self) -> None:
        if self._skip_lf():
            return
        entry = self._entry
        if entry is None:
            raise RuntimeError("a prompt without an entry")
        head = self._rx.head()
        taken, data = entry.feed(head)
        if shown := entry.shown(head[:data], echo=self._echoes(entry)):
            self._write(shown)
        self._rx.remove(taken)
        if entry.finished:
            self._complete_entry(entry)

    def _echoes(self, entry: Entry) -> bool:
        if isinstance(entry, MessageEntry):
            return self.settings.echo
        with_ate = self.modem.environment.behaviour.payload_echo == "ate"
        return bool(self.sending.sde) and (self.settings.echo or not with_ate)

    def _complete_entry(self, entry: Entry) -> None:
        entered = self._entered
        self._entry = None
        self._entered = None
        self.mode = Mode.BUSY
        if entered is not None:
            entered(entry)
