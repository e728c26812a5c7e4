"""The options of a driver, independent of any family, checked on construction."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields

from ...errors import InvalidArgument

MAX_TEXT = 100
_SECRET = ("user name", "password")
"""What messages do not repeat."""
_DOTTED = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")


def check_text(what: str, text: str, *, empty: bool = True) -> str:
    """Return a text that can stand between quotes in a command, or raise `InvalidArgument`.

    Args:
        what: the name of the text in messages.
        text: up to 100 printable ASCII characters without a quote.
        empty: whether it may be empty.
    """
    told = f"{what} {text!r}" if what not in _SECRET else what
    if not isinstance(text, str):
        raise InvalidArgument(f"{what} is a text, not {type(text).__name__ if what in _SECRET else repr(text)}")
    for octet in text:
        if octet == '"':
            raise InvalidArgument(f"{told} contains a quote, which would end it in the command")
        if octet in "\r\n":
            raise InvalidArgument(f"{told} contains {'CR' if octet == chr(13) else 'LF'}, which would end the command")
        if not " " <= octet <= "~":
            raise InvalidArgument(f"{told} contains U+{ord(octet):04X}; printable ASCII only")
    if len(text) > MAX_TEXT:
        raise InvalidArgument(f"{what} has {len(text)} characters; {MAX_TEXT} is the most")
    if not text and not empty:
        raise InvalidArgument(f"{what} is empty")
    return text


def check_protocol(protocol: str) -> str:
    """Return TCP or UDP, or raise `InvalidArgument`."""
    if protocol not in ("TCP", "UDP"):
        raise InvalidArgument(f"a protocol is 'TCP' or 'UDP', not {protocol!r}")
    return protocol


def check_port(port: object) -> int:
    """Return a port number, or raise `InvalidArgument`."""
    if type(port) is not int or not 1 <= port <= 65535:
        number = ": a number, not a text" if isinstance(port, str) else ""
        raise InvalidArgument(f"a port is 1 to 65535, not {port!r}{number}")
    return port


def is_dotted(host: str) -> bool:
    """Tell whether a host is a dotted address and not a name."""
    return _DOTTED.fullmatch(host) is not None


def check_host(host: str) -> str:
    """Return a dotted address or a name of a remote host, or raise `InvalidArgument`."""
    check_text("host", host, empty=False)
    alone = re.sub(r"^\w+://|[:/].*", "", host)
    if alone != host:
        example = f", as {alone!r}" if alone else ""
        raise InvalidArgument(f"a host is a name or an IPv4 address alone{example}, not {host!r}")
    return check_address(host) if is_dotted(host) else host


def check_address(address: str) -> str:
    """Return a dotted address, or raise `InvalidArgument`."""
    check_text("address", address)
    if not is_dotted(address) or any(int(part) > 255 for part in address.split(".")):
        raise InvalidArgument(f"a dotted address has four numbers from 0 to 255, not {address!r}")
    return address


@dataclass(frozen=True, slots=True)
class Gprs:
    """A GPRS bearer (app note 3.1).

    Args:
        apn: the access point.
        user: the user name, if the access point requires one.
        password: the password.
    """

    apn: str = "CMNET"
    user: str = ""
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        check_text("APN", self.apn, empty=False)
        check_text("user name", self.user)
        check_text("password", self.password)


@dataclass(frozen=True, slots=True)
class Csd:
    """A CSD bearer: a data call (app note 3.1). If two contexts are active at once, both have to be GPRS (7.1).

    Args:
        number: the number to dial.
        user: the user name.
        password: the password.
        rate: 0 for 2400 bits per second, 1 for 4800, 2 for 9600, 3 for 14400; None: the module's own.
    """

    number: str
    user: str = ""
    password: str = field(default="", repr=False)
    rate: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.number, str) or not re.fullmatch(r"\+?[0-9*#]{1,40}", self.number):
            raise InvalidArgument(f"a number to dial has digits, * and #, maybe a + before them: not {self.number!r}")
        check_text("user name", self.user)
        check_text("password", self.password)
        if self.rate is not None and (type(self.rate) is not int or self.rate not in range(4)):
            raise InvalidArgument(f"a CSD rate is 0 (2400) to 3 (14400), not {self.rate!r}")


@dataclass(frozen=True, slots=True)
class Transparent:
    """How a transparent session sends, and how its data mode is left (app note 3.1).

    Args:
        retries: how often the module repeats a packet.
        wait: seconds of silence after which the module sends what it has buffered, in steps of 0.1.
        size: number of octets at which it sends at once, up to 1460.
        escape: ``+++`` leaves data mode by ``+++`` between two silences, and data for an M10 must not contain it;
            ``dtr`` leaves data mode by dropping DTR, and data may contain any octets.
        line_rate: bits per second of the UART, where the port does not know it, as one that is reached by a socket: the
            silence before ``+++`` begins when the data has passed there; None: the port knows, or the line is fast.
    """

    retries: int = 3
    wait: float = 0.2
    size: int = 1024
    escape: str = "+++"
    line_rate: int | None = None

    def __post_init__(self) -> None:
        if self.escape not in ("+++", "dtr"):
            raise InvalidArgument(f"escape is '+++' or 'dtr', not {self.escape!r}")
        if type(self.size) is not int or not 1 <= self.size <= 1460:
            raise InvalidArgument(f"size is 1 to 1460 octets, not {self.size!r}")
        if not 0.1 <= self.wait <= 25.5:
            raise InvalidArgument(f"wait is 0.1 to 25.5 seconds, not {self.wait!r}")
        if type(self.retries) is not int or not 0 <= self.retries <= 8:
            raise InvalidArgument(f"retries is 0 to 8, not {self.retries!r}")
        if self.line_rate is not None and (type(self.line_rate) is not int or self.line_rate < 1):
            raise InvalidArgument(f"line_rate is in bits per second, not {self.line_rate!r}")


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one context. See `TcpipDriver` for each field; a default leaves the choice to the family.

    A family refuses options that it does not have with `refuse_all_but`.
    """

    context: int = 0
    bearer: Gprs | Csd = Gprs()
    muxip: bool = False
    transparent: Transparent | None = None
    receive: str | None = None
    show: frozenset[str] = frozenset()
    initialise: tuple[str, ...] | None = None
    share: bool = False

    def refuse_all_but(self, known: frozenset[str], title: str) -> None:
        """Refuse an option that a family does not have.

        Args:
            known: the options that it has, besides ``context`` and a GPRS bearer.
            title: the name of the modules in messages.

        Raises:
            ValueError: another option is set; the message names it.
        """
        for one in fields(self):
            asked = getattr(self, one.name)
            if one.name in known or one.name in ("context", "bearer") or asked == one.default:
                continue
            raise ValueError(f"{title} has no option {one.name} (it was {asked!r})")
        if isinstance(self.bearer, Csd) and "csd" not in known:
            raise ValueError(f"{title} has no option bearer=Csd (it was {self.bearer!r})")
