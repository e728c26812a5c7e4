"""The procedures of a driver as a context manager: a context that was claimed is closed in any case."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ...errors import DriverError, SessionClosed
from .context import Context
from .procedure import Procedure, abandon_others, exclusive, leave_channel, on_channel


def begin(context: Context) -> Procedure[None]:
    """Claim a context; if that fails, run `finish` before the error is raised."""
    try:
        yield from exclusive(context.take(0.0))
    except BaseException:
        with suppress(DriverError):
            yield from finish(context)
        raise


def finish(context: Context) -> Procedure[None]:
    """Abandon what waits, close a context and release the channel, even if the module does not answer."""
    context.closing = True
    try:
        yield from abandon_others(lambda: SessionClosed(f"{context.name}: the driver was closed"))
        yield from exclusive(context.close())
    except BaseException:
        context.closing = context.closed
        if context.closed:  # not if it was interrupted: then `close` can be called again
            yield from leave_channel()
        raise
    yield from leave_channel()


@contextmanager
def beside(error: BaseException | None) -> Iterator[None]:
    """Suppress errors of ``drivers`` in the ``with`` block if another error is already being raised."""
    try:
        yield
    except DriverError:
        if error is None:
            raise


def resume(context: Context) -> Procedure[None]:
    """Go back to data mode after a few commands, if there is still a session."""
    if context.resumable:
        yield from on_channel(context.stack.resume())
