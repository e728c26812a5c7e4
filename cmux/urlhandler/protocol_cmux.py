"""The class behind ``cmux:`` URLs, under the name that pyserial asks for."""

from ..threads.public import VirtualUart as Serial

__all__ = ["Serial"]
