"""``python -m drivers`` is the console script ``gsm0710``."""

import sys

from .cli import main

sys.exit(main())
