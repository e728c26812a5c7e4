"""Lets a running ``attach`` be watched over HTTP: its pages, and the extra that they need."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from ..threads.tcp_bridge import listen, shown
from .status import Watched, status

METRICS: Final = "/metrics"
"""The page for Prometheus."""
STATUS: Final = "/status"
"""The page with the same as JSON, which ``monitor`` reads."""


def lacking() -> str | None:
    """Return what is to be installed before metrics can be served; None if nothing is."""
    try:
        from .metrics import exposition  # noqa: F401 - it is loaded with --metrics only
    except ImportError:
        return "it needs the package prometheus-client: pip install 'gsm0710[metrics]'"
    return None


@contextmanager
def watchable(address: tuple[str, int] | None, lines: Sequence[Watched], *, quiet: bool) -> Iterator[None]:
    """Within the context, serve the pages about lines.

    Args:
        address: host and port; None: nothing is served.
        lines: the lines.
        quiet: do not say on stderr where.

    Raises:
        OSError: the address is not one of this machine, or the port is taken.
    """
    if address is None:
        yield
        return
    from .metrics import CONTENT_TYPE, exposition
    from .page_server import Page, PageServer

    pages = {
        METRICS: Page(CONTENT_TYPE, lambda: exposition(lines)),
        STATUS: Page("application/json", lambda: json.dumps(status(lines)).encode() + b"\n"),
    }
    listener = listen(*address)
    server = PageServer(listener, pages)
    try:
        if not quiet:
            print(f"metrics: http://{shown(listener)}{METRICS}", file=sys.stderr, flush=True)
        server.start()
        yield
    finally:
        server.close()
