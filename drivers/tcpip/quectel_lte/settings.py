"""The settings of one context, checked before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InvalidArgument
from ..core.options import Csd, Gprs, Options, Transparent
from ..core.stack import Dialect
from .dialect import LteDialect
from .unsolicited import SOCKETS

MODES = {"buffered": 0, "pushed": 1, "transparent": 2}
"""The values of the access mode of a socket, by the words of ``receive=``."""

IPV4 = 1
ANY_AUTHENTICATION, NO_AUTHENTICATION = 3, 0


def check_index(index: int) -> int:
    """Return the number of a socket, or raise `InvalidArgument`."""
    if type(index) is not int or index not in SOCKETS:
        raise InvalidArgument(f"the index of a session is 0 to {SOCKETS[-1]}, not {index!r}")
    return index


def bearer_value(context: int, bearer: Gprs) -> str:
    """Return the value for AT+QICSGP."""
    named = bool(bearer.user or bearer.password)
    authentication = ANY_AUTHENTICATION if named else NO_AUTHENTICATION
    return f'{context},{IPV4},"{bearer.apn}","{bearer.user}","{bearer.password}",{authentication}'


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one context, checked on construction. See `TcpipDriver` for each field."""

    dialect: LteDialect
    context: int
    bearer: Gprs
    receive: str
    transparent: Transparent
    asked: Transparent | None
    """The settings of transparent sessions that were given; None: those of the module are as good."""

    @classmethod
    def of(cls, options: Options, dialect: Dialect) -> Settings:
        """Check the arguments of the constructor of a driver."""
        if not isinstance(dialect, LteDialect):
            raise ValueError(f"{dialect.title} has a dialect of another family: it has to be an LteDialect")
        context, bearer = options.context, options.bearer
        if type(context) is not int or not 1 <= context <= dialect.contexts:
            raise InvalidArgument(f"a context of {dialect.title} is 1 to {dialect.contexts}, not {context!r}")
        if isinstance(bearer, Csd):
            raise InvalidArgument(f"{dialect.title} has no CSD bearer ({dialect.source})")
        receive = options.receive or ("transparent" if options.transparent else "buffered")
        if options.transparent is not None and receive != "transparent":
            raise InvalidArgument(f"a transparent session has receive='transparent', not {receive!r}")
        return cls(dialect, context, bearer, receive, options.transparent or Transparent(), options.transparent)
