"""An emulated Quectel module: AT commands, the multiplexer, and a TCP/IP stack on real loopback sockets.

`module` puts the parts together: `line` (between host and UARTs), `interpreter` (one UART), `network` (real sockets),
and a folder for each family of modules. What families have in common stands outside their folders, and imports none of
them.
"""

from .behaviour import SETS, Behaviour
from .environment import Network, Sim
from .faults import Faults, Moment
from .interpreter.commandline import Form
from .interpreter.replies import ERROR, OK, Reply
from .interpreter.table import CommandTable
from .interpreter.uart import Uart
from .line.port import EmulatedPort
from .models import MODELS, Model
from .module import EmulatedModule
from .quectel_gsm.call import Call
from .quectel_gsm.ownership import Ownership
from .sms.sent import SentMessage

__all__ = [
    "ERROR",
    "MODELS",
    "OK",
    "SETS",
    "Behaviour",
    "Call",
    "CommandTable",
    "EmulatedModule",
    "EmulatedPort",
    "Faults",
    "Form",
    "Model",
    "Moment",
    "Network",
    "Ownership",
    "Reply",
    "SentMessage",
    "Sim",
    "Uart",
]


def __dir__() -> list[str]:
    return __all__.copy()
