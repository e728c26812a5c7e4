"""Text mode: character sets of the terminal, what is entered, and how messages are shown (27.005 §3.1)."""

from __future__ import annotations

import string
from collections.abc import Callable

from . import alphabet
from .addresses import Address
from .coding import Alphabet, coding_of
from .settings import MessageSettings, Parameters
from .store import Status, StoredMessage
from .times import decode_time, encode_time
from .tpdu import Command, Deliver, Received, Sent, StatusReport, Submit
from .user_data import MOST_OCTETS, MOST_SEPTETS, UserData, read_user_data

CHARSETS = ("GSM", "IRA", "UCS2", "HEX")
_BACKSPACE = 0x08
_WITH_HEADER = 0x40  # TP-UDHI
_VALIDITY_FORM = 0x18  # TP-VPF
_RELATIVE, _ENHANCED, _ABSOLUTE = 0x10, 0x08, 0x18

#: Returns ``yy/MM/dd,hh:mm:ss±zz`` as it is to be shown.
TimeForm = Callable[[str], str]


# Character sets


def shown(text: str, charset: str) -> str:
    """Return a text as characters of the terminal's character set."""
    if charset == "UCS2":
        return text.encode("utf-16-be").hex().upper()
    if charset == "IRA":
        return text.encode("ascii", "replace").decode("ascii")
    codes = b"".join(alphabet.encode(character if alphabet.fits(character) else "?") for character in text)
    return codes.hex().upper() if charset == "HEX" else codes.decode("ascii")


def typed(text: str, charset: str) -> str:
    """Return a text that was typed in the terminal's character set, such as a number.

    Raises:
        ValueError: it is no text in that character set.
    """
    if charset == "UCS2":
        return _octets(text).decode("utf-16-be")
    if charset == "IRA":
        return text.encode("ascii").decode("ascii")
    codes = _octets(text) if charset == "HEX" else text.encode("ascii")
    if any(code > 0x7F for code in codes):
        raise ValueError("a septet has 7 bits")
    return alphabet.decode(codes)


def _septets(entered: bytes, charset: str) -> bytes:
    """Return what was entered as septets, one an octet."""
    if charset in ("UCS2", "IRA"):
        return alphabet.encode(typed(entered.decode("ascii"), charset))
    codes = _octets(entered.decode("ascii")) if charset == "HEX" else entered
    if any(code > 0x7F for code in codes):
        raise ValueError("a septet has 7 bits")
    return codes


def _octets(digits: str) -> bytes:
    """Read two hexadecimal digits an octet, with no blanks between."""
    if not set(digits) <= set(string.hexdigits):
        raise ValueError("hexadecimal digits are wanted")
    return bytes.fromhex(digits)


# What is entered


def entered(octets: bytes, charset: str, first: int, dcs: int) -> UserData:
    """Return the user data of what was typed at the prompt (27.005 §3.5.1).

    Args:
        octets: what was typed before Ctrl-Z.
        charset: AT+CSCS.
        first: the first octet of the message.
        dcs: TP-DCS.

    Raises:
        ValueError: it is longer than a message, or no text of the character set.
    """
    kind, has_header = coding_of(dcs).alphabet, bool(first & _WITH_HEADER)
    if kind is Alphabet.GSM7 and not has_header:
        codes = _septets(_without_backspaces(octets), charset)
        if len(codes) > MOST_SEPTETS:
            raise ValueError(f"{len(codes)} septets are more than {MOST_SEPTETS}")
        return UserData(kind, codes)
    data = _octets(octets.decode("ascii"))
    if len(data) > MOST_OCTETS:
        raise ValueError(f"{len(data)} octets are more than {MOST_OCTETS}")
    count = 8 * len(data) // 7 if kind is Alphabet.GSM7 else len(data)
    return read_user_data(bytes([count]) + data, kind, has_header=has_header)


def _without_backspaces(octets: bytes) -> bytes:
    if _BACKSPACE not in octets:
        return octets
    left = bytearray()
    for octet in octets:
        if octet != _BACKSPACE:
            left.append(octet)
        else:
            del left[-1:]
    return bytes(left)


def submit_of(destination: Address, data: UserData, parameters: Parameters) -> Submit:
    """Return an SMS-SUBMIT with the parameters of AT+CSMP.

    Raises:
        ValueError: the validity period is not of the form that the first octet says.
    """
    validity = encode_validity(parameters.validity, parameters.first)
    return Submit(parameters.first, 0, destination, parameters.pid, parameters.dcs, validity, data)


