"""The limits of a write buffer, as `asyncio.WriteTransport.set_write_buffer_limits` takes them."""

from __future__ import annotations


def water_marks(high: int | None, low: int | None, usual: int) -> tuple[int, int]:
    """Return both limits.

    Args:
        high: octets above which ``pause_writing`` is called; None: four times `low`, or the usual number.
        low: octets at which ``resume_writing`` follows; None: a quarter of `high`.
        usual: the usual number for `high`.

    Returns:
        The lower and the higher one.

    Raises:
        ValueError: `low` is not between 0 and `high`.
    """
    if high is None:
        high = usual if low is None else 4 * low
    if low is None:
        low = high // 4
    if not 0 <= low <= high:
        raise ValueError(f"0 <= low ({low}) <= high ({high}) does not hold")
    return low, high
