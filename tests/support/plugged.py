"""A device that is pulled out and plugged in again, under a name of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def plugged(name: Path, pty: str) -> Iterator[None]:
    """Let a name lead to a pty, which lives longer than this.

    As with a real device the name goes, too. It must: the system gives the number of a pty that was closed to the next
    who asks for one, and who looks for the device under it would speak to the module of another test.

    Args:
        name: of the device; not there before and after.
        pty: the path of its slave.
    """
    name.symlink_to(pty)
    try:
        yield
    finally:
        name.unlink()
