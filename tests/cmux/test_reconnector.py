"""How a line that died is looked for: how often, and under which name."""

from pathlib import Path

from cmux.reconnector import Backoff, stable_name


def test_attempts_become_rarer_up_to_one_in_half_a_minute() -> None:
    backoff, delays = Backoff(), list[float]()
    for _ in range(8):
        delays.append(backoff.delay)
        backoff.failed("x", OSError("not there"))
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30]
    backoff.succeeded()
    assert backoff.delay == 0.5


def test_a_device_has_a_name_by_which_it_is_found_again(tmp_path: Path) -> None:
    (tmp_path / "ttyUSB0").touch()
    (tmp_path / "by-id").mkdir()
    (tmp_path / "by-id" / "usb-A").symlink_to("../ttyUSB1")
    (tmp_path / "by-id" / "usb-B").symlink_to("../ttyUSB0")
    assert stable_name(str(tmp_path / "ttyUSB0"), str(tmp_path / "by-id")) == str(tmp_path / "by-id" / "usb-B")
    assert stable_name(str(tmp_path / "ttyUSB2"), str(tmp_path / "by-id")) is None
    assert stable_name(str(tmp_path / "ttyUSB0"), str(tmp_path / "nowhere")) is None
