"""The exit codes: each has a rank, and a row in every table of them."""

from __future__ import annotations

import re

import pytest

from snapall.errors import Exit, worst
from tests.docs.test_commands import ROOT


def test_every_exit_code_has_a_rank() -> None:
    assert {worst(code, Exit.OK) for code in Exit} == set(Exit)


@pytest.mark.parametrize("page", ["README.md", "docs/commands.md", "docs/operations.md"])
def test_the_tables_of_exit_codes_have_each_of_them(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)] == sorted(Exit)
