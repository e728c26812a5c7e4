"""What tests of commands start from."""

import sys

if sys.platform != "win32":
    from mux_leaks import programs

    __all__ = ["programs"]
