"""``gsm0710 attach --mode --group``: who may open the paths, for a service that is root and programs that are not."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

import grp

from attached import Attach
from mux_module import Module

from cmux.cli import main
from cmux.cli.access import mode_of
from cmux.cli.line_options import LineOptions
from cmux.pty import Pty

Captured = pytest.CaptureFixture[str]
OURS = grp.getgrgid(os.getgid()).gr_name

MODES: dict[str, tuple[list[str], int]] = {
    "by default": ([], 0o600),
    "given": (["--mode", "660"], 0o660),
    "given with a zero": (["--mode", "0666"], 0o666),
    "as Python writes it": (["--mode", "0o640"], 0o640),
    "with a group": (["--group", OURS], 0o660),
    "with the number of a group": (["--group", str(os.getgid())], 0o660),
    "given with a group": (["--group", OURS, "--mode", "600"], 0o600),
}


def access(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return stat.S_IMODE(found.st_mode), found.st_gid


@pytest.mark.parametrize(("arguments", "mode"), MODES.values(), ids=MODES)
def test_the_paths_have_the_mode_and_the_group(tmp_path: Path, arguments: list[str], mode: int) -> None:
    with Module() as module, Attach(module.path, "--link", f"{tmp_path}/m", *arguments).ready() as attach:
        found = {access(path) for path in attach.paths.values()}
    assert {one for one, _ in found} == {mode}
    if "--group" in arguments:
        assert {group for _, group in found} == {os.getgid()}


def test_in_a_file_they_are_keys(tmp_path: Path) -> None:
    with Module() as first, Module() as second:
        file = tmp_path / "lines.toml"
        file.write_text(
            f'[a]\nport = "{first.path}"\nchannels = [1]\nmode = "660"\ngroup = "{OURS}"\n'
            f'[b]\nport = "{second.path}"\nchannels = [2]\nmode = 0o666\n'
        )
        with Attach("--config", str(file)).ready() as attach:
            assert access(attach.paths[1]) == (0o660, os.getgid())
            assert access(attach.paths[2])[0] == 0o666


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root may give a pty to any group")
def test_a_group_of_others_may_open_it() -> None:
    other = next(entry.gr_gid for entry in grp.getgrall() if entry.gr_gid not in (os.getgid(), 5))
    with Pty(mode=0o660, group=other) as pty:
        assert access(pty.slave_name) == (0o660, other)


def test_nobody_may_open_it_before_it_has_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    monkeypatch.setattr(os, "chown", lambda path, user, group: modes.append(access(path)[0]))
    Pty(mode=0o666, group=os.getgid()).close()
    assert modes == [0o600]


def test_a_group_that_this_user_may_not_give_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: str, user: int, group: int) -> None:
        raise PermissionError(1, "Operation not permitted", path)

    monkeypatch.setattr(os, "chown", refused)
    with pytest.raises(PermissionError, match="not permitted to give it to group 7"):
        Pty(group=7)


WRONG = {
    "no octal digits": (["--mode", "rw"], "--mode 'rw' is not an octal mode from 600 to 666"),
    "decimal digits": (["--mode", "680"], "--mode '680' is not an octal mode"),
    "too few": (["--mode", "60"], "--mode '60' is not an octal mode"),
    "without its owner": (["--mode", "060"], "--mode '060' is not an octal mode"),
    "to execute": (["--mode", "777"], "--mode '777' is not an octal mode"),
    "more than permissions": (["--mode", "4660"], "--mode '4660' is not an octal mode"),
    "no such group": (["--group", "no such group"], "--group 'no such group' is not a group of this system"),
    "no such number": (["--group", "4294967290"], "--group '4294967290' is not a group of this system"),
    "far too high a number": (["--group", "9" * 30], "is not a group of this system"),
    "no name": (["--group", ""], "--group '' is not a group of this system"),
    "a mode for TCP ports": (["--mode", "660", "--tcp", ":0"], "--mode '660' is about paths"),
    "a group for TCP ports": (["--group", OURS, "--tcp", ":0"], f"--group '{OURS}' is about paths"),
}


@pytest.mark.parametrize(("arguments", "said"), WRONG.values(), ids=WRONG)
def test_what_is_no_mode_and_no_group_is_wrong_usage(capsys: Captured, arguments: list[str], said: str) -> None:
    assert main(["attach", "/dev/x", *arguments]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("value", [660, 0o660])
def test_a_number_in_a_file_is_the_mode_itself_or_its_digits(value: int) -> None:
    assert mode_of(value, grouped=False) == 0o660


@pytest.mark.parametrize("value", [668, 600.0, 0o600 - 1, True, 6.6, ["660"], -1, 0o4660, 660660])
def test_what_is_no_mode_in_a_file_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not an octal mode"):
        mode_of(value, grouped=False)


@pytest.mark.parametrize("value", [True, 1.5, ["dialout"], -1])
def test_a_group_is_a_name_or_a_number(value: object) -> None:
    with pytest.raises(ValueError, match="is not a group of this system"):
        LineOptions(port="/dev/x", group=value)  # type: ignore[arg-type]
