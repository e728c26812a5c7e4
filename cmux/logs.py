"""Where the library tells things: ``logging``, under ``cmux.<port>``, and nowhere else."""

import logging

from .protocol.events import Event, ResetSuspected


def port_logger(name: str) -> logging.Logger:
    """Return the logger of a port.

    Args:
        name: of the port: a path, a URL, or what its object is called.

    Returns:
        The logger ``cmux.<name>``.
    """
    return logging.getLogger(f"cmux.{name}")


def log_event(log: logging.Logger, event: Event) -> None:
    """Log what a session tells: all of it at DEBUG, what may be worth knowing at INFO.

    Args:
        log: of the port.
        event: from the core.
    """
    log.debug("%s", event)
    if isinstance(event, ResetSuspected):
        log.info("%r where frames should be", event.text)


def log_rate(log: logging.Logger, baudrate: int | None) -> None:
    """Tell that a module was found at another baud rate than that of its line, if it was."""
    if baudrate is not None:
        log.warning("the module is set to %d baud, and so is the line now", baudrate)


def log_left(log: logging.Logger, *, answered: bool, ended: bool) -> None:
    """Tell that a module does not answer AT after a session, if it does not.

    Args:
        log: of the line.
        answered: it does.
        ended: the session was open and was ended; a failed opening says more than this itself.
    """
    if not answered:
        level = logging.WARNING if ended else logging.INFO
        log.log(level, "the module does not answer AT after the end of the session")
