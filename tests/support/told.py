"""An error as a user of either shell sees it: its class, its text, its cause."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import pytest
import serial
from line_deaths import one_hang_up

import cmux
from cmux.protocol.events import Cause


class Told(NamedTuple):
    """An error, with ``{path}`` for the line, and the cause where it has one."""

    error: type[Exception]
    text: str
    cause: Cause | None = None

    @contextlib.contextmanager
    def raised(self, path: object) -> Iterator[None]:
        """Want it to be raised, and to be an error of a serial port where the line or the channel is to blame."""
        with pytest.raises(self.error) as caught:
            yield
        assert type(caught.value) is self.error
        assert one_hang_up(caught.value) == self.text.format(path=path)
        assert getattr(caught.value, "cause", None) is self.cause
        assert isinstance(caught.value, serial.SerialException) is (
            issubclass(self.error, cmux.PortError) or self.cause is not None
        )
