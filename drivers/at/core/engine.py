"""The AT engine without I/O: octets and ``now`` in, octets out; one command in flight; unsolicited results to sinks."""

from __future__ import annotations

from collections import Counter

from cmux.masking import masked

from ...errors import AnswerLost, AtError, AtTimeout, ChannelClosed, ModuleRestarted
from .calls import Calls, connects
from .departure import STUCK, Departure
from .dialogue import Kind, Response, Step
from .lexer import Data, Echoed, Framing, Lexer, Line, Payload, Prompt, Token
from .patterns import LinePattern, any_match
from .results import CALL_RESULTS, ERRORS, RESTARTED, error_for, is_error
from .sink import Sink
from .texts import Text

ECHO_ON, ECHO_OFF = "ATE1", "ATE0"
HOLD, MAX_INFO, MAX_HEARD = 0.2, 512, 8
_UNHEARD = "is the module powered, in AT command mode and at this baud rate?"
_DEAD = "does DLCI {} take AT commands? where others answer, it is dead, and a restart of the module brings it back"
_UNKNOWN = "is that the answer, of a module that does not have this command?"
GRACE = 2.0
"""Seconds in which a command in flight has to be answered after a line that makes that unlikely."""


class Engine:
    """Runs the steps of dialogues on one port, and passes everything else that it receives to sinks.

    Args:
        name: the name of the port in messages.
        hold: seconds after which a possible start of a line inside bare data is treated as data.
    """

    def __init__(self, name: str = "port", *, hold: float = HOLD) -> None:
        self.name = name
        self.dlci: int | None = None
        """The DLCI of the port, where it has one."""
        self.lexer: Lexer = Lexer()
        self.counters: Counter[str] = Counter()
        """``unclaimed`` and ``stale`` lines, ``unclaimed_octets`` of data."""
        self.prepared: bool = False
        """Whether the module's echo is off; the next turn turns it off if it is not."""
        self.in_doubt: bool = False
        """Whether an answer may still come to a command that no longer waits for it."""
        self.failure: ChannelClosed | None = None
        """Why the line cannot be used any more; None while it can."""
        self.departure: Departure = Departure()
        """Whether the octets that were written have left the port."""
        self._hold = hold
        self._sinks: list[Sink] = []
        self._hold_until: float | None = None
        self._step: Step | None = None
        self._unsent = b""
        self._deadline: float | None = None
        self._until: float | None = None
        self._began = self._now = 0.0
        self._lines: list[str] = []
        self.heard: list[str] = []
        """The first lines that came since the last step began."""
        self.calls: Calls = Calls()
        self._text = Text()
        self._lost_by = self._ended_by = ""
        self._echoed = False
        self._reply: Response | AtError | None = None

    # -- sinks ---------------------------------------------------------------------------------------------------

    def add_sink(self, sink: Sink) -> None:
        """Add a sink for unsolicited results and data; sinks are asked in the order in which they were added."""
        if sink not in self._sinks:
            self._sinks.append(sink)

    def remove_sink(self, sink: Sink) -> None:
        """Remove a sink."""
        if sink in self._sinks:
            self._sinks.remove(sink)

    # -- calls of the runner -------------------------------------------------------------------------------------

    def arm(self, step: Step, until: float | None = None) -> None:
        """Start a step, which ends at a time in any case."""
        if self._step is not None:
            raise AtError(f"{self.name}: {step.told} cannot begin while {self._step.told} is in flight")
        if step.kind is Kind.COMMAND and self._framing().online:
            raise AtError(f"{self.name}: {step.told} cannot be sent: the UART is in data mode; leave it with escape()")
        self._step, self._unsent, self._deadline, self._until = step, step.write, None, until
        self._lines.clear()
        self.heard.clear()
        self._echoed = False
        self._text = Text(step.shown if step.kind is Kind.COMMAND else "")
        self._lost_by = self._ended_by = ""
        self._reply = self.failure
        self.lexer.prompt = step.prompt
        if step.payload_echo:
            self.lexer.expect_echo(step.payload_echo, tell=step.until_echoed)
        if step.kind is Kind.COMMAND and step.shown == ECHO_ON:
            self.prepared = False

    @property
    def congested(self) -> bool:
        """Whether a sink is full."""
        return any(sink.congested for sink in self._sinks)

    @property
    def waiting(self) -> bool:
        """Whether a step is in flight and has not ended."""
        return self._step is not None and self._reply is None

    @property
    def streaming(self) -> bool:
        """Whether octets are being written for which no answer comes, so that a part of them may go out."""
        step = self._step
        return step is not None and step.kind is Kind.PAUSE and not step.whole

    def reply(self) -> Response | AtError | None:
        """Return the result of the step and clear it, or None while the step is in flight."""
        if (reply := self._reply) is not None:
            self._disarm()
        return reply

    def give_up(self) -> Step | None:
        """End the step in flight without an answer, and return it."""
        step = self._step
        if step is not None:
            self.in_doubt |= self._reply is None and step.kind is not Kind.PAUSE
            self._disarm()
        return step

    def data_to_send(self) -> bytes:
        """Return the octets of the step in flight that have not been written; `sent` confirms them."""
        return self._unsent if self._reply is None else b""

    def sent(self, now: float, begun: float | None = None, rate: float | None = None) -> None:
        """Note that the octets of `data_to_send` have been written: the timeout of the step starts, unless it drains.

        Args:
            now: the caller's clock in seconds.
            begun: when writing began; a pause counts from there, because the module may have had the octets since.
            rate: bits per second of the line, if the port knows it.
        """
        step, count, self._unsent = self._step, len(self._unsent), b""
        if step is None:
            return
        if count:
            self.departure.wrote(count, now if begun is None else begun, step.rate or rate)
        if step.drained:
            self.departure.begin(now)
        else:
            since = begun if step.kind is Kind.PAUSE and begun is not None else now
            self._began, self._deadline = now, self._no_later(since + step.timeout)
        if self._ended_by and self._reply is None:
            self._end(self._response(self._ended_by))

    def look_due(self, now: float) -> bool:
        """Whether the port is to be looked at: the step waits until everything that was written has left."""
        due = self.departure.next_look
        return due is not None and now >= due and self._reply is None

    def look(self, waiting: int, arrived: bool | None, now: float) -> None:
        """Note how far the octets have come that were written; see `Departure.look`."""
        step, departure = self._step, self.departure
        if step is None or departure.next_look is None or self._reply is not None:
            return
        if departure.look(waiting, arrived, now):
            self._began, self._deadline = now, self._no_later(now + step.timeout)
        elif departure.stuck(now):
            self._reply = AtTimeout(
                f"{self.name}: {waiting} octets have been waiting in the port, and none left it for {STUCK:g} s; does "
                "flow control hold the line?",
                command=step.told,
            )

    def _no_later(self, due: float) -> float:
        return due if self._until is None else min(due, self._until)

    def receive(self, octets: bytes, now: float) -> None:
        """Process octets from the line."""
        self.lexer.feed(octets)
        self._hold_until = None
        if self._step is not None and self._step.kind is Kind.PAUSE:
            self._end_when_due(self._step, now)  # it may be over without a timeout having been handled yet
        self.process(now)

    def process(self, now: float) -> None:
        """Process the octets received so far, up to the end of the step; the rest waits for the next step."""
        self._now = now
        while self._reply is None:
            self.lexer.framing = self._framing()
            self.lexer.known = self._known() if self.lexer.looks_for_known else ()
            token = self.lexer.next_token()
            if token is None:
                break
            self._take(token)
        if not self.lexer.held:
            self._hold_until = None
        elif self._hold_until is None:
            self._hold_until = now + self._hold

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due, on the caller's clock."""
        due = [at for at in (self._deadline if self._reply is None else None, self._hold_until) if at is not None]
        return min(due, default=None)

    def next_event(self) -> float | None:
        """Return when `handle_timeout` or `look` is due, for the one who runs the dialogue."""
        look = self.departure.next_look if self._reply is None else None
        return min((at for at in (self.next_timeout(), look) if at is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Do everything that is due at this time."""
        if self._hold_until is not None and now >= self._hold_until:
            self._hold_until = None
            self.lexer.release()
            self.process(now)
        if self._step is not None:
            self._end_when_due(self._step, now)

    def line_lost(self, failure: ChannelClosed) -> None:
        """End the step in flight and all later ones with an exception, because the line is lost."""
        if self.failure is None:
            self.failure = failure
            self._reply = failure if self._step is not None else None
            for sink in list(self._sinks):
                sink.lost(failure)

    # -- tokens --------------------------------------------------------------------------------------------------

    def _framing(self) -> Framing:
        framing = self._text.framing
        for sink in reversed(self._sinks):
            framing = sink.framing | framing
        return framing

    def _known(self) -> tuple[LinePattern, ...]:
        """Return the lines that are not data even while bare data is on."""
        online = self.lexer.framing.online
        sinks = [sink for sink in self._sinks if sink.framing.online or not online]
        known = tuple(pattern for sink in sinks for pattern in sink.lines)
        step = self._step
        if step is not None:
            known += step.success + (step.info or ()) + (ERRORS if step.errors else ())
            known += CALL_RESULTS if step.kind is Kind.COMMAND and connects(step.shown) else ()
        return known

    def _take(self, token: Token) -> None:
        if isinstance(token, Line):
            self._take_line(token.text, spaced=token.spaced)
        elif isinstance(token, Prompt | Echoed):
            self._end(self._response())
        else:
            header = token.header if isinstance(token, Payload) else ""
            self._take_data(header, token.data)

    def _take_data(self, header: str, data: bytes) -> None:
        if any(sink.take_data(header, data) for sink in list(self._sinks)):
            return
        if self._text.counted and header and self._step is not None and self._step.info is None:
            self._keep(header.rstrip("\r\n"))
            self._keep(data.decode("latin-1"))
        else:
            self.counters["unclaimed_octets"] += len(data)

    def _take_line(self, text: str, *, spaced: bool) -> None:
        step = self._step
        if len(self.heard) < MAX_HEARD:
            self.heard.append(masked(text))
        if step is None:
            self.calls.ended_by(text)
            late = self.in_doubt and is_error(text)
            if late or not self._unsolicited(text):
                self.counters["stale" if late else "unclaimed"] += 1
            return
        if step.kind is Kind.COMMAND and text.rstrip("\r") == step.shown and not self._echoed:
            self._echoed = True
        elif step.after_echo and not self._echoed:
            if not self._unsolicited(text):
                self.counters["stale"] += 1
        elif self._text.includes(text, spaced=spaced, final=any_match(step.success, text)):
            self._keep(text)
        elif any_match(step.success, text):
            self._end(self._response(text))
        elif self._fails(step, text):
            self._end(error_for(text, step.after or step.told, self.name))
        elif step.kind is not Kind.PAUSE and any_match(RESTARTED, text):
            self._restarted(step, text)
        elif self.calls.ended_by(text):
            self._unsolicited(text)
        elif any_match(step.lost_on, text):
            self._lose_answer(step, text)
        elif step.info and any_match(step.info, text):
            self._keep(text)
        elif any_match(step.ends_on, text):
            self._unsolicited(text)
            if self._unsent:  # the module has asked for these octets and takes all that comes for them
                self._ended_by = text
            else:
                self._end(self._response(text))
        elif (step.kind is Kind.PAUSE and is_error(text)) or not self._unsolicited(text):
            if step.kind is Kind.COMMAND and step.info is None:
                self._keep(text)
            else:
                self.counters["stale"] += 1

    def _fails(self, step: Step, text: str) -> bool:
        """Tell whether a line ends a step as an error; the end of a call is unsolicited unless the step is about it."""
        if not step.errors:
            return False
        mine = not self.calls.up or (step.kind is Kind.COMMAND and connects(step.shown))
        return is_error(text) or (mine and any_match(CALL_RESULTS, text))

    def _restarted(self, step: Step, text: str) -> None:
        self.calls.ended_by(text)
        self._unsolicited(text)
        self.in_doubt = True  # it may still answer what it got while it was starting
        self._reply = ModuleRestarted(
            f"{self.name}: {self._missing(step)}: the module was reset ({text})", command=step.told, line=text
        )

    def _lose_answer(self, step: Step, text: str) -> None:
        self._unsolicited(text)
        self._lost_by = text
        if step.kind is Kind.EXPECT:
            self._reply = self._answer_lost(step)
        elif self._deadline is not None:
            self._deadline = min(self._deadline, self._now + GRACE)

    def _answer_lost(self, step: Step) -> AnswerLost:
        return AnswerLost(
            f"{self.name}: {self._missing(step)}: {self._lost_by} came", command=step.told, line=self._lost_by
        )

    def _missing(self, step: Step) -> str:
        return f"{step.told} {'did not come' if step.kind is Kind.EXPECT else 'was not answered'}"

    def _unsolicited(self, text: str) -> bool:
        return any(any_match(sink.lines, text) and sink.take_line(text) for sink in list(self._sinks))

    def _keep(self, text: str) -> None:
        if len(self._lines) < MAX_INFO:
            self._lines.append(text)
        else:
            self.counters["stale"] += 1

    # -- the end of a step ---------------------------------------------------------------------------------------

    def _response(self, final: str = "") -> Response:
        return Response(tuple(self._lines), final, 0.0 if self._deadline is None else self._now - self._began)

    def _end_when_due(self, step: Step, now: float) -> None:
        if self._reply is None and self._deadline is not None and now >= self._deadline:
            self._reply = self._timed_out(step)

    def _end(self, reply: Response | AtError) -> None:
        self._reply = reply
        if self._step is not None and self._step.kind is Kind.COMMAND:
            well = isinstance(reply, Response)
            self.calls.answered(self._step.shown, well=well)
            if self._step.shown == ECHO_OFF:
                self.prepared = self.prepared or well

    def _disarm(self) -> None:
        self._step, self._unsent, self._deadline, self._reply = None, b"", None, None
        self._text = Text()
        self.departure.end()
        self.lexer.prompt = False
        self.lexer.expect_echo(b"")

    def _timed_out(self, step: Step) -> Response | AtError:
        if step.kind is Kind.PAUSE:
            return Response(tuple(self._lines))
        truncated = self.lexer.give_up_payload()
        if isinstance(truncated, Payload | Data):
            self._take_data(truncated.header if isinstance(truncated, Payload) else "", truncated.data)
        self.in_doubt = self.in_doubt or step.kind in (Kind.COMMAND, Kind.PAYLOAD)
        if self._lost_by:
            return self._answer_lost(step)
        came = ", ".join(self.heard) or "nothing"
        unheard = _UNHEARD if self.dlci is None else _DEAD.format(self.dlci)
        why = _UNKNOWN if step.kind is Kind.COMMAND and self._lines else unheard
        return AtTimeout(
            f"{self.name}: {self._missing(step)} within {step.timeout:g} s (came: {came}); {why}",
            command=step.told,
            lines=tuple(map(masked, self._lines)),
        )
