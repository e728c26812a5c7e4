"""What a driver is asked to set, checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ...errors import InvalidArgument
from ..core.ownership import CONTEXTS
from .dialects import DIALECTS, Dialect, dialect_of

SHOWN = ("QISHOWRA", "QISHOWLA", "QIHEAD", "QISHOWPT")
"""The commands that put information before received data (app note 3.4)."""

INITIALISE = ("QICSGP", "QIMUX", "QIMODE", "QIDNSIP", "QISDE", "QINDI", "QIHEAD", "QISHOWRA", "QISHOWLA", "QISHOWPT")
"""What `TcpipDriver.claim` sets, in this order, when nothing else is asked."""

DEFAULTS = {
    "QIMUX": "0",
    "QIMODE": "0",
    "QIDNSIP": "0",
    "QISDE": "1",
    "QINDI": "0",
    "QIAUTOS": "0",
    **dict.fromkeys(SHOWN, "0"),
}
"""What the module has where nothing was set."""

RECEIVE = ("buffered", "header", "bare")

_DOTTED = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
MAX_TEXT = 100


def check_context(context: int) -> int:
    """Return a context's number, or raise `InvalidArgument`."""
    if type(context) is not int or context not in CONTEXTS:
        raise InvalidArgument(f"a context is 0 or 1, not {context!r}")
    return context


def check_text(what: str, text: str, *, empty: bool = True) -> str:
    """Return a text that can stand between quotes in a command, or raise `InvalidArgument`.

    Args:
        what: what messages call it.
        text: up to 100 printable ASCII characters without a quote.
        empty: whether nothing will do.
    """
    if not isinstance(text, str):
        raise InvalidArgument(f"{what} is a text, not {text!r}")
    for octet in text:
        if octet == '"':
            raise InvalidArgument(f"{what} {text!r} contains a quote, which would end it in the command")
        if octet in "\r\n":
            raise InvalidArgument(
                f"{what} {text!r} contains {'CR' if octet == chr(13) else 'LF'}, which would end the command"
            )
        if not " " <= octet <= "~":
            raise InvalidArgument(f"{what} {text!r} contains U+{ord(octet):04X}; printable ASCII only")
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


def check_port(port: int) -> int:
    """Return a port number, or raise `InvalidArgument`."""
    if type(port) is not int or not 1 <= port <= 65535:
        raise InvalidArgument(f"a port is 1 to 65535, not {port!r}")
    return port


def is_dotted(host: str) -> bool:
    """Tell whether a host is given as a dotted address (AT+QIDNSIP=0) and not as a name (=1)."""
    return _DOTTED.fullmatch(host) is not None


def check_host(host: str) -> str:
    """Return a dotted address or a name of a remote host, or raise `InvalidArgument`."""
    check_text("host", host, empty=False)
    return check_address(host) if is_dotted(host) else host


def check_address(address: str) -> str:
    """Return a dotted address, or raise `InvalidArgument`."""
    if not is_dotted(address) or any(int(part) > 255 for part in address.split(".")):
        raise InvalidArgument(f"a dotted address has four numbers from 0 to 255, not {address!r}")
    return address


def check_index(index: int) -> int:
    """Return the index of a client session with MUXIP on (app note 4.2), or raise `InvalidArgument`."""
    if type(index) is not int or not 0 <= index <= 5:
        raise InvalidArgument(f"the index of a session is 0 to 5, not {index!r}")
    return index


def check_clients(clients: int) -> int:
    """Return how many clients a server may have (app note 6.1), or raise `InvalidArgument`."""
    if type(clients) is not int or not 1 <= clients <= 5:
        raise InvalidArgument(f"a server has 1 to 5 clients, not {clients!r}")
    return clients


def check_period(period: int) -> int:
    """Return the seconds of AT+QIAUTOS, or raise `InvalidArgument`."""
    if type(period) is not int or not 1 <= period <= 100:
        raise InvalidArgument(f"a sending period is 1 to 100 whole seconds, not {period!r}")
    return period


@dataclass(frozen=True, slots=True)
class Gprs:
    """A GPRS bearer (app note 3.1).

    Args:
        apn: the access point.
        user: the user name, where the access point wants one.
        password: the password.
    """

    apn: str = "CMNET"
    user: str = ""
    password: str = ""

    def __post_init__(self) -> None:
        check_text("APN", self.apn, empty=False)
        check_text("user name", self.user)
        check_text("password", self.password)

    @property
    def value(self) -> str:
        """What AT+QICSGP is set to."""
        named = f',"{self.user}","{self.password}"' if self.user or self.password else ""
        return f'1,"{self.apn}"{named}'


