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
