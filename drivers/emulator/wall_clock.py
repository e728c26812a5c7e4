"""The module's own clock: set by hand or by AT+QNTP, and otherwise as wrong as after a battery change."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from ..clock import Clock

_START = datetime(2004, 1, 1)
_TEXT = re.compile(r"(\d\d)/(\d\d)/(\d\d),(\d\d):(\d\d):(\d\d)([+-]\d\d)?")
_CENTURY = 2000
_ZONES = range(-47, 49)  # quarters of an hour (27.007 §8.15); a time of a message has room for 79 (23.040 §9.2.3.11)


class WallClock:
    """Keeps the date and time that AT+CCLK shows.

    Args:
        clock: the source of time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._zone = "+00"
        self.set(_START)

    def set(self, moment: datetime) -> None:
        """Set it to date and time."""
        self._moment = moment
        self._set_at = self._clock.now()

    def set_text(self, text: str) -> bool:
        """Set it to ``yy/MM/dd,hh:mm:ss±zz``; return False, and change nothing, for any other text.

        Args:
            text: the zone is -47 to +48 quarters of an hour (27.007 §8.15), and may be left out.
        """
        found = _TEXT.fullmatch(text)
        if found is None or int(found[7] or 0) not in _ZONES:
            return False
        year, *rest = (int(part) for part in found.groups()[:6])
        try:
            moment = datetime(_CENTURY + year, *rest)  # type: ignore[arg-type]
        except ValueError:
            return False
        self._zone = found[7] or "+00"
        self.set(moment)
        return True

    def text(self) -> str:
        """Return it as ``yy/MM/dd,hh:mm:ss+zz``."""
        now = self._moment + timedelta(seconds=self._clock.now() - self._set_at)
        return now.strftime("%y/%m/%d,%H:%M:%S") + self._zone
