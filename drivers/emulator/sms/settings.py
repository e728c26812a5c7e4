"""What AT commands set about messages for each UART (27.005)."""

from __future__ import annotations

from dataclasses import dataclass, field

PDU_MODE, TEXT_MODE = 0, 1


@dataclass(frozen=True, slots=True)
class Routing:
    """How a UART is told of messages: AT+CNMI (27.005 §3.4.1).

    Args:
        mode: 0 keeps what it is told until another mode is set, 1 drops it in data mode, 2 and 3 keep it there.
        messages: 0 stores messages only, 1 tells where (+CMTI), 2 passes them on (+CMT), 3 those of class 3 only.
        broadcasts: cell broadcasts, of which there are none.
        reports: 0 tells of no status report, 1 passes them on (+CDS), 2 stores them and tells where (+CDSI).
        flush: 0 writes what mode 0 has kept when another mode is set, 1 drops it.
    """

    mode: int = 2
    messages: int = 1
    broadcasts: int = 0
    reports: int = 0
    flush: int = 0

    def __str__(self) -> str:
        return f"{self.mode},{self.messages},{self.broadcasts},{self.reports},{self.flush}"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What text mode puts into the header of a message: AT+CSMP (27.005 §3.3.2).

    Args:
        first: the first octet of an SMS-SUBMIT.
        validity: a number of 0 to 255, a time, or hexadecimal digits, as it was typed.
        pid: TP-PID.
        dcs: TP-DCS.
    """

    first: int = 17
    validity: str = "167"
    pid: int = 0
    dcs: int = 0

    def __str__(self) -> str:
        validity = self.validity if self.validity.isdigit() and len(self.validity) <= 3 else f'"{self.validity}"'
        return f"{self.first},{validity},{self.pid},{self.dcs}"


@dataclass(frozen=True, slots=True)
class MessageSettings:
    """What one UART has set about messages.

    Args:
        format: AT+CMGF, 0 for PDU mode, 1 for text mode.
        routing: AT+CNMI; None until it was set.
        parameters: AT+CSMP.
        charset: AT+CSCS: ``GSM``, ``IRA``, ``UCS2`` or ``HEX``.
        details: AT+CSDH.
        service: AT+CSMS, 1 where the host acknowledges what is passed on to it.
        link: AT+CMMS.
    """

    format: int = PDU_MODE
    routing: Routing | None = None
    parameters: Parameters = field(default_factory=Parameters)
    charset: str = "GSM"
    details: int = 0
    service: int = 0
    link: int = 0
