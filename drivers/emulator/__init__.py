"""An emulated Quectel M10: AT commands, the multiplexer, and a TCP/IP stack on real loopback sockets."""

from .behaviour import SETS, Behaviour
from .call import Call
from .commandline import Form
from .environment import Network, Sim
from .faults import Faults, Moment
from .module import EmulatedModule
from .ownership import Ownership
from .port import EmulatedPort
from .replies import ERROR, OK, Reply
from .table import CommandTable
from .uart import Uart

__all__ = [
    "ERROR",
    "OK",
    "SETS",
    "Behaviour",
    "Call",
    "CommandTable",
    "EmulatedModule",
    "EmulatedPort",
    "Faults",
    "Form",
    "Moment",
    "Network",
    "Ownership",
    "Reply",
    "Sim",
    "Uart",
]
