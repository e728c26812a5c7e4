"""Ask `pip-audit` about the dependencies; where it cannot know, say so, and look at the table of docs/security.md."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIMIT = 120
"""Seconds for an answer."""
_ROW = re.compile(
    r"^\| ([a-z0-9-]+) \| ([0-9.]+) \| [^|]+ \| none \| 20[0-9]{2}-[01][0-9]-[0-3][0-9] \|$", re.MULTILINE
)
_LOWEST = re.compile(r"([A-Za-z0-9-]+)(?:\[[a-z,]+\])?>=([0-9.]+)(?:,<[0-9.]+)?")


def lowest(requirements: list[str]) -> dict[str, str]:
    """Return the lowest version of each package.

    Raises:
        ValueError: one has none.
    """
    found = {one: _LOWEST.fullmatch(one) for one in requirements}
    without = [one for one, match in found.items() if match is None]
    if without:
        raise ValueError(f"no lower bound: {', '.join(without)}")
    return {match[1].lower(): match[2] for match in found.values() if match}


def dependencies(root: Path = ROOT) -> dict[str, str]:
    """Return what pyproject.toml asks for, with the lowest version of each."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return lowest(project["dependencies"])


def documented(root: Path = ROOT) -> dict[str, str]:
    """Return the table of docs/security.md: packages without a known advisory, with the version that was looked at."""
    text = (root / "docs" / "security.md").read_text(encoding="utf-8")
    return dict(_ROW.findall(text))


def asked(versions: dict[str, str]) -> tuple[list[str] | None, str]:
    """Return the advisories that pip-audit knows, None if it cannot know; and why, or for which packages."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "requirements.txt")
        wanted.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            "--no-deps",
            "--disable-pip",
            "--format",
            "json",
            "-r",
            str(wanted),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)  # noqa: S603
            packages = json.loads(done.stdout)["dependencies"]
        except subprocess.TimeoutExpired:
            return None, f"no answer within {LIMIT} s"
        except (ValueError, KeyError):
            return None, (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    skipped = [one["skip_reason"] for one in packages if "skip_reason" in one]
    if skipped or len(packages) != len(versions):
        return None, "; ".join(skipped) or "not all packages were looked up"
    found = [f"{one['name']} {one['version']}: {known['id']}" for one in packages for known in one["vulns"]]
    return found, ", ".join(f"{one['name']} {one['version']}" for one in packages)


def main() -> int:
    """Run; return the exit code."""
    versions = dependencies()
    found, told = asked(versions)
    if found is not None:
        print("\n".join(found) or f"no advisories: {told}")
        return int(bool(found))
    print(f"pip-audit cannot tell: {told}")
    if documented() != versions:
        print(f"docs/security.md is about {documented()}, pyproject.toml asks for {versions}", file=sys.stderr)
        return 1
    print(f"docs/security.md, made by hand, has no advisory: {', '.join(' '.join(one) for one in versions.items())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
