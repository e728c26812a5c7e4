"""Procedures for what a driver does as a context manager: what is entered is left, whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ...errors import DriverError
from .context import Context
from .procedure import Procedure, exclusive, leave_channel, on_channel


def begin(context: Context) -> Procedure[None]:
    """Claim a context; where that fails, `finish` is done before it is told."""
    try:
        yield from exclusive(context.take(0.0))
    except BaseException:
        with suppress(DriverError):
            yield from finish(context)
        raise


def finish(context: Context) -> Procedure[None]:
    """Close a context, and let go of the channel, also where the module does not do it."""
    try:
        yield from exclusive(context.close())
    except BaseException:
        if context.closed:  # not where it was interrupted: then it can be closed once more
            yield from leave_channel()
        raise
    yield from leave_channel()


@contextmanager
def beside(error: BaseException | None) -> Iterator[None]:
    """Leave something; what `drivers` raises then does not take the place of an error that is under way."""
    try:
        yield
    except DriverError:
        if error is None:
            raise


def resume(context: Context) -> Procedure[None]:
    """Go back to data mode after a few commands, where there is a session to go back to."""
    if context.resumable:
        yield from on_channel(context.stack.resume())
