"""The error codes of the TCP/IP stack, as AT+QIGETERROR, +QIOPEN and other lines tell them."""

from __future__ import annotations

import enum


class Code(enum.IntEnum):
    """The codes; 0 is success."""

    DONE = 0
    UNKNOWN = 550
    BLOCKED = 551
    BAD_PARAMETERS = 552
    NO_MEMORY = 553
    NOT_CREATED = 554
    NOT_SUPPORTED = 555
    BIND_FAILED = 556
    LISTEN_FAILED = 557
    WRITE_FAILED = 558
    READ_FAILED = 559
    ACCEPT_FAILED = 560
    NOT_ACTIVATED = 561
    NOT_DEACTIVATED = 562
    ID_IN_USE = 563
    DNS_BUSY = 564
    NO_SUCH_NAME = 565
    NOT_CONNECTED = 566
    CLOSED = 567
    BUSY = 568
    TIMEOUT = 569
    BROKEN = 570
    CANCELLED = 571
    NOT_ALLOWED = 572
    NO_APN = 573
    PORT_BUSY = 574


TEXTS: dict[Code, str] = {
    Code.DONE: "operate successfully",
    Code.UNKNOWN: "unknown error",
    Code.BLOCKED: "operation blocked",
    Code.BAD_PARAMETERS: "invalid parameters",
    Code.NO_MEMORY: "memory not enough",
    Code.NOT_CREATED: "create socket failed",
    Code.NOT_SUPPORTED: "operation not supported",
    Code.BIND_FAILED: "socket bind failed",
    Code.LISTEN_FAILED: "socket listen failed",
    Code.WRITE_FAILED: "socket write failed",
    Code.READ_FAILED: "socket read failed",
    Code.ACCEPT_FAILED: "socket accept failed",
    Code.NOT_ACTIVATED: "open PDP context failed",
    Code.NOT_DEACTIVATED: "close PDP context failed",
    Code.ID_IN_USE: "socket identity has been used",
    Code.DNS_BUSY: "DNS busy",
    Code.NO_SUCH_NAME: "DNS parse failed",
    Code.NOT_CONNECTED: "socket connect failed",
    Code.CLOSED: "socket has been closed",
    Code.BUSY: "operation busy",
    Code.TIMEOUT: "operation timeout",
    Code.BROKEN: "PDP context broken down",
    Code.CANCELLED: "cancel send",
    Code.NOT_ALLOWED: "operation not allowed",
    Code.NO_APN: "APN not configured",
    Code.PORT_BUSY: "port busy",
}
"""What AT+QIGETERROR says beside the number."""
