"""Where the library tells things: ``logging``, under ``cmux.<port>``, and nowhere else."""

import logging


def port_logger(name: str) -> logging.Logger:
    """Return the logger of a port.

    Args:
        name: of the port: a path, a URL, or what its object is called.

    Returns:
        The logger ``cmux.<name>``.
    """
    return logging.getLogger(f"cmux.{name}")
