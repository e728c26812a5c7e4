"""The optional part of a family: rules of contexts, names, data mode, a foreground context, headers of data."""

from __future__ import annotations

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
