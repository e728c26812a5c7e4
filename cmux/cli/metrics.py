"""The metrics of a running ``attach`` for Prometheus, made from what `status` tells; needs the extra ``metrics``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from .status import Watched, status

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""The format that every version of Prometheus reads."""

_Sample = tuple[tuple[str, ...], float]
_Samples = Callable[[dict[str, Any]], Iterable[_Sample]]

RECEIVED, SENT = "received", "sent"


class Row(NamedTuple):
    """A metric."""

    name: str
    """Its name, for a counter without ``_total``."""
    help: str
    """What it means."""
    labels: tuple[str, ...]
    """Its labels beside ``line``."""
    samples: _Samples
    """Takes its samples from a line: values of these labels, and a number."""
    counts: bool = True
    """Whether it is a counter, not a gauge."""


def _of_line(key: str) -> _Samples:
    return lambda line: [((), line[key])]


def _both(prefix: str) -> _Samples:
    return lambda line: [((way,), line[f"{prefix}_{way}"]) for way in (RECEIVED, SENT)]


def _all(line: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The channels of a line, and before them DLCI 0."""
    yield "0", line["control"]
    for channel in line["channels"]:
        yield str(channel["dlci"]), channel


def _each(key: str) -> _Samples:
    return lambda line: [((dlci,), one[key]) for dlci, one in _all(line)]


def _each_both(prefix: str) -> _Samples:
    return lambda line: [((dlci, way), one[f"{prefix}_{way}"]) for dlci, one in _all(line) for way in (RECEIVED, SENT)]


def _discarded(line: dict[str, Any]) -> Iterator[_Sample]:
    for dlci, one in _all(line):
        yield (dlci, "no_use"), one["octets_discarded"]
        yield (dlci, "no_room"), one.get("received_discarded", 0)


def _control(line: dict[str, Any]) -> Iterator[_Sample]:
    for reason in ("ignored", "malformed", "overflow"):
        yield (reason,), line[f"control_{reason}"]


def _queued(line: dict[str, Any]) -> Iterator[_Sample]:
    for channel in line["channels"]:
        yield (str(channel["dlci"]), RECEIVED), channel["waiting"]
        yield (str(channel["dlci"]), SENT), channel["unsent"]


def _signal(name: str) -> _Samples:
    def samples(line: dict[str, Any]) -> Iterator[_Sample]:
        for channel in line["channels"]:
            for way, signals in ((RECEIVED, channel["peer"]), (SENT, channel["own"])):
                if signals is not None:
                    yield (str(channel["dlci"]), way), signals[name]

    return samples


def _state(state: str) -> _Samples:
    return lambda line: [((), line["state"] == state)]


_CHANNEL, _BOTH = ("dlci",), ("dlci", "direction")

ROWS: Final = (
    Row("line_up", "1 while the line is multiplexed, else 0.", (), _state("open"), counts=False),
    Row("line_reattaching", "1 while a line that died is being opened again.", (), _state("reattaching"), counts=False),
    Row("reconnects", "How often a line that died was opened again.", (), _of_line("reattached")),
    Row("line_octets", "Octets on the line.", ("direction",), _both("octets")),
    Row("frames", "Good frames of every type.", _BOTH, _each_both("frames")),
    Row("octets", "Octets of information: data, on DLCI 0 messages.", _BOTH, _each_both("octets")),
    Row(
        "bad_frames",
        "Frames that failed a check, by the check.",
        ("reason",),
        lambda line: [((reason,), count) for reason, count in line["dropped"].items()],
    ),
    Row("octets_skipped", "Octets between frames that are not flags.", (), _of_line("octets_skipped")),
    Row("octets_discarded", "Octets that reached nobody.", ("dlci", "reason"), _discarded),
    Row(
        "retransmissions",
        "SABM and DISC, and on DLCI 0 commands, that were sent again.",
        _CHANNEL,
        _each("retransmissions"),
    ),
    Row("flow_stalls", "How often the peer stopped a channel.", _CHANNEL, _each("flow_stalls")),
    Row("holds", "How often the peer stopped all channels (FCoff).", (), _of_line("holds")),
    Row("frames_ignored", "Good frames without a meaning.", (), _of_line("frames_ignored")),
    Row("answers_tolerated", "UA with a wrong F or C/R bit that were taken.", (), _of_line("answers_tolerated")),
    Row("control_discarded", "Messages on DLCI 0 of which nothing came.", ("reason",), _control),
    Row("signals_unsaid", "Signals and breaks that could not be sent.", (), _of_line("signals_unsaid")),
    Row(
        "channel_open",
        "1 while the channel is open, else 0.",
        _CHANNEL,
        lambda line: [((str(one["dlci"]),), one["state"] == "open") for one in line["channels"]],
        counts=False,
    ),
    Row("queue_octets", "Octets that wait: for a client, or to be sent.", _BOTH, _queued, counts=False),
    Row("queue_peak_octets", "The most octets that waited to be sent.", _CHANNEL, _each("queue_peak"), counts=False),
    Row(
        "control_queue_peak_frames",
        "The most control frames that waited to be sent.",
        (),
        _of_line("control_queue_peak"),
        counts=False,
    ),
    Row("line_asleep", "1 while both sides sleep.", (), lambda line: [((), line["power"] == "asleep")], counts=False),
    *(
        Row(
            f"signal_{name}",
            f"The V.24 signal {name.upper()} of the peer, and ours.",
            _BOTH,
            _signal(name),
            counts=False,
        )
        for name in ("fc", "rtc", "rtr", "ic", "dv")
    ),
)
"""All metrics; docs/watching.md has the same table."""


class _Lines(Collector):
    """Reads the state of all lines when it is asked.

    Args:
        lines: the lines.
    """

    def __init__(self, lines: Sequence[Watched]) -> None:
        self._lines = lines

    def collect(self) -> Iterator[Metric]:
        """Return the metrics, each with the samples of all lines."""
        lines = status(self._lines)["lines"]
        for row in ROWS:
            kind = CounterMetricFamily if row.counts else GaugeMetricFamily
            family = kind(f"gsm0710_{row.name}", row.help, labels=("line", *row.labels))
            for line in lines:
                for labels, value in row.samples(line):
                    family.add_metric([line["line"], *labels], float(value))
            yield family


def exposition(lines: Sequence[Watched]) -> bytes:
    """Return the metrics of lines in Prometheus' text format.

    Args:
        lines: the lines, those that are dead included.
    """
    registry = CollectorRegistry()
    registry.register(_Lines(lines))
    return generate_latest(registry)
