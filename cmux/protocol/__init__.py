"""The multiplexer protocol without I/O: octets and the time in, octets and events out (3GPP TS 27.010).

>>> from cmux.protocol import Frame, FrameType, encode
>>> encode(Frame(0, True, FrameType.SABM, True)).hex(" ")
'f9 03 3f 01 1c f9'
"""

from .build import compiled  # before anything that may be
from .config import Config, Option, Role
from .fcs import crcmod_in_c
from .frames import AdvancedDecoder, BasicDecoder, encode
from .headers import Frame
from .multiplexer import Multiplexer
from .wire import FrameType

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
