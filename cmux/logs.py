"""The log of the library: it uses ``logging`` under ``cmux.<port>``, and prints nothing."""

import logging
from collections.abc import Iterable

from .masking import Masker, hidden_anywhere, masked
from .protocol.config import KeepAlive
from .protocol.events import (
    AtReceived,
    Cause,
    Closed,
    CommandReceived,
    DataReceived,
    Event,
    FrameDropped,
    KeepAliveChosen,
    Opened,
    ResetSuspected,
    SessionClosed,
    SessionOpened,
)
from .protocol.startup_steps import Finding


def port_logger(name: str) -> logging.Logger:
    """Return the logger of a port.

    Args:
        name: the name of the port: a path, a URL, or the name of its object.

    Returns:
        The logger ``cmux.<name>``.
    """
    return logging.getLogger(f"cmux.{name}")


def log_event(log: logging.Logger, event: Event) -> None:
    """Log an event of a session: every event at DEBUG, some that may matter to users at INFO.

    Args:
        log: the logger of the port.
        event: an event of the core.
    """
    if log.isEnabledFor(logging.DEBUG):
        log.debug("%s", _told(event))
    match event:
        case DataReceived():  # the only one that is not rare
            pass
        case ResetSuspected():
            log.info("%r where frames should be", event.text)
        case KeepAliveChosen(kind=KeepAlive.NONE):
            log.warning("it answers neither Test nor MSC: nothing will tell if it falls silent (keep_alive=none)")
        case KeepAliveChosen():
            log.info("if it falls silent, it is asked by %s whether it is still there", _BY[event.kind])
        case SessionOpened():
            log.info("the session is open")
        case SessionClosed(cause=Cause.LOCAL):  # what else ends it is logged by the Mux, which knows whether it matters
            log.info("the session is closed")
        case Opened():
            log.info("DLCI %d is open", event.dlci)
        case Closed():
            log.info("DLCI %d is closed%s", event.dlci, "" if event.cause in _TOLD_ONCE else f": {event.detail}")


def _told(event: Event) -> str:
    """Return an event as text, without what passes on the channels: that may be passwords."""
    match event:
        case DataReceived():
            return f"DataReceived(dlci={event.dlci}, {len(event.data)} octets)"
        case AtReceived():
            return f"AtReceived({len(event.data)} octets)"
        case CommandReceived():
            return f"CommandReceived({masked(event.command)!r})"
        case FrameDropped():
            return f"FrameDropped(offset={event.offset}, reason={event.reason.value}, {len(event.raw)} octets)"
    return str(event)


_BY = {KeepAlive.TEST: "Test", KeepAlive.MSC: "MSC"}

_TOLD_ONCE = frozenset({Cause.LOCAL, Cause.LINE_LOST, Cause.SESSION})
"""The ends of a DLC that need no reason: this side has closed it, or the end of the session tells why."""


class StepLog:
    """Logs what passes on a line before and after a session, at DEBUG, without secrets.

    Args:
        log: the logger of the port.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._heard = Masker()  # an echo may come in pieces

    def set_to(self, baudrate: int) -> None:
        """Log, at INFO, that the line was set to another rate: a search for it takes a while.

        Args:
            baudrate: bits per second.
        """
        self._log.info("at %d baud", baudrate)

    def __call__(self, sent: bytes, received: bytes) -> None:
        """Log a step.

        Args:
            sent: what was written.
            received: what came.
        """
        received = self._heard(received)
        if self._log.isEnabledFor(logging.DEBUG):
            self._log.debug("sent %r, received %r", hidden_anywhere(sent), hidden_anywhere(received))


class FindingsLog(list[Finding]):
    """What the steps of an opening show, logged at INFO as it is found.

    Args:
        log: the logger of the port.
        kept: gets the findings as well.
    """

    def __init__(self, log: logging.Logger, kept: list[Finding] | None = None) -> None:
        super().__init__()
        self._log = log
        self._kept = kept

    def append(self, finding: Finding) -> None:
        """Log a finding."""
        super().append(finding)
        self._log.info("%s: %s", finding.step, finding.text)
        if self._kept is not None:
            self._kept.append(finding)


def log_entered(log: logging.Logger, baudrate: int | None, warnings: Iterable[str]) -> None:
    """Log what a user should know of a module that has entered multiplexer mode.

    Args:
        log: the logger of the port.
        baudrate: the rate at which it was found, if that is another than that of its line.
        warnings: what did not prevent it.
    """
    if baudrate is not None:
        log.warning("the module is set to %d baud, and so is the line now", baudrate)
    for warning in warnings:
        log.warning("%s", warning)


def log_left(log: logging.Logger, *, answered: bool, ended: bool) -> None:
    """Log that a module does not answer AT after a session, if it does not.

    Args:
        log: the logger of the port.
        answered: the module answers AT.
        ended: the session was open, and was ended; a failed opening has a message that says more than this one.
    """
    if not answered:
        level = logging.WARNING if ended else logging.INFO
        log.log(level, "the module does not answer AT after the end of the session")
