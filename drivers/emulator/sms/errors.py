"""The message service failures that AT commands end with (27.005 §3.2.5)."""

from __future__ import annotations

import enum


class Cms(enum.IntEnum):
    """The numbers of ``+CMS ERROR`` that the module uses."""

    REJECTED = 21  # 24.011 RP cause: short message transfer rejected
    NOT_ALLOWED = 302
    INVALID_PDU_PARAMETER = 304
    INVALID_TEXT_PARAMETER = 305
    SIM_NOT_INSERTED = 310
    SIM_PIN_REQUIRED = 311
    SIM_PUK_REQUIRED = 316
    INVALID_INDEX = 321
    MEMORY_FULL = 322
    NO_NETWORK_SERVICE = 331
    NETWORK_TIMEOUT = 332
    NO_ACKNOWLEDGEMENT_EXPECTED = 340


class MessageError(Exception):
    """A message command fails with ``+CMS ERROR``.

    Args:
        code: the number.
    """

    def __init__(self, code: Cms) -> None:
        super().__init__(f"+CMS ERROR: {int(code)}")
        self.code: Cms = code
