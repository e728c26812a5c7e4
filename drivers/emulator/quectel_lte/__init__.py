"""An emulated module of the Quectel LTE family (EC2x, EG9x, BG9x): contexts, one table of sockets, unsolicited lines.

Nothing here belongs to a virtual UART: a UART only shows what concerns the sockets that it has opened.
"""
