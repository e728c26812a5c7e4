"""The counters of a session and its DLCs as one plain dictionary."""

from __future__ import annotations

from .dlc import COUNTERS
from .session import ControlSession

_OF_THE_SESSION = (
    "frames_ignored",
    "answers_tolerated",
    "command_retransmissions",
    "control_ignored",
    "control_malformed",
    "holds",
    "signals_unsaid",
)


def statistics(session: ControlSession, skipped: int) -> dict[str, object]:
    """Gather what has been counted.

    Args:
        session: the session.
        skipped: octets that the decoder skipped.

    Returns:
        A new dictionary: the sums over all DLCs, the counters of the session itself, and each DLC under ``dlcs``.
    """
    counters = session.counters + session.control.counters
    per_dlc = {dlci: dict(dlc.counters) for dlci, dlc in sorted(session.dlcs.items())}
    per_dlc[0]["retransmissions"] += counters["command_retransmissions"]
    sums = {name: sum(one[name] for one in per_dlc.values()) for name in COUNTERS}
    return {
        **sums,
        "flow_stalls": sums["flow_stalls"] + counters["holds"],
        "queue_peak": max(one["queue_peak"] for one in per_dlc.values()),
        "control_queue_peak": session.transmitter.control_peak,
        **{name: counters[name] for name in _OF_THE_SESSION},
        "control_overflow": counters["control_overflow"] + session.transmitter.overflow,
        "octets_skipped": skipped,
        "dropped": dict(session.dropped),
        "power": str(session.standby.power.state),
        "dlcs": {dlci: {"state": str(session.dlcs[dlci].state), **one} for dlci, one in per_dlc.items()},
    }
