"""The models that can be emulated: what each one says of itself, and what it does otherwise than others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from .behaviour import Behaviour


@dataclass(frozen=True, slots=True)
class CmuxForm:
    """Describes the AT+CMUX of a model (27.007 §5.7).

    Args:
        fastest: the greatest number of <port_speed>.
        least_n1: the least <N1>, in octets.
        most_n1: the greatest.
        idle_mode: the mode that AT+CMUX? shows while the module is in AT mode.
        blank: what stands behind the colon of AT+CMUX?.
        coded_errors: whether it refuses with +CME ERROR, and not with ERROR.
    """

    fastest: int = 5
    least_n1: int = 10
    most_n1: int = 128
    idle_mode: int = -1
    blank: str = ""
    coded_errors: bool = True


M10_CMUX: Final = CmuxForm()
"""That of an M10, as its manual has it."""


LTE_CMUX: Final = CmuxForm(fastest=8, least_n1=1, most_n1=1509, idle_mode=0, blank=" ", coded_errors=False)
"""That of LTE modules: what their hosts send."""
_LTE_HABITS: Final = {"esc_answer": "ERROR", "payload_echo": "ate", "cmux_speed": "follow", "msc_after_ua": False}


@dataclass(frozen=True, slots=True)
class Model:
    """Describes one model of module.

    Args:
        name: what ``model=`` and ``--model`` call it.
        family: its family, a row of ``MODEMS`` in ``drivers.emulator.module``.
        manufacturer: what AT+CGMI says.
        product: what AT+CGMM says.
        revision: what AT+CGMR says.
        imei: what AT+CGSN says, 15 digits.
        option: the framings that AT+CMUX may ask for unless `EmulatedModule` says otherwise.
        n1: the longest information field that it sends unless AT+CMUX says otherwise, in octets.
        cmux: the forms of its AT+CMUX.
        behaviour: the readings that are usual for it and differ from the defaults of `Behaviour`.
    """

    name: str
    family: str
    manufacturer: str
    product: str
    revision: str
    imei: str
    option: Literal["basic", "advanced", "any"] = "basic"
    n1: int = 127
    cmux: CmuxForm = M10_CMUX
    behaviour: Mapping[str, object] = field(default_factory=dict)

    def complete(self, behaviour: Behaviour) -> Behaviour:
        """Return a behaviour with what is usual for the model wherever nothing else was given.

        Args:
            behaviour: what was given.

        Raises:
            ValueError: it has a field that is for modules of another family.
        """
        return behaviour.for_model(self.name, self.family, self.behaviour)


_ROWS = (
    Model(
        "m10",
        "quectel_gsm",
        manufacturer="Quectel_Ltd",
        product="Quectel_M10",
        revision="M10R04A02M32_SST",
        imei="861001001234560",
        option="any",
    ),
    Model(
        "bg96",
        "quectel_lte",
        manufacturer="Quectel",
        product="BG96",
        revision="BG96MAR02A07M1G",
        imei="866425030000017",
        cmux=LTE_CMUX,
        behaviour={**_LTE_HABITS, "cmux_settle": 0.1, "pdpdeact_at_reset": True},
    ),
    Model(
        "ec25",
        "quectel_lte",
        manufacturer="Quectel",
        product="EC25",
        revision="EC25EFAR06A01M4G",
        imei="861107030000012",
        cmux=LTE_CMUX,
        behaviour=_LTE_HABITS,
    ),
    Model(
        "eg91",
        "quectel_lte",
        manufacturer="Quectel",
        product="EG91",
        revision="EG91EFBR06A06M4G",
        imei="861107040000011",
        cmux=LTE_CMUX,
        behaviour=_LTE_HABITS,
    ),
)

MODELS: Final[Mapping[str, Model]] = MappingProxyType({row.name: row for row in _ROWS})
"""The models, by their names."""


def model_called(name: str) -> Model:
    """Return a model.

    Args:
        name: one of `MODELS`.

    Raises:
        ValueError: there is none of that name.
    """
    found = MODELS.get(name)
    if found is None:
        raise ValueError(f"no model is called {name!r}; there are {', '.join(MODELS)}")
    return found
