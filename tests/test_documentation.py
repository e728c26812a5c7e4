"""What pages show runs as it stands there and has the right types, and what they name is there."""

from __future__ import annotations

import pkgutil
import re
import runpy
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import pytest
from attached import Attach
from cable import Cable

import cmux.protocol
from cmux.protocol import FrameType, Multiplexer, Role
from cmux.protocol.commands import COMMANDS, Signals
from cmux.protocol.dlc_table import Flag, State
from cmux.protocol.profiles import PROFILES

ROOT = Path(__file__).parents[1]
PYTHON_BLOCKS = runpy.run_path(str(ROOT / "docs" / "python_blocks.py"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PYTHON_BLOCKS["all_pages"]()]
examples = PYTHON_BLOCKS["blocks"]


def test_python_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    shown = []
    for block in examples(ROOT / "README.md"):
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102
        shown.append(capsys.readouterr().out)
    gsm, lte, port = shown
    assert gsm.startswith("b'hello' from ")
    assert re.fullmatch(r"127\.[\d.]+ 2020\n", lte)
    assert "Quectel_M10" in port


def test_the_readme_has_every_profile_of_modules() -> None:
    table = section("README.md", "Modules")
    assert {name for name in PROFILES if f"`{name}`" not in table} == set()


def test_the_figures_of_the_readme_are_those_of_the_page_of_performance() -> None:
    figures = set(re.findall(r"[\d.]+ (?:µs|MB/s)", section("README.md", "Compared with")))
    assert figures
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert {one for one in figures if one not in page and f"| {one.split()[0]} (" not in page} == set()


def test_tables_that_come_from_the_code_are_current_on_their_pages() -> None:
    assert runpy.run_path(str(ROOT / "docs" / "tables.py"))["stale"]() == [], "make tables"


def test_the_version_that_pages_show_is_this_one() -> None:
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    shown = set(re.findall(r"gsm0710[ -](\d+\.\d+\.\d+)", text))
    assert shown == {cmux.__version__}


def test_a_fragment_of_the_changelog_has_a_kind() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["towncrier"]
    kinds = {one["directory"] for one in settings["type"]}
    names = [path.name for path in (ROOT / "docs/changelog.d").iterdir() if path.name != ".gitkeep"]
    assert [name for name in names if not re.fullmatch(rf"\+?[\w-]+\.({'|'.join(kinds)})\.md", name)] == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")
def test_two_computers_and_one_cable_run_as_the_page_of_ports_shows() -> None:
    served, opened = (block for block in examples(ROOT / "docs/ports.md") if '"/dev/ttyS0"' in block)
    with Cable() as cable:
        ends = [block.replace("/dev/ttyS0", end) for block, end in zip((served, opened), cable.ends, strict=True)]
        thread = threading.Thread(target=exec, args=(compile(ends[0], "ports.md", "exec"), {}))
        thread.start()
        exec(compile(ends[1], "ports.md", "exec"), {"cmux": cmux})  # noqa: S102
        thread.join()


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")
def test_four_serial_lines_come_up_as_the_page_of_attach_shows(tmp_path: Path) -> None:
    chapter = section("docs/attach.md", "Two computers, one cable, four serial lines")
    shown = re.findall(r"^\$ gsm0710 attach /dev/ttyS0 (.*)\n((?:\d .*\n)+)ready$", chapter, re.MULTILINE)
    assert len(shown) == 2
    with Cable() as cable:
        running = []
        for end, (options, _) in zip(cable.ends, shown, strict=True):
            running.append(Attach(end, *options.replace("/tmp", str(tmp_path)).split()).ready())  # noqa: S108
        for one, (_, lines) in zip(running, shown, strict=True):
            assert one.lines == [*lines.replace("/tmp", str(tmp_path)).splitlines(), "ready"]  # noqa: S108
        for one in reversed(running):
            assert one.end()[0] == 0


@pytest.mark.timeout(300)
def test_python_of_every_page_has_the_right_types(tmp_path: Path) -> None:
    programs = PYTHON_BLOCKS["write"](tmp_path)
    assert {"readme.py", "ports.py", "profiles.py", "tcpip.py"} <= {program.name for program in programs}
    mypy = [sys.executable, "-m", "mypy", "--cache-dir", ".mypy_cache", *(program.name for program in programs)]
    done = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_that_is_counted_is_explained() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`(\w+)`", text.partition("## What is counted")[2].partition("\n## ")[0]))
    told = Multiplexer().stats()
    channels = told["dlcs"]
    assert isinstance(channels, dict)
    assert {*told, *channels[0]} - explained == set()


# --- What pages name is there ---


def section(path: str, title: str) -> str:
    """Return the text between a heading and the next one of its level."""
    text = (ROOT / path).read_text(encoding="utf-8")
    assert f"\n## {title}\n" in text
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


NO_PATHS = {"cmux/urcport", "cmux/baudratework"}
"""What looks like a path and is a setting of AT+QCFG."""


def missing(text: str) -> set[str]:
    """Return the modules, names and paths in a text that are not there."""
    paths = set(re.findall(r"(?<![\w./])(?:cmux|drivers|tests|docs|fuzz)/[\w./-]*\w", text))
    absent = {path for path in paths - NO_PATHS if not (ROOT / path).exists()}
    for name in set(re.findall(r"(?<![\w./])(?:cmux|drivers)(?:\.\w+)+", text)):
        try:
            pkgutil.resolve_name(name)
        except (ImportError, AttributeError):
            absent.add(name)
    return absent


OF_TODAY = [page for page in PAGES if page.name != "changelog.md"]  # that one names what was, too


@pytest.mark.parametrize("page", OF_TODAY, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_names_is_there(page: Path) -> None:
    assert missing(page.read_text(encoding="utf-8")) == set()


def test_what_is_not_there_is_found() -> None:
    text = "`cmux.protocol.dlc`, cmux/pty.py, `cmux.Mux.accept`; `cmux.nowhere`, cmux/no.py, `cmux.Mux.nothing`"
    assert missing(text) == {"cmux.nowhere", "cmux/no.py", "cmux.Mux.nothing"}


_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)(?:#([^)\s]*))?\)")
_FENCED = re.compile(r"^(`{3,}|:{3,}).*?^\1$|`[^`\n]+`", re.DOTALL | re.MULTILINE)


def dead_links(page: Path, text: str) -> list[str]:
    """Return the relative links of a page that lead to no file or to no heading of it."""
    dead = []
    for path, anchor in _LINK.findall(_FENCED.sub("", text)):
        target = (page.parent / path).resolve()
        if not target.exists():
            dead.append(path)
        elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8")):
            dead.append(f"{path}#{anchor}")
    return dead


def anchors(text: str) -> set[str]:
    """Return the anchors of a page: those of its headings, as GitHub, MyST and docutils make them, and its labels."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    slugs |= {re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") for heading in headings}
    return slugs | set(re.findall(r"^\((.*)\)=$", text, re.MULTILINE))


LINKING = [ROOT / "SECURITY.md", *PAGES]


@pytest.mark.parametrize("page", LINKING, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert dead_links(page, page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", LINKING, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_link_of_a_page_has_a_text_for_who_reads_the_file_itself(page: Path) -> None:
    assert re.findall(r"(?<!!)\[\]\([^)]*\)", _FENCED.sub("code", page.read_text(encoding="utf-8"))) == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    text = "[a](README.md) [b](docs/gone.md) [](docs/ports.md#by-url) [](docs/ports.md#no) `[c](x.md)` [d](https://x.y)"
    assert dead_links(ROOT / "README.md", text) == ["docs/gone.md", "docs/ports.md#no"]


def test_the_page_on_architecture_has_every_module_of_the_core() -> None:
    rows = section("docs/architecture.md", "Inside the core").partition("| subject |")[2].partition("\n\n")[0]
    modules = {module.name for module in pkgutil.iter_modules(cmux.protocol.__path__)}
    assert set(re.findall(r"`(\w+)`", rows)) == modules


@pytest.mark.pure("it follows octets from call to call, and compiled code tells of none")
@pytest.mark.skipif(sys.platform == "win32", reason="the module of this test runs on a pty")
@pytest.mark.parametrize("inwards", [True, False])
def test_the_page_on_architecture_shows_the_way_that_octets_take(inwards: bool) -> None:
    follow = runpy.run_path(str(ROOT / "tests/cmux/shells/test_octet_path.py"))["followed"]
    follow(inwards=inwards)  # the first frame with a header takes a longer way
    way = section("docs/architecture.md", "The way of an octet").split("```")[1 if inwards else 3]
    assert re.findall(r"cmux/(\S+\.py)", way) == follow(inwards=inwards).passing()


def test_the_glossary_has_the_words_of_the_specification_in_order() -> None:
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    blocks = [
        [line for line in block.splitlines() if line and line[0] != " "]
        for block in re.findall(r"```\{glossary\}\n(.*?)```", text, re.DOTALL)
    ]
    terms = {term for block in blocks for term in block}
    said = {one.name for one in COMMANDS.values()} | {"T1", "T2", "T3", "N1", "N2", "k"}
    said |= {kind.name for kind in FrameType if kind not in (FrameType.I, FrameType.RR, FrameType.RNR, FrameType.REJ)}
    said |= {name.upper() for name in Signals.__dataclass_fields__} | {role.value for role in Role}
    said |= {State.PARKED.value.lower(), Flag.STARVED.value}
    assert said - terms == set()
    for block in blocks:
        assert block == sorted(block, key=str.casefold)
