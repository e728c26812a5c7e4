"""The general commands on threads: `Modem`, which only runs the dialogues of ``drivers.modem.core``."""
