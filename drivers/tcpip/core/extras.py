"""The optional part of a family: rules of contexts, names, data mode, a foreground context, headers of data."""

from __future__ import annotations

import datetime
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NoReturn

from ...at.core import Dialogue
from ...errors import CommandError
from .procedure import Procedure


@dataclass(frozen=True, slots=True)
class Identified:
    """What a module that has refused a context says about itself.

    Args:
        model: the model, in its own words; empty if it does not tell.
        speaks: whether its answers have the shape of those of the family; None: that is not known.
    """

    model: str = ""
    speaks: bool | None = None


@dataclass(frozen=True, slots=True)
class PingReply:
    """What has become of one echo request.

    Args:
        address: who has answered; None: nobody.
        octets: the octets of data in it.
        milliseconds: how long the answer took; None: there was none.
        ttl: the time to live of the answer; None: there was none.
        code: the error code of the module; None if there was an answer.
    """

    address: str | None = None
    octets: int = 0
    milliseconds: int | None = None
    ttl: int | None = None
    code: int | None = None


class Extras(ABC):
    """The optional part of a `TcpipStack`; a method that is not overridden raises an error that names what it lacks."""

    @abstractmethod
    def lacks(self, what: str) -> NoReturn:
        """Raise an error that says that the family does not have something.

        Args:
            what: what it does not have, in words.

        Raises:
            TcpipError: always.
        """

    def identify(self, refusal: CommandError) -> Procedure[Identified]:
        """Ask a module that has refused the context what it is; by default nothing is sent.

        Args:
            refusal: the command and its answer.

        Returns:
            What it has told.
        """
        yield from ()
        return Identified()

    # -- contexts that exclude each other -----------------------------------------------------------------------------

    def check_claiming(self) -> None:  # noqa: B027 - most families have no such rule
        """Check that the context can be claimed with its options, as far as is known here; no command is sent.

        Raises:
            drivers.errors.DriverError: it cannot; the message has the rule.
        """

    def check_activating(self) -> None:  # noqa: B027 - the same
        """Check that the context can be active beside the other contexts of the module; no command is sent.

        Raises:
            drivers.errors.TcpipError: it cannot; the message has the rule.
        """

    # -- names -------------------------------------------------------------------------------------------------------

    def resolve(self, name: str) -> Procedure[list[str]]:
        """Return the addresses of a name; activate the context if that is needed.

        Args:
            name: a domain name.

        Raises:
            NameNotFound: the module has no address for it.
        """
        self.lacks("names")

    def set_name_servers(self, primary: str, secondary: str | None) -> Procedure[None]:
        """Set the name servers.

        Args:
            primary: a dotted address.
            secondary: another one, or None.
        """
        self.lacks("name servers")

    def name_servers(self) -> Procedure[tuple[str, ...]]:
        """Return the name servers."""
        self.lacks("name servers")

    # -- questions to other hosts -------------------------------------------------------------------------------------

    def ping(self, host: str, *, count: int, timeout: int) -> Procedure[list[PingReply]]:
        """Send echo requests, and return what has become of each.

        Args:
            host: a dotted address or a name.
            count: how many, 1 to 10.
            timeout: seconds to wait for each answer, 1 to 255.
        """
        self.lacks("ping")

    def network_time(self, server: str, port: int) -> Procedure[datetime.datetime]:
        """Ask a time server.

        Args:
            server: a dotted address or a name.
            port: its port.

        Returns:
            The time that it tells, with its time zone.
        """
        self.lacks("network time")

    # -- data mode ---------------------------------------------------------------------------------------------------

    def escape(self) -> Dialogue[None]:
        """Go from data mode to command mode; the session stays open."""
        self.lacks("data mode")

    def resume(self) -> Dialogue[None]:
        """Go back to data mode.

        Raises:
            SessionFinished: the session has ended meanwhile.
        """
        self.lacks("data mode")

    def work(self) -> Dialogue[None] | None:
        """Return a dialogue of this family that is due without a call of the user, or None.

        In data mode it is only the one that ends it, or finds out whether it has ended.
        """
        return None

    def foreground(self) -> Procedure[tuple[int, int | None]]:
        """Return the foreground context of the UART, and the virtual UART that controls it."""
        self.lacks("foreground context")

    def show(self, shown: frozenset[str]) -> Procedure[None]:
        """Set the information that precedes received data; raises for unknown names before anything is sent.

        Args:
            shown: the names to switch on; all others are switched off.
        """
        self.lacks("headers to show")
