"""Many modules in one process: what each takes, and that they do not meet."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import tracemalloc

from emulator_host import Lab

from drivers.emulator import EmulatedModule

_MODULES = 20
_LIMIT = 1.5e6  # octets for each, with its multiplexer and four channels


async def _with_four_channels(stack: contextlib.AsyncExitStack) -> Lab:
    lab = await stack.enter_async_context(Lab(EmulatedModule(line_rate=921_600)))
    await lab.multiplex()
    for dlci in range(1, 5):
        await (await lab.open(dlci)).ask("AT")
    return lab


async def test_a_module_with_four_channels_takes_less_than_a_megabyte_and_a_half() -> None:
    async with contextlib.AsyncExitStack() as stack:
        await _with_four_channels(stack)  # what all share is there now
        gc.collect()
        tracemalloc.start()
        try:
            for _ in range(_MODULES):
                await _with_four_channels(stack)
            gc.collect()
            taken, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert taken / _MODULES < _LIMIT  # the host's side of each line is in it, too


async def test_modules_of_one_process_have_contexts_and_addresses_of_their_own() -> None:
    async with contextlib.AsyncExitStack() as stack:
        labs = [await stack.enter_async_context(Lab(EmulatedModule(seed=1))) for _ in range(3)]
        for lab in labs:
            await lab.plain.ask("ATE0")
        await asyncio.gather(*(lab.plain.ask("AT+QISERVER", "\r\nOK\r\n\r\nSERVER OK\r\n", echo=False) for lab in labs))
        said = []
        for lab in labs:
            lab.plain.write(b"AT+QILOCIP\r")
            said.append(await lab.plain.until(b".") + await lab.plain.until(b"\r\n"))
    assert len(set(said)) == 3
