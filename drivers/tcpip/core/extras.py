"""What a family may have beside sessions and listeners: names, data mode, a foreground context, headers to show."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NoReturn

from ...at.core import Dialogue
from .procedure import Procedure


class Extras(ABC):
    """The part of a `TcpipStack` that a family may do without; what it does not override says so by name."""

    @abstractmethod
    def lacks(self, what: str) -> NoReturn:
        """Say that the family does not have something."""

    # -- names -------------------------------------------------------------------------------------------------------

    def resolve(self, name: str) -> Procedure[list[str]]:
        """Return the addresses of a name, activating the context where that is needed.

        Raises:
            NameNotFound: the module has none.
        """
        self.lacks("names")

    def set_name_servers(self, primary: str, secondary: str | None) -> Procedure[None]:
        """Set the servers that names are asked of."""
        self.lacks("name servers")

    def name_servers(self) -> Procedure[tuple[str, ...]]:
        """Return the servers that names are asked of."""
        self.lacks("name servers")

    # -- data mode ---------------------------------------------------------------------------------------------------

    def escape(self) -> Dialogue[None]:
        """Go from data mode to command mode; the session stands."""
        self.lacks("data mode")

    def resume(self) -> Dialogue[None]:
        """Go back to data mode.

        Raises:
            SessionFinished: the session has ended meanwhile.
        """
        self.lacks("data mode")

    def online_work(self) -> Dialogue[None] | None:
        """Return what is to be done in data mode without being asked, None when there is nothing."""
        return None

    def foreground(self) -> Procedure[tuple[int, int | None]]:
        """Return the UART's foreground context and the virtual UART that controls it."""
        self.lacks("foreground context")

    def show(self, shown: frozenset[str]) -> Procedure[None]:
        """Set what stands before received data; refuses wrong names at once."""
        self.lacks("headers to show")
