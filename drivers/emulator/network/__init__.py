"""The module's side of the network, on real sockets: sessions, listening sockets, addresses, echoes, the time.

All families of modules share it. No AT command, no context, and nothing that a UART writes.
"""
