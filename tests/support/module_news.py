"""Waiting in an event loop for what a module of the tests sees in its own thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from mux_module import Module


async def seen(module: Module, ready: Callable[[], object]) -> None:
    """Wait until something has come to the module; no thread is left of it."""
    with ThreadPoolExecutor(1) as pool:
        await asyncio.get_running_loop().run_in_executor(pool, module.wait, ready)
