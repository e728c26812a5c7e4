"""On what a benchmark ran: the parts of a machine that its ratios depend on."""

from __future__ import annotations

import platform
import sysconfig
from pathlib import Path

import cmux.protocol


def cpu() -> str:
    """Return the name of the processor, and how many of it there are for us."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor() or platform.machine()


def optimised() -> bool:
    """Return whether this interpreter was built with PGO or LTO.

    ``configure --enable-optimizations`` leaves that word. Debian makes the target by hand, and then empties the flag
    that ``configure`` always sets, so that extensions are not built with it: an empty one is a trace, too.
    """
    told = {name: value for name, value in sysconfig.get_config_vars().items() if isinstance(value, str)}
    flags = " ".join(told.get(name, "") for name in ("CONFIG_ARGS", "PY_CORE_CFLAGS", "PY_CORE_LDFLAGS"))
    if any(word in flags for word in ("--enable-optimizations", "--with-lto", "-flto", "-fprofile-use")):
        return True
    return told.get("PGO_PROF_GEN_FLAG", "") != "" and told.get("PGO_PROF_USE_FLAG", "-") == ""


def machine() -> dict[str, object]:
    """Return the entry of ``benchmarks.json``."""
    return {
        "cpu": cpu(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "optimised": optimised(),
        "compiled": cmux.protocol.compiled,
        "crcmod_in_c": cmux.protocol.crcmod_in_c,
    }
