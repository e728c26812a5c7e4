"""Drivers for modules on a channel of the multiplexer: the AT engine, the TCP/IP driver, and an emulated module.

The multiplexer itself is in ``cmux``, which does not import this package.
"""

import logging

logging.getLogger(__name__).addHandler(logging.NullHandler())  # otherwise programs without logging print warnings
