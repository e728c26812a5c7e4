"""The fixtures of the tests that run on modules of every family."""

from driver_lab import echo_server
from families_lab import bench

__all__ = ["bench", "echo_server"]
