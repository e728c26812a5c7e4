"""The general commands of a module: its identity, SIM, network, signal and clock (M66 AT manual)."""

from __future__ import annotations

import datetime
import re
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from .at import AtChannel, Dialogue, LinePattern, Port, command, expect
from .at.core import POWER_DOWN
from .at.core.values import number
from .clock import Clock
from .errors import AtTimeout, CmeError, CommandError, DriverError, ModuleRestarted, UnexpectedAnswer
from .tcpip.core import Changes, Procedure, on_channel, wait
from .tcpip.threads.runner import ThreadRunner

T = TypeVar("T")
POLL = 1.0  # seconds between two queries while waiting for a state
SIM_TIMEOUT = 10.0
NETWORK_TIMEOUT = 80.0  # AT+CGATT may take 75

_DIGITS = LinePattern("", r"[0-9A-F]{14,22}", 22)
_IMEI = LinePattern("", r'(?:\+C?GSN: ?)?"?[0-9]{14,17}"?', 28)


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of a module; what it does not tell is empty.

    Args:
        manufacturer: its maker.
        model: its name.
        revision: the revision of its firmware.
        imei: the IMEI, 15 digits.
    """

    manufacturer: str
    model: str
    revision: str
    imei: str


@dataclass(frozen=True, slots=True)
class Signal:
    """The signal quality (AT+CSQ).

    Args:
        dbm: received signal strength, -113 (or less) to -51 (or more), of 3G and 4G -116 to -25; None: not known.
        bit_error_rate: class 0 to 7 (27.007 8.5); None: not known.
    """

    dbm: int | None
    bit_error_rate: int | None


class Registered(IntEnum):
    """The registration status (AT+CREG?, AT+CGREG?; 27.007 7.2)."""

    NOT_SEARCHING = 0
    HOME = 1
    SEARCHING = 2
    DENIED = 3
    UNKNOWN = 4
    ROAMING = 5
    SMS_ONLY_HOME = 6
    SMS_ONLY_ROAMING = 7
    EMERGENCY_ONLY = 8
    CSFB_NOT_PREFERRED_HOME = 9
    CSFB_NOT_PREFERRED_ROAMING = 10
    RLOS_ONLY = 11

    @classmethod
    def _missing_(cls, value: object) -> Registered:
        return cls.UNKNOWN  # what a later release of 27.007 may add

    @property
    def there(self) -> bool:
        """Whether the module is registered, and not for short messages or emergency calls alone."""
        return self in _THERE


_THERE = frozenset(
    (
        Registered.HOME,
        Registered.ROAMING,
        Registered.CSFB_NOT_PREFERRED_HOME,
        Registered.CSFB_NOT_PREFERRED_ROAMING,
    )
)

_ASKED = {
    "manufacturer": ("AT+CGMI", "AT+GMI"),
    "model": ("AT+CGMM", "AT+GMM"),
    "revision": ("AT+CGMR", "AT+GMR"),
    "imei": ("AT+GSN", "AT+CGSN"),
}
"""The questions that tell a part of the identity, where ATI does not (27.007 5.1 to 5.4, V.250 6.1.4 to 6.1.7)."""

_LABEL = re.compile(r"(?:\+(?:C?GM[IMR]|C?GSN): *)?(?:(?P<part>manufacturer|model|revision|imei): *)?", re.IGNORECASE)


class NetworkTimeout(DriverError, TimeoutError):
    """The module did not reach the state that was waited for in time."""


class Modem:
    """The general commands, over one AT channel. The constructor sends nothing.

    Args:
        port: a virtual UART, any other pyserial-like port, or an `AtChannel`; a driver may use it at the same time.
        clock: the source of time.
    """

    def __init__(self, port: Port | AtChannel, *, clock: Clock | None = None) -> None:
        self._runner = ThreadRunner(port, clock)
        self._channel = self._runner.channel
        self._clock = self._runner.clock
        self._changes = Changes()
        self._closed = False
        self._found = ""  # by what waits for a state

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._channel.name}: {'closed' if self._closed else 'open'}>"

    @property
    def channel(self) -> AtChannel:
        """The AT channel on which the commands are sent."""
        return self._channel

    def close(self) -> None:
        """Release the channel; idempotent."""
        with self._changes:
            self._closed = True
            self._changes.notify()
        self._runner.close()

    def __enter__(self) -> Modem:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- identity and SIM ------------------------------------------------------------------------------------------

    def identity(self) -> Identity:
        """Return manufacturer, model, firmware and IMEI: ATI, AT+GSN, and what else it takes.

        Modules answer ATI in a line, in three or more, or with labels; what is missing is asked for by itself.

        Raises:
            UnexpectedAnswer: the module answers, but tells nothing of it.
        """
        lines = self._told("ATI")
        said = _parts(lines)
        for part, questions in _ASKED.items():
            for text in questions:
                if not said.get(part):
                    answer = self._told(text, (_IMEI,) if part == "imei" else None)
                    said[part] = _LABEL.sub("", answer[0], count=1).strip(' "') if answer else ""
        if not said["model"] and lines:
            said["model"] = lines[0]
        if not any(said.values()):
            raise UnexpectedAnswer(f"{self._channel.name}: ATI was answered {lines!r}, which names no module")
        return Identity(**said)

    def _told(self, text: str, info: tuple[LinePattern, ...] | None = None) -> list[str]:
        """Return the lines of an answer; none where the command is refused, or it alone is not answered."""
        try:
            return list(self._channel.run(command(text, info=info)).lines)
        except (CommandError, AtTimeout) as failure:
            if failure.command != text:  # the module does not answer AT either
                raise
            return []

    def sim(self) -> str:
        """Return the state of the SIM: ``READY``, ``SIM PIN``, ``SIM PUK`` and so on.

        Raises:
            CmeError: there is no SIM (10), or it does not answer (13, 14).
        """
        return self._channel.run(self._value("AT+CPIN?", SIM_TIMEOUT))

    def unlock(self, pin: str, new_pin: str | None = None) -> None:
        """Enter the PIN of the SIM, or its PUK and a new PIN: AT+CPIN.

        Args:
            pin: the PIN or PUK, 4 to 8 digits.
            new_pin: the new PIN, 4 to 8 digits.

        Raises:
            CmeError: the code is wrong (16); the third wrong one blocks the SIM.
        """
        for code in (pin, *(() if new_pin is None else (new_pin,))):
            if not re.fullmatch(r"[0-9]{4,8}", code):
                raise ValueError("a PIN has 4 to 8 digits")
        codes = f'"{pin}"' if new_pin is None else f'"{pin}","{new_pin}"'
        try:
            self._channel.command(f"AT+CPIN={codes}", timeout=SIM_TIMEOUT)
        except CmeError as refusal:
            shown = str(refusal).replace(pin, "****")  # a PIN must not appear in a log
            raise CmeError(shown, command="AT+CPIN=…", answer=refusal.answer, code=refusal.code) from None

    def imsi(self) -> str:
        """Return the IMSI of the SIM: AT+CIMI."""
        return self._channel.run(self._number("AT+CIMI"))

    def iccid(self) -> str:
        """Return the number of the SIM card: AT+QCCID."""
        return self._channel.run(self._number("AT+QCCID"))

    # -- the network -----------------------------------------------------------------------------------------------

    def signal(self) -> Signal:
        """Return the signal quality: AT+CSQ."""
        text = self._channel.run(self._value("AT+CSQ"))
        first, _, second = text.partition(",")
        level, rate = number(first, 0, 199), number(second.strip(), 0, 99)
        if level is None or rate is None or 31 < level < 99 or 191 < level < 199 or 7 < rate < 99:
            raise self._strange("AT+CSQ", text, "<rssi>,<ber>")
        dbm = {99: None, 199: None}.get(level, level - 216 if level >= 100 else -113 + 2 * level)  # 3G and 4G from 100
        return Signal(dbm, None if rate == 99 else rate)

    def registration(self) -> Registered:
        """Return whether the module is registered for calls: AT+CREG?."""
        return self._channel.run(self._registered("AT+CREG?"))

    def packet_registration(self) -> Registered:
        """Return whether the module is registered for packet service: AT+CGREG?."""
        return self._channel.run(self._registered("AT+CGREG?"))

    def operator(self) -> str | None:
        """Return the name of the network (AT+COPS?), or None while the module is not registered in one."""
        text = self._channel.run(self._value("AT+COPS?", NETWORK_TIMEOUT))
        found = re.search(r'"(?P<name>[^"]*)"', text) or re.fullmatch(r"\d, ?\d, ?(?P<name>[^,]+)(?:,.*)?", text)
        return None if found is None else found["name"]

    def attached(self) -> bool:
        """Return whether the module is attached to packet service: AT+CGATT?."""
        return self._channel.run(self._attached())

    def attach(self, *, on: bool = True) -> None:
        """Attach to packet service, or detach, which deactivates all contexts: AT+CGATT=.

        Args:
            on: True attaches, False detaches.
        """
        self._channel.command(f"AT+CGATT={int(on)}", timeout=NETWORK_TIMEOUT)

    def wait_for_sim(self, timeout: float) -> None:
        """Wait until the SIM is ready.

        Args:
            timeout: seconds.

        Raises:
            NetworkTimeout: it is not ready in time; the message contains its state.
        """
        self._within(timeout, self._wait_for_sim(timeout))

    def _wait_for_sim(self, timeout: float) -> Procedure[None]:
        deadline = self._clock.now() + timeout
        while (state := (yield from on_channel(self._sim_state()))) != "READY":
            self._found = f"the SIM is {state}"
            yield from self._rest(deadline, timeout)

    def wait_for_network(self, timeout: float, *, packet: bool = True) -> Registered:
        """Wait until the module is registered and, if packet service is needed, attached.

        Args:
            timeout: seconds.
            packet: whether packet service is needed.

        Returns:
            The registration status.

        Raises:
            NetworkTimeout: it is not registered or attached in time; the message contains its state.
        """
        return self._within(timeout, self._wait_for_network(timeout, packet=packet))

    def _wait_for_network(self, timeout: float, *, packet: bool) -> Procedure[Registered]:
        deadline = self._clock.now() + timeout
        question = "AT+CGREG?" if packet else "AT+CREG?"
        while True:
            found = yield from on_channel(self._registered(question))
            if found.there and (not packet or (yield from on_channel(self._attached()))):
                return found
            state = found.name if not found.there else f"{found.name}, but not attached"
            self._found = f"the network is {state}"
            yield from self._rest(deadline, timeout)

    # -- clock and power -------------------------------------------------------------------------------------------

    def clock(self) -> datetime.datetime:
        """Return the time of the module's clock (AT+CCLK?), with a time zone if the module reports one."""
        text = self._channel.run(self._value("AT+CCLK?")).strip('"')
        found = re.fullmatch(r"(\d\d)/(\d\d)/(\d\d),(\d\d):(\d\d):(\d\d)([+-]\d\d)?", text)
        if found is None:
            raise self._strange("AT+CCLK?", text, "a time")
        year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
        try:
            zone = None
            if found[7] is not None:
                zone = datetime.timezone(datetime.timedelta(minutes=15 * int(found[7])))
            return datetime.datetime(2000 + year, month, day, hour, minute, second, tzinfo=zone)
        except ValueError as error:  # a clock that was never set may say 00/00/00
            raise self._strange("AT+CCLK?", text, f"a time ({error})") from error

    def set_clock(self, when: datetime.datetime) -> None:
        """Set the module's clock: AT+CCLK=.

        Args:
            when: the time, in the years 2000 to 2099; without a time zone it is sent with the offset +00.
        """
        if not 2000 <= when.year <= 2099:
            raise ValueError(f"the clock of a module has the years 2000 to 2099, not {when.year}")
        offset = when.utcoffset() or datetime.timedelta()
        quarters = round(offset / datetime.timedelta(minutes=15))
        self._channel.command(f'AT+CCLK="{when:%y/%m/%d,%H:%M:%S}{quarters:+03d}"')

    def power_off(self) -> None:
        """Switch the module off (AT+QPOWD=1) and wait for its NORMAL POWER DOWN or the like, if it sends one."""
        self._channel.run(_power_off())

    # -- internal --------------------------------------------------------------------------------------------------

    def _sim_state(self) -> Dialogue[str]:
        try:
            return (yield from self._value("AT+CPIN?", SIM_TIMEOUT))
        except CmeError as error:
            return str(error)

    def _attached(self) -> Dialogue[bool]:
        return (yield from self._value("AT+CGATT?", NETWORK_TIMEOUT)) == "1"

    def _within(self, timeout: float, procedure: Procedure[T]) -> T:
        """Wait for something no longer than a time, whatever the module is doing by then."""
        self._found = ""
        return self._runner.run_within(timeout, lambda _stay: procedure, lambda what: self._too_late(timeout, what))

    def _too_late(self, timeout: float, what: str = "") -> NetworkTimeout:
        found = [self._found] * bool(self._found) + [f"{what} has not come"] * bool(what)
        return NetworkTimeout(f"{self._channel.name}: after {timeout:g} s {', '.join(found) or 'nothing is known'}")

    def _rest(self, deadline: float, timeout: float) -> Procedure[None]:
        until = min(deadline, self._clock.now() + POLL)
        yield from wait(until - self._clock.now(), self._changes, lambda: self._closed or None)
        if self._closed or self._clock.now() >= deadline:
            raise self._too_late(timeout)

    def _value(self, text: str, timeout: float = 5.0) -> Dialogue[str]:
        """Return the text after ``+NAME:`` in the answer."""
        name = re.sub(r"^AT|[?=].*$", "", text)
        forms = (LinePattern(f"{name}:", r" ?(?P<value>.*)", 200),)
        lines = (yield from command(text, timeout=timeout, info=forms)).lines
        if not lines:
            raise UnexpectedAnswer(f"{self._channel.name}: {text} was answered OK without {name}: …")
        return lines[0].removeprefix(f"{name}:").strip()

    def _number(self, text: str) -> Dialogue[str]:
        lines = (yield from command(text, timeout=SIM_TIMEOUT, info=(_DIGITS,))).lines
        if not lines:
            raise UnexpectedAnswer(f"{self._channel.name}: {text} was answered OK without a number")
        return lines[0]

    def _registered(self, text: str) -> Dialogue[Registered]:
        answer = yield from self._value(text)
        found = re.fullmatch(r"(?:\d, ?)?(\d{1,2})(?:,.*)?", answer)
        if found is None:
            raise self._strange(text, answer, "a registration of 27.007")
        return Registered(int(found[1]))

    def _strange(self, text: str, answer: str, wanted: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(f"{self._channel.name}: {text} was answered {answer!r}, which is not {wanted}")


def _parts(lines: list[str]) -> dict[str, str]:
    """Return what the answer to ATI tells: by its labels, otherwise maker, model and firmware in three lines."""
    said: dict[str, str] = {}
    plain: list[str] = []
    for line in lines:
        label = _LABEL.match(line)
        if label is not None and label["part"]:
            said[label["part"].lower()] = line[label.end() :].strip(' "')
        else:
            plain.append(line.strip())
    if len(lines) > 2:  # SIM800 has one line, with its model and firmware
        missing = [part for part in ("manufacturer", "model", "revision") if part not in said]
        said |= dict(zip(missing, plain, strict=False))
    return said


def _power_off() -> Dialogue[None]:
    with suppress(AtTimeout, ModuleRestarted):  # it may give another reason
        came = yield from command("AT+QPOWD=1", timeout=10.0, success=(LinePattern("OK"), *POWER_DOWN))
        if came.final == "OK":
            yield from expect(*POWER_DOWN, timeout=5.0)
