"""The program at the other end of data calls, on a pseudo-terminal of its own.

What a call is, and which command begins one, is the family's; nothing here knows AT commands or lines.
"""
