"""The Quectel GSM family, M10 and kin: two contexts that all UARTs share, and the AT commands.

Contexts with their states, owners and sessions. Nothing of the line, of a UART or of a socket, and nothing that another
family needs.
"""
