"""Loggers of everything that runs on a channel: ``drivers.<port>``. The package prints nothing."""

import logging


def port_logger(name: str) -> logging.Logger:
    """Return the logger of a port.

    Args:
        name: the name of the port, as its AT channel has it.

    Returns:
        The logger ``drivers.<name>``.
    """
    return logging.getLogger(f"drivers.{name}")
