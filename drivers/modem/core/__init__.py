"""The general commands without I/O: the dialogues and procedures that ask a module, and what its answers mean.

Nothing here waits: that is done in ``drivers.modem.threads`` and ``drivers.modem.aio``.
"""
