"""``python -m cmux``."""

import sys

try:
    from .cli import main

    code = main()
except KeyboardInterrupt:  # before there was anything to put in order
    code = 130
sys.exit(code)
