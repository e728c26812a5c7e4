"""How much is ahead of a line: worked out without one."""

from hypothesis import given
from hypothesis import strategies as st

from cmux.protocol.pacing import Pacer

N1 = 31
FRAME = N1 + 7


@given(st.integers(300, 921600), st.lists(st.tuples(st.integers(6, FRAME), st.floats(0, 0.2)), min_size=1))
def test_no_more_than_two_frames_are_ahead_and_the_line_is_never_idle(
    rate: int, frames: list[tuple[int, float]]
) -> None:
    pacer = Pacer(rate, N1)
    now = idle_at = 0.0
    for size, wait in frames:
        at = pacer.next_at(now)
        if at is not None:
            assert now < at <= idle_at  # before it runs dry
            now = at
        idle_at = max(now, idle_at) + size * 10 / rate
        pacer.gave(size, now)
        assert (idle_at - now) * rate / 10 <= 2 * FRAME + 0.001
        now += wait


def test_without_a_rate_a_line_is_given_what_it_takes() -> None:
    pacer = Pacer(None, N1)
    pacer.gave(1_000_000, 0.0)
    assert pacer.next_at(0.0) is None
    assert pacer.limit > FRAME
    assert Pacer(9600, N1).limit == 0  # one frame at a time
