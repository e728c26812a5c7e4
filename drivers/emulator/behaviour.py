"""What an emulated module does where documents, firmware and drivers disagree: the questions of all families."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from .readings.common import Common
from .readings.quectel_gsm import QuectelGsm
from .readings.quectel_lte import QuectelLte

#: Behaviours that belong together, under the names that stand for them: what the figures of the app note show.
SETS: dict[str, tuple[str, ...]] = {
    "figure1": ("ati_blank_line=on", "recv_from=RECV FROM", "address_line=off"),
    "figure2": ("recv_from=RCV FROM", "address_line=on", "send_ok_blank=on"),
    "figure3": ("ati_blank_line=off", "recv_from=RCV FROM", "address_line=on"),
}


@dataclass(frozen=True, repr=False)
class Behaviour(QuectelLte, QuectelGsm, Common):
    """Chooses what an emulated module does where documents, firmware and drivers disagree.

    Every field has its source in ``dataclasses.field.metadata["source"]``; `describe` prints them. A field that is not
    given is as the model does it. Fields of another family than the model's are refused by `EmulatedModule`.
    """

    SETS: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType(SETS)
