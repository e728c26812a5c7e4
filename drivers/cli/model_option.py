"""The option ``--model`` of commands that emulate a module, or have to know which one they talk to."""

from __future__ import annotations

import argparse

from cmux.cli.argument_types import reading

from ..emulator import MODELS
from ..emulator.models import model_called

USUAL = MODELS["m10"]


def add_model_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--model``.

    Args:
        parser: that of the command.
    """
    parser.add_argument(
        "--model",
        type=reading(model_called),
        default=USUAL,
        metavar="NAME",
        help=f"which module it is: {', '.join(MODELS)} (default {USUAL.name})",
    )
