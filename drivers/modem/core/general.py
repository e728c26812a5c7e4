"""The general commands of a module as dialogues, and what waits for a state of it as procedures."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ...at.core import POWER_DOWN, Dialogue, LinePattern, command, expect
from ...at.core.patterns import any_match
from ...clock import Clock
from ...errors import AtTimeout, CmeError, CommandError, DriverError, ModuleRestarted, UnexpectedAnswer
from ...tcpip.core import Changes, Procedure, on_channel, wait
from ...wording import unnamed
from .answers import Identity, Registered, Signal, operator_of, parts, registration_of, signal_of, time_of, unlabelled
from .questions import IDENTITY, IMEI, NUMBER, POWER_DOWN_TIME, REGISTRATIONS, STARTING

POLL = 1.0  # seconds between two queries while waiting for a state
SIM_TIMEOUT = 10.0
NETWORK_TIMEOUT = 80.0  # AT+CGATT may take 75
NOWHERE = (Registered.NOT_SEARCHING, Registered.UNKNOWN)


class NetworkTimeout(DriverError, TimeoutError):
    """The module did not reach the state that was waited for in time."""


class General:
    """What one `Modem` asks its module, and what it waits for.

    Args:
        name: the name of the port in messages.
        clock: the source of time.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        self.changes: Changes = Changes()
        """What ends a wait early: that the modem was closed."""
        self._name = name
        self._clock = clock
        self._closed = False
        self._found = ""  # by what waits for a state
        self._unknown = set[str]()  # questions that the module does not know

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state}>"

    @property
    def state(self) -> str:
        """The port, and whether the modem was closed."""
        return f"{self._name}: {'closed' if self._closed else 'open'}"

    def close(self) -> None:
        """End the waits."""
        with self.changes:
            self._closed = True
            self.changes.notify()

    # -- identity and SIM ------------------------------------------------------------------------------------------

    def identity(self) -> Procedure[Identity]:
        """Ask for manufacturer, model, firmware and IMEI; see `Modem.identity`."""
        lines = yield from on_channel(_told("ATI"))
        said = parts(lines)
        for part, questions in IDENTITY.items():
            for text in questions:
                if not said.get(part):
                    answer = yield from on_channel(_told(text, (IMEI,) if part == "imei" else None))
                    said[part] = unlabelled(answer[0]) if answer else ""
        if not said["model"] and lines:
            said["model"] = lines[0]
        if not any(said.values()):
            raise UnexpectedAnswer(f"{self._name}: ATI was answered {lines!r}, which names no module")
        return Identity(**said)

    def sim(self) -> Dialogue[str]:
        """Ask for the state of the SIM."""
        return self._value("AT+CPIN?", SIM_TIMEOUT)

    def imsi(self) -> Dialogue[str]:
        """Ask for the IMSI."""
        return self._number("AT+CIMI")

    def iccid(self) -> Dialogue[str]:
        """Ask for the number of the SIM card."""
        return self._number("AT+QCCID")

    # -- the network -----------------------------------------------------------------------------------------------

    def signal(self) -> Dialogue[Signal]:
        """Ask for the signal quality."""
        text = yield from self._value("AT+CSQ")
        found = signal_of(text)
        if found is None:
            raise self._strange("AT+CSQ", text, "<rssi>,<ber>")
        return found

    def registration(self, service: str = "calls") -> Dialogue[Registered]:
        """Ask whether the module is registered, in any network that it knows.

        Args:
            service: ``calls`` or ``packet``.
        """
        first, *others = REGISTRATIONS[service]
        found = yield from self._registration(first)
        for text in others:
            if found.there or text in self._unknown:
                break
            try:
                other = yield from self._registration(text)
            except (CommandError, UnexpectedAnswer):
                self._unknown.add(text)
            else:
                found = other if other.there or found in NOWHERE else found
        return found

    def _registration(self, text: str) -> Dialogue[Registered]:
        answer = yield from self._value(text)
        found = registration_of(answer)
        if found is None:
            raise self._strange(text, answer, "a registration of 27.007")
        return found

    def packet_registration(self) -> Dialogue[Registered]:
        """Ask whether the module is registered for packet service."""
        return self.registration("packet")

    def operator(self) -> Dialogue[str | None]:
        """Ask for the name of the network."""
        return operator_of((yield from self._value("AT+COPS?", NETWORK_TIMEOUT)))

    def attached(self) -> Dialogue[bool]:
        """Ask whether the module is attached to packet service."""
        return (yield from self._value("AT+CGATT?", NETWORK_TIMEOUT)) == "1"

    def wait_for_sim(self, timeout: float) -> Procedure[None]:
        """Wait until the SIM is ready.

        Args:
            timeout: seconds.
        """
        self._found = ""
        return self._wait_for_sim(timeout)

    def _wait_for_sim(self, timeout: float) -> Procedure[None]:
        deadline = self._clock.now() + timeout
        while found := (yield from on_channel(self._not_ready())):
            self._found = found
            yield from self._rest(deadline, timeout)

    def wait_for_network(self, timeout: float, *, packet: bool) -> Procedure[Registered]:
        """Wait until the module is registered and, if packet service is needed, attached.

        Args:
            timeout: seconds.
            packet: whether packet service is needed.
        """
        self._found = ""
        return self._wait_for_network(timeout, packet=packet)

    def _wait_for_network(self, timeout: float, *, packet: bool) -> Procedure[Registered]:
        deadline = self._clock.now() + timeout
        service = "packet" if packet else "calls"
        while True:
            found = yield from on_channel(self.registration(service))
            if found.there and (not packet or (yield from on_channel(self.attached()))):
                return found
            state = found.name if not found.there else f"{found.name}, but not attached"
            self._found = f"the network is {state}"
            yield from self._rest(deadline, timeout)

    def too_late(self, timeout: float, what: str = "") -> NetworkTimeout:
        """Return the exception for a state that was not reached in time.

        Args:
            timeout: seconds that it had.
            what: what was asked for and has not come; empty: nothing.
        """
        found = [self._found] * bool(self._found) + [f"{what} has not come"] * bool(what)
        return NetworkTimeout(f"{self._name}: after {timeout:g} s {', '.join(found) or 'nothing is known'}")

    # -- the clock -------------------------------------------------------------------------------------------------

    def clock(self) -> Dialogue[datetime.datetime]:
        """Ask for the time of the module's clock."""
        text = yield from self._value("AT+CCLK?")
        try:
            return time_of(text)
        except ValueError as error:  # a clock that was never set may say 00/00/00
            raise self._strange("AT+CCLK?", text, f"a time ({error})" if str(error) else "a time") from error

    # -- internal --------------------------------------------------------------------------------------------------

    def _not_ready(self) -> Dialogue[str]:
        """Return what the SIM is instead of ready; empty if it is ready."""
        try:
            state = yield from self.sim()
        except CmeError as error:
            return unnamed(self._name, error)
        return "" if state == "READY" else f"the SIM is {state}"

    def _rest(self, deadline: float, timeout: float) -> Procedure[None]:
        until = min(deadline, self._clock.now() + POLL)
        yield from wait(until - self._clock.now(), self.changes, lambda: self._closed or None)
        if self._closed or self._clock.now() >= deadline:
            raise self.too_late(timeout)

    def _value(self, text: str, timeout: float = 5.0) -> Dialogue[str]:
        """Return the text after ``+NAME:`` in the answer."""
        name = re.sub(r"^AT|[?=].*$", "", text)
        forms = (LinePattern(f"{name}:", r" ?(?P<value>.*)", 200),)
        lines = (yield from command(text, timeout=timeout, info=forms)).lines
        if not lines:
            raise UnexpectedAnswer(f"{self._name}: {text} was answered OK without {name}: …")
        return lines[0].removeprefix(f"{name}:").strip()

    def _number(self, text: str) -> Dialogue[str]:
        lines = (yield from command(text, timeout=SIM_TIMEOUT, info=(NUMBER,))).lines
        found = NUMBER.match(lines[0]) if lines else None
        if found is None:
            raise UnexpectedAnswer(f"{self._name}: {text} was answered OK without a number")
        return found["number"]

    def _strange(self, text: str, answer: str, wanted: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(f"{self._name}: {text} was answered {answer!r}, which is not {wanted}")


def _told(text: str, info: tuple[LinePattern, ...] | None = None) -> Dialogue[list[str]]:
    """Return the lines of an answer; none where the command is refused, or it alone is not answered."""
    try:
        lines = (yield from command(text, info=info)).lines
        return [line for line in lines if not any_match(STARTING, line)]
    except (CommandError, AtTimeout) as failure:
        if failure.command != text:  # the module does not answer AT either
            raise
        return []


# -- command lines that are answered OK ------------------------------------------------------------------------


def unlocking(pin: str, new_pin: str | None) -> str:
    """Return the command line that enters the PIN of the SIM, or its PUK and a new PIN.

    Args:
        pin: the PIN or PUK, 4 to 8 digits.
        new_pin: the new PIN, 4 to 8 digits.

    Raises:
        ValueError: one of them cannot be a PIN.
    """
    for code in (pin, *(() if new_pin is None else (new_pin,))):
        if not isinstance(code, str) or not re.fullmatch(r"[0-9]{4,8}", code):
            raise ValueError("a PIN is a text of 4 to 8 digits: a number would lose zeros at its beginning")
    return f'AT+CPIN="{pin}"' if new_pin is None else f'AT+CPIN="{pin}","{new_pin}"'


@contextmanager
def hiding(pin: str) -> Iterator[None]:
    """Replace a PIN in the refusal that is raised inside of the ``with`` block: it must not appear in a log.

    Args:
        pin: the PIN or PUK.
    """
    try:
        yield
    except CmeError as refusal:
        shown = str(refusal).replace(pin, "****")
        raise CmeError(shown, command="AT+CPIN=…", answer=refusal.answer, code=refusal.code) from None


def attaching(*, on: bool) -> str:
    """Return the command line that attaches to packet service, or detaches.

    Args:
        on: True attaches, False detaches.
    """
    return f"AT+CGATT={int(on)}"


def setting_clock(when: datetime.datetime) -> str:
    """Return the command line that sets the module's clock.

    Args:
        when: the time.

    Raises:
        ValueError: a module's clock does not have this year.
    """
    if not 2000 <= when.year <= 2099:
        raise ValueError(f"the clock of a module has the years 2000 to 2099, not {when.year}")
    offset = when.utcoffset() or datetime.timedelta()
    quarters = round(offset / datetime.timedelta(minutes=15))
    return f'AT+CCLK="{when:%y/%m/%d,%H:%M:%S}{quarters:+03d}"'


def power_off() -> Dialogue[None]:
    """Switch the module off, and wait for what it says last."""
    with suppress(AtTimeout, ModuleRestarted):  # it may give another reason
        came = yield from command("AT+QPOWD=1", timeout=10.0, success=(LinePattern("OK"), *POWER_DOWN))
        if came.final == "OK":
            yield from expect(*POWER_DOWN, timeout=POWER_DOWN_TIME)
