"""The settings of one context, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ...errors import InvalidArgument
from ..core.options import Csd, Gprs, Options, Transparent
from ..core.stack import Dialect
from .dialect import GsmDialect

CONTEXTS = (0, 1)

SHOWN = ("QISHOWRA", "QISHOWLA", "QIHEAD", "QISHOWPT")
"""The commands that add information before received data (app note 3.4)."""

INITIALISE = ("QICSGP", "QIMUX", "QIMODE", "QIDNSIP", "QISDE", "QINDI", "QIHEAD", "QISHOWRA", "QISHOWLA", "QISHOWPT")
"""The settings that `TcpipDriver.claim` makes by default, in this order."""

DEFAULTS = {
    "QIMUX": "0",
    "QIMODE": "0",
    "QIDNSIP": "0",
    "QISDE": "1",
    "QINDI": "0",
    "QIAUTOS": "0",
    **dict.fromkeys(SHOWN, "0"),
}
"""The values that the module has by default."""

RECEIVE = ("buffered", "header", "bare")


def check_context(context: int, title: str) -> int:
    """Return the number of a context, or raise `InvalidArgument`."""
    if type(context) is not int or context not in CONTEXTS:
        raise InvalidArgument(f"a context of {title} is 0 or 1, not {context!r}")
    return context


def check_index(index: int) -> int:
    """Return the index of a client session with MUXIP on (app note 4.2), or raise `InvalidArgument`."""
    if type(index) is not int or not 0 <= index <= 5:
        raise InvalidArgument(f"the index of a session is 0 to 5, not {index!r}")
    return index


def check_clients(clients: int) -> int:
    """Return the most clients of a server (app note 6.1), or raise `InvalidArgument`."""
    if type(clients) is not int or not 1 <= clients <= 5:
        raise InvalidArgument(f"a server has 1 to 5 clients, not {clients!r}")
    return clients


def check_shown(shown: Collection[str]) -> None:
    """Raise `InvalidArgument` unless all names are commands that add information before received data."""
    strange = sorted(name for name in shown if name not in SHOWN)
    if strange:
        raise InvalidArgument(f"show knows {', '.join(SHOWN)}, not {', '.join(strange)}")


def check_period(period: int) -> int:
    """Return the seconds of AT+QIAUTOS, or raise `InvalidArgument`."""
    if type(period) is not int or not 1 <= period <= 100:
        raise InvalidArgument(f"a sending period is 1 to 100 whole seconds, not {period!r}")
    return period


def bearer_value(bearer: Gprs | Csd) -> str:
    """Return the value for AT+QICSGP."""
    if isinstance(bearer, Csd):
        rate = "" if bearer.rate is None else f",{bearer.rate}"
        return f'0,"{bearer.number}","{bearer.user}","{bearer.password}"{rate}'
    named = f',"{bearer.user}","{bearer.password}"' if bearer.user or bearer.password else ""
    return f'1,"{bearer.apn}"{named}'


def transparent_value(transparent: Transparent) -> str:
    """Return the value for AT+QITCFG."""
    escape = int(transparent.escape == "+++")
    return f"{transparent.retries},{round(transparent.wait * 10)},{transparent.size},{escape}"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one context, checked on construction. See `TcpipDriver` for each field."""

    dialect: GsmDialect
    context: int
    bearer: Gprs | Csd
    muxip: bool
    transparent: Transparent | None
    receive: str | None
    show: frozenset[str]
    initialise: tuple[str, ...]

    @classmethod
    def of(cls, options: Options, dialect: Dialect) -> Settings:
        """Check the arguments of the constructor of a driver."""
        if not isinstance(dialect, GsmDialect):
            raise ValueError(f"{dialect.title} has a dialect of another family: it has to be a GsmDialect")
        check_context(options.context, dialect.title)
        if isinstance(options.bearer, Csd) and not dialect.csd:
            raise ValueError(f"{dialect.title} has no CSD bearer ({dialect.source})")
        receive = options.receive
        if receive == "buffered" and dialect.indication is None:
            raise ValueError(f"{dialect.title} keeps no data for AT+QIRD ({dialect.source}); receive='header'")
        if receive is None and dialect.indication is None:
            receive = "header"
        if receive is not None and receive not in RECEIVE:
            raise InvalidArgument(f"receive is one of {', '.join(RECEIVE)} for {dialect.title}, not {receive!r}")
        check_shown(options.show)
        initialise = INITIALISE if options.initialise is None else options.initialise
        strange = [name for name in initialise if name not in INITIALISE]
        if strange:
            raise InvalidArgument(f"initialise knows {', '.join(INITIALISE)}, not {', '.join(strange)}")
        if options.transparent and options.muxip:
            raise InvalidArgument("transparent mode is not possible with MUXIP (app note 4.1)")
        if options.transparent is not None:
            receive = "bare"
        return cls(
            dialect,
            options.context,
            options.bearer,
            options.muxip,
            options.transparent,
            receive,
            options.show,
            initialise,
        )

    def values(self, receive: str) -> dict[str, str]:
        """Return the value that each setting has to have.

        Args:
            receive: the receive mode; not None.
        """
        shown = set(self.show) | ({"QIHEAD"} if receive == "header" and not self.muxip else set())
        if receive == "buffered":
            shown = set()
        return {
            "QICSGP": bearer_value(self.bearer),
            "QIMUX": str(int(self.muxip)),
            "QIMODE": str(int(self.transparent is not None)),
            "QIDNSIP": "0",
            "QISDE": "0",
            "QINDI": (self.dialect.indication or "0") if receive == "buffered" else "0",
            **{name: str(int(name in shown)) for name in SHOWN},
        }
