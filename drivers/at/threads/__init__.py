"""AT channels on threads: they own the only reader of a port and run dialogues on it, and only wait and wake.

The lexer, the engine and the dialogues are in ``drivers.at.core``.
"""
