"""The TCP/IP driver on threads: `TcpipDriver`, `Session`, `Listener`, `Watch`; they only wait and wake.

Rules are in ``drivers.tcpip.core``, AT commands in the folder of each family.
"""
