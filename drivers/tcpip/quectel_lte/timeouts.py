"""The time that the module may take for each answer."""

from __future__ import annotations

MARGIN = 5.0
"""Seconds added to the limit of the module, for the line, the multiplexer, and a module that is busy."""

LIMITS: dict[str, float] = {
    "CGMM": 0.3,
    "ATI": 0.3,
    "CPIN": 5.0,
    "CEREG": 0.3,
    "CREG": 0.3,
    "CGATT": 0.3,
    "QIGETERROR": 0.3,
    "QCFG": 0.3,
    "QURCCFG": 0.3,
    "QICSGP": 0.3,
    "QICFG": 0.3,
    "QISDE": 0.3,
    "QIACT": 150.0,
    "QIDEACT": 40.0,
    "QISTATE": 0.3,
    "QIOPEN": 0.3,
    "+QIOPEN": 150.0,
    "CONNECT": 150.0,
    "QICLOSE": 10.0,
    "QISEND": 0.3,
    "SEND OK": 10.0,
    "QISENDEX": 10.0,
    "QIRD": 0.3,
    "QISWTMD": 0.3,
    "QIDNSCFG": 0.3,
    "QIDNSGIP": 0.3,
    "dnsgip": 60.0,
    "QPING": 0.3,
    "QNTP": 0.3,
    "+QNTP": 125.0,
    "AT&D1": 0.3,
    "+++": 2.0,
    "ATO": 5.0,
}
"""The longest time of each answer in seconds (BG96 TCP/IP AT Commands Manual V1.0); 0.3 where it has none."""


def deadline(name: str) -> float:
    """Return the seconds to wait for the answer to a command."""
    return LIMITS[name] + MARGIN
