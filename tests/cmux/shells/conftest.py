"""Tests over both shells."""

import sys

if sys.platform == "win32":
    collect_ignore_glob = ["test_*"]  # their peers are on ptys
