"""``python -m cmux``."""

import sys

try:
    from .cli import main

    _code = main()
except KeyboardInterrupt:  # before there was anything to clean up
    _code = 130
sys.exit(_code)
