"""The stack of Quectel's GSM modules (M10 and kin): its commands, foreground contexts, MUXIP, data mode, dialects.

Sessions as users see them are in ``drivers.tcpip.core`` and in the shells, which all families share.
"""
