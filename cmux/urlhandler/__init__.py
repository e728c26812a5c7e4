"""The package in which pyserial looks for ``protocol_cmux`` when a URL begins with ``cmux:``."""