@dataclass(frozen=True, slots=True)
class Csd:
    """A CSD bearer: a data call (app note 3.1). Two contexts at once must both be GPRS (7.1).

    Args:
        number: the number to dial.
        user: the user name.
        password: the password.
        rate: 0 for 2400 bits per second, 1 for 4800, 2 for 9600, 3 for 14400; None: the module's own.
    """

    number: str
    user: str = ""
    password: str = ""
    rate: int | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\+?[0-9*#]{1,40}", self.number):
            raise InvalidArgument(f"a number to dial has digits, * and #, maybe a + before them: not {self.number!r}")
        check_text("user name", self.user)
        check_text("password", self.password)
        if self.rate is not None and (type(self.rate) is not int or self.rate not in range(4)):
            raise InvalidArgument(f"a CSD rate is 0 (2400) to 3 (14400), not {self.rate!r}")

    @property
    def value(self) -> str:
        """What AT+QICSGP is set to."""
        rate = "" if self.rate is None else f",{self.rate}"
        return f'0,"{self.number}","{self.user}","{self.password}"{rate}'


@dataclass(frozen=True, slots=True)
class Transparent:
    """How a transparent session sends, and how its data mode is left (AT+QITCFG, app note 3.1).

    Args:
        retries: how often the module sends a packet again.
        wait: seconds of silence after which what is buffered is sent, in steps of 0.1.
        size: octets at which it is sent at once, up to 1460.
        escape: ``+++`` leaves data mode by guard times, and no data may contain it; ``dtr`` leaves it by dropping DTR
            (AT&D1), and data may be anything.
    """

    retries: int = 3
    wait: float = 0.2
    size: int = 1024
    escape: str = "+++"

    def __post_init__(self) -> None:
        if self.escape not in ("+++", "dtr"):
            raise InvalidArgument(f"escape is '+++' or 'dtr', not {self.escape!r}")
        if type(self.size) is not int or not 1 <= self.size <= 1460:
            raise InvalidArgument(f"size is 1 to 1460 octets, not {self.size!r}")
        if not 0.1 <= self.wait <= 25.5:
            raise InvalidArgument(f"wait is 0.1 to 25.5 seconds, not {self.wait!r}")
        if type(self.retries) is not int or not 0 <= self.retries <= 8:
            raise InvalidArgument(f"retries is 0 to 8, not {self.retries!r}")

    @property
    def value(self) -> str:
        """What AT+QITCFG is set to."""
        return f"{self.retries},{round(self.wait * 10)},{self.size},{int(self.escape == '+++')}"


@dataclass(frozen=True, slots=True)
class Options:
    """How one context is to be used; checked when made. See `TcpipDriver` for each field."""

    context: int = 0
    bearer: Gprs | Csd = Gprs()
    muxip: bool = False
    transparent: Transparent | None = None
    receive: str | None = None
    show: frozenset[str] = frozenset()
    initialise: tuple[str, ...] = INITIALISE
    dialect: Dialect = DIALECTS["m10"]

    @classmethod
    def make(
        cls,
        context: int,
        bearer: Gprs | Csd,
        *,
        muxip: bool,
        transparent: Transparent | bool,
        receive: str | None,
        show: Collection[str],
        initialise: Sequence[str],
        dialect: str,
    ) -> Options:
        """Check what the constructor of a driver was given."""
        check_context(context)
        spoken = dialect_of(dialect)
        if isinstance(bearer, Csd) and not spoken.csd:
            raise ValueError(f"{spoken.title} has no CSD bearer ({spoken.source})")
        if receive == "buffered" and spoken.indication is None:
            raise ValueError(f"{spoken.title} keeps no data for AT+QIRD ({spoken.source}); receive='header'")
        if receive is None and spoken.indication is None:
            receive = "header"
        if receive is not None and receive not in RECEIVE:
            raise InvalidArgument(f"receive is one of {', '.join(RECEIVE)}, not {receive!r}")
        strange = [name for name in show if name not in SHOWN]
        if strange:
            raise InvalidArgument(f"show knows {', '.join(SHOWN)}, not {', '.join(strange)}")
        strange = [name for name in initialise if name not in INITIALISE]
        if strange:
            raise InvalidArgument(f"initialise knows {', '.join(INITIALISE)}, not {', '.join(strange)}")
        if transparent and muxip:
            raise InvalidArgument("transparent mode is not possible with MUXIP (app note 4.1)")
        if transparent is True:
            transparent = Transparent()
        made = transparent or None
        if made is not None:
            receive = "bare"
        return cls(context, bearer, muxip, made, receive, frozenset(show), tuple(initialise), spoken)

    def values(self, receive: str) -> dict[str, str]:
        """Return what each setting has to be.

        Args:
            receive: the receive mode, settled.
        """
        shown = set(self.show) | ({"QIHEAD"} if receive == "header" and not self.muxip else set())
        if receive == "buffered":
            shown = set()
        return {
            "QICSGP": self.bearer.value,
            "QIMUX": str(int(self.muxip)),
            "QIMODE": str(int(self.transparent is not None)),
            "QIDNSIP": "0",
            "QISDE": "0",
            "QINDI": (self.dialect.indication or "0") if receive == "buffered" else "0",
            **{name: str(int(name in shown)) for name in SHOWN},
        }
