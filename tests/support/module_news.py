"""Waiting in an event loop for what a module of the tests sees in its own thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from mux_module import Module

from cmux.aio import Mux


async def elsewhere(wait: Callable[[], object]) -> None:
    """Run what waits in a thread, of which nothing is left."""
    with ThreadPoolExecutor(1) as pool:
        await asyncio.get_running_loop().run_in_executor(pool, wait)


async def seen(module: Module, ready: Callable[[], object]) -> None:
    """Wait until something has come to the module."""
    await elsewhere(lambda: module.wait(ready))


async def happened(mux: Mux, ready: Callable[[], object]) -> None:
    """Wait until something has come to a multiplexer."""
    async with asyncio.timeout(20):
        while not ready():
            mux._changed.clear()
            await mux._changed.wait()
