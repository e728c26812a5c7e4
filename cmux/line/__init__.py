"""The physical line: reads that can be stopped, writes that can give up, and how a port is opened.

It passes octets on and knows nothing of frames.
"""
