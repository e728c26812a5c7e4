"""Builds octets from the declarations of `wire`."""

from __future__ import annotations

from typing import Any

from construct import Construct, ConstructError

from .errors import FrameError


def build(layout: Construct[Any, Any], values: object) -> bytes:
    """Build octets from a declaration; a value that does not fit is the caller's mistake.

    Args:
        layout: the declaration.
        values: the values of its fields.

    Returns:
        The octets.

    Raises:
        FrameError: a value does not fit its field.
    """
    try:
        return layout.build(values)
    except ConstructError as error:
        raise FrameError(f"a value does not fit its field: {error}") from error
