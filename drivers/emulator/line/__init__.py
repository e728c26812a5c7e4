"""The module's end of its line: ways to reach it, wire faults, capture, the physical line with AT+CMUX and its DLCs.

It passes octets between the host and the UARTs of any family's module; no command but those about the line itself.
"""
