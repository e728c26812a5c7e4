"""The TCP/IP driver on threads: `TcpipDriver`, `Session`, `Listener`, `Watch`; waiting and waking only."""
