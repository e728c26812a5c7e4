"""What users write: cmux:// URLs, lines.toml, profiles, command lines, configurations.

Invariants:
1. A mistake is a `ValueError` (URL, `Config`) or a `CommandError` (file) that says where it is; nothing else is raised.
2. A command line ends with 2 and a line on stderr when it is wrong, as by an option of another command; it never ends
   with a traceback.
3. What is accepted is in the documented range: numbers are finite, rates and times are not negative.
4. A URL that `format_url` makes is read as what it was made of.
"""

from __future__ import annotations

import contextlib
import io
import math
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cmux.cli import main
from cmux.cli.line_options import from_file, keys
from cmux.cli.running import CommandError
from cmux.protocol.config import RANGES, Config, ConfigError
from cmux.settings import SETTINGS
from cmux.urls import format_url, parse_url

texts = st.text(max_size=12) | st.sampled_from(
    [
        "",
        "0",
        "-1",
        "1",
        "1e9",
        "inf",
        "-inf",
        "nan",
        "1e400",
        "0x10",
        "1_0",
        "²",
        "١",
        "true",
        "off",
        "none",
        "%00",
        "%",
        "a=b",
        "115200",
        "0.5",
        "basic",
        "test",
        "9" * 30,
        "9" * 5000,
        "\x00",
        "\r\n",
        "🙂",
        "/dev/null",
        "AT",
        '"',
        "'",
    ]
)
names = st.sampled_from(sorted(SETTINGS)) | st.text(max_size=8)
queries = st.lists(st.tuples(names, texts), max_size=5).map(
    lambda pairs: "&".join(f"{key}={value}" for key, value in pairs)
)
numbers = st.sampled_from(
    [-1, 0, 1, 2**31, 2**63, 10**30, -0.0, 0.5, 1e300, math.inf, -math.inf, math.nan, True, None, "1", b"1"]
)


def all_finite(values: object) -> None:
    for name, value in dict(values).items():  # type: ignore[call-overload]
        if isinstance(value, float):
            assert math.isfinite(value), name
        if isinstance(value, int | float) and not isinstance(value, bool):
            assert value >= 0, name


firsts = st.sampled_from(["?", ""]) | (st.integers(-1, 70).map(str) | texts).map(lambda dlci: f"?dlci={dlci}&")


any_urls = st.tuples(st.sampled_from(["cmux://", "CMUX://", "cmux:/", ""]), texts, firsts, queries).map("".join)
odd_numbers = st.sampled_from(["nan", "-1", "inf", "0", "1e400", "-0.1"])
urls_good_but_for_one = st.builds(
    "cmux:///dev/x?dlci=1&{}={}".format, st.sampled_from(sorted(SETTINGS)), odd_numbers | texts
)


@given(urls_good_but_for_one | any_urls)
def fuzz_urls(url: str) -> None:
    try:
        found = parse_url(url)
    except ValueError:
        return
    assert 1 <= found.dlci <= 61
    assert found.line
    all_finite(found.settings)


lines = st.text(min_size=1, max_size=20) | st.text("?&=%#:/+ 2Fa", min_size=1, max_size=12)


@given(lines.filter(lambda line: "\0" not in line), st.integers(1, 61))
def fuzz_a_url_that_is_made_is_read(line: str, dlci: int) -> None:
    found = parse_url(format_url(line, dlci))
    assert (found.line, found.dlci) == (line, dlci)


values = st.one_of(
    texts.map(lambda text: repr(text) if "'" not in text and text.isprintable() else '""'),
    numbers.map(str),
    st.sampled_from(
        ["true", "false", "[]", "[1, 2]", '["AT"]', "{}", "{ a = 1 }", "1979-05-27", "[[" * 2000, "inf", "nan", "-1"]
    ),
)
rows = st.tuples(st.sampled_from([*keys(), "nothing"]), values)
tables = st.lists(rows, max_size=6)
names_of_lines = st.text('abc.]" ', max_size=4)
good_but_for_one = rows.map(lambda row: [("a", [("port", '"/dev/x"'), row])])


@given(good_but_for_one | st.lists(st.tuples(names_of_lines, tables), max_size=3), st.just("") | st.text(max_size=10))
def fuzz_files_of_lines(lines: list[tuple[str, list[tuple[str, str]]]], junk: str) -> None:
    text = "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in table) for name, table in lines
    ) + junk  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "lines.toml")
        path.write_text(text, encoding="utf-8", errors="surrogateescape" if junk.isascii() else "replace")
        try:
            found = from_file(str(path))
        except CommandError as error:
            assert str(path) in str(error)
            return
    assert found
    for line in found:
        all_finite(line.settings)


@given(st.sampled_from(sorted(RANGES)), numbers)
def fuzz_configurations(name: str, value: object) -> None:
    try:
        made = Config(**{name: value})  # type: ignore[arg-type]
    except ConfigError:
        return
    low, high = RANGES[name]
    kept = getattr(made, name)
    assert not isinstance(kept, bool)
    assert kept is None or low <= kept <= high, (name, value)


arguments = st.lists(
    texts
    | st.sampled_from([f"--{name.replace('_', '-')}" for name in SETTINGS])
    | st.sampled_from(
        ["--format", "json", "--input", "raw", "--n1", "--dlci", "--help", "-v", "-q", "--version", "-o", "--"]
    ),
    max_size=5,
)


@given(st.sampled_from(["decode", "ports", "attach", "doctor", "terminal", "", "nothing"]), arguments)
def fuzz_command_lines(command: str, given_arguments: list[str]) -> None:
    """None of these has a port that exists; no system passes NUL to a program."""
    words = [word for word in given_arguments if not word.startswith(("/dev/", "-o")) and "\0" not in word]
    port = [] if command in ("decode", "ports", "") else ["/nowhere/at/all"]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([word for word in (command, *port, *words) if word])
        except SystemExit as error:  # argparse
            code = error.code if isinstance(error.code, int) else 2
    assert code in (0, 1, 2), code
    assert "Traceback" not in err.getvalue()
    assert code == 0 or err.getvalue()
    told = bool(out.getvalue()) and code == 0  # by --help and --version
    assert code or not port or told  # nothing else succeeds without a port
    if port and "--format" in words and "--" not in words:
        assert code == 2 or told
