"""The simulation of the orders: that it runs, and that docs/order.md shows what it prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import order

PAGE = Path(__file__).parents[2] / "docs/order.md"


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    order.main(words)
    return capsys.readouterr().out.splitlines()


def test_the_same_seeds_print_the_same_tables(capsys: pytest.CaptureFixture[str]) -> None:
    first = printed(capsys, "--sites", "1")
    assert first == printed(capsys, "--sites", "1")


def test_the_page_has_every_row_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    page = {label(line) for line in PAGE.read_text(encoding="utf-8").splitlines()}
    assert {label(line) for line in printed(capsys, "--sites", "1")} - page == set()


def label(line: str) -> str:
    """The text before the figures."""
    return line.split("  ", maxsplit=1)[0]
