"""The stack of Quectel's GSM modules (M10 and kin): its commands, foreground contexts, MUXIP, data mode, dialects."""
