"""Octets by a declaration of `wire`."""

from __future__ import annotations

from typing import Any

from construct import Construct, ConstructError

from .errors import FrameError


def build(layout: Construct[Any, Any], values: object) -> bytes:
    """Build octets by a declaration; what does not fit is our caller's mistake.

    Args:
        layout: the declaration.
        values: what it asks for.

    Returns:
        The octets.

    Raises:
        FrameError: a value does not fit its field.
    """
    try:
        return layout.build(values)
    except ConstructError as error:
        raise FrameError(f"a value does not fit its field: {error}") from error
