"""pyserial's own tests, from its source distribution, against a looped-back channel.

GSM0710_PYSERIAL names the unpacked distribution: ``pip download pyserial==3.5 --no-binary pyserial --no-deps``, then
``tar xzf``.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.emulator import EmulatedModule

SOURCE = os.environ.get("GSM0710_PYSERIAL", "")
TESTS = Path(SOURCE, "test")
if not SOURCE:
    pytest.skip("GSM0710_PYSERIAL does not name pyserial's sources", allow_module_level=True)

# Those left out are about no port (util, timeout_class), a port of their own (pty, rfc2217, asyncio), or other classes.
SCRIPTS = (
    "test",
    "test_advanced",
    "test_cancel",
    "test_context",
    "test_exclusive",
    "test_high_load",
    "test_iolib",
    "test_readline",
    "test_settings_dict",
    "test_threaded",
)
INAPPLICABLE = {
    "test_cancel": "TestCancelRead",  # TestCancelWrite wants a write that takes its time because of 300 baud
}
SUITE = """
import sys, unittest
import cmux
sys.path.insert(0, sys.argv[1])
module = __import__(sys.argv[2])
module.PORT = sys.argv[3]
names = sys.argv[4:]
loader = unittest.defaultTestLoader
suite = loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)
sys.exit(not unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful())
"""


@pytest.fixture(scope="module")
def path() -> Iterator[str]:
    with EmulatedModule(loopback=[1]) as module:
        yield module.serve_pty()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("script", SCRIPTS)
def test_pyserials_own_tests_pass_on_a_channel(script: str, path: str) -> None:
    names = [INAPPLICABLE[script]] if script in INAPPLICABLE else []
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SUITE, TESTS, script, f"cmux://{path}?dlci=1", *names],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ran = re.search(r"^Ran (\d+) tests? ", done.stderr, re.MULTILINE)
    assert ran
    assert int(ran[1]) > 0
