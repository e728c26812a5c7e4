"""The settings that each UART has for itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

from ..sms.settings import MessageSettings


class SendSettings(Protocol):
    """How a UART asks for data at a prompt."""

    sde: int
    """QISDE: whether what is typed at the prompt is echoed."""
    prompt: int
    """QIPROMPT."""


@dataclass(slots=True)
class UartSettings:
    """Holds the settings of one UART.

    Args:
        echo: ATE.
        verbose: ATV.
        quiet: ATQ.
        cmee: AT+CMEE.
        x: ATX.
        dtr: AT&D.
        dcd: AT&C.
        creg: AT+CREG.
        cgreg: AT+CGREG.
        cereg: AT+CEREG.
        clip: AT+CLIP.
        colp: AT+COLP.
        clir: AT+CLIR.
        crc: AT+CRC.
        cusd: AT+CUSD.
        cops: the format of AT+COPS.
        registers: the S registers.
        sde: QISDE, where that is the UART's.
        prompt: QIPROMPT, where that is the UART's.
        messages: what is set about short messages.
    """

    echo: bool = True
    verbose: bool = True
    quiet: bool = False
    cmee: int = 1
    x: int = 4
    dtr: int = 0
    dcd: int = 1
    creg: int = 0
    cgreg: int = 0
    cereg: int = 0
    clip: int = 0
    colp: int = 0
    clir: int = 0
    crc: int = 0
    cusd: int = 0
    cops: int = 0
    registers: dict[int, int] = field(default_factory=lambda: {0: 0, 3: 13, 4: 10, 5: 8, 7: 60})
    sde: int = 1
    prompt: int = 1
    messages: MessageSettings = field(default_factory=MessageSettings)  # frozen: replaced as a whole

    def copy(self) -> UartSettings:
        """Return an independent copy."""
        return replace(self, registers=dict(self.registers))
