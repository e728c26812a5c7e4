"""The questions about modules of the Quectel LTE family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .declaration import Readings


@dataclass(frozen=True, repr=False)
class QuectelLte(Readings):
    """Chooses among the readings for EC2x, EG9x and BG9x."""

    FAMILY: ClassVar[str] = "quectel_lte"
