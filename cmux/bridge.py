"""Channels as pseudo-terminals, for programs that put their own `gsm0710 attach` together."""

from .threads.bridge import PtyBridge

__all__ = ["PtyBridge"]
