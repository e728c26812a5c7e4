"""The time that the module may take for each answer."""

from __future__ import annotations

MARGIN = 5.0
"""Seconds added to the limit of the module, for the line, the multiplexer, and a module that is busy."""

LIMITS: dict[str, float] = {
    "QIFGCNT": 0.3,
    "GMM": 0.3,
    "CPIN": 5.0,
    "CREG": 0.3,
    "CGREG": 0.3,
    "CGATT": 0.3,
    "QICSGP": 0.3,
    "QIMUX": 0.3,
    "QIMODE": 0.3,
    "QIDNSIP": 0.3,
    "QISDE": 0.3,
    "QINDI": 0.3,
    "QIHEAD": 0.3,
    "QISHOWRA": 0.3,
    "QISHOWLA": 0.3,
    "QISHOWPT": 0.3,
    "QITCFG": 0.3,
    "QIAUTOS": 0.3,
    "QILPORT": 0.3,
    "QIREGAPP": 0.3,
    "QIACT": 150.0,
    "QILOCIP": 0.3,
    "QISERVER": 0.3,
    "SERVER OK": 150.0,
    "QIOPEN": 0.3,
    "CONNECT OK": 225.0,  # 75 for the connection, 150 for the activation that it may need first
    "QISRVC": 0.3,
    "QISEND": 0.3,
    "SEND OK": 10.0,
    "QIRD": 0.3,
    "QISACK": 0.3,
    "QIDNSCFG": 0.3,
    "QIDNSGIP": 164.0,  # 14 for the name, 150 for the activation that it may need first
    "+++": 2.0,
    "ATO": 5.0,
    "QICLOSE": 0.3,
    "QIDEACT": 40.0,
    "QISTAT": 0.3,
    "STATE": 0.3,
    "QISTATE": 0.3,
    "QISSTAT": 0.3,
}
"""The longest time of each answer in seconds, by the manual (M66 V1.0 chapter 11)."""


def deadline(name: str) -> float:
    """Return the seconds to wait for the answer to a command."""
    return LIMITS[name] + MARGIN
