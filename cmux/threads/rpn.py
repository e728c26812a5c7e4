"""The settings of a pyserial port, as RPN reports them to the peer (27.010 §5.4.6.3.9)."""

from __future__ import annotations

from typing import Final

import serial

from ..protocol.commands import Flow, Parity, PortMask, PortSettings
from ..protocol.wire import BAUD_RATES

_PARITIES: Final = {
    serial.PARITY_NONE: Parity.NONE,
    serial.PARITY_ODD: Parity.ODD,
    serial.PARITY_EVEN: Parity.EVEN,
    serial.PARITY_MARK: Parity.MARK,
    serial.PARITY_SPACE: Parity.SPACE,
}
_FLOWS: Final = {
    "xonxoff": Flow.XONXOFF_IN | Flow.XONXOFF_OUT,
    "rtscts": Flow.RTR_IN | Flow.RTR_OUT,
    "dsrdtr": Flow.RTC_IN | Flow.RTC_OUT,
}
_CODED: Final = frozenset(BAUD_RATES.values())


def port_settings(port: serial.SerialBase, before: PortSettings) -> tuple[PortSettings, PortMask]:
    """Return the settings of a port in the form of RPN.

    Args:
        port: an object with pyserial's attributes.
        before: the settings that were sent last; their baud rate is kept if RPN has no code for the port's.

    Returns:
        The settings, and which of them can be sent: all, except a baud rate that RPN cannot code.
    """
    flow = Flow.NONE
    for name, bits in _FLOWS.items():
        flow |= bits if getattr(port, name) else Flow.NONE
    coded = port.baudrate in _CODED
    settings = PortSettings(
        baudrate=port.baudrate if coded else before.baudrate,
        data_bits=port.bytesize,
        stop_bits=1 if port.stopbits == serial.STOPBITS_ONE else 1.5,  # RPN has no code for 2
        parity=_PARITIES[port.parity],
        flow=flow,
    )
    return settings, PortMask.ALL if coded else PortMask.ALL & ~PortMask.BAUDRATE
