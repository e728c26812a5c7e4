"""What runs on a channel of the multiplexer: AT dialogues, the TCP/IP driver, and an emulated module."""
