"""``gsm0710 attach`` as a process of its own."""

import os
import signal
import subprocess
import sys
from types import TracebackType

from forked_programs import Forked


class Attach:
    """The process; use it as a context manager, and it is terminated at the end."""

    def __init__(self, *arguments: str) -> None:
        # These modules need no silence after OK; with --config the file has all settings.
        settle = () if "--config" in arguments else ("--settle", "0")
        self.process = Forked(
            [sys.executable, "-m", "cmux", "attach", *settle, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": ""},
        )
        self.paths: dict[int, str] = {}
        self.lines: list[str] = []

    def ready(self) -> "Attach":
        """Wait until it says that it is; one that does not is not left behind to look for its line for ever."""
        assert self.process.stdout is not None
        try:
            for line in self.process.stdout:
                self.lines.append(line.rstrip("\n"))
                if line == "ready\n":
                    return self
                dlci, path = line.split()
                self.paths[int(dlci)] = path
        except BaseException:
            self.process.kill()
            raise
        raise AssertionError(f"it ended: {self.process.communicate()}")

    def wait_for(self, text: str) -> None:
        """Wait until it has said something on stderr."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if text in line:
                return
        raise AssertionError(f"it ended and did not say {text!r}")

    def end(self, number: int | None = signal.SIGTERM) -> tuple[int, str]:
        """Send it a signal, or none; return its exit code and what it said on stderr."""
        if number is not None:
            self.process.send_signal(number)
        _, stderr = self.process.communicate(timeout=30)
        return self.process.returncode, stderr

    def __enter__(self) -> "Attach":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            self.process.terminate()
            try:
                self.process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.communicate()
                raise
