"""One UART as an AT interpreter: its modes, command lines, the command table, replies, unsolicited lines, data mode.

No command of a family and no session; what a UART needs of its module is in `host`.
"""
