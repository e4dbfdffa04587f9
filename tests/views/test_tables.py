"""Tables and labelled texts on terminals of different widths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from snapall.views.tables import labelled, table_lines

HEAD = ("volume", "name", "date", "grade", "tags")
ROWS = [
    ("vmvol1", "vmware_recent", "Mar 22 03:00", "quiesced 19/19", ""),
    ("vmvol1", "vmware_previous", "Mar 21 03:00", "partial 18/19", ""),
]


def test_a_column_without_content_is_left_out() -> None:
    assert table_lines(HEAD, ROWS)[0].split() == ["volume", "name", "date", "grade"]
    assert table_lines(HEAD, [])[0].split() == list(HEAD)


def test_a_table_that_does_not_fit_moves_closer_together() -> None:
    wide = table_lines(HEAD, ROWS)
    lines = table_lines(HEAD, ROWS, max(map(len, wide)) - 1)
    assert len(lines) == len(wide)
    assert [line.split() for line in lines] == [line.split() for line in wide]


@pytest.mark.parametrize("width", [37, 40, 45])
def test_a_narrower_table_folds_texts_and_never_words(width: int) -> None:
    lines = table_lines(HEAD, ROWS, width)
    assert max(map(len, lines)) <= width
    assert len(lines) > 3
    assert any("vmware_previous" in line for line in lines)
    assert not set(" ".join(lines).split()) - set(" ".join([*HEAD, *map(" ".join, ROWS)]).split())  # no word is broken


def test_where_words_would_break_each_row_becomes_a_paragraph() -> None:
    lines = table_lines(HEAD, ROWS, 30)
    assert " ".join(line.strip() for line in lines[:4]) == (
        "volume vmvol1, name vmware_recent, date Mar 22 03:00, grade quiesced 19/19"
    )
    assert max(map(len, lines)) <= 30


@pytest.mark.parametrize("width", [0, 20, 60])
def test_what_a_label_names_stands_beside_it(width: int) -> None:
    first, *rest = labelled("  window  ", "VMs quiesced for 12.8 s", width)
    assert first.startswith("  window  VMs")
    assert all(line.startswith(" " * 10) and line[10] != " " for line in rest)
    assert bool(rest) == (width == 20)


@given(st.text(alphabet="ab漢字 \u0301\x1b", max_size=120), st.integers(20, 60))
def test_a_labelled_text_fits_its_width_and_loses_nothing(text: str, width: int) -> None:
    lines = labelled("a label: ", text, width)
    assert max(map(cell_len, lines)) <= width
    assert "".join(lines).replace(" ", "") == "alabel:" + text.replace("\x1b", "\\x1b").replace(" ", "")
