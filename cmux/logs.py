"""The log of the library: it uses ``logging`` under ``cmux.<port>``, and prints nothing."""

import logging

from .protocol.events import Event, ResetSuspected


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
    log.debug("%s", event)
    if isinstance(event, ResetSuspected):
        log.info("%r where frames should be", event.text)
