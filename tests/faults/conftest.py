"""What tests of the campaign start from."""

import sys

if sys.platform != "win32":
    from mux_leaks import programs

    __all__ = ["programs"]
