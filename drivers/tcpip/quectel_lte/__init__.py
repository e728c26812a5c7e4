"""The stack of Quectel's LTE modules (EC2x, EG9x, BG9x): its commands, sockets of the whole module, dialects.

Sessions as users see them are in ``drivers.tcpip.core`` and in the shells, which all families share.
"""
