"""The fixtures of all tests that run the driver on the emulated module."""

from driver_lab import echo_server, lab
from every_way import way

__all__ = ["echo_server", "lab", "way"]
