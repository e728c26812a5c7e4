"""The faults of the campaign: one row each, with what is done about it in a cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import damage
import fault_cells as cells
from fault_cells import Cell

from drivers.emulator import Moment


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Args:
        what: what it is.
        play: what is done in a cell.
        shells: those that have it.
    """

    what: str
    play: Callable[[Cell], None]
    shells: tuple[str, ...] = ("threads", "aio")


def _octets(draw: damage.Draw, gap: int) -> Callable[[Cell], None]:
    return partial(cells.damage, draw, gap)


FAULTS: Final[dict[str, Fault]] = {
    "none": Fault("a clean line", cells.manners),
    "pieces": Fault("octets come few at a time, and are taken few at a time", partial(cells.manners, pieces=True)),
    "stalls": Fault("the line takes and gives nothing for a while", partial(cells.manners, stalls=True)),
    "storm": Fault("unsolicited lines on every UART", partial(cells.manners, storm=True)),
    "bits": Fault("flipped bits", _octets(damage.bit_errors, 500)),
    "lost": Fault("lost octets", _octets(damage.lost, 500)),
    "overrun": Fault("up to 400 octets lost at once", _octets(damage.overrun, 2000)),
    "doubled": Fault("doubled octets", _octets(damage.doubled, 500)),
    "inserted": Fault("octets that nobody sent", _octets(damage.inserted, 500)),
    "noise": Fault("bursts of noise", _octets(damage.noise, 1000)),
    "flags": Fault("octets that look like beginnings and ends of frames", _octets(damage.false_flags, 500)),
    "false-reset": Fault(
        "the text of a module that has started, from one that has not", _octets(damage.false_reset, 8000)
    ),
    "disc": Fault("the module closes a channel", cells.one_channel_closed),
    "cld": Fault("the module ends the session", partial(cells.session_ends, cells.closed_down)),
    "reset": Fault("the module is reset", partial(cells.session_ends, cells.reset)),
    "silent-reset": Fault(
        "the module starts again, and says nothing",
        partial(cells.session_ends, cells.begun_anew, echoes=True, keep_alive_interval=0.3, t1=0.2, t2=0.3, n2=1),
    ),
    "hang-up": Fault("the line is unplugged and plugged in again", partial(cells.session_ends, cells.hung_up)),
    "pdp-deact": Fault("the network takes the contexts away", partial(cells.network, Moment.PDP_DEACT)),
    "remote-reset": Fault("remote hosts reset their connections", partial(cells.network, Moment.REMOTE_RESET)),
    "module-killed": Fault("the process of the module is killed", cells.module_killed),
    "client-killed": Fault("a program that uses the line is killed", cells.client_killed),
    "attach-killed": Fault("`attach` is killed under its clients", cells.attach_killed, ("threads",)),
}