def encode_validity(text: str, first: int) -> bytes:
    """Return TP-VP.

    Args:
        text: a number, a time, or hexadecimal digits.
        first: the first octet of the message, which says which of them.

    Raises:
        ValueError: it is none of that form.
    """
    form = first & _VALIDITY_FORM
    if form == _RELATIVE:
        return bytes([int(text)])
    if form == _ABSOLUTE:
        return encode_time(text)
    if form == _ENHANCED:
        octets = _octets(text)
        if len(octets) != 7:
            raise ValueError("an enhanced validity period has 7 octets")
        return octets
    return b""


# What is shown


class TextForms:
    """Shows messages as one UART has them in text mode.

    Args:
        settings: of the UART.
        time: how times are shown.
    """

    def __init__(self, settings: MessageSettings, time: TimeForm) -> None:
        self._charset = settings.charset
        self._details = bool(settings.details)
        self._time = time

    def read(self, stored: StoredMessage, message: Sent | Received, centre: Address) -> str:
        """Return what follows ``+CMGR: `` (27.005 §3.4.3)."""
        status = f'"{stored.status.words}",'
        if isinstance(message, Deliver):
            return status + self._delivered(message, centre)
        if isinstance(message, StatusReport):
            return status + self.report(message)
        if isinstance(message, Command):
            about = f"{message.first},{message.kind}"
            if self._details:
                number = f"{self._text(message.destination.number)},{message.destination.kind}"
                about += f",{message.pid},{message.number},{number},{len(message.data)}"
            return f"{status}{about}\r\n{message.data.hex().upper()}"
        head = f'{status}{self._text(message.destination.number)},""'
        if self._details:
            about = f"{message.destination.kind},{message.first},{message.pid},{message.dcs}"
            head += f",{about},{_validity(message)},{self._sender(centre, message.data)}"
        return f"{head}\r\n{self._body(message.data)}"

    def listed(self, stored: StoredMessage, message: Sent | Received) -> str:
        """Return what follows ``+CMGL: <index>,`` (27.005 §3.4.2)."""
        status = f'"{stored.status.words}",'
        if isinstance(message, StatusReport):
            return status + self.report(message)
        if isinstance(message, Command):
            return f"{status}{message.first},{message.kind}"
        number, time = (
            (message.origin, f'"{self._time(message.time)}"')
            if isinstance(message, Deliver)
            else (message.destination, "")
        )
        head = f'{status}{self._text(number.number)},"",{time}'
        if self._details:
            head += f",{number.kind},{len(message.data.payload)}"
        return f"{head}\r\n{self._body(message.data)}"

    def passed_on(self, message: Received, centre: Address) -> str:
        """Return the +CMT or +CDS with which a message is passed on (27.005 §3.4.1)."""
        if isinstance(message, StatusReport):
            return f"+CDS: {self.report(message)}"
        return f"+CMT: {self._delivered(message, centre, passed_on=True)}"

    def report(self, message: StatusReport) -> str:
        """Return the fields of a status report."""
        recipient = f"{self._text(message.recipient.number)},{message.recipient.kind}"
        times = f'"{self._time(message.time)}","{self._time(message.discharge)}"'
        return f"{message.first},{message.reference},{recipient},{times},{message.status}"

    def _delivered(self, message: Deliver, centre: Address, *, passed_on: bool = False) -> str:
        alpha = "" if passed_on else '""'
        head = f'{self._text(message.origin.number)},{alpha},"{self._time(message.time)}"'
        if self._details:
            about = f"{message.origin.kind},{message.first},{message.pid},{message.dcs}"
            head += f",{about},{self._sender(centre, message.data)}"
        return f"{head}\r\n{self._body(message.data)}"

    def _sender(self, centre: Address, data: UserData) -> str:
        return f"{self._text(centre.number)},{centre.kind},{len(data.payload)}"

    def _text(self, text: str) -> str:
        return f'"{shown(text, self._charset)}"'

    def _body(self, data: UserData) -> str:
        """Return the text; hexadecimal octets for 8 bit data, UCS-2, and where there is a header (27.005 §3.1)."""
        if data.alphabet is not Alphabet.GSM7 or data.header:
            return data.encode()[1:].hex().upper()
        if self._charset == "GSM":
            return data.payload.decode("ascii")
        if self._charset == "HEX":
            return data.payload.hex().upper()
        return shown(data.text, self._charset)


def _validity(message: Submit) -> str:
    form = message.first & _VALIDITY_FORM
    if form == _RELATIVE:
        return str(message.validity[0])
    if form == _ABSOLUTE:
        return f'"{_time_or_digits(message.validity)}"'
    return f'"{message.validity.hex().upper()}"' if message.validity else ""


def _time_or_digits(octets: bytes) -> str:
    try:
        return decode_time(octets)
    except ValueError:
        return octets.hex().upper()


STATUS_BY_WORDS: dict[str, Status] = {status.words: status for status in Status}
"""The statuses by what text mode calls them."""
