"""What runs on a channel of the multiplexer: AT dialogues, the TCP/IP driver, and an emulated module."""

import logging

logging.getLogger(__name__).addHandler(logging.NullHandler())  # else warnings would be printed where nobody set it up
