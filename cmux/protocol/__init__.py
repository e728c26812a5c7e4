"""The multiplexer protocol without I/O: octets and the time in, octets and events out (3GPP TS 27.010).

>>> from cmux.protocol import Frame, FrameType, encode
>>> encode(Frame(0, True, FrameType.SABM, True)).hex(" ")
'f9 03 3f 01 1c f9'
"""

from typing import TYPE_CHECKING

from ..extensions import has_extensions
from ..lazy import loader

if TYPE_CHECKING:
    from .config import Config, Option, Role
    from .fcs import crcmod_in_c
    from .frames import AdvancedDecoder, BasicDecoder, encode
    from .headers import Frame
    from .multiplexer import Multiplexer
    from .wire import FrameType
else:
    __getattr__ = loader(
        __name__,
        {
            "AdvancedDecoder": ".frames",
            "BasicDecoder": ".frames",
            "Config": ".config",
            "Frame": ".headers",
            "FrameType": ".wire",
            "Multiplexer": ".multiplexer",
            "Option": ".config",
            "Role": ".config",
            "crcmod_in_c": ".fcs",
            "encode": ".frames",
            **{name: f".{name}" for name in ("commands", "config", "errors", "events", "fcs", "frames", "profiles")},
        },
    )

__all__ = [
    "AdvancedDecoder",
    "BasicDecoder",
    "Config",
    "Frame",
    "FrameType",
    "Multiplexer",
    "Option",
    "Role",
    "compiled",
    "crcmod_in_c",
    "encode",
]

compiled: bool = has_extensions(__path__[0])  # before anything is imported that may be out of date
"""Whether what octets pass through is compiled; it does the same when it is not (`hatch_build.py`)."""


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
