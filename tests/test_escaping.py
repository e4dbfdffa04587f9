from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.escaping import command_line, printable, windows_word
from snapall.site.excerpt import last_line, one_line, whole


@given(st.text())
def test_nothing_that_a_program_says_can_move_the_cursor(text: str) -> None:
    assert printable(text).isprintable()
    assert one_line(text).isprintable()
    assert last_line(text).isprintable()


def test_a_control_character_stays_legible() -> None:
    assert printable("a\x1b[2Jb") == "a\\x1b[2Jb"


def test_the_last_line_is_of_the_first_text_that_says_something() -> None:
    assert last_line("\n \n", "first\nlast \r\n\n") == "last"
    assert last_line("told", "not told") == "told"
    assert last_line("", "  ") == ""


def test_one_line_has_all_of_the_text() -> None:
    assert one_line("creating snapshot...\n", "Snapshot already exists.\n") == (
        "creating snapshot... / Snapshot already exists."
    )


def test_a_flood_is_cut() -> None:
    assert len(one_line("x" * 10_000)) == len(last_line("x" * 10_000)) == 500


def test_two_texts_never_run_into_one_line() -> None:
    assert whole("out", "", "err\n") == "out\nerr"


@pytest.mark.parametrize(
    ("word", "typed"),
    [
        ("C:\\snapall\\snapall.toml", "C:\\snapall\\snapall.toml"),
        ("C:\\Program Files\\x", '"C:\\Program Files\\x"'),
        ("C:\\R&D\\O'Neil", '"C:\\R&D\\O\'Neil"'),
        ("C:\\with blank\\", '"C:\\with blank\\\\"'),
        ('say "yes"', '"say \\"yes\\""'),
        ("(x86)", '"(x86)"'),
        ("a,b;c", '"a,b;c"'),
        ("@x", '"@x"'),
        ("", '""'),
    ],
)
def test_a_word_for_cmd_and_powershell_stands_in_double_quotes(word: str, typed: str) -> None:
    assert windows_word(word) == typed


WORDS = ["plain", "with blank", "R&D", "O'Neil", "a^b", "(x)", "a,b", "C:\\with blank\\", "<in >out |x"]


def test_the_shell_of_this_system_takes_a_shown_command_apart_as_it_was_meant(tmp_path: Path) -> None:
    code = "import json, sys; print(json.dumps(sys.argv[1:]))"
    script = tmp_path / ("shown.cmd" if sys.platform == "win32" else "shown")
    first = "@echo off" if sys.platform == "win32" else "#!/bin/sh"
    script.write_text(f"{first}\n{command_line([sys.executable, '-c', code, *WORDS])}\n")
    script.chmod(0o755)
    ran = subprocess.run([str(script)], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True)
    assert json.loads(ran.stdout) == WORDS
