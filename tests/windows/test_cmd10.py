"""How Wine 10's programs are found in Debian's archive, and made to run under another Wine."""

from __future__ import annotations

from tests.windows.cmd10 import newer, without_mark

STANZAS = """\
Types: deb
# as of a day
URIs: http://mirror.example.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example.org/debian-security
Suites: bookworm-security
Components: main
"""
LINES = """\
deb http://mirror.example.org/debian bookworm main contrib
deb [arch=amd64] http://mirror.example.org/more bookworm main
deb http://mirror.example.org/debian-security bookworm-security main
deb https://packages.example.org/apt tools-bookworm main
# deb http://old.example.org/debian bookworm main
"""


def test_the_newer_suite_comes_from_the_machines_own_mirror() -> None:
    key = "/usr/share/keyrings/debian-archive-keyring.gpg"
    assert list(newer(STANZAS, "bookworm")) == [f"deb [signed-by={key}] http://mirror.example.org/debian trixie main"]


def test_sources_in_the_one_line_format_are_read_too() -> None:
    assert list(newer(LINES, "bookworm")) == [
        "deb http://mirror.example.org/debian trixie main",
        "deb [arch=amd64] http://mirror.example.org/more trixie main",
    ]


def test_a_program_without_the_mark_is_as_long_as_before() -> None:
    program = b"MZ\0\0Wine builtin DLL\0\0rest"
    assert without_mark(program) == b"MZ\0\0" + bytes(16) + b"\0\0rest"
