"""A program says its version, and with -v which build it is."""

from __future__ import annotations

import platform
from collections.abc import Sequence

import pytest

import cmux
from cmux.cli import app, main
from cmux.cli.build import build

VERSION = f"gsm0710 {cmux.__version__}\n"


@pytest.mark.parametrize("argv", [["--version"], ["decode", "--version"], ["--version", "-q"], ["doctor", "--version"]])
def test_the_version_is_one_line(capsys: pytest.CaptureFixture[str], argv: Sequence[str]) -> None:
    assert main([*argv]) == app.DONE
    assert capsys.readouterr().out == VERSION


@pytest.mark.parametrize(
    "argv", [["--version", "-v"], ["-vv", "--version"], ["-qv", "--version"], ["decode", "--version", "--verbose"]]
)
def test_with_v_the_build_is_a_second_one(capsys: pytest.CaptureFixture[str], argv: Sequence[str]) -> None:
    assert main([*argv]) == app.DONE
    assert capsys.readouterr().out == f"{VERSION}{build()}\n"


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("in_c", [True, False])
def test_the_build_is_the_interpreter_and_what_is_machine_code(
    monkeypatch: pytest.MonkeyPatch, compiled: bool, in_c: bool
) -> None:
    monkeypatch.setattr("cmux.cli.build.compiled", compiled)
    monkeypatch.setattr("cmux.cli.build.crcmod_in_c", in_c)
    interpreter, core, crcmod = build().split(", ", 2)
    assert interpreter == f"{platform.python_implementation()} {platform.python_version()}"
    assert core == ("core: compiled" if compiled else "core: plain Python")
    assert crcmod == ("crcmod: in C" if in_c else "crcmod: in Python, which is slower")


@pytest.mark.parametrize(("verbosity", "shown"), [([], False), (["-v"], True)])
def test_the_doctor_begins_with_it(capsys: pytest.CaptureFixture[str], verbosity: list[str], shown: bool) -> None:
    assert main(["doctor", "/dev/there-is-none", *verbosity]) == app.FAILED
    assert (f"ok  build      {build()}" in capsys.readouterr().out.splitlines()[0]) is shown
