"""Where what runs on a channel tells things: ``logging``, under ``drivers.<port>``, and nowhere else."""

import logging


def port_logger(name: str) -> logging.Logger:
    """Return the logger of a port.

    Args:
        name: of the port, as its AT channel has it.

    Returns:
        The logger ``drivers.<name>``.
    """
    return logging.getLogger(f"drivers.{name}")
