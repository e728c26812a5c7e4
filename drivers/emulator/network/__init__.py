"""The module's side of the network, on real sockets: sessions, listening sockets, addresses, echoes, the time.

What every family of modules shares; no AT command, no context, nothing about how a UART is told.
"""
