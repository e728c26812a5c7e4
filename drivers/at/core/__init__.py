"""The AT engine without I/O: octets and the time in, octets and tokens out; dialogues, and what carries them on."""
