"""Which build of the core this is. It is imported before the rest of it, so that nothing runs that is out of date."""

from __future__ import annotations

from ..extensions import has_extensions

compiled: bool = has_extensions(__file__.rpartition("build.")[0])
"""Whether what octets pass through is compiled; it does the same when it is not (`hatch_build.py`)."""
