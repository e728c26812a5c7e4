"""Channels as pseudo-terminals, for programs that do themselves what `gsm0710 attach` does."""

from .threads.bridge import PtyBridge

__all__ = ["PtyBridge"]
